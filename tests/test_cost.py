"""Cost and provenance: sums of what jobs took, and a record that names what it cannot know."""

import hashlib
import json
import subprocess
import sys

import pandas as pd

import grid
from varbench.reporting.page.cost import summed
from varbench.storage import write_table


def log(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def test_costs_are_summed_by_stage_and_attack_and_memory_is_the_largest(tmp_path):
    logs = tmp_path / "logs"
    log(logs / "attack_images/men/T/pgd_8/0.log", "cost: 2.00 s, CPU 3.00 s, memory 100.0 MB")
    log(logs / "attack_images/men/AT/pgd_8/0.log", "said", "cost: 4 s, CPU 1.5 s, memory 70.5 MB")
    log(logs / "plan.log", "cost: 1.00 s, CPU 1.00 s, memory 10.0 MB")
    log(logs / "evaluate_cell/men.log", "still running")
    searches = []
    for defense in ("T", "AT"):
        path = tmp_path / "attacks" / "men" / defense / "pgd_8" / "0" / "search.parquet"
        write_table(path, pd.DataFrame({"item": [1, 2], "iterations": [20, 10]}))
        searches.append(path)
    table = summed(logs, attacks=["pgd_8"], searches=searches).set_index("stage")
    assert set(table.index) == {"attack_images", "plan"}
    attack, plan = table.loc["attack_images"], table.loc["plan"]
    assert (attack["attack"], attack["jobs"], attack["seconds"]) == ("pgd_8", 2, 6)
    assert (attack["cpu_seconds"], attack["peak_mb"]) == (4.5, 100)
    assert attack["gradient_evaluations"] == 60
    assert plan["attack"] == ""
    assert pd.isna(plan["gradient_evaluations"])


def test_the_record_has_checksums_and_what_was_given(tmp_path):
    data = tmp_path / "weights.bin"
    data.write_bytes(b"\x01" * 100)
    output = tmp_path / "provenance.json"
    script = grid.BASE / "workflow" / "scripts" / "record_provenance.py"
    told = json.dumps({"facts": {"seed": 7}})
    line = [sys.executable, script, "--options", told, "--files", data, "--provenance", output]
    done = subprocess.run([str(word) for word in line], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(output.read_text())
    assert record["seed"] == 7
    assert record["checksums_sha256"] == {str(data): hashlib.sha256(b"\x01" * 100).hexdigest()}
    assert record["packages"]["numpy"][0].isdigit()
