"use strict";
// A sortable table by Tabulator. A column is {title, field, text(value, row), node(value, row),
// left, wrap, columns}; what is shown is a text or a node, what is sorted is row[field].
VB.Grid = class {
  constructor(host, { name, caption, stubs = 1, notes = true, tall = null }) {
    Object.assign(this, { name, caption, stubs, tall });
    this.place = VB.el("div", {});
    this.words = VB.el("p", { class: "caption", id: `${name}-caption` }, caption);
    this.notes = notes ? VB.el("ol", { class: "notes" }) : null;
    host.append(this.words, this.place, VB.exportButtons(name, () => this.exported()));
    if (notes) host.append(this.notes);
  }

  show(columns, rows, { caption = this.caption, notes = [], groupBy = null } = {}) {
    this.caption = caption;
    this.columns = columns;
    this.words.textContent = caption;
    if (this.table) this.table.destroy();
    const host = VB.el("div", { class: "grid" });
    this.place.replaceChildren(host);
    this.table = new Tabulator(host, {
      data: rows,
      columns: columns.map((column, i) => this.column(column, i < this.stubs)),
      nestedFieldSeparator: false,
      layout: "fitDataTable",
      autoResize: false, // a section that is hidden for a while must keep its rows
      renderVertical: this.tall && rows.length > this.tall ? "virtual" : "basic",
      ...(this.tall && rows.length > this.tall ? { maxHeight: 640 } : {}),
      renderHorizontal: "basic",
      columnHeaderSortMulti: false,
      headerSortTristate: true,
      placeholder: "Nothing to show",
      ...(groupBy ? { groupBy, groupHeader: (value) => VB.el("b", {}, String(value)) } : {}),
    });
    this.table.on("tableBuilt", () => {
      host.setAttribute("aria-labelledby", `${this.name}-caption`);
      VB.roles(host);
      VB.headerKeys(host);
    });
    if (this.notes) {
      this.notes.replaceChildren(...notes.map((note) => VB.el("li", {}, note)));
      this.notes.hidden = notes.length === 0;
    }
  }

  column(column, stub) {
    // Without a formatter of our own a title would be read as HTML.
    const titleFormatter = () => document.createTextNode(column.title);
    if (column.columns)
      return { title: column.title, titleFormatter, columns: column.columns.map((c) => this.column(c, false)) };
    const formatter = (cell) => {
      const row = cell.getData();
      if (column.node) return column.node(cell.getValue(), row);
      return document.createTextNode(column.text ? column.text(cell.getValue(), row) : cell.getValue() ?? "–");
    };
    return {
      title: column.title,
      titleFormatter,
      field: column.field,
      headerTooltip: column.help || false,
      hozAlign: stub || column.left ? "left" : "right",
      headerHozAlign: stub || column.left ? "left" : "right",
      sorter: (a, b) => VB.compare(a, b),
      formatter,
      variableHeight: true,
      cssClass: `${stub ? "stub" : ""} ${column.wrap ? "wrap" : ""}`.trim(),
      ...(column.width ? { width: column.width } : {}),
    };
  }

  leaves() {
    return this.columns.flatMap((column) => column.columns || [column]);
  }

  // What is shown, in its present order; `values` are the bare numbers, for CSV.
  exported() {
    const leaves = this.leaves();
    const rows = this.table.getData("active");
    const nested = this.columns.some((column) => column.columns);
    const top = this.columns.map((column) =>
      column.columns
        ? { text: column.title, span: column.columns.length }
        : { text: "", span: 1 },
    );
    const bottom = leaves.map((column) => ({ text: column.title, span: 1 }));
    const text = (column, row) =>
      column.plain ? column.plain(row[column.field], row)
        : column.text ? column.text(row[column.field], row) : row[column.field] ?? "–";
    return {
      caption: this.caption,
      stubs: this.stubs,
      header: nested ? [top, bottom] : [bottom],
      rows: rows.map((row) => leaves.map((column) => text(column, row))),
      values: rows.map((row) => leaves.map((column) =>
        column.shown ? text(column, row) : row[column.field])),
    };
  }
};
VB.compare = (a, b) => {
  const missing = (value) => value === null || value === undefined;
  if (missing(a) || missing(b)) return Number(missing(b)) - Number(missing(a));
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
};
// Tabulator's roles, mended: a grid has groups of rows, these have rows, and rows have cells.
VB.roles = (host) => {
  const set = (selector, role) => {
    for (const element of host.querySelectorAll(selector)) element.setAttribute("role", role);
  };
  set(".tabulator-header-contents, .tabulator-table, .tabulator-col-group, .tabulator-col-group-cols", "presentation");
  set(".tabulator-header, .tabulator-tableholder", "rowgroup");
  for (const group of host.querySelectorAll(".tabulator-col-group")) {
    for (const name of ["aria-sort", "aria-title"]) group.removeAttribute(name);
    const title = group.querySelector(".tabulator-col-title").textContent;
    for (const leaf of group.querySelectorAll(".tabulator-col:not(.tabulator-col-group)"))
      leaf.setAttribute("aria-label", `${title}: ${leaf.querySelector(".tabulator-col-title").textContent}`);
  }
  for (const header of host.querySelectorAll("[aria-title]")) header.removeAttribute("aria-title");
};
// Tabulator sorts by the mouse; a header that takes the focus sorts by Enter or the space bar.
VB.headerKeys = (host) => {
  for (const header of host.querySelectorAll(".tabulator-col.tabulator-sortable")) {
    header.tabIndex = 0;
    header.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      (header.querySelector(".tabulator-col-content") || header).click();
    });
  }
};
VB.axisColumn = (axis, title = VB.AXES[axis]) => ({
  title, field: axis, shown: true, text: (name) => VB.label(axis, name),
});
