"""The authors' archives: unpacked once, and nothing outside their folder or half done."""

import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from amazon import authors
from varbench.catalogues import amazon_authors, archive
from varbench.errors import InputError
from varbench.image_archive import decode

__all__ = ["authors"]


def packed(authors, form) -> Path:
    """An archive of the authors' data folder, which is gone."""
    data = authors.parent
    made = shutil.make_archive(str(data.parent / "amazon"), form, data.parent, data.name)
    shutil.rmtree(data)
    return Path(made)


@pytest.mark.parametrize("form", ["zip", "gztar", "tar"])
def test_authors_archive_is_unpacked_once(authors, form):
    made = packed(authors, form)
    raw = amazon_authors.load(path=str(made), dataset="amazon_men")
    assert decode(raw.read_image(3)).shape[1] == 11
    folder = archive.unpacked(made)
    (folder / "mark").touch()
    assert archive.unpacked(made) == folder
    assert (folder / "mark").exists()
    with pytest.raises(InputError, match="holds no data set 'amazon_boys'; found: amazon_men"):
        amazon_authors.load(path=str(made), dataset="amazon_boys")
    os.utime(folder, (0, 0))  # older than the archive
    archive.unpacked(made)
    assert not (folder / "mark").exists()


def around(path) -> set[Path]:
    """What lies in an archive's folder, but for the lock."""
    return {*path.parent.iterdir()} - {path.with_name(f".{path.name}.lock")}


def zipped(path, name, mode=None):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("inside.txt", "fine")
        member = zipfile.ZipInfo(name)
        if mode is not None:
            member.create_system, member.external_attr = 3, mode << 16
        file.writestr(member, "/etc/passwd")


def tarred(path, name, kind=tarfile.REGTYPE, link=""):
    with tarfile.open(path, "w") as file:
        file.addfile(tarfile.TarInfo("inside.txt"))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        file.addfile(member)


@pytest.mark.parametrize(
    ("pack", "arguments"),
    [
        (zipped, ["../outside.txt"]),
        (zipped, ["data/../../outside.txt"]),
        (zipped, ["..\\outside.txt"]),
        (zipped, ["/outside.txt"]),
        (zipped, ["C:/outside.txt"]),
        (zipped, ["link", 0o120777]),
        (tarred, ["../outside.txt"]),
        (tarred, ["link", tarfile.SYMTYPE, "../../outside.txt"]),
        (tarred, ["link", tarfile.LNKTYPE, "/etc/passwd"]),
        (tarred, ["device", tarfile.CHRTYPE]),
    ],
)
def test_members_outside_the_folder_are_refused(tmp_path, pack, arguments):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "evil"
    pack(path, *arguments)
    with pytest.raises(InputError, match=r"evil: refused, .*(outside|link|device)"):
        archive.unpacked(path)
    assert around(path) == {path}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_links_that_mislead_tarfiles_own_filter_are_refused(tmp_path):
    """CVE-2025-4517: a path of links too long to be resolved, behind which ".." is not seen."""
    path = tmp_path / "in" / "evil"
    path.parent.mkdir()
    with tarfile.open(path, "w") as file:

        def add(name, kind, link=""):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, link, 0o755
            file.addfile(member)

        deep, steps = "", "abcdefghijklmnop"
        for step in steps:
            add(f"{deep}{'d' * 247}", tarfile.DIRTYPE)
            add(f"{deep}{step}", tarfile.SYMTYPE, "d" * 247)
            deep += f"{'d' * 247}/"
        links = "/".join(steps) + "/" + "l" * 254
        add(links, tarfile.SYMTYPE, "../" * len(steps))
        add("escape", tarfile.SYMTYPE, f"{links}/../../..")
        add("escape/planted", tarfile.REGTYPE)
    with pytest.raises(InputError, match="evil: refused, 'a' is a link or device"):
        archive.unpacked(path)
    assert around(path) == {path}
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("names", [["a", "a/b"], ["a" * 300]])
def test_names_that_cannot_be_are_damage(tmp_path, form, names):
    path = tmp_path / "odd"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as file:
            for name in names:
                file.writestr(name, "x")
    else:
        with tarfile.open(path, "w") as file:
            for name in names:
                file.addfile(tarfile.TarInfo(name))
    with pytest.raises(InputError, match="odd: damaged"):
        archive.unpacked(path)
    assert around(path) == {path}


def test_what_a_killed_job_has_unpacked_is_replaced(authors):
    made = packed(authors, "zip")
    left = made.with_name(f".{made.name}.unpacking")
    left.mkdir()
    (left / "half").touch()
    folder = archive.unpacked(made)
    assert not (folder / "half").exists()
    assert around(made) == {made, folder}


@pytest.mark.parametrize("kept", [0, 0.1, 0.5, 0.8])
@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_a_cut_archive_leaves_nothing(authors, form, kept):
    made = packed(authors, form)
    data = made.read_bytes()
    made.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=r"amazon\.\S+: damaged"):
        archive.unpacked(made)
    assert around(made) == {made}


@pytest.mark.parametrize("form", ["zip", "gztar", "bztar", "xztar"])
def test_any_damage_of_an_archive_is_one_clear_error_or_harmless(authors, form):
    made = packed(authors, form)
    data, random = made.read_bytes(), np.random.default_rng(0)
    messages = set()
    for _ in range(60):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] ^= 1 << random.integers(8)
        made.write_bytes(damaged)
        try:
            shutil.rmtree(archive.unpacked(made))
        except InputError as error:
            messages.add(str(error))
        assert around(made) == {made}
    assert messages
    assert not any("\n" in message for message in messages)
