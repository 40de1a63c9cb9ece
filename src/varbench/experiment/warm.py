"""Warm starts: jobs on a workstation that need not import torch, pandas and the like each.

``start`` begins a server (``warm_server``) that has imported them, and puts a folder in front on
``PATH`` in which each command's name leads to a client (``warm_client``). The client asks the
server for a fork of itself that runs the command, in the client's place and with its standard
streams; it waits for the end and ends the same way. Rules, and commands called by hand, are
what they are without. The sources of varbench are imported anew in each fork.

The command itself is started, as it would be without a server, whenever there is none (yet) or
anything differs that a process might notice: see ``warm_server.suits``.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
SLOW = (
    *("numpy", "pandas", "scipy.sparse", "pyarrow.parquet", "PIL.Image"),
    *("torch", "safetensors.torch", "torchvision", "lpips", "tqdm"),
)
# Where a fork writes its command line, for ps, pgrep and top.
ROOM = 16_384
# As Snakemake sets them for each job.
THREADS = (
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def start(scripts: Path, slow: Sequence[str] = SLOW) -> None:
    """Start a server for the commands in ``scripts``, which ends with this process at the latest.

    It imports the modules ``slow``; until it has, jobs start by themselves.

    Where it cannot be (it needs Linux), nothing changes. It serves jobs of one thread: libraries
    read the number while they are imported, and with more they start threads, which no fork has.
    """
    python = shutil.which("python3")
    # The client's first line.
    known = (
        subprocess.run(["/usr/bin/env", "-S", "true"], stderr=subprocess.DEVNULL).returncode == 0
    )
    if not hasattr(os, "pidfd_open") or python is None or not known:
        return
    folder = tempfile.mkdtemp(prefix="varbench-warm-")  # nobody else can enter it
    for script in scripts.glob("*.py"):
        (Path(folder) / script.name).symlink_to(HERE / "warm_client.py")
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{path}"
    server = subprocess.Popen(
        [python, str(HERE / "warm_server.py"), folder, str(os.getpid()), *slow, " " * ROOM],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | dict.fromkeys(THREADS, "1"),
        start_new_session=True,  # Ctrl-C is for the clients
    )

    def stop(owner: int = os.getpid()) -> None:
        if os.getpid() != owner:
            return
        server.kill()  # and the kernel its forks
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
        os.environ["PATH"] = path

    atexit.register(stop)
