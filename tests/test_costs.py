"""What commands say about their costs."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from varbench.experiment.costs import Costs, costs

amount = st.integers(0, 10**9).map(lambda hundredths: hundredths / 100)
A_COMMAND = """
import sys, time
from varbench.experiment import command

def main():
    if len(sys.argv) > 1:
        sys.exit("no")
    kept = bytearray(200_000_000)
    kept[::4096] = b"x" * len(kept[::4096])
    begun = time.process_time()
    while time.process_time() - begun < 0.2:
        pass
    time.sleep(0.3)

command.run(main)
"""


def run(*arguments: str) -> str:
    line = [sys.executable, "-c", A_COMMAND, *arguments]
    return subprocess.run(line, capture_output=True, text=True).stderr


@given(amount, amount, amount.map(lambda mb: round(mb, 1)))
def test_the_line_is_read_back(seconds, cpu, memory):
    spent = Costs(seconds, cpu, memory)
    assert costs(f"epoch 1\n{spent}\n") == spent


def test_a_log_without_it_says_nothing():
    assert costs("") is None
    assert costs("the cost: 1.00 s, CPU 1.00 s, memory 1.0 MB") is None


def test_processes_side_by_side_are_one_command():
    log = f"{Costs(3.0, 2.5, 100.0)}\nwarning\n{Costs(4.0, 1.0, 50.0)}\n"
    assert costs(log) == Costs(4.0, 3.5, 150.0)


def test_a_command_measures_itself():
    spent = costs(run())
    assert spent is not None
    assert spent.seconds > 0.5
    assert spent.cpu_seconds > 0.2
    assert 200 < spent.memory_mb < 400


def test_a_failing_command_says_only_why():
    assert run("fail") == "no\n"
