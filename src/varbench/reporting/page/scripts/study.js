"use strict";
// Two-alternative forced choice: pairs in an order of the participant's own, answers kept here.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const key = `varbench-study-${data.study}`;
  const byId = (id) => document.getElementById(id);
  let state = null;
  let shownAt = 0;

  // Numbers in [0, 1) that a seed fixes (mulberry32): the file tells the order that was shown.
  const random = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const begin = () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0];
    const next = random(seed);
    const order = data.trials.map((_, index) => index);
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = Math.floor(next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    const sides = order.map(() => (next() < 0.5 ? "left" : "right"));
    return { study: data.study, participant: crypto.getRandomValues(new Uint32Array(2)).join("-"), seed,
      consented: new Date().toISOString(), finished: null, order, sides, answers: [] };
  };
  const keep = () => {
    try { localStorage.setItem(key, JSON.stringify(state)); } catch { /* a private window keeps nothing */ }
  };
  const kept = () => {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  };
  const show = (id) => {
    for (const section of document.querySelectorAll("section")) section.hidden = section.id !== id;
  };
  const next = async () => {
    const at = state.answers.length;
    if (at === state.order.length) {
      state.finished ||= new Date().toISOString();
      keep();
      show("end");
      byId("save").focus();
      return;
    }
    const trial = data.trials[state.order[at]];
    const images = { attacked: trial.attacked, clean: trial.clean };
    const left = state.sides[at] === "left" ? "attacked" : "clean";
    const [one, other] = document.querySelectorAll(".pair-of-images img");
    one.src = images[left];
    other.src = images[left === "attacked" ? "clean" : "attacked"];
    byId("progress").textContent = `Pair ${at + 1} of ${state.order.length}`;
    show("trial");
    await Promise.all([one.decode(), other.decode()]).catch(() => {});
    shownAt = performance.now();
  };
  const answer = (side) => {
    if (byId("trial").hidden) return;
    const at = state.answers.length;
    const { clean, attacked, ...names } = data.trials[state.order[at]];
    state.answers.push({ ...names, attacked_side: state.sides[at], answer: side,
      milliseconds: Math.round(performance.now() - shownAt) });
    keep();
    next();
  };
  byId("begin").addEventListener("click", () => { state = begin(); keep(); next(); });
  for (const button of document.querySelectorAll("[data-side]"))
    button.addEventListener("click", () => answer(button.dataset.side));
  document.addEventListener("keydown", (event) => {
    if (event.repeat) return;
    if (event.key === "1") answer("left");
    if (event.key === "2") answer("right");
  });
  byId("save").addEventListener("click", () => {
    const { order, sides, ...saved } = state;
    const url = URL.createObjectURL(new Blob([JSON.stringify(saved, null, 1)], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `study-${state.participant}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  byId("again").addEventListener("click", () => {
    try { localStorage.removeItem(key); } catch { /* nothing was kept */ }
    state = null;
    show("consent");
  });
  state = kept();
  if (state && state.order.length === data.trials.length) next();
  else state = null;
  document.documentElement.dataset.ready = "yes";
})();
