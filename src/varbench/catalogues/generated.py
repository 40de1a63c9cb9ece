"""The embedded catalogues: drawn products and simulated users, from a seed alone."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from varbench.catalogues.drawing import CATEGORIES, COLOURS, PATTERNS, Look, draw, random_look
from varbench.catalogues.raw import RawCatalogue
from varbench.catalogues.tastes import category_shares, simulate
from varbench.errors import InputError
from varbench.seeds import derive

__all__ = ["CATEGORIES", "load", "training_images"]


def load(
    *,
    unpopular: str,
    popular: str,
    categories: list[str] | None = None,
    items: int = 500,
    users: int = 800,
    interactions_per_user: float = 12.0,
    image_size: int = 64,
    seed: int = 0,
) -> RawCatalogue:
    """Generate a catalogue; equal arguments give equal catalogues.

    The categories are equally large. An item's id, category and image depend on the seed and its
    index only, so a longer catalogue begins with the items of a shorter one.

    Parameters
    ----------
    unpopular, popular
        Two of the categories, by name: the ones with the smallest and the largest share of the
        interactions.
    categories
        Names out of CATEGORIES; all of them if not given.
    items, users
        How many.
    interactions_per_user
        On average; 5 at least where the average allows it.
    image_size
        Side of the images in pixels.

    Raises
    ------
    InputError
        A category is unknown or named twice, popular and unpopular are the same or not among the
        categories, or there are fewer items than categories.
    """
    names = _checked(categories)
    for key, name in (("unpopular", unpopular), ("popular", popular)):
        if name not in names:
            raise InputError(f"{key}: unknown category {name!r}; known: {', '.join(names)}")
    if unpopular == popular:
        raise InputError(f"popular: {popular!r} is the unpopular category already; name another")
    if items < len(names):
        raise InputError(f"items: {items} are too few for {len(names)} categories; give more")

    members = _members(items, len(names), seed)
    looks = [random_look(np.random.default_rng(derive("look", seed, i))) for i in range(items)]
    colours, patterns = list(COLOURS), list(PATTERNS)
    table = simulate(
        categories=members,
        colours=np.array([colours.index(look.colour) for look in looks]),
        patterns=np.array([patterns.index(look.pattern) for look in looks]),
        shares=category_shares(
            len(names),
            popular=names.index(popular),
            unpopular=names.index(unpopular),
            seed=seed,
        ),
        users=users,
        per_user=interactions_per_user,
        seed=seed,
    )
    ids = [f"item-{derive('item', seed, i):016x}" for i in range(items)]
    user_ids = [f"user-{derive('user', seed, u):016x}" for u in range(users)]

    def read_image(index: int) -> NDArray[np.uint8]:
        return _picture(names[members[index]], looks[index], image_size, "catalogue", seed, index)

    return RawCatalogue(
        items=ids,
        read_image=read_image,
        interactions=table.assign(
            user=[user_ids[u] for u in table["user"]], item=[ids[i] for i in table["item"]]
        ),
        where=lambda kind, row: f"generated catalogue with seed {seed}, {kind} {row}",
        labels=[names[member] for member in members],
    )


def training_images(
    *,
    per_category: int,
    image_size: int,
    seed: int,
    categories: list[str] | None = None,
    processes: int = 1,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw labelled images for the training of an extractor; none of them is in a catalogue.

    Parameters
    ----------
    per_category
        Images of each category.
    categories
        Names out of CATEGORIES, in the order of the network's classes; all of them, in the order
        of CATEGORIES, if not given.
    processes
        That draw side by side; the images are the same.

    Returns
    -------
    (N, image_size, image_size, 3) images and (N,) labels, indices into the categories. The
    categories take turns, so any slice is about balanced.

    Raises
    ------
    InputError
        A category is unknown or named twice.
    """
    names = _checked(categories)
    count = per_category * len(names)
    images = np.empty((count, image_size, image_size, 3), np.uint8)
    picture = partial(_training_picture, names, image_size, seed)
    with ProcessPoolExecutor(processes) as pool:
        for index, pixels in enumerate(pool.map(picture, range(count), chunksize=32)):
            images[index] = pixels
    return images, np.arange(count) % len(names)


def _training_picture(names: list[str], size: int, seed: int, index: int) -> NDArray[np.uint8]:
    name, turn = names[index % len(names)], index // len(names)
    look = random_look(np.random.default_rng(derive("training look", seed, name, turn)))
    return _picture(name, look, size, "training", seed, name, turn)


def _picture(
    category: str, look: Look, size: int, stream: str, *parts: str | int
) -> NDArray[np.uint8]:
    """Draw one picture of a stream; the streams (catalogue, training) share no seed."""
    return draw(category, look, size, derive(stream, *parts))


def _checked(categories: list[str] | None) -> list[str]:
    """Return the names of the categories, all of them by default."""
    names = list(CATEGORIES) if categories is None else categories
    for name in names:
        if name not in CATEGORIES:
            raise InputError(
                f"categories: unknown category {name!r}; known: {', '.join(CATEGORIES)}"
            )
        if names.count(name) > 1:
            raise InputError(f"categories: {name!r} is named twice; name it once")
    return names


def _members(items: int, categories: int, seed: int) -> NDArray[np.int64]:
    """Return each item's category: shuffled blocks that hold every category once."""
    blocks = [
        np.random.default_rng(derive("block", seed, block)).permutation(categories)
        for block in range(-(-items // categories))
    ]
    return np.concatenate(blocks)[:items]
