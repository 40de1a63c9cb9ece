"""Shared by all tests."""

import os

from hypothesis import settings

# Before numpy and torch are imported: one thread, so that workers do not fight over cores.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# No test is timed. HYPOTHESIS_PROFILE=long draws ten times as many examples.
settings.register_profile("usual", deadline=None)
settings.register_profile("long", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))
