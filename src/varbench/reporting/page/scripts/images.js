"use strict";
// Where pictures lie, and the figure of a clean image beside its attacked one.
VB.file = (item) => String(item).padStart(6, "0");
VB.cleanImage = (kind, dataset, item) =>
  `${kind}/${encodeURIComponent(dataset)}/clean/${VB.file(item)}.${kind === "images" ? "png" : "webp"}`;
VB.attackedImage = (kind, { dataset, defense, attack, item }, difference = "") =>
  `${kind}/${[dataset, defense, attack].map(encodeURIComponent).join("/")}/${VB.file(item)}${difference}.` +
  (kind === "images" && !difference ? "png" : "webp");
// Somebody may have copied the page without its folders, or see it in a report that has none.
document.addEventListener("error", (event) => {
  if (event.target.tagName !== "IMG") return;
  document.getElementById("missing").textContent = "Pictures are missing here. They lie in the folders " +
    "images and thumbs beside this page in results/report: copy or open that whole folder.";
}, { capture: true });
VB.image = (src, alt) => VB.el("img", { src, alt, loading: "lazy", decoding: "async" });

// Rows of the gallery, unpacked one at a time: there may be many thousands.
VB.images = {
  table: VB.data.gallery.images,
  row(i) {
    return Object.fromEntries(Object.entries(this.table.columns).map(([name, column]) => [name, VB.value(column, i)]));
  },
  ranks(i, threat = VB.state.threat, recommender = VB.state.recommender) {
    const columns = VB.data.gallery.ranks[`${threat}/${recommender}`] || {};
    return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.values[i]]));
  },
  find({ dataset, defense, attack, item }) {
    const { columns, length } = this.table;
    for (let i = 0; i < length; i += 1)
      if (columns.item.values[i] === item && VB.value(columns.dataset, i) === dataset &&
          VB.value(columns.defense, i) === defense && VB.value(columns.attack, i) === attack) return i;
    return null;
  },
};
VB.facts = (row, ranks) => [
  ["Seen as", `${row.class_before} (${VB.percent(row.probability_before, 0)}) → ${row.class_after} (${VB.percent(row.probability_after, 0)})`],
  ["Attack", row.success === null ? "aims at no class" : row.success ? "succeeded" : "failed"],
  ["Mean rank", `${VB.number(ranks.mean_rank_before, 1)} → ${VB.number(ranks.mean_rank_after, 1)}`],
  [`HR@${VB.options.k}`, `${VB.number(ranks.hr_before, 3)} → ${VB.number(ranks.hr_after, 3)}`],
  [row.distance_label || "Distance", VB.precise(row.distance)],
  ["L∞ (of 255)", VB.precise(row.l_inf)],
  ["L2", VB.precise(row.l_2)],
];
VB.factList = (facts) =>
  VB.el("dl", { class: "facts" }, ...facts.flatMap(([name, text]) => [VB.el("dt", {}, name), VB.el("dd", {}, text)]));
