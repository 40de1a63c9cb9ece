"""Make the environment that the benchmarks' peers live in, apart from varbench's own.

It sees the packages of the environment that runs this command (torch is large), behind its own. A
package of peers.txt that cannot be installed is named and left out: its rows are then not run.
"""

import argparse
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PINS = Path(__file__).with_name("peers.txt")


def pins(text: str) -> list[str]:
    """Return the requirements in a file of them."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def make(folder: Path) -> Path:
    """Make an environment that sees this one's packages; return its interpreter."""
    venv.create(folder, with_pip=True)
    own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    # addsitedir, not the path alone: it reads that folder's .pth files, varbench's among them.
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(own) / "seen.pth").write_text(line, encoding="utf-8")
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def install(python: Path, requirement: str) -> str:
    """Install one package; return what went wrong, or nothing."""
    line = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", requirement]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    python = make(parser.parse_args().folder)
    for requirement in pins(PINS.read_text(encoding="utf-8")):
        if fault := install(python, requirement):
            print(f"missing: {requirement}: {fault}", file=sys.stderr)


if __name__ == "__main__":
    main()
