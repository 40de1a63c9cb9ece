"""Commands that are started in a fork of the warm server do what they do by themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grid
import test_resuming
from test_resuming import inputs  # noqa: F401  a fixture
from varbench.experiment import warm
from warm_workflow import Workflow, command_line, is_warm, own, prepared, processes, until, workflow

__all__ = ["own", "workflow"]


def test_a_command_finds_what_it_would_find_by_itself(workflow):
    shell = """exec probe.py 'a b' "it's" '"' '' '*' $'two\\nlines' é"""
    ours, by_itself = workflow.run(shell), workflow.run(shell, by_itself=True)
    assert ours.stderr == by_itself.stderr == "read 'given' in error\n"
    ours, by_itself = (json.loads(done.stdout) for done in (ours, by_itself))
    assert (ours.pop("warm"), by_itself.pop("warm")) == (True, False)
    assert ours["environment"].pop("PATH") == workflow.warm_path
    del by_itself["environment"]["PATH"], ours["pid"], by_itself["pid"]
    assert ours == by_itself


@pytest.mark.parametrize(
    "how",
    [
        *("nothing", "exit None", "exit 0", "exit 3", "exit 259", "exit -1", "exit '\"text\"'"),
        *("raise", "buffered", "signal 2", "signal 9", "signal 11", "signal 15"),
    ],
)
def test_a_command_ends_as_it_would_by_itself(workflow, how):
    ours, by_itself = (workflow.run(f"exec probe.py {how}", own) for own in (False, True))
    assert is_warm(ours)
    assert not is_warm(by_itself)
    assert ours.returncode == by_itself.returncode
    assert ours.stdout.splitlines()[1:] == by_itself.stdout.splitlines()[1:]
    assert ours.stderr.splitlines()[-1:] == by_itself.stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    "shell",
    [
        *("cd /; probe.py", "umask 0; probe.py", "ulimit -n 100; probe.py", "nice probe.py"),
        *("probe.py 3< /dev/null", "trap '' INT; probe.py", "OMP_NUM_THREADS=2 probe.py"),
        *("MALLOC_ARENA_MAX=1 probe.py", "CUDA_VISIBLE_DEVICES= probe.py"),
        *("env -u HOME probe.py", "PYTHONHASHSEED=0 probe.py", "taskset -c 0 probe.py"),
        "probe.py $(head -c 100000 /dev/zero | tr '\\0' x){1,2,3}",
    ],
)
def test_a_command_under_other_conditions_starts_by_itself(workflow, shell):
    if "taskset" in shell and (os.cpu_count() == 1 or not shutil.which("taskset")):
        pytest.skip("one core is all")
    done = workflow.run(shell)
    assert done.returncode == 0, done.stderr
    assert not is_warm(done)


def test_another_interpreter_starts_by_itself(workflow, tmp_path):
    (tmp_path / "python3").symlink_to(Path(sys.executable))
    done = workflow.run("probe.py", PATH=f"{workflow.private}:{tmp_path}:{workflow.path}")
    assert not is_warm(done)


def test_packages_installed_anew_are_noticed(own):
    assert is_warm(own.run("probe.py"))
    (own.folder / "heavy.py").write_text("VERSION = 2\n")
    assert not is_warm(own.run("probe.py"))


def test_sources_are_read_anew(own):
    part = own.folder / "part.py"
    for value in ("2", "345", "'six'"):
        part.write_text(f"VALUE = {value}\n")
        done = own.run("probe.py")
        assert is_warm(done)
        assert json.loads(done.stdout)["part"] == eval(value)


def test_somebodys_own_start_of_python_is_kept(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "sitecustomize.py").write_text("import heavy\n")
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        until(
            lambda: not any(f"{started.private}".encode() in command_line(p) for p in processes())
        )
        assert is_warm(started.run("probe.py")), "through sitecustomize"
        assert not (started.private / "socket").exists()


def test_a_command_does_not_wait_for_the_server(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "heavy.py").write_text("import time\ntime.sleep(1000)\n")
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        assert not is_warm(started.run("probe.py"))


def test_a_server_with_threads_is_none(tmp_path):
    scripts = prepared(tmp_path)
    (tmp_path / "heavy.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
    )
    with Workflow(tmp_path, scripts, ("heavy",)) as started:
        assert not is_warm(started.ready().run("probe.py"))


def test_a_trained_model_is_the_same(inputs, tmp_path):  # noqa: F811
    (tmp_path / "src").symlink_to(grid.BASE / "src")
    scripts = tmp_path / "workflow" / "scripts"
    scripts.mkdir(parents=True)
    script = scripts / "train_recommender.py"
    script.touch()
    text = (grid.BASE / "workflow" / "scripts" / script.name).read_text()
    results = []
    with Workflow(tmp_path, scripts, warm.SLOW) as started:
        for by_itself in (True, False):
            # Only a fork can run the second one.
            script.write_text(
                text.replace("#!/usr/bin/env python3", "#!/bin/false") if results else text
            )
            script.chmod(0o755)
            out = tmp_path / str(by_itself)
            out.mkdir()
            _, _, *options = test_resuming.command("train_recommender", inputs, out)
            line = started.ready().line('exec train_recommender.py "${@}"', by_itself)
            line["args"] += ["bash", *options, "--code", "the same"]
            subprocess.run(**line, check=True)
            results.append(test_resuming.results(out))
    assert results[0] == results[1]
