"""The embedded configuration with something written over it: completed, or refused."""

import copy
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from varbench.errors import InputError
from varbench.experiment.configuration import complete

BASE = Path(__file__).parents[1]
SCHEMA = BASE / "resources" / "config.schema.yaml"
VALID = yaml.safe_load((BASE / "config.yaml").read_text())


def completed(*overlays):
    """Lay overlays, as text, over the embedded experiment as Snakemake does, and complete it."""
    config = copy.deepcopy(VALID)
    for overlay in overlays:
        update_config(config, yaml.safe_load(overlay) if isinstance(overlay, str) else overlay)
    complete(config, SCHEMA)
    return config


def refused(*overlays):
    with pytest.raises(InputError) as raised:
        completed(*overlays)
    assert "\n" not in str(raised.value)
    return str(raised.value)
