"""No result is ever stale: whatever changes in a configuration, the jobs that read it run again."""

import re
from functools import cache
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

import grid
import leaves
from invalidation import Workflows, reached
from varbench.experiment.protocol import SWITCHES

TABLE = yaml.safe_load((grid.BASE / "resources" / "readers.yaml").read_text())

# Laid over config.yaml. Small, yet with two networks, an ablation, and something for every rule.
# Seeds are no larger than a number of runs may be, for the two change places.
EMBEDDED = """
seed: 3
runs: 1
catalogues:
  mini_women: null
  spare: {source: {method: generated, unpopular: sandal, popular: running shoe, seed: 3}}
datasets:
  mini_women: null
defenses: {AT: null}
attacks:
  fgsm_8: null
  pgd_4: null
  pgd_8: null
  noise_8: null
  pgd: {method: pgd, epsilon: 2, step_size: 1, steps: 3}
ablation:
  {defenses: [FAT], attacks: [cw], recommenders: [vbpr], protocols: [corrected, as_published]}
"""
# In place of config.yaml: the other methods, networks that are loaded, and images from elsewhere.
OTHERS = """
seed: 3
catalogues:
  shop: {source: {method: folder, path: shop}, core_items: 2}
  men: {source: {method: amazon_authors, path: archive.zip, dataset: men}}
  spare: {source: {method: amazon_partitioned, path: women.npy}}
datasets:
  shop:
    {catalogue: shop, source_category: sandal, target_category: running shoe, attacked: {items: 3}}
  men: {catalogue: men, source_category: jersey, target_category: brassiere}
extractor: {architecture: squeezenet1_1, classes: resources/classes_imagenet1k.txt}
training_images: {catalogue: shop}
defenses:
  T: {method: pretrained, weights: T.pt}
  other: {method: pretrained, weights: other.pt}
  AT: {method: adversarial, starts_from: T, epochs: 3, step_size: 1}
attacks:
  none: {method: none}
  mi_fgsm: {method: mi_fgsm, epsilon: 4, step_size: 1}
  apgd: {method: apgd, epsilon: 4, crafted_on: other}
  expa: {method: expa, epsilon: 4}
  ddn: {method: ddn}
  noise: {method: noise, epsilon: 4}
  sign: {method: wb_sign, epsilon: 4, guide: {recommender: vbpr}}
  ceiling: {method: ceiling}
recommenders:
  bpr_mf: {method: bpr_mf}
  vbpr: {method: vbpr}
  other: {method: vbpr, epochs: 5}
threats: [poisoning, evasion]
grid: {datasets: [shop, men], defenses: [T, AT], recommenders: [bpr_mf, vbpr]}
perceptual: {network: squeeze, weights: squeeze.pth}
ablation: {datasets: [shop], attacks: [ddn], recommenders: [vbpr], protocols: [corrected]}
"""
FOLDER = """
recommender_seeds: 2
training_images: {catalogue: null, folder: imagenet}
datasets: {men: null}
attacks:
  fgsm: {method: fgsm, epsilon: 4}
  mi_fgsm: null
  apgd: null
  ddn: null
  expa: null
  noise: null
  sign: null
defenses: {other: null}
recommenders: {other: null, bpr_mf: null}
grid: {datasets: null, defenses: null, recommenders: null}
ablation: {attacks: [fgsm]}
"""


def configuration(*texts: str) -> dict[str, Any]:
    """Lay configurations over one another, and complete them."""
    whole: dict[str, Any] = {}
    for text in texts:
        update_config(whole, yaml.safe_load(text))
    found = leaves.valid(whole)
    assert found is not None
    return found


CONFIGURATIONS = {
    "embedded": configuration((grid.BASE / "config.yaml").read_text(), EMBEDDED),
    "other methods": configuration(OTHERS),
    "a folder": configuration(OTHERS, FOLDER),
}
# What says nothing in a configuration, because of what it says elsewhere.
MOOT = {
    "embedded": [
        "catalogues.spare.*",  # no dataset is of it
        "catalogues.spare.*.*",
        "perceptual.network",  # the stand-in has none
    ],
    "other methods": [
        "catalogues.spare.*",
        "catalogues.spare.*.*",
        "training_images.per_category",  # none are drawn
        "training_images.seed",
        "recommenders.other.*",  # not in its grid
    ],
    "a folder": [
        "catalogues.men.*",
        "catalogues.men.*.*",
        "catalogues.spare.*",
        "catalogues.spare.*.*",
        "training_images.per_category",
        "training_images.seed",
        "training_images.validation",  # a folder has its own half
    ],
}


def targets(path: leaves.Path_) -> list[str]:
    """Return what is asked for: where a switch changes, the ablation's cells have other names."""
    switched = path[0] == "protocol" or path[-1] in {s.parameter for s in SWITCHES.values()}
    return ["all"] if switched else ["all", "ablation", "tune"]


def readers(path: leaves.Path_, present: set[str]) -> tuple[set[str], set[str]]:
    """Return the rules that read a value by the table, and those that may read it."""
    for pattern, rules in TABLE.items():
        if leaves.matches(pattern, path):
            if rules == "every":
                return set(), present
            always, more = (
                (rules["always"], rules["sometimes"]) if isinstance(rules, dict) else (rules, [])
            )
            return {*always} & present, {*always, *more} & present
    raise AssertionError(f"{'.'.join(path)}: resources/readers.yaml does not say who reads it")


@pytest.fixture(scope="module")
def workflows(tmp_path_factory):
    monkeypatch = pytest.MonkeyPatch()
    yield Workflows(tmp_path_factory.mktemp("workflow") / "checkout", monkeypatch)
    monkeypatch.undo()


@cache
def changes(name: str) -> dict[leaves.Path_, leaves.Config | None]:
    """Return for every value of a configuration the one in which it is another, if there is one."""
    config = CONFIGURATIONS[name]
    return {path: leaves.changed(config, path) for path in leaves.leaves(config)}


class Comparison:
    """A configuration, and what was found when values of it were others."""

    def __init__(self, workflows: Workflows, name: str) -> None:
        self.config = CONFIGURATIONS[name]
        self._moot = MOOT[name]
        self._workflows = workflows
        self._before = {
            one: workflows.jobs(self.config, *one)
            for one in (("all",), ("all", "ablation", "tune"))
        }
        self.wrong: dict[str, str] = {}

    def of(self, other: leaves.Config, *paths: leaves.Path_) -> None:
        """Note where the rules that are reached are not those of the table."""
        asked = tuple(targets(paths[0]))
        before, after = self._before[asked], self._workflows.jobs(other, *asked)
        present = {one.job[0] for jobs in (before, after) for one in jobs.values()}
        expected, possible = set(), set()
        for path in paths:
            if not any(leaves.matches(pattern, path) for pattern in self._moot):
                always, sometimes = readers(path, present)
                expected |= always
                possible |= sometimes
        found = {rule for rule, _ in reached(before, after)}
        # The page shows all that results depend on, be it moot or not.
        shown = {"make_page"} if {path[0] for path in paths} - {"device", "threads"} else set()
        expected, possible = expected | shown, possible | shown
        if not expected <= found <= possible:
            key = " and ".join(".".join(path) for path in paths)
            missing, more = sorted(expected - found), sorted(found - possible)
            self.wrong[key] = f"stale: {missing}; not in the table: {more}"


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_value_reaches_the_rules_that_read_it(workflows, name):
    comparison = Comparison(workflows, name)
    for path, other in changes(name).items():
        if other is not None:
            comparison.of(other, path)
    assert comparison.wrong == {}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_values_that_change_places_reach_the_rules_that_read_them(workflows, name):
    comparison = Comparison(workflows, name)
    for one, other, config in leaves.swaps(comparison.config):
        comparison.of(config, one, other)
    assert comparison.wrong == {}


# Has no other valid value: it stands for the paper's, others depend on it, or there is one choice.
FIXED = {
    *(
        ("attacks", method, "stands_for")
        for method in leaves.METHODS["attack"].keys() - {"none", "fgsm", "carlini_wagner"}
    ),
    ("attacks", "carlini_wagner", "method"),
    ("attacks", "ceiling", "crafted_on"),
    ("attacks", "expa", "learning_rate"),
    ("attacks", "expa", "target_item"),
    ("attacks", "insa", "guide", "recommender"),
    ("catalogues", "mini_men", "source", "method"),
    ("defenses", "free", "method"),
    ("defenses", "standard", "method"),
    ("defenses", "standard", "starts_from"),
    ("recommenders", "amr", "factors"),
    ("recommenders", "amr", "item_bias"),
    ("recommenders", "amr", "method"),
    ("recommenders", "amr", "starts_from"),
    ("recommenders", "bpr_mf", "stands_for"),
}


def test_every_value_is_another_in_one_of_the_configurations():
    """But for what has no other valid value: the clean attack is the only one."""
    changed, fixed = set(), set()
    for name, config in CONFIGURATIONS.items():
        for path, other in changes(name).items():
            kind = leaves.KINDS.get(path[0])
            method = config[path[0]][path[1]]["method"] if kind else None
            key = (path[0], method, *path[2:]) if kind else path
            (changed if other else fixed).add(key)
    assert {key for key in fixed - changed if key[1] != "none"} == FIXED


def test_the_table_has_no_row_for_nothing():
    paths = [path for config in CONFIGURATIONS.values() for path in leaves.leaves(config)]
    idle = [p for p in TABLE if not any(leaves.matches(p, path) for path in paths)]
    assert idle == []


def test_the_table_names_rules_that_exist():
    text = "".join(path.read_text() for path in (grid.BASE / "rules").glob("*.smk"))
    lists = [rules.values() if isinstance(rules, dict) else [rules] for rules in TABLE.values()]
    named = {rule for each in lists for rules in each if rules != "every" for rule in rules}
    assert {rule for rule in named if not re.search(rf"\b(rule|as) {rule}\b", text)} == set()
