"use strict";
// A section that cannot be shown must not take the others with it.
document.getElementById("switches").append(...["threat", "dataset", "recommender", "attack"].map(VB.axisSelect));
document.getElementById("switches").addEventListener("submit", (event) => event.preventDefault());
const tried = (show) => {
  try {
    show();
  } catch (error) {
    console.error(error);
  }
};
[VB.showAnswers, VB.showLeaderboard, VB.showTable1, VB.showTable2, VB.showCharts].forEach(tried);
document.documentElement.dataset.usable = "yes";
// What is further down comes one section at a time, so that a reader may scroll and choose meanwhile.
const later = [
  VB.showExample,
  () => { VB.gallery = new VB.Gallery(document.getElementById("images")); },
  VB.showLists, VB.showClaims, VB.showAccuracy, VB.showProvenance,
];
const next = () => {
  const show = later.shift();
  if (show) {
    tried(show);
    setTimeout(next);
    return;
  }
  document.documentElement.dataset.ready = "yes";
  // A link into the page was followed before its sections had their heights.
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
};
setTimeout(next);
