# The checked configuration, the grid, the paths, and what every rule uses.

import gc
import os
import re
import shutil
import sys
from copy import deepcopy
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

from snakemake.io import _IOFile
from snakemake.logging import logger

from varbench.axes import WITHIN_THREAT
from varbench.errors import InputError
from varbench.experiment import checksums, former, inputs, plan, protocol, targets, warm
from varbench.experiment.ablation import Ablation
from varbench.experiment.advice import warnings
from varbench.experiment.configuration import class_file, complete, no_key_twice
from varbench.experiment.grid import Grid
from varbench.experiment.listings import image_listing, source_files
from varbench.experiment.page_options import page_options, shown
from varbench.experiment.options import at, at_all, at_each, files, line, options
from varbench.experiment.requirements import Requirements
from varbench.experiment.settings import Settings
from varbench.experiment.sources import Sources, content
from varbench.reporting.page.pictures import PICTURES
from varbench.reporting.snakemake_report import entry
from varbench.reporting.tables import OF_CELLS, rendered, suffixed

try:
    no_key_twice(map(Path, workflow.configfiles))
    complete(config, BASE / "resources" / "config.schema.yaml")
    CORRECTED = deepcopy(config)
    protocol.apply(config)
    GRID = Grid.of(config)
    SET = Settings(GRID, BASE)
    # The cells of the ablation, and under each protocol the names that they have there.
    ABLATION = Ablation.of(config, CORRECTED, GRID.names, GRID.clean)
except InputError as error:
    raise WorkflowError(f"configuration: {error}") from None
if workflow.is_main_process:
    for text in warnings(CORRECTED):
        print(f"warning: {text}", file=sys.stderr)

code = Sources(BASE).of(config)
# A job asks for a GPU where it may find one.
GPU = int(
    config["device"].startswith("cuda")
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)
NEEDS = Requirements(GRID, len(SET.classes), gpu=bool(GPU))

RESULTS = str(Path(config["results"]))
# Jobs parse the rules too; only the run that starts them says it.
if workflow.is_main_process and (left := former.notice(Path(RESULTS))):
    logger.warning(left)

LOGS, BENCHMARKS = f"{RESULTS}/logs", f"{RESULTS}/benchmarks"
CATALOGUE = f"{RESULTS}/catalogues/{{catalogue}}"
TRAINING = f"{RESULTS}/training"
IN_NETWORK = "{defense}/{run}"
NETWORK = f"{RESULTS}/extractors/{IN_NETWORK}"
IN_FEATURES = "{catalogue}/{defense}/{run}"
FEATURES = f"{RESULTS}/features/{IN_FEATURES}"
DATASET = f"{RESULTS}/datasets/{{dataset}}"
IN_ATTACK = "{dataset}/{defense}/{attack}/{run}"
ATTACK = f"{RESULTS}/attacks/{IN_ATTACK}"
IN_GUIDE = "{dataset}/{defense}/{recommender}/{users}/{run}"
GUIDE = f"{RESULTS}/guides/{IN_GUIDE}"
# A job trains, or ranks with, all runs and seeds of a cell.
IN_ROW = "{threat}/{dataset}/{defense}/{attack}/{recommender}"
IN_CELL = f"{IN_ROW}/{{run}}/{{seed}}"
MODEL = f"{RESULTS}/models/{IN_CELL}"
CELL = f"{RESULTS}/cells/{IN_CELL}"
TABLES, FIGURES = f"{RESULTS}/tables", f"{RESULTS}/figures"
# Of most jobs that read tables.
PLAIN = NEEDS.at_most(NEEDS.plain, 30)


def one_of(names):
    """Return a regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def every_repeat(pattern):
    """The file of each run and seed of a cell."""
    return [
        path for repeat in GRID.repeats for path in expand(pattern, **repeat, allow_missing=True)
    ]


def told(script, *blocks, kind=None, **values):
    """The parameters of a job: its sources, what it is told by name, and its files' options."""
    named = options(*blocks, **values)
    return {"code": code(script, kind), "options": named, "files": files}


def reported(output):
    """An output, or each of several, with caption, place and labels if `--report` shows it."""
    if not isinstance(output, str):
        return [reported(each) for each in output]
    shown_so = entry(output)
    return report(output, **shown_so) if shown_so else output


def on_device(threads, gpus=GPU):
    """The resources of a job that computes on a GPU where there is one; none is tracked."""
    of_torch = {"device": config["device"], "torch_threads": config["threads"][threads]}
    return {"gpu": gpus, **of_torch}


def folders(*names):
    """The patterns by which a command finds what has no name among its inputs."""
    patterns = {"catalogue": CATALOGUE, "network": NETWORK, "features": FEATURES}
    patterns |= {"dataset": DATASET, "attack": ATTACK, "cell": CELL, "training": f"{NETWORK}.csv"}
    return {name: patterns[name] for name in names}


def of_catalogues(*files):
    """These files of every catalogue."""
    return expand(f"{CATALOGUE}/{{file}}", catalogue=GRID.catalogues, file=files)


def of_datasets(*files):
    """These files of every dataset."""
    return expand(f"{DATASET}/{{file}}", dataset=GRID.names["dataset"], file=files)


CELL_FILES = every_repeat(f"{CELL}/{{file}}")


def files_of_cells(cells, *names):
    """The named files of every run and seed of some cells: as a function, for every job parses the
    rules, and they are tens of thousands."""
    cells = list(cells)
    return lambda wildcards: [
        path.format(**cell, file=name) for name in names for cell in cells for path in CELL_FILES
    ]
