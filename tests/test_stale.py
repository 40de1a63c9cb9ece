"""No result is ever stale: whatever changes in a configuration, the jobs that read it run again."""

from copy import deepcopy
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

import grid
import leaves
from invalidation import Compared, Workflows, reached

TABLE = yaml.safe_load((grid.BASE / "resources" / "readers.yaml").read_text())

# Laid over config.yaml. Small, yet with two networks, an ablation, and something for every rule.
EMBEDDED = """
runs: 1
catalogues:
  mini_women: null
  spare: {source: {method: generated, unpopular: sandal, popular: running shoe, seed: 3}}
datasets:
  mini_women: null
defenses: {AT: null}
attacks:
  {fgsm_8: null, pgd_4: null, pgd_8: null, pgd: {method: pgd, epsilon: 2, step_size: 1, steps: 3}}
ablation: {defenses: [FAT], attacks: [cw], recommenders: [vbpr]}
"""
# In place of config.yaml: the other methods, networks that are loaded, and images from elsewhere.
OTHERS = """
catalogues:
  shop: {source: {method: folder, path: shop}, core_items: 2}
  men: {source: {method: amazon_authors, path: archive.zip, dataset: men}}
  spare: {source: {method: amazon_partitioned, path: women.npy}}
datasets:
  shop: {catalogue: shop, source_category: sandal, target_category: running shoe, attacked: {items: 3}}
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
  ceiling: {method: ceiling}
recommenders:
  bpr_mf: {method: bpr_mf}
  vbpr: {method: vbpr}
  other: {method: vbpr, epochs: 5}
threats: [poisoning, evasion, cold_start]
perceptual: {network: squeeze, weights: squeeze.pth}
"""
FOLDER = """
training_images: {catalogue: null, folder: imagenet}
datasets: {men: null}
attacks: {mi_fgsm: null, apgd: null, expa: null, ddn: null, fgsm: {method: fgsm, epsilon: 4}}
defenses: {other: null}
recommenders: {other: null, bpr_mf: null}
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
