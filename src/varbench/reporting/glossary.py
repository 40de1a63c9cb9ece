"""What the names of threats, networks, attacks and recommenders mean, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from varbench.reporting.labels import DEFENSES

THREATS = {
    "poisoning": "the recommender is trained again on the attacked catalogue",
    "evasion": "the clean cell's recommender ranks the attacked images",
    "cold_start": "the recommender was trained without any interaction of the attacked items, and "
    "ranks their attacked images",
}
ATTACKS = {
    "fgsm": "one step towards the target category",
    "pgd": "many small steps towards the target category",
    "mi_fgsm": "many small steps towards the target category, with momentum",
    "apgd": "many steps towards the target category, whose size adapts itself",
    "ddn": "the smallest change that it finds to reach the target category",
    "carlini_wagner": "the smallest change that it finds to reach the target category",
    "expa": "features like those of one popular item",
    "insa": "aims at the recommender's score: it knows another training of the recommender, or the "
    "very one",
    "wb_sign": "aims at the recommender's score: it knows another training of the recommender, or "
    "the very one",
    "noise": "no attack but chance: random changes of the same size",
    "ceiling": "no picture is changed: attacked items get the features of target items, as if they "
    "were imitated perfectly",
}
RECOMMENDERS = {
    "vbpr": "ranks by what users chose and by the features of images",
    "amr": "VBPR, trained to bear changed features",
    "bpr_mf": "ranks by what users chose and sees no images",
}

PROTOCOLS = {
    "corrected": "what the paper's text says, where its released code does otherwise",
    "as_published": "what the paper's released code does",
}


def meanings(
    axes: Mapping[str, Sequence[str]], attacks: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, str]]:
    """Return (axis, name, meaning) for each name of an experiment that has a meaning here.

    axes : names by threats, defenses, attacks, recommenders
    attacks : the attacks' blocks, whose method says what they are; of those of one method that
        differ in their parameters the first stands for all
    """
    known = [("threat", name, THREATS.get(name)) for name in axes["threats"]]
    known += [("defense", name, DEFENSES.get(name)) for name in axes["defenses"]]
    methods = {attacks[name]["method"]: name for name in reversed(axes["attacks"])}
    known += [
        ("attack", name, ATTACKS.get(attacks[name]["method"]))
        for name in axes["attacks"]
        if methods[attacks[name]["method"]] == name
    ]
    known += [("recommender", name, RECOMMENDERS.get(name)) for name in axes["recommenders"]]
    return [(axis, name, meaning) for axis, name, meaning in known if meaning]
