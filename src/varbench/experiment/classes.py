"""The file of the class names: one a line, in the order of the network's outputs."""

import codecs
from pathlib import Path

from varbench.errors import InputError


def read_names(path: Path) -> list[str]:
    """Return the names in a file of UTF-8 text.

    A byte order mark, Windows line ends, spaces around names and blank lines at the end are
    nothing.

    Raises
    ------
    InputError
        The file cannot be read, is no UTF-8 or JSON, or holds no name; or a line between others is
        blank, so that it cannot be told which output the following names belong to.
    """
    try:
        data = path.read_bytes()
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except OSError as error:
        raise InputError(f"extractor.classes: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"extractor.classes: {path}: {error}; save it as UTF-8") from error
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise InputError(f"extractor.classes: {path}: empty; give one class name a line")
    if lines[0][:1] in ("{", "["):
        raise InputError(f"extractor.classes: {path}: looks like JSON; give one class name a line")
    if "" in lines:
        number = lines.index("") + 1
        raise InputError(
            f"extractor.classes: {path}: line {number} is blank; each line names a class, in the "
            "order of the network's outputs"
        )
    return lines
