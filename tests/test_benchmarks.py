"""`make benchmark` at its smallest size, without its peers: they are named, and all else runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BASE = Path(__file__).parents[1]
sys.path.insert(0, str(BASE / "benchmarks"))

import comparing  # noqa: E402
import growth_plot  # noqa: E402
import peers_environment  # noqa: E402
import run  # noqa: E402
import sections  # noqa: E402
from peers import SUBJECTS, grid, pgd  # noqa: E402
from subjects import Given  # noqa: E402


def smallest(folder: Path, *subjects: str) -> list[list[str]]:
    """Run the subjects and return the table's cells."""
    line = [sys.executable, str(BASE / "benchmarks" / "run.py"), "--smallest"]
    line += ["--weights", str(folder / "none.pt"), "--images", str(folder), "--only", *subjects]
    environment = os.environ | {"PYTHONPATH": str(BASE / "src")}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line[:1] == "|"]
    return rows[2:]


def test_every_subject_runs_or_names_what_is_missing(tmp_path):
    rows = smallest(tmp_path, *SUBJECTS)
    of_peers = {row[1]: row for row in rows}
    assert {"foolbox", "cornac", "faiss", "ranx", "torchmetrics", "adversarial-library"} <= set(
        of_peers
    )
    # These need no package beside varbench's own.
    for name in ("bare forward and backward loop", "dense argsort", "lpips"):
        assert "round" in of_peers[name][3], of_peers[name]
    for row in rows:
        assert "round" in row[3] or (row[3] == "not run" and row[2])


def test_a_side_that_fails_is_out_and_says_why():
    def fails():
        raise ValueError("no such thing")

    found = comparing.race({comparing.OURS: lambda: 1, "peer": fails}, rounds=2)
    assert found.failures == {"peer": "ValueError: no such thing"}
    assert found.results == {comparing.OURS: 1}
    assert len(found.seconds[comparing.OURS]) == 2


def test_ratios_are_taken_round_by_round():
    found = comparing.Race(seconds={comparing.OURS: [1.0, 10.0, 2.0], "peer": [3.0, 20.0, 8.0]})
    assert found.ratio("peer") == (3.0, 2.0, 4.0, 3)


def test_other_work_never_reads_as_a_ratio_reached():
    ratio = comparing.Ratio(9.0, 9.0, 9.0, 1)
    line = comparing.table([comparing.Row("w", "p", "said", ratio, same=False, aim=3)])
    assert "other work: 9.00" in line
    assert "reached" not in line


def test_every_peer_is_pinned():
    text = peers_environment.PINS.read_text(encoding="utf-8")
    pins = peers_environment.pins(text)
    assert all(pin.count("==") == 1 for pin in pins)
    assert len({pin.partition("==")[0] for pin in pins}) == len(pins)


def test_a_grid_is_its_jobs_computing_over_its_wall_time(tmp_path):
    logs = {
        "fetch.log": "one\ncost: 9.00 s, CPU 2.50 s, memory 1.0 MB\n",
        # Two processes of one job.
        "train/T/0.log": "cost: 4.00 s, CPU 3.00 s, memory 1.0 MB\n" * 2,
        "train/AT/0.log": "still running\n",
    }
    for name, text in logs.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    jobs = grid.computing(tmp_path)
    assert sorted(jobs) == [2.5, 6.0]
    row = grid.compared([grid.Run(5.0, 12.0, jobs), grid.Run(10.0, 12.0, jobs)])
    assert row.ratio == pytest.approx((1.275, 0.85, 1.7, 2))
    assert "2: 8 s of computing in 8 s" in row.agreement
    assert "missed" in comparing.table([row])
    assert "reached" in comparing.table([grid.compared([grid.Run(5.0, 12.0, jobs)])])


def test_a_grid_that_fails_is_a_row_that_says_why(monkeypatch):
    monkeypatch.setattr(grid, "SMALLEST", ("--config", "threats=[nonesuch]"))
    (row,) = grid.rows(Given(smallest=True, rounds=1, weights=BASE, images=BASE))
    assert row.ratio is None
    assert row.agreement.startswith("it failed: configuration: threats: ['nonesuch']")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            "error: no such device\n===\nWorkflowError:\nA job has failed.\n",
            "error: no such device",
        ),
        ("Traceback:\n  File\nKeyError: 'a'\n\n", "KeyError: 'a'"),
        ("Command x returned 137\nA job has failed.\n\n", "A job has failed."),
        ("\n", "no word of why"),
    ],
)
def test_why_a_grid_has_failed_is_its_last_error(told, why):
    assert grid.why(told) == why


def test_the_plot_of_growth_has_a_line_for_each_work_and_the_page_shows_it(tmp_path):
    seconds = {"ranking": {1: 0.2, 3: 0.5, 10: 1.0}, "PGD": {1: 1.0, 3: 3.0, 10: 12.0}}
    rows = [comparing.Row(f"growth: {w}", "", "", seconds=s) for w, s in seconds.items()]
    line = growth_plot.shown([*rows, comparing.Row("other", "", "")], tmp_path / "P.md", "growth")
    assert line.startswith("![Two log scales")
    assert line.endswith("](docs/growth.svg)")
    svg = (tmp_path / "docs" / "growth.svg").read_text()
    assert svg.count('aria-roledescription="line mark"') == 3  # and the dashed one
    for work in seconds:
        assert f">{work}</text>" in svg
    spec = growth_plot.plot(rows)
    dashed = spec["datasets"][spec["layer"][0]["data"]["name"]]
    assert [point["seconds"] / point["times"] for point in dashed] == pytest.approx([0.05] * 3)
    assert spec["layer"][2]["encoding"]["shape"]["scale"]["domain"] == ["PGD", "ranking"]


PAGE = """Ours.
<!-- pgd: begin, written by make benchmark -->
old
<!-- pgd: end -->
Between.
<!-- lists: begin, written by make benchmark -->
<!-- lists: end -->
"""


def test_a_run_replaces_its_own_section_of_the_page():
    page = sections.with_part(PAGE, "pgd", "new \\1\n")
    assert page == PAGE.replace("old", r"new \1")
    assert sections.with_part(page, "pgd", "old\n") == PAGE
    assert "begin, written by make benchmark -->\nx\n<!-- lists: end" in sections.with_part(
        page, "lists", "x\n"
    )
    with pytest.raises(ValueError, match="grid: the page has 0"):
        sections.with_part(PAGE, "grid", "new")


def test_the_page_has_a_section_for_every_subject():
    page = (BASE / "BENCHMARKS.md").read_text(encoding="utf-8")
    for subject in SUBJECTS:
        sections.with_part(page, subject, "")


def test_the_distributions_that_took_part_are_those_imported():
    assert sections.loaded(["pytest", "torchattacks", "no-such-thing"]) == ["pytest"]


def test_the_paper_s_cells_are_trained_and_ranked_by_the_workflow_s_commands():
    line = [sys.executable, str(BASE / "benchmarks" / "paper_size.py"), "--epochs", "2"]
    line += ["--users", "300", "--items", "200", "--interactions", "3000"]
    line += ["--attacked", "10", "--width", "32"]
    environment = os.environ | {"PYTHONPATH": str(BASE / "src")}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.strip("| ").split(" | ")[0] for line in done.stdout.splitlines()]
    assert {"train vbpr, 2 epochs", "rank and evaluate, amr", "amr"} <= set(rows)


def test_a_peer_that_lacks_what_it_imports_is_a_row():
    given = Given(smallest=True, rounds=1, weights=BASE / "none", images=BASE / "none")
    (row,), used = run.apart("of_nobody", given)
    assert row.agreement == "an import failed: No module named 'peers.of_nobody'"
    assert used == []


def test_half_precision_that_fails_is_a_row_that_says_why():
    found = comparing.Race(seconds={"torchattacks": [1.0]}, failures={pgd.HALF: "no bf16 here"})
    row = pgd.compared_half("PGD", "torchattacks", None, found)
    assert (row.agreement, row.ratio) == ("no bf16 here", None)
    assert row.work == "PGD, precision: bf16"
