"""Where downloads are from: Google Drive, the registry, and the command that asks it."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest
import requests
import yaml

from download_server import CONTENT, SHA256, arrived, server, waits, wanted
from varbench import downloads
from varbench.errors import InputError

__all__ = ["server", "waits", "wanted"]

BASE = Path(__file__).parents[1]


# Google Drive, which gdown knows


@pytest.fixture
def gdown(monkeypatch):
    module = types.ModuleType("gdown")
    module.exceptions = types.SimpleNamespace(DownloadError=type("E", (Exception,), {}))
    monkeypatch.setitem(sys.modules, "gdown", module)
    return module


def test_google_drive(gdown, wanted):
    def download(*, id, output, resume, quiet, timeout, retries):
        assert (id, resume, quiet) == ("abc", True, True)
        assert timeout > 0 < retries
        Path(output).write_bytes(CONTENT)

    gdown.download = download
    wanted_file = wanted(url="gdrive:abc")
    assert downloads.fetch(wanted_file) == SHA256
    arrived(wanted_file)


@pytest.mark.parametrize("error", ["E", requests.ConnectionError])
def test_google_drive_refuses(gdown, wanted, error):
    kind = gdown.exceptions.DownloadError if error == "E" else error

    def download(**_options):
        raise kind("Too many users\nhave viewed")

    gdown.download = download
    with pytest.raises(InputError, match="Google Drive file abc: Too many users have viewed; get"):
        downloads.fetch(wanted(url="gdrive:abc"))


def test_google_drive_without_gdown(monkeypatch, wanted):
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(InputError, match="needs gdown: pip install gdown; or get it"):
        downloads.fetch(wanted(url="gdrive:abc"))


# The registry and the command


def test_the_registry():
    known = downloads.registry(BASE / "resources" / "downloads.yaml")
    for place, download in known.items():
        assert place.startswith("data/")
        assert download.sha256 is None or len(download.sha256) in (8, 64)
        if "-" in Path(place).stem:  # torchvision's names end in the start of the sum
            assert download.sha256.startswith(Path(place).stem.rpartition("-")[2])


def test_everything_that_the_papers_configuration_names_is_known():
    known = downloads.registry(BASE / "resources" / "downloads.yaml")
    paper = yaml.safe_load((BASE / "config" / "paper.yaml").read_text())
    named = [c["source"]["path"] for c in paper["catalogues"].values() if c]
    named += [d["weights"] for d in paper["defenses"].values()] + [paper["perceptual"]["weights"]]
    assert set(named) <= set(known)


def test_the_command(server, tmp_path, monkeypatch):
    rows = [dict.fromkeys(("bytes", "sha256", "licence"))]
    rows[0] |= {"name": "w", "what": "weights", "url": server.url, "page": "", "place": "data/w.pt"}
    (tmp_path / "downloads.yaml").write_text(yaml.safe_dump(rows))
    monkeypatch.chdir(tmp_path)
    script = BASE / "workflow" / "scripts" / "fetch.py"
    spec = importlib.util.spec_from_file_location("fetch", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    command = ["fetch.py", "--registry", "downloads.yaml", "--place"]
    monkeypatch.setattr(sys, "argv", [*command, "data/w.pt"])
    module.main()
    assert (tmp_path / "data" / "w.pt").read_bytes() == CONTENT
    monkeypatch.setattr(sys, "argv", [*command, "data/other.pt"])
    with pytest.raises(InputError, match=r"data/other\.pt: not in downloads\.yaml; known: data/w"):
        module.main()
