# The checked configuration, the axes of the grid, the names of files.

import gc
import json
import os
import re
import shutil
import sys
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

BASE = Path(workflow.basedir)

# Jobs find this checkout's commands and package, and the Python that runs Snakemake, first.
for variable, folders in {
    "PATH": [BASE / "workflow" / "scripts", Path(sys.executable).parent],
    "PYTHONPATH": [BASE / "src"],
    # In a container, PATH is the image's.
    "APPTAINERENV_PREPEND_PATH": [BASE / "workflow" / "scripts"],
}.items():
    ours = [str(folder) for folder in folders]
    others = os.environ.get(variable, "").split(os.pathsep)
    others = [folder for folder in others if folder and folder not in ours]
    os.environ[variable] = os.pathsep.join([*ours, *others])
sys.path.insert(0, str(BASE / "src"))
# The graph of a large grid is millions of objects that stay; to look them through for garbage, as
# often as they usually would be, is a sixth of a dry run.
gc.set_threshold(1_000_000)
# Jobs keep freed memory: the next batch needs as much, and glibc would fetch it anew, page by page.
for variable in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
    os.environ.setdefault(variable, str(2**32))

from varbench.downloads import registry
from varbench.errors import InputError
from varbench.registry import module_of
from varbench.experiment import protocol
from varbench.experiment.configuration import (
    class_file,
    class_index,
    complete,
    in_order,
    no_key_twice,
    read_classes,
)
from varbench.experiment.sources import Sources, content, listing

try:
    no_key_twice(map(Path, workflow.configfiles))
    complete(config, BASE / "resources" / "config.schema.yaml")
    CORRECTED = deepcopy(config)
    protocol.apply(config)
    CLASSES = read_classes(config, BASE)
    CLASS_FILE = class_file(config, BASE)
except InputError as error:
    raise WorkflowError(f"configuration: {error}") from None

sources = Sources(BASE)
RESULTS = str(Path(config["results"]))
CATALOGUE = f"{RESULTS}/catalogues/{{catalogue}}"
TRAINING = f"{RESULTS}/training"
EXTRACTOR = f"{RESULTS}/extractors/{{defense}}"
FEATURES = f"{RESULTS}/features/{{catalogue}}/{{defense}}"
DATASET = f"{RESULTS}/datasets/{{dataset}}"
IN_ATTACK = "{dataset}/{defense}/{attack}"
ATTACK = f"{RESULTS}/attacks/{IN_ATTACK}"
# The attacks of the grid, or those of the ablation.
VISUAL = f"{RESULTS}/visual/{{subset}}/{{dataset}}/{{defense}}.parquet"
OF_SEEDS = "{dataset}/{defense}/{attack}/{recommender}"
IN_CELL = f"{OF_SEEDS}/{{seed}}"
CELL = f"{RESULTS}/cells/{IN_CELL}"

# The names along each axis: all that are defined, or those that `grid` picks.
GRID = {
    axis: in_order(config, axis)
    for axis in ("datasets", "defenses", "attacks", "recommenders")
}
# The attack that changes nothing comes first: it is the clean baseline of every table.
CLEAN = next(a for a in GRID["attacks"] if config["attacks"][a]["method"] == "none")
GRID["attacks"] = [CLEAN, *(a for a in GRID["attacks"] if a != CLEAN)]
# The cells of the ablation, and under each protocol the names that they have there.
ABLATION = {axis: config["ablation"][axis] or GRID[axis] for axis in GRID}
ABLATION["attacks"] = [CLEAN, *(a for a in ABLATION["attacks"] if a != CLEAN)]
VARIANTS = protocol.variants(
    config, CORRECTED, ABLATION, config["ablation"]["protocols"]
)
SIZE = config["extractor"]["image_size"]
SIDE = None if SIZE == "native" else SIZE  # None: images keep their size
TRAINING_CATALOGUE = config["training_images"]["catalogue"]
TRAINING_FOLDER = config["training_images"]["folder"]
TRAINING_SIDE = config["training_images"]["image_size"] or SIDE
# A job asks for a GPU where it may find one.
GPU = int(
    config["device"].startswith("cuda")
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)
