"""Shared by all tests."""

import os

# Before numpy and torch are imported: one thread, so that workers do not fight over cores.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
