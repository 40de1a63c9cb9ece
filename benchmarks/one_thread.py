"""Imported before numpy and torch, which read these once: a thread each, here and in children.

On a busy machine idle threads wait actively for one another, and all takes minutes longer.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"
