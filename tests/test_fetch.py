"""Files that the configuration names are fetched by the workflow, before a run or as part of it."""

import hashlib
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

import grid
from varbench.downloads import registry

PLACE = "data/weights/squeeze.pth"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy whose configuration names a file that a local server has."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    checkout = grid.copy_checkout(tmp_path / "checkout")
    served = tmp_path / "served"
    served.mkdir()
    (served / "squeeze.pth").write_bytes(b"weights" * 1000)
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=served)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        row = dict.fromkeys(("licence", "bytes"))
        row |= {"name": "squeeze", "what": "weights", "page": "https://example.org", "place": PLACE}
        row["url"] = f"http://127.0.0.1:{server.server_address[1]}/squeeze.pth"
        row["sha256"] = hashlib.sha256(b"weights" * 1000).hexdigest()
        other = row | {"place": "data/other.pth", "url": "http://127.0.0.1:9/other.pth"}
        registry = checkout / "resources" / "downloads.yaml"
        registry.write_text(yaml.safe_dump([row, other]))
        config = yaml.safe_load((checkout / "tests" / "tiny.yaml").read_text())
        config["perceptual"] = {"weights": PLACE}
        (checkout / "tests" / "tiny.yaml").write_text(yaml.safe_dump(config))
        yield checkout
        server.shutdown()
        thread.join()


def test_the_papers_experiment_begins_with_its_files(tmp_path):
    checkout = grid.copy_checkout(tmp_path / "checkout")
    jobs = grid.rules(grid.planned(checkout, configfile=grid.BASE / "config" / "paper.yaml"))
    assert jobs["fetch_file"] == 5  # both datasets are in one archive
    assert jobs["evaluate_cell"] == 2 * 3 * 6 * 2


def test_what_the_configuration_names_is_fetched_once(checkout):
    assert ("fetch_file", (("place", PLACE),)) in grid.planned(checkout, "all")
    grid.snakemake(checkout, "fetch")
    assert (checkout / PLACE).read_bytes() == b"weights" * 1000
    assert not (checkout / "data" / "other.pth").exists()
    with (checkout / "src" / "varbench" / "downloads.py").open("a") as source:
        source.write("\n# edited\n")
    assert "fetch_file" not in grid.rules(grid.planned(checkout, "all"))


@pytest.mark.parametrize("network", ["vgg", "squeeze", "alex"])
def test_the_backbone_to_download_is_a_file_of_the_registry(tmp_path, network):
    checkout = grid.copy_checkout(tmp_path / "checkout")
    grid.edit(checkout, "perceptual", {"network": network, "weights": "download"})
    (job,) = (job for job in grid.planned(checkout, "fetch") if job[0] == "fetch_file")
    place = dict(job[1])["place"]
    assert place in registry(checkout / "resources" / "downloads.yaml")
    assert network in place
    assert job in grid.planned(checkout, "all")


def test_a_file_that_was_put_there_is_left_alone(checkout):
    (checkout / PLACE).parent.mkdir(parents=True)
    shutil.copy(checkout / "config.yaml", checkout / PLACE)
    assert "fetch_file" not in grid.rules(grid.planned(checkout, "all"))
    done = grid.snakemake(checkout, PLACE, "--force", check=False)
    assert "delete it and fetch it again" in done.stderr
    assert (checkout / PLACE).read_bytes() == (checkout / "config.yaml").read_bytes()


def test_without_a_network_one_line_says_where_the_file_belongs(checkout):
    registry = checkout / "resources" / "downloads.yaml"
    rows = yaml.safe_load(registry.read_text())
    registry.write_text(yaml.safe_dump([row | {"url": None} for row in rows]))
    done = grid.snakemake(checkout, "fetch", check=False)
    assert done.returncode
    message = f"error: {PLACE}: no public copy is known; get it by hand (https://example.org)"
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / PLACE).exists()
