"""Training on a folder in ImageNet's layout, in one process and in several."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import grid
from varbench.errors import InputError
from varbench.extractors.evaluation import adversarial_examples
from varbench.extractors.image_folder import Folder
from varbench.extractors.networks import build
from varbench.extractors.schedules import SCHEDULES
from varbench.extractors.training import Mixed
from varbench.registry import resolve
from varbench.storage import read_table, read_tensors

SCRIPT = Path(__file__).parents[1] / "workflow" / "scripts" / "train_extractor.py"
CLASSES = ["n01", "n02", "n03"]  # as ImageNet's, named by number
NETWORK = {"architecture": "shufflenet_v2_x0_5", "classes": 3}
RECIPE = {"batch_size": 6, "learning_rate": 0.05, "momentum": 0.9, "weight_decay": 1e-4}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Red, green and blue squares of several sizes in noise: 12 of each in train, 4 in val."""
    folder = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    for half, count in (("train", 12), ("val", 4)):
        for channel, name in enumerate(CLASSES):
            (folder / half / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.normal(110, 30, (*rng.integers(40, 60, 2), 3))
                pixels[8:-8, 8:-8, channel] += 60
                image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
                image.save(folder / half / name / f"{number}.JPEG")
    return folder


def command(images: Path, out: Path, *more: str, network=NETWORK, **defense) -> list[str]:
    options = {
        "network": network,
        "defense": {"epochs": 1, **RECIPE, **defense},
        "seed": 1,
        "image_size": 32,
        "training_size": 32,
    }
    return [
        *(sys.executable, str(SCRIPT), "--options", json.dumps(options)),
        *("--halves", str(images / "train"), str(images / "val"), "--device", "cpu", *more),
        *("--weights", str(out / "weights"), "--training-log", str(out / "log.csv")),
    ]


def run(line: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, capture_output=True, text=True)


def trained(data, method="standard", network=NETWORK, **options):
    built = build(**network, seed=3)
    given = {"seed": 1, "device": CPU, "log": print, "epochs": 1, **RECIPE}
    log = resolve("defense", method)(built, data, **given | options)
    return built.state_dict(), log


def equal(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def lists_of(batches):
    return [(images.tolist(), labels.tolist()) for images, labels in batches]


def test_a_batch_belongs_to_its_seed_and_epoch_whoever_reads_it(images):
    here, elsewhere = (Folder(images, classes=3, size=32, workers=n) for n in (0, 1))
    torch.manual_seed(5)
    whole = lists_of(here.training(2, 10, seed=1))
    drawn = torch.rand(1)
    assert [len(labels) for _, labels in whole] == [10, 10, 10, 6]
    assert np.bincount(np.concatenate([labels for _, labels in whole])).tolist() == [12] * 3
    assert lists_of(elsewhere.training(2, 10, seed=1, skip=2)) == whole[2:]
    assert lists_of(here.training(3, 10, seed=1)) != whole
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1)), "the global stream is dropout's"


def test_classes_are_the_sorted_names_and_validation_sees_the_centre(images):
    data = Folder(images, classes=3, size=32)
    assert (data.count, data.held_out, data.size) == (36, 12, (32, 32))
    batch, labels = next(data.validation(12))
    assert batch.shape == (12, 3, 32, 32)
    assert batch.mean((2, 3)).argmax(1).equal(labels), "a class is brightest in its own channel"


def test_steps_are_those_of_the_published_recipes():
    for rounds, third in ((90, 30), (23, 8)):  # free adversarial training: ceil(90 / 4)
        optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
        schedule = SCHEDULES["steps"](optimiser, rounds, 2)
        rates = []
        for _ in range(2 * rounds):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step()
        expected = [0.1 * 0.1 ** (epoch // third) for epoch in range(rounds) for _ in range(2)]
        assert np.allclose(rates, expected)


LEARNING = {"replays": 2, "epochs": 12, "learning_rate": 0.1}


@pytest.fixture(scope="module")
def full_precision(images):
    return trained(Folder(images, classes=3, size=32), "free", **LEARNING)[0]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns(images, full_precision, precision):
    data = Folder(images, classes=3, size=32)
    weights, log = trained(data, "free", precision=precision, **LEARNING)
    assert log[-1]["clean_accuracy"] > 0.8
    assert {value.dtype for value in weights.values()} == {torch.float32, torch.int64}
    assert not equal(weights, full_precision)


def test_examples_in_half_precision_are_near_those_in_full(images):
    batch, labels = next(Folder(images, classes=3, size=32).validation(12))
    network = build(**NETWORK, seed=3)
    options = {"epsilon": 4, "steps": 1, "step_size": 8}
    full, half = (
        adversarial_examples(
            model, batch, labels, **options, generator=torch.Generator().manual_seed(0)
        )
        for model in (network, Mixed(network, torch.float16))
    )
    assert not full.equal(half)
    # This network's gradients are below fp16's smallest number if the loss is not scaled.
    assert ((full - batch).sign() == (half - batch).sign()).float().mean() > 0.9


FREE = {"method": "free", "replays": 2, "epochs": 4}


@pytest.fixture(scope="module")
def undisturbed(images, tmp_path_factory):
    """What the command writes that nothing happens to."""
    out = tmp_path_factory.mktemp("undisturbed")
    done = run(command(images, out, **FREE))
    assert done.returncode == 0, done.stderr
    return out


def test_the_command_trains_on_a_folder(images, undisturbed, tmp_path):
    done = run(command(images, tmp_path, method="adversarial", steps=1, schedule="steps"))
    assert done.returncode == 0, done.stderr
    for out, epochs in ((tmp_path, 1), (undisturbed, 2)):
        assert sorted(path.name for path in out.iterdir()) == ["log.csv", "weights"]
        assert len(read_tensors(out / "weights")) == len(build(**NETWORK).network.state_dict())
        log = read_table(out / "log.csv")
        assert len(log) == epochs
        assert log[["clean_accuracy", "robust_accuracy"]].stack().between(0, 1).all()


def test_a_training_killed_within_an_epoch_ends_the_same(images, undisturbed, tmp_path):
    line = command(images, tmp_path, "--checkpoint-every", "0", **FREE)
    checkpoint = tmp_path / ".weights.checkpoint"
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL, "finished before it could be killed"
    kept = torch.load(checkpoint, weights_only=True)
    assert (kept["reached"]["epoch"], kept["reached"]["batches"] > 0) == (0, True)
    # A mark that shows up in the log only if the training goes on from there.
    kept["reached"]["processes"][0]["losses"][0] += 1000
    torch.save(kept, checkpoint)
    done = run(line)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "weights").read_bytes() == (undisturbed / "weights").read_bytes()
    losses = [read_table(out / "log.csv")["loss"] for out in (undisturbed, tmp_path)]
    assert losses[1][0] > losses[0][0] + 10
    assert losses[1][1] == losses[0][1]


def test_two_processes_train_as_one_does(images, tmp_path):
    # Without dropout (torchvision has no network without batch norm that lacks it), and smooth:
    # at a kink the last digit can decide the gradient.
    driver = tmp_path / "driver.py"
    driver.write_text(
        f"import sys, torch; sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        "torch.nn.Dropout, torch.nn.ReLU = torch.nn.Identity, torch.nn.SiLU\n"
        "torch.nn.MaxPool2d = torch.nn.AvgPool2d\n"
        "import train_extractor; train_extractor.command.run(train_extractor.main)\n"
    )
    network = NETWORK | {"architecture": "squeezenet1_1"}
    for processes in (1, 2):
        out = tmp_path / str(processes)
        line = command(
            images, out, network=network, method="standard", epochs=2, processes=processes
        )
        line[1] = str(driver)
        done = run(line)
        assert done.returncode == 0, done.stderr
        assert sorted(path.name for path in out.iterdir()) == ["log.csv", "weights"]
    one, two = (read_tensors(tmp_path / name / "weights") for name in ("1", "2"))
    assert one.keys() == two.keys()
    assert not equal(one, two), "the order of sums differs"
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=0, atol=1e-5)
    logs = [read_table(tmp_path / name / "log.csv") for name in ("1", "2")]
    assert np.allclose(*(log[["loss", "clean_accuracy"]] for log in logs), atol=1e-5)


def test_what_is_no_image_is_left_out(images, tmp_path, caplog):
    """Editors' locks, folders of systems; of links that lead nowhere it is said how many."""
    folder = tmp_path / "litter"
    shutil.copytree(images, folder)
    (folder / "train" / "n01" / ".#0.JPEG").symlink_to("editor@host.1")
    (folder / "train" / "n02" / "gone.JPEG").symlink_to("../annex/objects/x")
    (folder / "train" / "n02" / "._0.JPEG").write_bytes(b"resource fork")
    for name in (".ipynb_checkpoints", "__MACOSX", "@eaDir"):
        (folder / "train" / name).mkdir()
    (folder / "val" / "n03" / "0.JPEG").rename(folder / "val" / "n03" / "0.jfif")
    data = Folder(folder, classes=3, size=32)
    assert (data.count, data.held_out) == (36, 12)
    (said,) = caplog.messages
    assert said.endswith(
        "1 links that lead nowhere or are no files, such as n02/gone.JPEG, are left out"
    )


def test_faults_are_named(images, tmp_path):
    def faulty(message, classes=3, folder=tmp_path / "copy"):
        with pytest.raises(InputError, match=message) as raised:
            list(Folder(folder, classes=classes, size=32, workers=1).training(0, 12, seed=1))
        assert "\n" not in str(raised.value)

    folder = shutil.copytree(images, tmp_path / "copy")
    faulty(r"train: has 3 sub-folders, one a class, and the extractor 1000 classes", classes=1000)
    faulty(r"nowhere/train: no such folder", folder=tmp_path / "nowhere")
    broken = folder / "train" / "n02" / "7.JPEG"
    broken.write_bytes(broken.read_bytes()[:300])
    faulty(r"n02/7\.JPEG: not a readable image \(.*(?i:truncated)")
    (folder / "val" / "n03").rename(folder / "val" / "n04")
    faulty("copy: the class 'n03' is in one of train and val only")
    shutil.rmtree(folder / "val" / "n04")
    (folder / "val" / "n03").mkdir()
    faulty("val: .*no valid file for the classes n03")


def test_the_command_says_a_fault_in_one_line(images, tmp_path):
    line = command(images, tmp_path, network=NETWORK | {"classes": 4}, method="free", processes=2)
    done = run(line)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {images}/train: has 3 sub-folders")
    assert done.stderr.count("\n") == 1


def test_a_fault_in_one_of_two_processes_is_not_buried(images, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(images, folder)
    for path in (folder / "train" / "n02").iterdir():
        path.write_bytes(path.read_bytes()[:300])
    done = run(command(folder, tmp_path, network=NETWORK, method="free", processes=2))
    assert done.returncode == 1
    assert re.search(r"error: \S+/n02/\d\.JPEG: not a readable image", done.stderr)
    assert "Traceback" not in done.stderr


def test_the_rule_asks_for_the_processes_gpus(images, tmp_path):
    checkout = grid.copy_checkout(tmp_path / "checkout")
    config = yaml.safe_load((checkout / "tests" / "tiny.yaml").read_text())
    config |= {"device": "cuda", "training_images": {"folder": str(images), "image_size": 48}}
    config["defenses"]["FAT"] |= {"starts_from": None, "processes": 2, "batch_size": 8}

    def dry(*more):
        (checkout / "folder.yaml").write_text(yaml.safe_dump(config))
        return grid.snakemake(
            checkout, "results/extractors/FAT/0.safetensors", "--dry-run", "--printshellcmds",
            *more, configfile="folder.yaml", check=False,
        )  # fmt: skip

    done = dry("--resources", "gpu=2")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "gpu=2" in said
    assert f"--halves {images}/train {images}/val" in said
    assert '"training_size": 48' in said
    assert "draw_training_images" not in said
    config["training_images"]["folder"] = "nowhere"
    done = dry()
    assert done.returncode != 0
    assert "nowhere/train" in done.stdout + done.stderr
