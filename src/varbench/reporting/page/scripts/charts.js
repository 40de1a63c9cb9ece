"use strict";
// Pictures by Vega: the rows that the switches choose, drawn when they come into view.
VB.AXIS_LABELS = ["threat", "dataset", "defense", "attack", "recommender"];

VB.Picture = class {
  constructor(host, picture) {
    Object.assign(this, picture);
    this.all = null;
    this.seen = false;
    this.place = VB.el("div", { class: "chart" });
    this.title2 = VB.el("h3", { id: `picture-${this.name}` }, this.title);
    this.what = VB.el("p", { class: "small" });
    host.append(VB.el("figure", { class: "picture", "aria-labelledby": `picture-${this.name}`, "data-picture": this.name },
      this.title2, this.what, this.place, VB.el("figcaption", {}, this.reading)));
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.seen = true;
      this.draw();
    }, { rootMargin: "600px" }).observe(this.place);
    VB.onChange(this.switches, () => this.draw());
  }

  async draw() {
    this.what.textContent = this.switches.map((axis) => VB.label(axis, VB.state[axis])).join(", ");
    if (!this.seen) return;
    this.all ||= VB.unpacked(this.rows).map((row) => ({
      ...row,
      ...Object.fromEntries(VB.AXIS_LABELS.filter((axis) => axis in row)
        .map((axis) => [`${axis}_label`, VB.label(axis, row[axis])])),
    }));
    const values = this.all.filter((row) => VB.chosen(row, this.switches));
    const spec = structuredClone(this.spec);
    spec.datasets = { rows: values };
    spec.description = `${this.title}. ${this.what.textContent}. ${this.reading}`;
    delete spec.config;
    const theme = structuredClone(VB.data.themes[VB.dark.matches ? "dark" : "light"]);
    if (this.place.clientWidth < 430) {
      theme.legend.columns = 2;
      theme.axisXDiscrete.labelAngle = -60;
    }
    const made = await vegaEmbed(this.place, spec, {
      mode: "vega-lite", renderer: "svg", ast: true, config: { ...theme, background: "transparent", font: "system-ui, sans-serif" },
      actions: { export: true, source: false, compiled: false, editor: false },
      downloadFileName: this.name, tooltip: { theme: VB.dark.matches ? "dark" : "light" },
    });
    this.view = made.view;
    const menu = this.place.querySelector("summary");
    if (menu) menu.setAttribute("aria-label", `Save the picture: ${this.title}`);
  }
};

VB.showCharts = () => {
  const host = document.getElementById("charts");
  VB.pictures = VB.data.pictures.map((picture) => new VB.Picture(host, picture));
  VB.dark.addEventListener("change", () => VB.pictures.forEach((picture) => picture.draw()));
};
