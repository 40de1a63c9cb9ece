import numpy as np

from varbench.grouping import by_size, pieces


def test_images_are_grouped_by_size():
    shapes = [(4, 6, 3), (6, 4, 3), (4, 6, 3)]
    assert by_size([np.zeros(s, np.uint8) for s in shapes]) == [[0, 2], [1]]


def test_pieces_keep_groups_and_order():
    assert pieces([[0, 2, 4, 5, 6], [1, 3]], 2) == [[0, 2], [4, 5], [6], [1, 3]]
