"""Two jobs never share a GPU, whatever starts them. GPUs are names here: no machine needs one."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from varbench.errors import InputError
from varbench.experiment import gpus
from varbench.experiment.device import torch_device

# Takes one of the names, says which, and holds it until its input is closed.
HOLDER = """
import sys
from varbench.experiment.gpus import take
print(take(sys.argv[1:], every=0.05), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nothing_held(tmp_path, monkeypatch):
    """The locks of a test are in a folder of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(gpus, "_held", {})


@pytest.fixture
def hold():
    """Start processes that each take a GPU; whatever is left of them is killed."""
    started = []

    def start(*names: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, *names],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_jobs_side_by_side_have_a_gpu_each(hold):
    jobs = [hold("a", "b", "c") for _ in range(3)]
    assert sorted(int(job.stdout.readline()) for job in jobs) == [0, 1, 2]


def test_a_job_waits_for_a_gpu_and_says_so_until_one_is_free(hold):
    first, second = hold("a", "b"), hold("a", "b")
    taken = int(first.stdout.readline())
    second.stdout.readline()
    third = hold("a", "b")
    assert third.stderr.readline() == "waiting for a GPU: other jobs hold all 2\n"
    first.kill()  # with SIGKILL: it cannot free anything itself
    assert int(third.stdout.readline()) == taken


def test_a_job_that_asks_twice_has_the_same_gpu(hold):
    assert gpus.take(["a", "b"]) == gpus.take(["a", "b"]) == 0
    assert int(hold("a", "b").stdout.readline()) == 1


@pytest.fixture
def two_gpus(monkeypatch):
    """Torch as it is where two GPUs are visible; returns the current one's setter's calls."""
    current = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=f"uuid-{index}")
    )
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    return current


def test_a_device_without_index_is_the_gpu_that_is_free(two_gpus, hold):
    assert int(hold("uuid-0").stdout.readline()) == 0
    assert torch_device("auto", 1) == torch.device("cuda:1")
    assert torch_device("cuda", 1) == torch.device("cuda:1")
    assert two_gpus == [torch.device("cuda:1")] * 2


@pytest.mark.usefixtures("two_gpus")
def test_a_named_device_is_that_one():
    assert torch_device("cuda:1", 1) == torch.device("cuda:1")
    with pytest.raises(InputError, match="cuda:2 was asked for and torch finds 2"):
        torch_device("cuda:2", 1)


def test_no_gpu_rounds_behind_the_back():
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch_device("cpu", 1)
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.usefixtures("two_gpus")
def test_the_cpu_is_nobodys():
    assert torch_device("cpu", 1) == torch.device("cpu")
    assert not gpus._held
