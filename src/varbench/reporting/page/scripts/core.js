"use strict";
// What all sections share: the data, names, numbers as text, and the switches.
const VB = {};

VB.data = JSON.parse(document.getElementById("data").textContent);
VB.options = VB.data.options;

// Elements are made, never parsed: a text from outside stays a text.
VB.el = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

// Rows of a table that came as {columns, rows}, or column by column.
VB.records = (table) =>
  table
    ? table.rows.map((row) => Object.fromEntries(table.columns.map((name, i) => [name, row[i]])))
    : [];
VB.value = (column, row) => (column.texts ? column.texts[column.values[row]] : column.values[row]);
VB.unpacked = (table) => {
  const names = Object.entries(table.columns);
  return Array.from({ length: table.length }, (_, row) =>
    Object.fromEntries(names.map(([name, column]) => [name, VB.value(column, row)])),
  );
};
VB.table = (name) => VB.records(VB.data.tables[name]);

VB.label = (axis, name) =>
  name === null || name === undefined ? "–" : (VB.options.labels[axis] || {})[name] || String(name);
VB.AXES = {
  threat: "Threat",
  dataset: "Dataset",
  recommender: "Recommender",
  attack: "Attack",
  defense: "Network",
};
VB.names = (axis) => VB.options.axes[`${axis}s`];
VB.attacks = VB.names("attack").filter((name) => name !== VB.options.clean);

VB.number = (value, digits = 4, sign = false) => {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const text = Math.abs(value).toFixed(digits);
  const zero = Number(text) === 0;
  if (value < 0 && !zero) return `−${text}`;
  return sign && !zero ? `+${text}` : text;
};
VB.precise = (value, digits = 3) => {
  if (value === null || value === undefined) return "–";
  return Number(value.toPrecision(digits)).toString().replace("-", "−");
};
VB.percent = (value, digits = 1) =>
  value === null || value === undefined ? "–" : `${VB.number(100 * value, digits)} %`;

// The switches: one name of each axis is shown at a time.
VB.state = {
  threat: VB.names("threat")[0],
  dataset: VB.names("dataset")[0],
  recommender: VB.names("recommender")[0],
  attack: VB.options.strongest,
};
VB.listeners = [];
VB.onChange = (axes, listener) => {
  VB.listeners.push({ axes, listener });
  listener();
};
VB.set = (axis, name) => {
  if (VB.state[axis] === name) return;
  VB.state[axis] = name;
  for (const select of document.querySelectorAll(`select[data-axis="${axis}"]`))
    select.value = name;
  for (const { axes, listener } of VB.listeners) if (axes.includes(axis)) listener();
};
VB.chosen = (row, axes) => axes.every((axis) => row[axis] === VB.state[axis]);

// A select with its label; options are [value, text].
VB.select = (label, options, onchange, attributes = {}) => {
  const select = VB.el(
    "select",
    { ...attributes, onchange: (event) => onchange(event.target.value) },
    ...options.map(([value, text]) => VB.el("option", { value }, text)),
  );
  return VB.el("label", { class: "choice" }, VB.el("span", {}, label), select);
};
VB.axisSelect = (axis) => {
  const names = axis === "attack" ? VB.attacks : VB.names(axis);
  const options = names.map((name) => [name, VB.label(axis, name)]);
  const made = VB.select(VB.AXES[axis], options, (name) => VB.set(axis, name), {
    "data-axis": axis,
  });
  made.querySelector("select").value = VB.state[axis];
  made.hidden = names.length < 2;
  return made;
};
VB.say = (text) => {
  document.getElementById("said").textContent = text;
};
VB.dark = window.matchMedia("(prefers-color-scheme: dark)");
