"""Shared by all tests."""

import os
import signal

import pytest
from hypothesis import settings

import grid

# Before numpy and torch are imported: one thread, so that workers do not fight over cores.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# A shell that starts the tests in the background has them ignore Ctrl-C, and nohup the end of the
# terminal; their processes would too.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# No test is timed. HYPOTHESIS_PROFILE=long draws ten times as many examples.
settings.register_profile("usual", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy of the checkout in which the tiny grid has run."""
    checkout = grid.copy_checkout(tmp_path_factory.mktemp("finished"))
    grid.snakemake(checkout, "all")
    return checkout


@pytest.fixture
def checkout(finished):
    """The finished copy; whatever a test edits in it is put back."""
    kept = {
        path: path.read_bytes()
        for part in ("src", "workflow", "tests", "config.yaml", "rules")
        for path in [finished / part, *(finished / part).rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
