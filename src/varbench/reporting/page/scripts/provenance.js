"use strict";
// Claims and ablation, accuracy under attack, provenance and cost.
VB.showClaims = () => {
  const host = document.getElementById("decided");
  const words = (value) => (value === null ? "not decided" : value ? "holds" : "does not hold");
  const columns = (rows) => [
    { title: "Claim", field: "claim", left: true, shown: true },
    { title: "What is claimed", field: "statement", left: true, wrap: true, width: 270, shown: true },
    { title: "Tables", field: "tables", left: true, shown: true },
    { title: "Threat", field: "threat", left: true, shown: true, text: (name) => VB.label("threat", name) },
    { title: "Verdict", field: "holds", left: true, shown: true, text: words,
      node: (value) => VB.el("span", { class: `badge ${value === null ? "open" : value ? "good" : "bad"}` }, words(value)) },
    { title: "Evidence", field: "evidence", left: true, wrap: true, width: 430, shown: true },
  ].filter(({ field }) => rows.some((row) => row[field] !== undefined));
  for (const [name, caption] of [
    ["claims", "The paper's claims, decided on its own numbers and on ours."],
    ["ablation_claims", "The same claims under each protocol of the ablation."],
  ]) {
    const rows = VB.table(name);
    if (rows.length) new VB.Grid(host, { name, caption, notes: false, tall: 40 }).show(columns(rows), rows);
  }
  const agreement = VB.table("published_agreement");
  if (agreement.length) {
    host.append(VB.el("h3", {}, "How near to the published numbers"));
    new VB.Grid(host, { name: "agreement", notes: false,
      caption: "Cells that both have; share whose change under attack has the published sign; rank correlation." })
      .show([{ title: "Measure", field: "measure", shown: true }, { title: "Cells", field: "cells" },
        { title: "Same sign", field: "same_sign", text: (v) => VB.percent(v, 0) },
        { title: "Spearman", field: "spearman", text: (v) => VB.number(v, 2) }], agreement);
  }
  const ablation = VB.table("ablation");
  if (!ablation.length) return;
  const value = `chr_at_${VB.options.k}`;
  host.append(VB.el("h3", {}, "What each difference of protocol does"));
  new VB.Grid(host, { name: "ablation", notes: false, stubs: 5, tall: 30,
    caption: `CHR@${VB.options.k} of each cell under each protocol, its change against the same network's clean cell, ` +
      "and the difference from the same cell under the released code's protocol." })
    .show([VB.axisColumn("dataset"), VB.axisColumn("defense"), VB.axisColumn("attack"), VB.axisColumn("recommender"),
      { title: "Protocol", field: "protocol", shown: true },
      { title: "CHR", field: value, text: (v) => VB.number(v) },
      { title: "Change", field: "chr_change", text: (v) => VB.number(v, 4, true) },
      { title: "Difference", field: "difference", text: (v) => VB.number(v, 4, true) }], ablation);
};

VB.MEASURES = {
  hr: "HR", ndcg: "nDCG", auc: "AUC", coverage: "Coverage", gini: "Gini", novelty: "Novelty", popularity: "Popularity",
  category_ndcg: "Category nDCG", category_share: "Category share",
};
VB.showAccuracy = () => {
  const host = document.getElementById("accuracy");
  const table = VB.table("accuracy");
  if (!table.length) return;
  const { k, clean } = VB.options;
  const fields = Object.entries(VB.MEASURES)
    .map(([name, title]) => (name === "auc" ? [name, title] : [`${name}_at_${k}`, `${title}@${k}`]))
    .filter(([field]) => table.some((row) => typeof row[field] === "number"));
  host.append(VB.el("p", { class: "reading" }, "Does an attack cost the recommender anything that its owner would notice? " +
    "Beneath each number: its difference from the same network's clean cell. HR, nDCG and AUC are of each user's held-out " +
    "interaction (AUC 0.5 is chance); coverage: share of the catalogue that is shown to anyone; Gini: 0 where all items are " +
    "shown equally often; novelty: surprise of what is shown, in bits; popularity: interactions of what is shown."));
  const grid = new VB.Grid(host, { name: "accuracy", caption: "", stubs: 2, notes: false });
  const axes = ["threat", "dataset", "recommender"];
  VB.onChange(axes, () => {
    const own = table.filter((row) => VB.chosen(row, axes));
    const references = table.filter((row) => !row.defense && row.dataset === VB.state.dataset);
    const before = new Map(own.filter((row) => row.attack === clean).map((row) => [row.defense, row]));
    const columns = [
      { title: "Network", field: "defense", shown: true, text: (name, row) => name ? VB.label("defense", name) : VB.label("recommender", row.recommender) + " (reference)" },
      VB.axisColumn("attack"),
      ...fields.map(([field, title]) => ({
        title, field, plain: (value) => VB.number(value),
        node: (value, row) => {
          const start = before.get(row.defense)?.[field];
          const change = row.attack !== clean && typeof start === "number" && typeof value === "number";
          return VB.cellNode({ text: VB.number(value), under: [change ? VB.number(value - start, 4, true) : ""] });
        },
      })),
    ];
    grid.show(columns, [...own, ...references], {
      caption: `Accuracy and beyond: ${axes.map((axis) => VB.label(axis, VB.state[axis])).join(", ")}.` });
  });
};

VB.ofNetworks = (field) => field.startsWith("robust_accuracy")
  ? `at ε = ${field.split("_").at(-1)}`
  : { accuracy: "Seen as labelled", agreement: `Agrees with ${VB.label("defense", VB.options.undefended)}`, clean_accuracy: "Accuracy" }[field] || field.replaceAll("_", " ");
VB.showProvenance = () => {
  const host = document.getElementById("record");
  const { provenance, configuration } = VB.data;
  const facts = Object.entries(provenance).filter(([, value]) => typeof value !== "object" || value === null);
  if (facts.length) host.append(VB.factList(facts.map(([name, value]) => [name.replaceAll("_", " "), String(value ?? "–")])));
  for (const [name, value] of Object.entries(provenance).filter(([, v]) => v && typeof v === "object" && !Array.isArray(v))) {
    host.append(VB.el("details", {}, VB.el("summary", {}, name.replaceAll("_", " ")),
      VB.factList(Object.entries(value).map(([key, text]) => [key, String(text)]))));
  }
  if (Object.keys(configuration).length) {
    // JSON is YAML too, so this file may be run again as it is.
    const text = `${JSON.stringify(configuration, null, 2)}\n`;
    host.append(VB.el("details", {}, VB.el("summary", {}, "Configuration as run"),
      VB.el("p", {}, VB.el("button", { type: "button", onclick: () => VB.download("config.yaml", text) }, "Save as a file to run again")),
      VB.el("pre", { tabindex: "0" }, text)));
  }
  const networks = VB.table("extractors");
  if (networks.length) {
    const fields = Object.keys(networks[0]).filter((name) => /accuracy|agreement|mean_probability/.test(name));
    host.append(VB.el("h3", {}, "Networks"));
    new VB.Grid(host, { name: "networks", notes: false, stubs: 3, tall: 30, caption: "Seen as labelled: items of " +
      "the catalogue that the network takes for their own category. Accuracy, also at ε: of its validation images, clean and attacked." })
      .show([{ title: "Catalogue", field: "catalogue", shown: true }, VB.axisColumn("defense"), { title: "Run", field: "run", shown: true },
        ...fields.map((field) => ({ title: VB.ofNetworks(field), field, text: (v) => VB.percent(v) })),
        { title: "Flags", field: "flags", left: true, wrap: true, width: 260, shown: true, text: (v) => v || "–" }], networks);
  }
  const cost = VB.table("cost");
  if (!cost.length) return;
  host.append(VB.el("h3", {}, "Cost"));
  new VB.Grid(host, { name: "cost", notes: false, stubs: 2, tall: 30, caption: "Time, memory and gradient evaluations by stage, summed over jobs." })
    .show([{ title: "Stage", field: "stage", shown: true }, VB.axisColumn("attack"), { title: "Jobs", field: "jobs" },
      { title: "Wall (s)", field: "seconds", text: (v) => VB.number(v, 1) },
      { title: "CPU (s)", field: "cpu_seconds", text: (v) => VB.number(v, 1) },
      { title: "Peak memory (MB)", field: "peak_mb", text: (v) => VB.number(v, 0) },
      { title: "Gradient evaluations", field: "gradient_evaluations", text: (v) => VB.number(v, 0) }], cost);
};
