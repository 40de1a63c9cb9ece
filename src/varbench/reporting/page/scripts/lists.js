"use strict";
// Figure 1 from these results, and the lists of some users before and after.
VB.showExample = () => {
  const host = document.getElementById("figure1");
  const axes = ["threat", "dataset", "recommender"];
  VB.onChange(axes, () => {
    const example = VB.data.examples.find((one) => VB.chosen(one, axes));
    if (!example) return host.replaceChildren(VB.el("p", {}, "There are no ranks to choose an item by."));
    const { dataset, attack, item } = example;
    const found = VB.names("defense").map((defense) => VB.images.find({ dataset, defense, attack, item })).filter((i) => i !== null);
    const shown = found.map((i) => ({ row: VB.images.row(i), ranks: VB.images.ranks(i) }));
    const first = shown[0]?.row;
    if (!first) return host.replaceChildren();
    const column = (title, image, difference, facts) => VB.el("figure", { class: "column" },
      VB.el("figcaption", {}, VB.el("b", {}, title)), image, difference, VB.factList(facts));
    return host.replaceChildren(
      VB.el("p", { class: "reading" }, `${first.id} under ${VB.label("attack", attack)}. Chosen by rule: under the undefended ` +
        "network's strongest attack, the item whose mean rank improved most among those whose image fooled the network, or " +
        "among all if none did or the attack aims at no class."),
      VB.el("div", { class: "columns" },
        column("Clean", VB.image(VB.cleanImage("images", dataset, item), `${first.id}, clean`),
          VB.el("p", { class: "small" }, `The difference from the clean image × ${VB.options.amplification}, around grey:`),
          [["Seen as", `${first.class_before} (${VB.percent(first.probability_before, 0)})`]]),
        ...shown.map(({ row, ranks }) => column(`Attacked, ${VB.label("defense", row.defense)}`,
          VB.image(VB.attackedImage("images", row), `${row.id}, attacked under ${row.defense}`),
          VB.image(VB.attackedImage("thumbs", row, "_difference"), `Difference from the clean image × ${VB.options.amplification}`),
          VB.facts(row, ranks)))));
  });
};

VB.KINDS = {
  largest: "largest change", median: "in the middle of all users", none: "nothing changed",
};
VB.showLists = () => {
  const host = document.getElementById("users");
  const { rule, cells } = VB.data.lists;
  if (!cells || !cells.length) return;
  const axes = ["threat", "dataset", "recommender"];
  const local = { defense: VB.options.undefended };
  const body = VB.el("div", {});
  const attackedItems = new Map();
  const { columns, length } = VB.images.table;
  for (let i = 0; i < length; i += 1) {
    const dataset = VB.value(columns.dataset, i);
    if (!attackedItems.has(dataset)) attackedItems.set(dataset, new Set());
    attackedItems.get(dataset).add(columns.item.values[i]);
  }
  const list = (title, items, cell, attacked) => VB.el("div", {},
    VB.el("h4", {}, title),
    VB.el("ol", { class: "list" }, ...items.map((item, place) => {
      const own = attackedItems.get(cell.dataset)?.has(item);
      const src = own && attacked
        ? VB.attackedImage("thumbs", { ...cell, defense: local.defense, item })
        : VB.cleanImage("thumbs", cell.dataset, item);
      return VB.el("li", { class: own ? "attacked" : null },
        VB.image(src, `${place + 1}: item ${item}${own ? ", attacked category" : ""}`),
        VB.el("span", { class: "place", "aria-hidden": "true" }, String(place + 1)));
    })));
  const show = () => {
    const cell = cells.find((one) => VB.chosen(one, axes));
    if (!cell) return body.replaceChildren();
    return body.replaceChildren(
      VB.el("p", { class: "reading" }, `${VB.label("attack", cell.attack)}, ${VB.label("threat", cell.threat).toLowerCase()}, ` +
        `${VB.label("recommender", cell.recommender)}. Framed: the attacked items. ${rule}`),
      ...cell.users.map((user) => VB.el("article", { class: "card user" },
        VB.el("h3", {}, `${user.id}: ${VB.KINDS[user.kind]} (${VB.number(user.change, 0, true)} on ${VB.label("defense", VB.options.undefended)})`),
        list("Before", user.lists[local.defense].before, cell, false),
        list("After", user.lists[local.defense].after, cell, true))));
  };
  host.append(VB.el("div", { class: "choices" },
    VB.axisSelect("threat"),
    VB.select("Network", VB.names("defense").map((name) => [name, VB.label("defense", name)]),
      (name) => { local.defense = name; show(); }, { id: "lists-defense" })), body);
  host.querySelector("#lists-defense").value = local.defense;
  VB.onChange(axes, show);
};
