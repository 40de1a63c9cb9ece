"""Training of extractors: the defenses against each other, resuming, bad input."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy

from varbench.errors import InputError
from varbench.extractors.data import InMemory, augment, batch_lengths, held_out, shuffled
from varbench.extractors.evaluation import adversarial_examples
from varbench.extractors.networks import build
from varbench.registry import resolve

CPU = torch.device("cpu")
OPTIONS = {
    "seed": 1,
    "device": CPU,
    "epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 1e-4,
}


def toy(count: int = 48, seed: int = 0):
    """Bright or dark squares in noise: 2 classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = rng.normal(128, 40, (count, 32, 32, 3))
    images[:, 8:24, 8:24] += np.where(labels, 30, -30)[:, None, None, None]
    return np.clip(images, 0, 255).astype(np.uint8), labels


def trained(method: str, architecture: str = "shufflenet_v2_x0_5", **options):
    network = build(architecture, 2, seed=3)
    log: list[dict[str, float]] = []
    data = InMemory(*toy(), validation=toy(16, seed=1), classes=2)
    resolve("defense", method)(network, data, **{"log": log.append} | OPTIONS | options)
    return network.state_dict(), log


class Kept(list):
    """Keeps what a training has reached after every batch."""

    def due(self):
        return True

    def save(self, reached):
        self.append(copy.deepcopy(reached()))


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_same_seed_same_weights_and_another_seed_others():
    weights, log = trained("standard")
    again, _ = trained("standard")
    other, _ = trained("standard", seed=2)
    assert equal(weights, again)
    assert not equal(weights, other)
    assert [row["epoch"] for row in log] == [0, 1, 2, 3]
    assert set(log[0]) == {"epoch", "loss", "clean_accuracy", "robust_accuracy", "seconds"}
    assert log[-1]["clean_accuracy"] >= log[-1]["robust_accuracy"]


@pytest.mark.parametrize("architecture", ["shufflenet_v2_x0_5", "squeezenet1_1"])
def test_defenses_without_a_radius_are_standard_training(architecture):
    weights, _ = trained("standard", architecture)
    adversarial, _ = trained("adversarial", architecture, epsilon=0.0, steps=1)
    free, _ = trained("free", architecture, epsilon=0.0, replays=1)
    assert equal(weights, adversarial)
    assert equal(weights, free)


def test_dropout_belongs_to_the_seed_and_leaves_the_global_stream_alone():
    torch.manual_seed(1)
    weights, _ = trained("standard", "squeezenet1_1")
    drawn = torch.rand(1)
    torch.manual_seed(2)
    again, _ = trained("standard", "squeezenet1_1")
    torch.manual_seed(1)
    assert equal(weights, again)
    assert torch.equal(drawn, torch.rand(1))


def test_free_training_divides_its_epochs():
    _, log = trained("free", epochs=8, replays=4)
    assert len(log) == 2


@pytest.mark.parametrize(
    ("method", "architecture"),
    [
        ("standard", "squeezenet1_1"),  # it has dropout and no batch norm
        ("adversarial", "shufflenet_v2_x0_5"),
        ("free", "shufflenet_v2_x0_5"),
    ],
)
def test_resumed_training_ends_the_same(method, architecture):
    options = {"replays": 2, "epochs": 6} if method == "free" else {"epochs": 3}
    options |= {} if method == "standard" else {"epsilon": 4.0}
    kept = Kept()
    whole, expected = trained(method, architecture, keeper=kept, **options)
    assert [(k["epoch"], k["batches"]) for k in kept[:4]] == [(0, 1), (0, 2), (0, 3), (1, 0)]
    # Within an epoch, before its accuracies are measured, between two.
    for reached in (kept[1], kept[2], kept[3]):
        resumed, log = trained(method, architecture, resume=reached, **options)
        assert [row["epoch"] for row in log] == list(range(reached["epoch"], 3))
        assert [row["loss"] for row in log] == [row["loss"] for row in expected[-len(log) :]]
        assert equal(whole, resumed)


def test_adversarial_examples_stay_in_the_ball_and_raise_the_loss():
    network = build("shufflenet_v2_x0_5", 2, seed=3).train()
    images, labels = torch.rand(8, 3, 32, 32), torch.arange(8) % 2
    examples = adversarial_examples(
        network, images, labels, epsilon=4, steps=5, step_size=2, generator=torch.Generator()
    )
    assert network.training
    assert (examples - images).abs().max() <= 4 / 255 + 1e-6
    assert examples.min() >= 0
    assert examples.max() <= 1
    with torch.no_grad():
        network.eval()
        before, after = (cross_entropy(network(x), labels) for x in (images, examples))
    assert after > before


def test_adversarial_training_is_more_robust_than_standard():
    robust = {
        method: np.mean(
            [trained(method, epochs=20, seed=s)[1][-1]["robust_accuracy"] for s in range(3)]
        )
        for method in ("standard", "adversarial")
    }
    assert robust["adversarial"] > robust["standard"] + 0.1


def test_augmentation_flips_and_shifts_whole_images():
    images = torch.rand(40, 3, 32, 32)
    generator = torch.Generator().manual_seed(0)
    for image, result in zip(images, augment(images, generator), strict=True):
        inner = result[:, 4:-4, 4:-4]
        candidates = [
            source[:, 4 + y : 28 + y, 4 + x : 28 + x]
            for source in (image, image.flip(2))
            for y in range(-2, 3)
            for x in range(-2, 3)
        ]
        assert any(torch.equal(inner, candidate) for candidate in candidates)


@pytest.mark.parametrize("method", ["standard", "adversarial", "free"])
@pytest.mark.parametrize("count", [1, 2, 16, 17, 33])
def test_any_number_of_images_trains(method, count):
    """Of 17 in batches of 16 one is left over; at 32 x 32 the last maps have one position."""
    network, log = build("shufflenet_v2_x0_5", 2, seed=3), []
    data = InMemory(*toy(count), validation=toy(2, seed=1), classes=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    train = resolve("defense", method)
    train(network, data, log=log.append, **OPTIONS | {"epochs": 2, "learning_rate": 0.01})
    assert np.isfinite([row["loss"] for row in log]).all()
    assert not equal(before, network.state_dict())


@given(st.integers(1, 200), st.integers(2, 40))
def test_every_image_is_in_one_batch_and_none_is_alone(count, batch_size):
    rows = shuffled(count, batch_size, torch.Generator().manual_seed(0))
    assert [len(batch) for batch in rows] == batch_lengths(count, batch_size)
    assert min(map(len, rows)) >= 2
    assert max(map(len, rows)) <= batch_size + 1
    assert sorted(torch.cat(rows).tolist()) == sorted([*range(count)] * (1 + (count == 1)))


def test_batches_of_one_image_are_an_error_only_where_batch_norm_cannot_take_them():
    with pytest.raises(InputError, match=r"batch_size: batch norm .* 32 x 32 .*at least 2"):
        trained("standard", batch_size=1, epochs=1)
    trained("standard", "squeezenet1_1", batch_size=1, epochs=1)  # it has no batch norm


@given(st.integers(2, 300), st.floats(0.001, 0.999), st.integers(0, 5))
def test_held_out_images_are_others_than_those_trained_on(count, share, seed):
    training, validation = held_out(count, share, seed)
    assert sorted([*training, *validation]) == [*range(count)]
    assert len(validation) == min(count - 1, max(1, round(share * count)))
    assert np.array_equal(held_out(count, share, seed)[1], validation)


def test_faults_are_named():
    with pytest.raises(InputError, match="1 labelled images are too few"):
        held_out(1, 0.1, 0)
    with pytest.raises(InputError, match="training diverged: the loss of epoch 0"):
        trained("standard", learning_rate=1e30, epochs=1)
    images, labels = toy()
    with pytest.raises(
        InputError, match="labels range from 0 to 3, the extractor has classes 0 to 1"
    ):
        InMemory(images, labels * 3, validation=(images, labels), classes=2)


@pytest.mark.filterwarnings("error:Detected call of `lr_scheduler:UserWarning")
@pytest.mark.parametrize("scale", [2.0**4, 2.0**40])
def test_the_schedule_waits_where_fp16_skips_a_step(monkeypatch, scale):
    """The scaler halves its factor for each step whose gradients overflow, and leaves it out."""
    scaler = partial(torch.amp.GradScaler, init_scale=scale, backoff_factor=0.5)
    monkeypatch.setattr(torch.amp, "GradScaler", scaler)
    kept = Kept()
    trained("standard", precision="fp16", epochs=16, keeper=kept)
    tried = [(r["schedule"]["last_epoch"], r["scaler"]["scale"], r["batches"]) for r in kept]
    batches = [0, *np.cumsum([count > 0 for *_, count in tried])]
    for (steps, now, _), batch in zip(tried, batches[1:], strict=True):
        assert steps == batch - math.log2(scale / now)
    assert (tried[-1][1] < scale) == (scale > 2**16)
    assert tried[-1][0] > 0
