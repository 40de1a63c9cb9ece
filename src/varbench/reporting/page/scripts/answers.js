"use strict";
// What was found, at a glance and in words, and the leaderboard of defenses.
VB.MARKS = {
  yes: ["bad", "pushes"], no: ["good", "does not push"], "cannot tell": ["open", "cannot tell"],
  "stops it": ["good", "stops it"], "reduces it": ["half", "reduces it"],
  "does not stop it": ["bad", "does not stop it"],
};
VB.badge = (verdict) => {
  const [kind, text] = VB.MARKS[verdict] || ["open", verdict];
  return VB.el("span", { class: `badge ${kind}` }, text);
};

VB.showAnswers = () => {
  const found = VB.data.answers;
  const defenses = VB.names("defense").filter((name) => name !== VB.options.undefended);
  const head = ["Dataset", "Threat", "Model", `Attack on ${VB.label("defense", VB.options.undefended)}`,
    ...defenses.map((name) => VB.label("defense", name))];
  // A dataset and a threat are said once, for all rows that they have.
  const span = (at, ...axes) => {
    const alike = (other) => other && axes.every((axis) => other[axis] === found[at][axis]);
    if (alike(found[at - 1])) return 0;
    let last = at;
    while (alike(found[last + 1])) last += 1;
    return last - at + 1;
  };
  const pushed = (dataset) => {
    const { source_category: source, target_category: target } = VB.options.datasets[dataset];
    const images = VB.options.attacked[dataset];
    return `${source} → ${target}${images === undefined ? "" : `, ${images} images`}`;
  };
  const spanning = (axis, rowspan, ...content) => rowspan
    ? VB.el("th", { class: axis, scope: rowspan > 1 ? "rowgroup" : "row", rowspan }, ...content) : null;
  const rows = found.map((one, at) =>
    VB.el("tr", {},
      spanning("dataset", span(at, "dataset"), VB.label("dataset", one.dataset),
        VB.el("span", { class: "under" }, pushed(one.dataset))),
      spanning("threat", span(at, "dataset", "threat"), VB.label("threat", one.threat)),
      VB.el("td", {}, VB.label("recommender", one.recommender)),
      VB.el("td", {}, VB.badge(one.pushes)),
      ...defenses.map((name) => {
        const own = one.defenses.find(({ defense }) => defense === name);
        return VB.el("td", {}, own ? VB.badge(own.verdict) : "–");
      }),
    ),
  );
  document.getElementById("glance").append(
    VB.el("p", { class: "caption", id: "glance-caption" }, "Attackers change images of the first category, to pass " +
      "for the second or to please the recommender itself. Do they get into more users' lists, and does a hardened network stop it?"),
    VB.el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Findings at a glance" },
      VB.el("table", { class: "plain", "aria-describedby": "glance-caption" },
        VB.el("thead", {}, VB.el("tr", {}, ...head.map((text) => VB.el("th", { scope: "col" }, text)))),
        VB.el("tbody", {}, ...rows),
      ),
    ),
  );
  const cards = document.getElementById("cards");
  VB.onChange(["dataset"], () => {
    const own = found.filter((one) => one.dataset === VB.state.dataset);
    cards.replaceChildren(
      ...VB.names("threat").map((threat) => {
        const here = own.filter((one) => one.threat === threat);
        if (!here.length) return "";
        return VB.el("article", { class: "card" },
          VB.el("h3", {}, `${VB.label("dataset", VB.state.dataset)}, ${VB.label("threat", threat).toLowerCase()}`),
          ...here.flatMap((one) => [
            VB.el("h4", {}, VB.label("recommender", one.recommender), " ", VB.badge(one.pushes)),
            VB.el("p", {}, one.attack),
            VB.el("ul", {}, ...one.defenses.map((own2) =>
              VB.el("li", {}, VB.el("b", {}, VB.label("defense", own2.defense)), " ",
                VB.badge(own2.verdict), " ", own2.sentence))),
          ]),
          VB.el("p", { class: "small" }, here[0].note),
        );
      }),
    );
  });
};

VB.VERDICTS = { raised: "▲ raised", lowered: "▼ lowered", "not separable": "○ not separable" };
VB.interval = (row, value, digits = 3, sign = true) =>
  row[`${value}_low`] === null || row[`${value}_low`] === undefined ? ""
    : `[${VB.number(row[`${value}_low`], digits, sign)}, ${VB.number(row[`${value}_high`], digits, sign)}]`;

VB.showLeaderboard = () => {
  const k = VB.options.k;
  let notes = new VB.Notes();
  const board = VB.records(VB.data.leaderboard);
  const has = (field) => board.some((row) => row[field] !== null && row[field] !== undefined);
  const robust = Object.keys(board[0] || {}).filter((name) => name.startsWith("robust_accuracy"));
  const columns = [
    VB.axisColumn("defense"),
    { title: "Worst case", field: "change",
      plain: (value, row) => `${VB.number(value, 3, true)} ${VB.interval(row, "change")}`,
      node: (value, row) => VB.cellNode({ text: VB.number(value, 3, true), note: notes.number(row.doubts),
        under: [VB.interval(row, "change")] }) },
    { title: "by", field: "attack", left: true, shown: true, text: (name) => VB.label("attack", name) },
    { title: "Verdict", field: "verdict", left: true, shown: true,
      plain: (value, row) => (VB.VERDICTS[value] || "–") + (row.equivalent ? ", equivalent to none" : ""),
      node: (value, row) => VB.cellNode({ text: VB.VERDICTS[value] || "–", under: [row.equivalent ? "equivalent to none" : ""] }) },
    { title: "SR", field: "success_rate", text: (value) => VB.percent(value) },
    { title: "HR", field: `hr_at_${k}`, text: (value) => VB.number(value) },
    { title: "nDCG", field: `ndcg_at_${k}`, text: (value) => VB.number(value) },
    { title: "Accuracy", field: "clean_accuracy", text: (value) => VB.percent(value) },
    ...robust.map((name) => ({
      title: `at ε = ${name.split("_").at(-1)}`, field: name, text: (value) => VB.percent(value),
    })),
    { title: "Training (s)", field: "cost_seconds", text: (value) => VB.number(value, 0) },
  ].filter((column) => has(column.field));
  const grid = new VB.Grid(document.getElementById("leaderboard"), { name: "defenses", caption: "" });
  VB.onChange(["threat", "dataset", "recommender"], () => {
    const axes = ["threat", "dataset", "recommender"];
    const place = axes.map((axis) => VB.label(axis, VB.state[axis])).join(", ");
    const rows = board.filter((row) => VB.chosen(row, axes));
    notes = new VB.Notes();
    rows.forEach((row) => notes.number(row.doubts));
    grid.show(columns, rows, {
      notes: notes.texts,
      caption: `Defenses: ${place}. Worst case: largest change of CHR@${k}, with its ${100 * VB.options.confidence} % ` +
        "interval. SR: the largest share of attacked images that the network takes for the target category. " +
        `HR and nDCG: the recommender's at ${k}, on clean images. Accuracy: the network's, on clean validation images` +
        `${robust.length ? " and on attacked ones" : ""}.`,
    });
  });
};
