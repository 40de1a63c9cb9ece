"""Seconds per epoch of VBPR and AMR, and time and memory of ranking, at the paper's size.

The data are drawn: only time and memory are measured. The defaults are Amazon Men with one
interaction a user held out. Each thread count gets a process of its own, so that it holds for numpy
too; the memory is what ranking adds to that process's peak, its result included. The machine's load
is printed because busy neighbours multiply every figure: the best of the repetitions is what the
code takes, the median what it took.
"""

import argparse
import multiprocessing
import os
import platform
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from varbench.recommenders import amr, vbpr
from varbench.recommenders.ranking import dot_product_scores, rank
from varbench.recommenders.stack import Training


def draw_interactions(size: argparse.Namespace) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """Return training interactions, at least one a user and Zipf over the items, and test items."""
    random = np.random.default_rng(0)
    popularity = 1 / np.arange(1, size.items + 1) ** 0.7
    popularity /= popularity.sum()
    keys = np.empty(0, np.int64)
    while len(keys) < size.interactions + size.users:
        missing = size.interactions + size.users - len(keys)
        users = np.concatenate([np.arange(size.users), random.integers(size.users, size=missing)])
        items = random.choice(size.items, size=len(users), p=popularity)
        keys = np.union1d(keys, users * size.items + items)
    users, items = np.divmod(random.permutation(keys), size.items)
    _, last = np.unique(users, return_index=True)
    rest = np.setdiff1d(np.arange(len(users)), last)[: size.interactions]
    values = np.ones(len(rest), np.float32)
    shape = (size.users, size.items)
    return sparse.csr_matrix((values, (users[rest], items[rest])), shape), items[last]


def measure_training(size: argparse.Namespace) -> dict[str, list[float]]:
    """Return the seconds of every epoch, by recommender; of a stack, a training's share of them."""
    torch.set_num_threads(size.threads)
    train, _ = draw_interactions(size)
    features = np.random.default_rng(1).random((size.items, size.width), np.float32)
    options = {
        "device": torch.device(size.device),
        "epochs": size.repetitions,
        "factors": size.factors,
        "batch_size": size.batch_size,
    }
    seconds: dict[str, list[float]] = {}
    for count in sorted({1, size.stack}):
        log: list[dict[str, float]] = []
        trainings = [Training(train, features, seed, lambda _: None) for seed in range(count)]
        trainings[0] = replace(trainings[0], log=log.append)
        starts = vbpr.train(trainings, **options)
        begun = [replace(t, start=start) for t, start in zip(trainings, starts, strict=True)]
        amr.train(begun, **options)
        of = f" of {count} stacked, each" if count > 1 else ""
        taken = [epoch["seconds"] for epoch in log]
        seconds[f"VBPR, an epoch{of}"] = taken[: size.repetitions]
        seconds[f"AMR, an epoch{of}"] = taken[size.repetitions :]
    return seconds


def measure_ranking(size: argparse.Namespace) -> tuple[list[float], float]:
    """Return the seconds of every ranking, and the growth of the peak memory in MB."""
    random = np.random.default_rng(2)
    users, items = (size.users, size.factors), (size.items, size.factors)
    model = {
        "user_factors": random.standard_normal(users, np.float32),
        "user_visual_factors": random.standard_normal(users, np.float32),
        "item_factors": random.standard_normal(items, np.float32),
        "item_visual_factors": random.standard_normal(items, np.float32),
    }
    train, held_out = draw_interactions(size)
    attacked = random.choice(size.items, size.attacked, replace=False)
    before, seconds = peak_memory(), []
    for _ in range(size.repetitions):
        began = time.perf_counter()
        rank(dot_product_scores(model), train, held_out, attacked, length=size.length)
        seconds.append(time.perf_counter() - began)
    return seconds, peak_memory() - before


def peak_memory() -> float:
    """Return this process's peak resident memory in MB."""
    unit = 1024 if platform.system() == "Linux" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=24_379)
    parser.add_argument("--items", type=int, default=7_371)
    parser.add_argument("--interactions", type=int, default=64_641, help="in training")
    parser.add_argument("--width", type=int, default=2_048, help="of an image's features")
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--attacked", type=int, default=191, help="items ranked for every user")
    parser.add_argument("--length", type=int, default=150, help="of the lists")
    parser.add_argument("--repetitions", type=int, default=5, help="epochs, and rankings")
    parser.add_argument("--stack", type=int, default=1, help="trainings side by side, too")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", default="cpu")
    size = parser.parse_args()

    print(
        f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {size.device}; "
        f"torch {torch.__version__}, numpy {np.__version__}; {size.users} users, "
        f"{size.items} items, {size.interactions} interactions, D {size.width}, "
        f"K {size.factors}, batch size {size.batch_size}; {size.repetitions} repetitions\n"
    )
    print("| what | threads | best s | median s | memory beyond the model |")
    print("|---|---:|---:|---:|---:|")
    for threads in size.threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # read when a process imports numpy
        size.threads = threads
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as processes:
            ranking, memory = processes.submit(measure_ranking, size).result()
            training = processes.submit(measure_training, size).result()
        for name, seconds in training.items():
            report(name, threads, seconds, "")
        report(f"ranking, top {size.length}", threads, ranking, f"{memory:.0f} MB")


def report(what: str, threads: int, seconds: list[float], memory: str) -> None:
    best, median = min(seconds), statistics.median(seconds)
    print(f"| {what} | {threads} | {best:.2f} | {median:.2f} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
