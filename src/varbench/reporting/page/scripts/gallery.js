"use strict";
// Every attacked image: filter, sort, a grid that grows as it is scrolled, full screen by keyboard.
VB.Gallery = class {
  constructor(host) {
    this.filter = { dataset: "", defense: "", attack: "", outcome: "", text: "" };
    this.sort = "gain";
    this.step = 30;
    this.list = VB.el("ul", { class: "cards" });
    this.count = VB.el("p", { class: "reading", role: "status" });
    this.end = VB.el("button", { type: "button", class: "more", onclick: () => this.more() }, "Show more");
    host.append(this.controls(), this.count, this.list, this.end);
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting) || !this.drawn) return;
      this.more();
      // Where that did not fill a large screen it is asked again.
      observer.unobserve(this.end);
      observer.observe(this.end);
    }, { rootMargin: "800px" });
    observer.observe(this.end);
    VB.onChange(["threat", "recommender"], () => this.apply());
  }

  controls() {
    const options = (axis, names) => [["", "All"], ...names.map((name) => [name, VB.label(axis, name)])];
    const set = (name) => (value) => { this.filter[name] = value; this.apply(); };
    const search = VB.el("input", { type: "search", id: "gallery-text",
      oninput: (event) => { this.filter.text = event.target.value.toLowerCase(); this.apply(); } });
    return VB.el("div", { class: "choices" },
      VB.select("Dataset", options("dataset", VB.names("dataset")), set("dataset"), { id: "gallery-dataset" }),
      VB.select("Network", options("defense", VB.names("defense")), set("defense"), { id: "gallery-defense" }),
      VB.select("Attack", options("attack", VB.attacks), set("attack"), { id: "gallery-attack" }),
      VB.select("Outcome", [["", "All"], ["1", "succeeded"], ["0", "failed"]], set("outcome"), { id: "gallery-outcome" }),
      VB.select("Sort by", [["gain", "places gained"], ["", "as attacked"], ["distance", "perceptual distance"],
        ["probability_after", "probability after"], ["l_2", "L2"], ["l_inf", "L∞"]],
      (value) => { this.sort = value; this.apply(); }, { id: "gallery-sort" }),
      VB.el("label", { class: "choice" }, VB.el("span", {}, "Item or class"), search));
  }

  // The indexes of the images that pass, in order.
  chosen() {
    const { columns, length } = VB.images.table;
    const wanted = ["dataset", "defense", "attack"].filter((axis) => this.filter[axis])
      .map((axis) => [columns[axis].values, (columns[axis].texts || []).indexOf(this.filter[axis])]);
    const { text, outcome } = this.filter;
    const texts = ["id", "class_before", "class_after"].map((name) => columns[name]);
    const matching = text ? texts.map((column) => column.texts.map((one) => one.toLowerCase().includes(text))) : null;
    const found = [];
    for (let i = 0; i < length; i += 1) {
      if (wanted.some(([values, code]) => values[i] !== code)) continue;
      if (outcome && columns.success.values[i] !== Number(outcome)) continue;
      if (matching && !matching.some((hits, t) => hits[texts[t].values[i]])) continue;
      found.push(i);
    }
    if (this.sort) {
      const key = this.key();
      found.sort((a, b) => key(b) - key(a));
    }
    return found;
  }

  key() {
    if (this.sort !== "gain") {
      const { values } = VB.images.table.columns[this.sort];
      return (i) => values[i] ?? -Infinity;
    }
    const ranks = VB.data.gallery.ranks[`${VB.state.threat}/${VB.state.recommender}`];
    if (!ranks) return () => 0;
    const gain = (i) => ranks.mean_rank_before.values[i] - ranks.mean_rank_after.values[i];
    return (i) => (Number.isFinite(gain(i)) ? gain(i) : -Infinity);
  }

  apply() {
    this.found = this.chosen();
    this.drawn = 0;
    this.list.replaceChildren();
    this.more();
    const whole = VB.images.table.length;
    this.count.textContent = `${this.found.length} of ${whole} images of the first run. Each: clean, attacked, and ` +
      `their difference × ${VB.options.amplification}. Ranks: ${VB.label("threat", VB.state.threat).toLowerCase()}, ` +
      `${VB.label("recommender", VB.state.recommender)}.`;
  }

  more() {
    const next = this.found.slice(this.drawn, this.drawn + this.step);
    this.list.append(...next.map((i, at) => this.card(i, this.drawn + at)));
    this.drawn += next.length;
    this.end.hidden = this.drawn >= this.found.length;
  }

  card(i, at) {
    const row = VB.images.row(i);
    const ranks = VB.images.ranks(i);
    const title = `${VB.label("attack", row.attack)} on ${VB.label("defense", row.defense)}`;
    return VB.el("li", {},
      VB.el("button", { type: "button", class: "tile", onclick: () => VB.fullScreen(this.found, at),
        "aria-label": `${row.id}, ${title}, ${VB.label("dataset", row.dataset)}: open` },
        VB.el("span", { class: "three" },
          VB.image(VB.cleanImage("thumbs", row.dataset, row.item), ""),
          VB.image(VB.attackedImage("thumbs", row), ""),
          VB.image(VB.attackedImage("thumbs", row, "_difference"), "")),
        VB.el("span", { class: "tile-title" }, title, row.success ? VB.el("span", { class: "badge bad" }, "fooled") : null),
        VB.el("span", { class: "small" }, `${row.class_before} → ${row.class_after}`),
        VB.el("span", { class: "small" }, `rank ${VB.number(ranks.mean_rank_before, 0)} → ${VB.number(ranks.mean_rank_after, 0)}`,
          `, distance ${VB.precise(row.distance)}`),
        VB.el("span", { class: "small id" }, row.id)));
  }
};

VB.slide = (i) => {
  const row = VB.images.row(i);
  const images = [VB.cleanImage("images", row.dataset, row.item), VB.attackedImage("images", row)];
  const layers = () => images.map((src, n) => VB.el("img", { src, alt: n ? "attacked" : "clean" }));
  const slider = VB.el("div", { class: "slider" }, ...layers());
  const range = VB.el("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "How much of the attacked image is shown" });
  const cut = () => slider.style.setProperty("--cut", `${range.value}%`);
  range.addEventListener("input", cut);
  // The arrow keys and a drag move the slider here, not the slide.
  for (const name of ["keydown", "pointerdown", "touchstart", "mousedown"])
    range.addEventListener(name, (event) => { if (event.key !== "Escape") event.stopPropagation(); });
  cut();
  const [clean, attacked] = layers();
  const frame = (node, text) => VB.el("figure", {}, node, VB.el("figcaption", {}, text));
  return VB.el("div", { class: "slide" },
    VB.el("p", { class: "slide-title" }, `${row.id}: ${VB.label("attack", row.attack)} on ${VB.label("defense", row.defense)}, ${VB.label("dataset", row.dataset)}`),
    VB.el("div", { class: "slide-images" },
      frame(clean, "clean"), frame(attacked, "attacked"),
      frame(VB.el("img", { src: VB.attackedImage("images", row, "_difference"), alt: "difference" }),
        `difference × ${VB.options.amplification}, around grey`),
      frame(slider, VB.el("span", {}, "clean ", range, " attacked"))),
    VB.factList(VB.facts(row, VB.images.ranks(i))));
};

VB.fullScreen = (indexes, at) => {
  const viewer = new PhotoSwipe({ index: at, bgOpacity: 0.96, loop: false, dataSource: [], preload: [1, 1], wheelToZoom: false, clickToCloseNonZoomable: false, closeOnVerticalDrag: false });
  viewer.addFilter("numItems", () => indexes.length);
  viewer.addFilter("itemData", (_, index) => ({ type: "attacked", image: indexes[index] }));
  viewer.on("contentLoad", (event) => {
    if (event.content.type !== "attacked") return;
    event.preventDefault();
    event.content.element = VB.slide(event.content.data.image);
  });
  viewer.init();
};
