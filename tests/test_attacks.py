"""The contract of every attack, and what it makes of bad arguments."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from attacked import CLASSES, assert_same, run, small_net, some_images
from varbench.attacks.apgd import apgd
from varbench.attacks.carlini_wagner import carlini_wagner
from varbench.attacks.common import batches
from varbench.attacks.ddn import ddn
from varbench.attacks.fgsm import fgsm
from varbench.attacks.mi_fgsm import mi_fgsm
from varbench.attacks.noise import noise
from varbench.attacks.pgd import pgd
from varbench.errors import InputError
from varbench.images import as_stored, to_bytes, to_unit
from varbench.registry import DETERMINISTIC_ATTACKS, METHODS, draws

ATTACKS = {
    "noise": (noise, {"epsilon": 8}),
    "fgsm": (fgsm, {"epsilon": 8}),
    "pgd": (pgd, {"epsilon": 8, "steps": 5}),
    "mi_fgsm": (mi_fgsm, {"epsilon": 8, "steps": 5}),
    "apgd": (apgd, {"epsilon": 8, "steps": 8}),
    "ddn": (ddn, {"steps": 8}),
    "carlini_wagner": (
        carlini_wagner,
        {"iterations": 8, "binary_search_steps": 2, "abort_every": 4, "learning_rate": 0.05},
    ),
}
every_attack = pytest.mark.parametrize(("attack", "parameters"), ATTACKS.values(), ids=ATTACKS)


# The contract.


@every_attack
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_result_is_images_and_counts_and_arguments_stay_as_they_were(
    attack: Any, parameters: Any, layout: torch.memory_format
) -> None:
    net = small_net()
    net[1].train()  # a mode of its own inside a network in the other one
    images, targets = some_images()
    images = images.to(memory_format=layout)
    images_before, targets_before = images.clone(), targets.clone()
    attacked = run(attack, net, images, targets, **parameters)
    assert attacked.images.shape == images.shape
    assert attacked.images.dtype == torch.float32
    assert not attacked.images.requires_grad
    assert attacked.images.min() >= 0
    assert attacked.images.max() <= 1
    assert attacked.iterations.shape == (len(images),)
    assert attacked.iterations.dtype == torch.int64
    assert torch.equal(images, images_before)
    assert torch.equal(targets, targets_before)
    assert not images.requires_grad
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert [m.training for m in net] == [False, True, False, False, False]


@every_attack
def test_iterations_are_what_the_model_computed(attack: Any, parameters: Any) -> None:
    net, seen = small_net(), []

    def counting(x: Tensor) -> Tensor:
        seen.append(len(x))
        return net(x)

    attacked = run(attack, counting, *some_images(), **parameters)
    assert seen.pop(0) == 1  # the check of the targets
    assert attacked.iterations.sum() == sum(seen)


@pytest.mark.parametrize(
    ("attack", "iterations", "parameters"),
    [(fgsm, 1, {"epsilon": 4}), (pgd, 10, {"epsilon": 4})],
)
def test_iterations_of_the_fixed_length_attacks(
    attack: Any, iterations: int, parameters: Any
) -> None:
    attacked = run(attack, small_net(), *some_images(), **parameters)
    assert attacked.iterations.tolist() == [iterations] * 7


@every_attack
def test_no_images_give_no_images(attack: Any, parameters: Any) -> None:
    attacked = run(attack, small_net(), *some_images(0), **parameters)
    assert attacked.images.shape == (0, 3, 6, 6)
    assert attacked.iterations.shape == (0,)


@every_attack
def test_works_where_gradients_are_off_and_where_they_are_views(
    attack: Any, parameters: Any
) -> None:
    # The gradient of a sum is one number expanded over the image: writing into it would fail.
    def sums(x: Tensor) -> Tensor:
        return torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], 1)

    images, targets = some_images()
    with torch.no_grad():
        attacked = run(attack, sums, images, targets % 2, **parameters)
    assert attacked.images.shape == images.shape


@every_attack
@settings(deadline=None, max_examples=10)
@given(batch_size=st.integers(1, 9), order=st.permutations(range(7)))
def test_an_image_is_attacked_alike_in_any_batch(
    attack: Any, parameters: Any, batch_size: int, order: list[int]
) -> None:
    net, (images, targets) = small_net(), some_images()
    expected = run(attack, net, images, targets, **parameters)
    got = attack(
        net, images[order], targets[order], seeds=order, batch_size=batch_size, **parameters
    )
    assert_same(got.images, expected.images[order])
    assert torch.equal(got.iterations, expected.iterations[order])


@every_attack
def test_same_seeds_same_images(attack: Any, parameters: Any) -> None:
    net, data = small_net(), some_images()
    torch.manual_seed(1)
    first = run(attack, net, *data, **parameters)
    torch.manual_seed(2)
    assert torch.equal(run(attack, net, *data, **parameters).images, first.images)


# Bad arguments.


@every_attack
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.uint8])
def test_only_float32_images_are_taken(attack: Any, parameters: Any, dtype: torch.dtype) -> None:
    images, targets = some_images()
    with pytest.raises(ValueError, match="float32"):
        run(attack, small_net(), images.to(dtype), targets, **parameters)


@every_attack
@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf])
def test_images_outside_the_unit_range_are_refused(
    attack: Any, parameters: Any, value: float
) -> None:
    images, targets = some_images()
    images[2, 1, 0, 3] = value
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        run(attack, small_net(), images, targets, **parameters)


@every_attack
def test_arguments_that_do_not_match_are_refused(attack: Any, parameters: Any) -> None:
    images, targets = some_images()
    for changed, named in [
        ({"targets": targets[:-1]}, "targets"),
        ({"targets": targets.int()}, "targets"),
        ({"seeds": [1, 2]}, "seeds"),
        ({"images": images[0]}, "images"),
    ]:
        arguments: dict[str, Any] = {"images": images, "targets": targets, **changed}
        with pytest.raises(ValueError, match=named) as caught:
            run(attack, small_net(), **arguments, **parameters)
        assert not isinstance(caught.value, InputError)


@every_attack
@pytest.mark.parametrize("target", [-1, CLASSES])
def test_a_target_that_is_no_class_is_an_input_error(
    attack: Any, parameters: Any, target: int
) -> None:
    images, targets = some_images()
    targets[4] = target
    with pytest.raises(InputError, match=f"target category: {target} .* 0 to 3"):
        run(attack, small_net(), images, targets, **parameters)


@pytest.mark.parametrize(
    ("attack", "key", "values"),
    [
        (carlini_wagner, "batch_size", [0, -1, 2.5, "3"]),
        (fgsm, "epsilon", [0, -1, 255.5, math.nan, "8", None]),
        (pgd, "epsilon", [0, -1, 255.5, math.inf, "8"]),
        (pgd, "steps", [0, -3, 1.5]),
        (pgd, "step_size", [0, -1, 256]),
        (carlini_wagner, "confidence", [-1, math.inf]),
        (carlini_wagner, "learning_rate", [0, -1, math.nan]),
        (carlini_wagner, "iterations", [0, 10.0]),
        (carlini_wagner, "binary_search_steps", [0, None]),
        (carlini_wagner, "initial_constant", [0, -1e-2]),
        (carlini_wagner, "abort_every", [-1, 1, 2.5]),
        (noise, "epsilon", [0, -1, 256, math.nan]),
    ],
)
def test_a_bad_parameter_is_an_input_error_that_names_it(
    attack: Any, key: str, values: list[Any]
) -> None:
    required = {} if attack is carlini_wagner else {"epsilon": 8}
    for value in values:
        with pytest.raises(InputError) as caught:
            run(attack, small_net(), *some_images(), **required | {key: value})
        message = str(caught.value)
        assert message.startswith(f"{key}: {value!r} is not a")
        assert "\n" not in message


def test_batches_cover_every_row_once() -> None:
    for count in range(8):
        rows = [row for cut in batches(count, 3) for row in range(count)[cut]]
        assert rows == list(range(count))


@pytest.mark.parametrize("attack", [carlini_wagner, ddn])
def test_a_misspelt_storage_is_an_input_error(attack: Any) -> None:
    with pytest.raises(InputError, match="storage: 'bits16' is unknown; known: bits8, float"):
        run(attack, small_net(), *some_images(), storage="bits16")


# What is stored.


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_as_stored_is_what_comes_back_from_bytes(seed: int) -> None:
    values = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(seed)) * 1.4 - 0.2
    expected = to_unit(to_bytes(values))
    assert torch.equal(as_stored(values), expected)
    assert torch.equal(as_stored(expected), expected)


# Noise.


def test_noise_is_uniform_in_the_ball_and_each_image_has_its_own() -> None:
    images, targets = torch.full((40, 3, 6, 6), 0.5), torch.zeros(40, dtype=torch.int64)
    moved = (run(noise, small_net(), images, targets, epsilon=20).images - images) * 255
    shares = moved.flatten().sort().values
    # Kolmogorov and Smirnov's distance of 4320 draws: 0.03 is exceeded once in a thousand times.
    assert (shares / 40 + 0.5 - torch.linspace(0, 1, len(shares))).abs().max() < 0.03
    alone = run(noise, small_net(), images[:1], targets[:1], seeds=[7], epsilon=20).images
    assert torch.equal(alone[0] - images[0], run(
        noise, small_net(), images, targets, epsilon=20
    ).images[7] - images[7])  # fmt: skip
    assert not torch.equal(moved[0], moved[1])


def test_noise_is_clipped_to_the_range() -> None:
    images = torch.cat([torch.zeros(2, 3, 6, 6), torch.ones(2, 3, 6, 6)])
    found = run(noise, small_net(), images, torch.zeros(4, dtype=torch.int64), epsilon=200).images
    assert found.min() == 0
    assert found.max() == 1
    assert (found == images).float().mean() == pytest.approx(0.5, abs=0.1)


# Which attacks draw.


@every_attack
def test_an_attack_draws_if_other_seeds_give_other_images(attack: Any, parameters: Any) -> None:
    net, (images, targets) = small_net(), some_images()
    method = next(name for name, (function, _) in ATTACKS.items() if function is attack)
    for more in [{}, *[{"random_start": start} for start in (True, False) if method == "pgd"]]:
        one, other = (
            run(attack, net, images, targets, seeds=seeds, **parameters, **more).images
            for seeds in (range(7), range(7, 14))
        )
        block = {"method": method, "random_start": True, **more}
        assert draws(block) is not torch.equal(one, other)


def test_an_attack_that_nobody_knows_is_taken_to_draw() -> None:
    assert draws({"method": "mine"})
    assert not draws({"method": "none"})
    assert draws({"method": "expa", "form": "vbpr"})
    assert not draws({"method": "expa", "form": "dvbpr"})
    assert set(METHODS["attack"]) > DETERMINISTIC_ATTACKS
