# The checked configuration, the axes of the grid, and the functions that rules use.

import json
import os
import re
import shutil
import sys
from pathlib import Path

BASE = Path(workflow.basedir)
SCRIPTS = BASE / "workflow" / "scripts"

# Jobs run the package of this checkout, with the Python that runs Snakemake.
sys.path.insert(0, str(BASE / "src"))
for variable, folder in ("PYTHONPATH", BASE / "src"), ("PATH", Path(sys.executable).parent):
    if str(folder) not in os.environ.get(variable, "").split(os.pathsep):
        os.environ[variable] = os.pathsep.join(
            filter(None, [str(folder), os.environ.get(variable)])
        )

from varbench.errors import InputError
from varbench.registry import module_of
from varbench.workflow.configuration import class_file, class_index, complete, read_classes
from varbench.workflow.sources import Sources

try:
    complete(config, BASE / "resources" / "config.schema.yaml")
    CLASSES = read_classes(config, BASE)
    CLASS_FILE = class_file(config, BASE)
except InputError as error:
    raise WorkflowError(f"configuration: {error}") from None

sources = Sources(BASE)
RESULTS = config["results"]
CATALOGUE = f"{RESULTS}/catalogues/{{catalogue}}"
TRAINING = f"{RESULTS}/training"
EXTRACTOR = f"{RESULTS}/extractors/{{defense}}"
FEATURES = f"{RESULTS}/features/{{catalogue}}/{{defense}}"
DATASET = f"{RESULTS}/datasets/{{dataset}}"
IN_ATTACK = "{dataset}/{defense}/{attack}"
ATTACK = f"{RESULTS}/attacks/{IN_ATTACK}"
IN_CELL = "{dataset}/{defense}/{attack}/{recommender}/{seed}"
CELL = f"{RESULTS}/cells/{IN_CELL}"

# The names along each axis: all that are defined, or those that `grid` picks.
GRID = {
    axis: config["grid"][axis] or list(config[axis])
    for axis in ("datasets", "defenses", "attacks", "recommenders")
}
# The attack that changes nothing comes first: it is the clean baseline of every table.
CLEAN = next(a for a in GRID["attacks"] if config["attacks"][a]["method"] == "none")
GRID["attacks"] = [CLEAN, *(a for a in GRID["attacks"] if a != CLEAN)]
GPU = int(
    config["device"].startswith("cuda")
    or (config["device"] == "auto" and shutil.which("nvidia-smi") is not None)
)


def one_of(names):
    """Return a regular expression that matches exactly these names."""
    return "|".join(map(re.escape, names)) or "(?!)"


def code(script, kind=None):
    """Digest of the sources behind a job, with the module of its method if `kind` is given."""

    def digest(wildcards):
        method = config[f"{kind}s"][wildcards[kind]]["method"]
        return sources.digest(script, module_of(kind, method))

    return digest if kind else sources.digest(script)


def block(section, *without):
    """The configuration block that a wildcard names, as JSON for a command line."""

    def find(wildcards):
        chosen = config[f"{section}s"][wildcards[section]]
        return json.dumps({k: v for k, v in chosen.items() if k not in without}, sort_keys=True)

    return find


def of_dataset(pattern):
    """Fill in the catalogue of the wildcard's dataset and, where asked for, `undefended`."""

    def path(wildcards):
        catalogue = config["datasets"][wildcards.dataset]["catalogue"]
        return expand(pattern, catalogue=catalogue, **{"defense": config["undefended"], **wildcards})

    return path


def verbatim(text):
    """A parameter that keeps its braces: a pattern that a script fills in itself."""
    return lambda wildcards: text


def network():
    """What builds the extractor, as JSON."""
    keys = ("architecture", "mean", "std")
    return json.dumps({k: config["extractor"][k] for k in keys} | {"classes": len(CLASSES)})


def category(role):
    """Class index of a dataset's source or target category."""

    def index(wildcards):
        return class_index(config["datasets"][wildcards.dataset][f"{role}_category"], CLASSES)

    return index
