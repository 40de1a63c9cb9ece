"""Cost and provenance: sums of what jobs took, and a record that names what it cannot know."""

import hashlib
import json
import subprocess
import sys

import pandas as pd
import pytest

import grid
from varbench.errors import InputError
from varbench.reporting.page.cost import costs
from varbench.storage import write_table

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def measured(path, seconds, memory, cpu):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t1\t1\t1\t{cpu}\n")


def test_costs_are_summed_by_stage_and_attack_and_memory_is_the_largest(tmp_path):
    jobs = tmp_path / "benchmarks"
    measured(jobs / "attack_images" / "men" / "T" / "pgd_8.tsv", 2, 100, 3)
    measured(jobs / "attack_images" / "men" / "AT" / "pgd_8" / "0.tsv", 4, 70, "-")
    measured(jobs / "plan.tsv", 1, 10, 1)
    outcomes = []
    for defense in ("T", "AT"):
        path = tmp_path / "attacks" / "men" / defense / "pgd_8" / "0" / "outcome.parquet"
        write_table(path, pd.DataFrame({"item": [1, 2], "iterations": [20, 10]}))
        outcomes.append(path)
    table = costs(jobs, attacks=["pgd_8"], outcomes=outcomes).set_index("stage")
    attack, plan = table.loc["attack_images"], table.loc["plan"]
    assert (attack["attack"], attack["jobs"], attack["seconds"]) == ("pgd_8", 2, 6)
    assert (attack["cpu_seconds"], attack["peak_mb"]) == (3, 100)
    assert attack["gradient_evaluations"] == 60
    assert plan["attack"] == ""
    assert pd.isna(plan["gradient_evaluations"])


def test_a_damaged_measurement_is_named(tmp_path):
    (tmp_path / "plan.tsv").write_text("seconds\n1\n")
    with pytest.raises(InputError, match=r"plan\.tsv"):
        costs(tmp_path, attacks=[])


def test_the_record_has_checksums_and_what_was_given(tmp_path):
    data = tmp_path / "weights.bin"
    data.write_bytes(b"\x01" * 100)
    output = tmp_path / "provenance.json"
    script = grid.BASE / "workflow" / "scripts" / "record_provenance.py"
    line = [sys.executable, script, "--facts", '{"seed": 7}', "--files", data, "--output", output]
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(output.read_text())
    assert record["seed"] == 7
    assert record["checksums_sha256"] == {str(data): hashlib.sha256(b"\x01" * 100).hexdigest()}
    assert record["packages"]["numpy"][0].isdigit()
