"use strict";
// A table as CSV, Markdown or LaTeX: {caption, header: [[{text, span}]], rows: [[text]]}.
VB.forms = {
  csv: (table) => {
    const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    // A spreadsheet takes what begins with these for a formula.
    const harmless = (text) => (/^[=@\t]/.test(text) ? `'${text}` : text);
    return [VB.flatHeader(table, " "), ...(table.values || table.rows)]
      .map((row) => row.map((text) => quoted(harmless(String(text ?? "")))).join(","))
      .join("\n")
      .concat("\n");
  },
  md: (table) => {
    const safe = (text) =>
      String(text)
        .replace(/[\\`*_{}[\]<>#|~]/g, "\\$&")
        .replace(/\s+/g, " ");
    const lines = [VB.flatHeader(table, " · "), ...table.rows].map(
      (row) => `| ${row.map(safe).join(" | ")} |`,
    );
    lines.splice(1, 0, `|${table.rows[0]?.map((_, i) => (i < table.stubs ? ":--" : "--:")).join("|")}|`);
    return `${safe(table.caption)}\n\n${lines.join("\n")}\n`;
  },
  tex: (table) => {
    const width = table.header.at(-1).length;
    const lines = table.header.map((level, depth) => {
      const last = depth === table.header.length - 1;
      return `${level
        .map(({ text, span }) =>
          !last && span > 1 ? `\\multicolumn{${span}}{c}{${VB.tex(text)}}` : VB.tex(text),
        )
        .join(" & ")} \\\\`;
    });
    const rows = table.rows.map((row) => `${row.map(VB.tex).join(" & ")} \\\\`);
    return [
      "% needs \\usepackage{booktabs}",
      "\\begin{table}",
      "\\centering",
      `\\caption{${VB.tex(table.caption)}}`,
      `\\begin{tabular}{${"l".repeat(table.stubs)}${"r".repeat(width - table.stubs)}}`,
      "\\toprule",
      ...lines,
      "\\midrule",
      ...rows,
      "\\bottomrule",
      "\\end{tabular}",
      "\\end{table}",
      "",
    ].join("\n");
  },
};
VB.flatHeader = (table, between) => {
  const columns = table.header.at(-1).map(() => []);
  for (const level of table.header) {
    let first = 0;
    for (const { text, span } of level) {
      for (let i = first; i < first + span; i += 1) if (text) columns[i].push(text);
      first += span;
    }
  }
  return columns.map((texts) => texts.join(between));
};
VB.TEX = {
  "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
  "<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", "–": "--", "−": "$-$",
  "ε": "$\\epsilon$", "×": "$\\times$", "·": "$\\cdot$", "▲": "$\\uparrow$", "▼": "$\\downarrow$",
  "○": "$\\circ$",
  ...Object.fromEntries([..."&%$#_{}"].map((character) => [character, `\\${character}`])),
};
VB.tex = (text) => [...String(text).replace(/\s+/g, " ")].map((c) => VB.TEX[c] || c).join("");

VB.download = (name, text, type = "text/plain") => {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = VB.el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
};
VB.copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = VB.el("textarea", { class: "visually-hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
};
// Buttons that copy or save what `get` returns.
VB.exportButtons = (name, get) => {
  const names = { csv: "CSV", tex: "LaTeX", md: "Markdown" };
  const bar = VB.el("div", { class: "exports", role: "group", "aria-label": `Save ${name}` });
  for (const [form, label] of Object.entries(names)) {
    const copy = async () => {
      await VB.copy(VB.forms[form](get()));
      VB.say(`${name} copied as ${label}`);
    };
    const save = () => VB.download(`${name}.${form}`, VB.forms[form](get()));
    bar.append(
      VB.el("span", { class: "pair" },
        VB.el("button", { type: "button", onclick: copy, "aria-label": `Copy ${name} as ${label}` },
          `Copy ${label}`),
        VB.el("button", { type: "button", onclick: save, title: `Save as ${name}.${form}`,
          "aria-label": `Save ${name} as ${label}` }, "↓"),
      ),
    );
  }
  return bar;
};
