"""What an overlay removes, and what may still build on it."""

import pytest

from overlays import completed, refused

SHOP = """
catalogues: {mini_men: null, mini_women: null, shop: {source: {method: folder, path: shop}}}
datasets:
  mini_men: null
  mini_women: null
  shoes: {catalogue: shop, source_category: sandal, target_category: running shoe}
"""
PRETRAINED = "defenses: {T: {method: pretrained, weights: w, epochs: null, batch_size: null, "
PRETRAINED += "learning_rate: null, weight_decay: null}}"


# Without VBPR nobody can guide INSA.
BLIND = """
recommenders: {vbpr: null, amr: null, b: {method: bpr_mf}}
attacks: {insa_8: null}
"""


@pytest.mark.parametrize(
    "section",
    ["attacks: {pgd_8: null}", BLIND],
)
def test_the_ablation_forgets_what_an_overlay_removed(section):
    axis = section.strip().partition(":")[0]
    assert completed()["ablation"][axis] == {"attacks": ["pgd_8"], "recommenders": ["vbpr"]}[axis]
    assert completed(section)["ablation"][axis] is None
    more = f"ablation: {{attacks: [pgd_8, pgd_4], datasets: [mini_men, shoes]}}\n{SHOP}"
    ablation = completed(more, "attacks: {pgd_8: null}")["ablation"]
    assert (ablation["attacks"], ablation["datasets"]) == (["pgd_4"], ["shoes"])


def test_images_to_train_on_may_be_of_a_removed_catalogue_where_nothing_is_trained():
    other = "training_images: {catalogue: clothing}\ncatalogues: {clothing: null}"
    config = completed(SHOP, PRETRAINED, other, "grid: {defenses: [T]}")
    assert config["training_images"]["catalogue"] is None
    message = refused(SHOP, PRETRAINED, other)
    assert message.startswith("training_images.catalogue: unknown catalogue 'clothing'")
    misspelt = "training_images: {catalogue: shpo}"
    assert "did you mean 'shop'" in refused(SHOP, PRETRAINED, misspelt)


def test_what_the_grid_leaves_out_may_build_on_what_is_removed():
    own = "defenses: {T: null, own: {method: standard}}\nundefended: own\ngrid: {defenses: [own]}"
    assert set(completed(own)["defenses"]) == {"own"}
    assert refused(own, "grid: {defenses: [own, AT]}").startswith(
        "grid.defenses: unknown 'AT'"
    ) or (
        refused(own, "grid: {defenses: [own, AT]}").startswith(
            "defenses.AT.starts_from: unknown 'T'"
        )
    )
    rest = f"{SHOP}\n  left: {{catalogue: mini_men, source_category: sock, target_category: jean}}"
    assert refused(rest).startswith("datasets.left.catalogue: unknown catalogue 'mini_men'")
    assert "left" not in completed(rest, "grid: {datasets: [shoes]}")["datasets"]


def test_what_the_grid_uses_is_still_named():
    assert "grid.attacks: unknown 'pgd_8'" in refused(
        "grid: {attacks: [none, pgd_8]}", "attacks: {pgd_8: null}"
    )
    assert "ablation.attacks: unknown 'pgd8'" in refused("ablation: {attacks: [pgd8]}")


def test_a_name_that_is_removed_is_said_to_be_so():
    message = refused("defenses: {T: null, own: {method: standard}}")
    assert message == (
        "undefended: unknown defense 'T', which a null removes; name another one, or keep it"
    )
    assert refused("grid: {attacks: [none, pgd_8]}", "attacks: {pgd_8: null}").endswith("keep it")


def test_a_parameter_of_another_method_is_said_to_be_so():
    message = refused("defenses: {T: {weights: file.pt}}")
    assert message.startswith("defenses.T: method standard has no 'weights', which pretrained has")
    message = refused("attacks: {pgd_8: {iterations: 10}}")
    assert message.startswith("attacks.pgd_8: method pgd has no 'iterations', which carlini_wagner")
