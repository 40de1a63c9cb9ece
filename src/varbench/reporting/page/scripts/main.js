"use strict";
// A section that cannot be shown must not take the others with it.
document.getElementById("switches").append(...["threat", "dataset", "recommender", "attack"].map(VB.axisSelect));
document.getElementById("switches").addEventListener("submit", (event) => event.preventDefault());
for (const show of [
  VB.showAnswers, VB.showLeaderboard, VB.showTable1, VB.showTable2, VB.showCharts, VB.showExample,
  () => { VB.gallery = new VB.Gallery(document.getElementById("images")); },
  VB.showLists, VB.showClaims, VB.showAccuracy, VB.showProvenance,
]) {
  try {
    show();
  } catch (error) {
    console.error(error);
  }
}
document.documentElement.dataset.ready = "yes";
