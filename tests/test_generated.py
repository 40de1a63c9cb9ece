"""The embedded catalogues: pictures and their seeds, categories, errors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varbench.catalogues import interactions
from varbench.catalogues.drawing import COLOURS, PATTERNS, Look, draw
from varbench.catalogues.generated import CATEGORIES, load, training_images
from varbench.errors import InputError

IMAGENET = Path(__file__).parent.parent / "resources" / "classes_imagenet1k.txt"
PAIR = {"unpopular": "sandal", "popular": "running shoe"}


def catalogue(**changes):
    return load(**{**PAIR, "items": 64, "users": 40, "image_size": 32, **changes})


def test_categories_are_imagenet_classes_in_their_order():
    known = IMAGENET.read_text(encoding="utf-8").splitlines()
    indices = [known.index(category) for category in CATEGORIES]
    assert indices == sorted(indices)
    assert {459, 610, 770, 774} <= set(indices)


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(CATEGORIES),
    st.sampled_from(sorted(COLOURS)),
    st.sampled_from(PATTERNS),
    st.integers(32, 224),
    st.integers(0, 2**63 - 1),
)
def test_any_picture_has_its_shape_and_contrast(category, colour, pattern, size, seed):
    image = draw(category, Look(colour, pattern), size, seed)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.std() > 4  # neither blank nor all background


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_picture_is_determined_by_its_seed(category):
    look = Look("teal", "stripes")
    first, again, other = (draw(category, look, 48, seed) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 3


def test_the_look_shows():
    # Red backpacks are redder than blue ones, and checked ones have more edges than plain ones:
    # what users have tastes about can be seen in the pictures.
    def centres(look):
        images = np.stack([draw("backpack", look, 64, seed) for seed in range(12)])
        return images[:, 24:40, 20:44].astype(float)

    def redness(images):
        return (images[..., 0] - images[..., 2]).mean()

    def edges(images):
        return np.abs(np.diff(images, axis=1)).mean()

    assert redness(centres(Look("red", "plain"))) > 50 + redness(centres(Look("blue", "plain")))
    assert edges(centres(Look("red", "checks"))) > edges(centres(Look("red", "plain")))


def test_the_same_arguments_give_the_same_catalogue():
    first, again, other = catalogue(seed=3), catalogue(seed=3), catalogue(seed=4)
    assert first.items == again.items
    assert first.labels == again.labels
    assert first.interactions.equals(again.interactions)
    assert all(np.array_equal(first.read_image(i), again.read_image(i)) for i in range(64))
    assert not set(first.items) & set(other.items)
    assert not any(np.array_equal(first.read_image(i), other.read_image(i)) for i in range(64))


def test_an_item_does_not_depend_on_how_many_there_are():
    small, large = catalogue(items=40), catalogue(items=100, users=70)
    assert large.items[:40] == small.items
    assert large.labels[:40] == small.labels
    for i in (0, 17, 39):
        assert np.array_equal(small.read_image(i), large.read_image(i))


@pytest.mark.parametrize("items", [16, 100, 333])
def test_categories_are_balanced(items):
    counts = [catalogue(items=items).labels.count(category) for category in CATEGORIES]
    assert sum(counts) == items
    assert max(counts) - min(counts) <= 1


def test_interactions_are_usable_and_survive_a_core_filter():
    generated = catalogue(items=200, users=300, interactions_per_user=10)
    interactions.check(generated)
    table = generated.interactions
    assert set(table["item"]) <= set(generated.items)
    assert len(interactions.deduplicate(table)) == len(table)
    assert len(interactions.k_core(table, users=5, items=5)) > 0.98 * len(table)
    assert not any(identifier.isdigit() for identifier in {*table["item"], *table["user"]})
    assert "17" in generated.where("interaction", 17)


def test_popular_and_unpopular_categories_are_just_that():
    generated = catalogue(items=400, users=600)
    labels = dict(zip(generated.items, generated.labels, strict=True))
    shares = generated.interactions["item"].map(labels).value_counts(normalize=True)
    assert shares.index[0] == "running shoe"
    assert shares.index[-1] == "sandal"
    assert 0.015 < shares["sandal"] < 0.5 * shares.median() + 0.02
    assert shares["running shoe"] > 1.5 * shares.iloc[1]


def test_some_categories_can_be_chosen():
    chosen = ["umbrella", "sandal", "running shoe"]
    generated = catalogue(categories=chosen, items=9)
    assert sorted(generated.labels) == sorted(chosen * 3)


def test_training_images_are_balanced_and_deterministic():
    images, labels = training_images(per_category=3, image_size=32, seed=5)
    again, _ = training_images(per_category=3, image_size=32, seed=5, processes=2)
    assert images.shape == (3 * len(CATEGORIES), 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [3] * len(CATEGORIES)
    assert np.array_equal(images, again)


def test_training_images_of_a_category_do_not_depend_on_the_others():
    chosen = ["umbrella", "sandal"]
    images, labels = training_images(per_category=2, image_size=32, seed=5, categories=chosen)
    everything, indices = training_images(per_category=2, image_size=32, seed=5)
    for label, category in enumerate(chosen):
        expected = everything[indices == CATEGORIES.index(category)]
        assert np.array_equal(images[labels == label], expected)


def test_training_never_sees_the_catalogue():
    images, _ = training_images(per_category=4, image_size=32, seed=0)
    generated = catalogue(seed=0)
    seen = {image.tobytes() for image in images}
    assert len(seen) == len(images)
    assert not any(generated.read_image(i).tobytes() in seen for i in range(64))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"unpopular": "sandle"}, ["unpopular", "sandle", "sandal", "umbrella"]),
        ({"popular": "shoe"}, ["popular", "shoe", "running shoe"]),
        ({"popular": "sandal"}, ["popular", "sandal"]),
        ({"categories": ["sandal", "running shoe", "hat"]}, ["categories", "hat", "cowboy hat"]),
        ({"categories": ["sandal", "running shoe", "sandal"]}, ["categories", "sandal"]),
        ({"categories": ["sandal", "jean"]}, ["popular", "running shoe", "jean"]),
        ({"items": 15}, ["items", "15", "16"]),
    ],
)
def test_bad_arguments_are_named(changes, named):
    with pytest.raises(InputError) as caught:
        catalogue(**changes)
    message = str(caught.value)
    assert "\n" not in message
    assert all(name in message for name in named)


def test_unknown_training_category_and_unknown_drawing():
    with pytest.raises(InputError, match=r"unknown category 'hat'.*cowboy hat"):
        training_images(per_category=1, image_size=32, seed=0, categories=["hat"])
    with pytest.raises(InputError, match=r"unknown category 'hat'.*cowboy hat"):
        draw("hat", Look("red", "plain"), 32, 0)
