"use strict";
// The paper's two tables.
VB.flagged = () => {
  const flags = new Map();
  for (const row of VB.table("table2"))
    if (row.flags) flags.set(`${row.dataset}/${row.defense}/${row.attack}`, row.flags);
  return flags;
};
// Numbers footnotes in the order in which cells name them.
VB.Notes = class {
  constructor() { this.texts = []; }
  number(text) {
    if (!text) return null;
    if (!this.texts.includes(text)) this.texts.push(text);
    return this.texts.indexOf(text) + 1;
  }
};

// A cell: its value (in bold where it is the most effective), mark, footnote, and lines beneath.
VB.cellNode = ({ text, bold, mark, note, under = [] }) =>
  VB.el("span", { class: "cell" },
    bold ? VB.el("b", {}, text) : text,
    mark ? VB.el("span", { class: "mark", title: mark }, ` ${mark[0]}`) : null,
    note ? VB.el("sup", { title: `footnote ${note}` }, String(note)) : null,
    ...under.filter(Boolean).map((line) => VB.el("span", { class: "under" }, line)));

VB.showTable1 = () => {
  const host = document.getElementById("table1");
  const { k, clean } = VB.options;
  const value = `chr_at_${k}`;
  const all = VB.records(VB.data.table1);
  const byK = VB.data.chr_by_k ? VB.unpacked(VB.data.chr_by_k) : [];
  const ablation = VB.table("ablation");
  const published = new Map(VB.table("published").filter((row) => row.measure === "chr")
    .map((row) => [`${row.dataset}/${row.defense}/${row.attack}/${row.recommender}`, row.published]));
  const flags = VB.flagged();
  const local = { dataset: "", recommender: "", k: String(k), protocol: "", under: "interval" };
  const lengths = [...new Set(byK.map((row) => row.k))].sort((a, b) => a - b);
  const protocols = [...new Set(ablation.map((row) => row.protocol))];
  const grid = new VB.Grid(VB.el("div", {}), { name: "table1", caption: "", stubs: 2 });

  const source = () => {
    if (local.protocol)
      return ablation.filter((row) => row.protocol === local.protocol)
        .map((row) => ({ ...row, verdict: null, most_effective: false }));
    const own = all.filter((row) => row.threat === VB.state.threat);
    if (Number(local.k) === k) return own;
    const other = new Map(byK.filter((row) => row.threat === VB.state.threat && row.k === Number(local.k))
      .map((row) => [`${row.dataset}/${row.defense}/${row.attack}/${row.recommender}`, row.chr]));
    return own.map((row) => ({
      ...row, verdict: null, most_effective: false, [`${value}_low`]: null, [`${value}_high`]: null,
      [value]: other.get(`${row.dataset}/${row.defense}/${row.attack}/${row.recommender}`) ?? null,
    }));
  };

  // What the table notes of a cell, said once of what concerns a whole network, and its attack's flags.
  const doubts = (cell) => [cell.attack === clean || cell[value] === null ? cell.note : null,
    flags.get(`${cell.dataset}/${cell.defense}/${cell.attack}`)].filter(Boolean).join("; ");

  const show = () => {
    const notes = new VB.Notes();
    const rows = new Map();
    const cells = source().filter((row) =>
      (!local.dataset || row.dataset === local.dataset) &&
      (!local.recommender || row.recommender === local.recommender));
    const usual = Number(local.k) === k && !local.protocol;
    for (const cell of cells) {
      const place = `${cell.recommender}/${cell.attack}`;
      if (!rows.has(place)) rows.set(place, { recommender: cell.recommender, attack: cell.attack });
      const field = `${cell.dataset}/${cell.defense}`;
      rows.get(place)[field] = cell[value];
      rows.get(place)[`${field}/cell`] = cell;
    }
    const node = (field) => (number, row) => {
      const cell = row[`${field}/cell`];
      if (!cell) return document.createTextNode("–");
      const key = `${cell.dataset}/${cell.defense}/${cell.attack}`;
      const paper = published.get(`${key}/${cell.recommender}`);
      const under = {
        interval: usual ? VB.interval(cell, value, 4, false) : "",
        published: usual && paper !== undefined && VB.state.threat === "poisoning" ? `paper ${VB.number(paper)}` : "",
        spread: usual && cell[`${value}_sd`] !== null ? `SD ${VB.number(cell[`${value}_sd`])}` : "",
        none: "",
      }[local.under];
      return VB.cellNode({
        text: VB.number(number), bold: cell.most_effective,
        mark: cell.attack === clean ? null : VB.VERDICTS[cell.verdict],
        note: notes.number(doubts(cell)), under: [under],
      });
    };
    const plain = (field) => (number, row) => {
      const cell = row[`${field}/cell`];
      const mark = cell && cell.attack !== clean && VB.VERDICTS[cell.verdict];
      return cell ? `${VB.number(number)}${mark ? ` ${mark[0]}` : ""}` : "–";
    };
    const datasets = VB.names("dataset").filter((name) => cells.some((cell) => cell.dataset === name));
    const columns = [
      VB.axisColumn("recommender", "Model"), VB.axisColumn("attack"),
      ...datasets.map((dataset) => ({
        title: VB.label("dataset", dataset),
        columns: VB.names("defense").map((defense) => {
          const field = `${dataset}/${defense}`;
          return { title: VB.label("defense", defense), field, node: node(field), plain: plain(field) };
        }),
      })),
    ];
    // Footnotes are numbered as cells are drawn, which Tabulator does when it has the table.
    for (const cell of cells) notes.number(doubts(cell));
    const threat = local.protocol ? `protocol ${local.protocol}` : VB.label("threat", VB.state.threat).toLowerCase();
    const order = VB.names("recommender").flatMap((recommender) =>
      VB.names("attack").map((attack) => `${recommender}/${attack}`));
    grid.show(columns, order.filter((place) => rows.has(place)).map((place) => rows.get(place)), {
      caption: `CHR@${local.k}, ${threat}: items of the attacked category among a user's top ${local.k}, mean over ` +
        `users${VB.options.runs > 1 ? " and runs" : ""}. Bold: the most effective attack, and all that chance does not tell from it. ` +
        (usual ? "▲ raised, ▼ lowered, ○ not separable from the clean cell." : "Intervals and verdicts are those of " +
          `K = ${k} under the run's own protocol.`),
      notes: notes.texts,
    });
  };
  const change = (name) => (chosen) => { local[name] = chosen; show(); };
  const options = (axis) => [["", "All"], ...VB.names(axis).map((name) => [name, VB.label(axis, name)])];
  const under = [["interval", "interval"], ...(VB.options.runs > 1 ? [["spread", "SD between runs"]] : []),
    ...(published.size ? [["published", "the paper's number"]] : []), ["none", "nothing"]];
  host.append(
    VB.el("div", { class: "choices" },
      VB.axisSelect("threat"),
      VB.select("Dataset", options("dataset"), change("dataset"), { id: "table1-dataset" }),
      VB.select("Recommender", options("recommender"), change("recommender"), { id: "table1-recommender" }),
      lengths.length > 1 ? VB.select("K", lengths.map((n) => [String(n), String(n)]), change("k"), { id: "table1-k" }) : null,
      protocols.length ? VB.select("Protocol", [["", `as run (${VB.options.protocol})`],
        ...protocols.map((name) => [name, `ablation: ${name}`])], change("protocol"), { id: "table1-protocol" }) : null,
      VB.select("Beneath each number", under, change("under"), { id: "table1-under" }),
    ),
    grid.words.parentElement,
  );
  const lengthSelect = host.querySelector("#table1-k");
  if (lengthSelect) lengthSelect.value = String(k);
  VB.onChange(["threat"], show);
};

VB.showTable2 = () => {
  const host = document.getElementById("table2");
  const table = VB.table("table2");
  const stand = table.every((row) => row.lpips === null);
  const distance = stand ? "perceptual_stand_in" : "lpips";
  const label = [...new Set(table.map((row) => row.perceptual_label).filter(Boolean))].join(", ");
  const published = new Map(VB.table("published").filter((row) => row.measure !== "chr")
    .map((row) => [`${row.measure}/${row.dataset}/${row.defense}/${row.attack}`, row.published]));
  const flags = VB.flagged();
  const local = { dataset: "", under: "interval" };
  const grid = new VB.Grid(VB.el("div", {}), { name: "table2", caption: "", stubs: 2 });
  const measures = {
    success_rate: ["SR (%)", (v) => VB.number(v === null ? null : 100 * v, 2)],
    feature_loss: ["FL", (v) => VB.number(v, 7)],
    [distance]: [stand ? "Stand-in × 100" : "LPIPS × 100", (v) => VB.number(v === null ? null : 100 * v, 4)],
  };
  const best = (rows, measure, lowest) => {
    const found = new Map();
    for (const row of rows) {
      if (row[measure] === null) continue;
      const place = `${row.dataset}/${row.defense}`;
      const known = found.get(place);
      if (known === undefined || (lowest ? row[measure] < known : row[measure] > known)) found.set(place, row[measure]);
    }
    return found;
  };
  const show = () => {
    const notes = new VB.Notes();
    const cells = table.filter((row) => !local.dataset || row.dataset === local.dataset);
    const rows = new Map();
    for (const cell of cells) {
      const place = `${cell.dataset}/${cell.attack}`;
      if (!rows.has(place)) rows.set(place, { dataset: cell.dataset, attack: cell.attack });
      for (const measure of Object.keys(measures)) {
        rows.get(place)[`${cell.defense}/${measure}`] = cell[measure];
        rows.get(place)[`${cell.defense}/cell`] = cell;
      }
      notes.number(flags.get(`${cell.dataset}/${cell.defense}/${cell.attack}`));
    }
    const columns = [
      VB.axisColumn("dataset"), VB.axisColumn("attack"),
      ...VB.names("defense").map((defense) => ({
        title: VB.label("defense", defense),
        columns: Object.entries(measures).map(([measure, [title, text]]) => {
          const extreme = best(cells, measure, measure === distance);
          return {
            title, field: `${defense}/${measure}`, plain: (number) => text(number),
            node: (number, row) => {
              const cell = row[`${defense}/cell`];
              if (!cell) return document.createTextNode("–");
              const key = `${cell.dataset}/${cell.defense}/${cell.attack}`;
              const paper = published.get(`${measure}/${key}`);
              const [low, high] = [cell[`${measure}_low`], cell[`${measure}_high`]];
              const under = {
                interval: low === null || low === undefined ? "" : `[${text(low)}, ${text(high)}]`,
                published: paper === undefined || paper === null ? "" : `paper ${text(paper)}`, none: "",
              }[local.under];
              return VB.cellNode({
                text: text(number), bold: number !== null && number === extreme.get(`${cell.dataset}/${cell.defense}`),
                note: measure === "success_rate" ? notes.number(flags.get(key)) : null, under: [under],
              });
            },
          };
        }),
      })),
    ];
    grid.show(columns, [...rows.values()], {
      caption: "SR: share of the attacked images that the network takes for the target category. FL: mean squared " +
        `change of an image's features. ${stand ? "Stand-in" : "LPIPS"}: perceptual distance from the clean image, ${label}. ` +
        "Bold: highest SR and FL, lowest distance, on each dataset and network.",
      notes: notes.texts,
    });
  };
  const change = (name) => (chosen) => { local[name] = chosen; show(); };
  host.append(
    VB.el("div", { class: "choices" },
      VB.select("Dataset", [["", "All"], ...VB.names("dataset").map((name) => [name, VB.label("dataset", name)])],
        change("dataset"), { id: "table2-dataset" }),
      VB.select("Beneath each number", [["interval", "interval"],
        ...(published.size ? [["published", "the paper's number"]] : []), ["none", "nothing"]],
      change("under"), { id: "table2-under" })),
    grid.words.parentElement,
  );
  show();
};
