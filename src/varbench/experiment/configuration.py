"""The experiment's configuration: checked against its schema, completed with defaults."""

import math
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import best_match

from varbench.errors import InputError
from varbench.experiment import candidates, scalars, units
from varbench.experiment.architectures import check_architecture
from varbench.experiment.classes import read_names
from varbench.experiment.contradictions import contradictions
from varbench.experiment.references import hint
from varbench.experiment.removed import explain, forget
from varbench.experiment.scalars import is_null
from varbench.experiment.tuning import settings
from varbench.registry import METHODS

# Sections whose entries an overlay may remove.
SECTIONS = ("catalogues", "datasets", "defenses", "attacks", "recommenders")

ARCHITECTURES = "architectures.txt"  # beside the schema: torchvision's classifiers

Schema = dict[str, Any]
Config = dict[str, Any]

# Blocks with a ``method``: the kind of method and how to reach the blocks, by name.
_BLOCKS: dict[str, Callable[[Config], dict[str, Config]]] = {
    "catalogue": lambda config: {
        f"catalogues.{name}.source": block["source"] for name, block in config["catalogues"].items()
    },
    "defense": lambda config: {f"defenses.{n}": b for n, b in config["defenses"].items()},
    "attack": lambda config: {f"attacks.{n}": b for n, b in config["attacks"].items()},
    "recommender": lambda config: {
        f"recommenders.{n}": b for n, b in config["recommenders"].items()
    },
}


def complete(config: Config, schema_path: Path) -> None:
    """Check ``config`` and fill in the defaults of the schema, in place.

    Overlays are merged key by key, so a ``null`` removes what a file below defines: an entry of
    catalogues, datasets, defenses, attacks or recommenders, or a parameter of a method. Elsewhere
    a ``null`` that means nothing of its own asks for the default.

    Raises
    ------
    InputError
        Names the key (``attacks.pgd_4.epsilon``), what is wrong and, for a misspelt one, what was
        probably meant.
    """
    schema = _read_schema(schema_path)
    if "seeds" in config:
        raise InputError(
            "seeds: is now two keys: runs, how often everything random is repeated, and "
            "recommender_seeds, how often a recommender is trained on the networks of one run"
        )
    removed = _remove(config)
    _validate(config, schema, "")
    check_architecture(config["extractor"]["architecture"], schema_path.with_name(ARCHITECTURES))
    for kind, blocks in _BLOCKS.items():
        for key, block in blocks(config).items():
            for parameter in [name for name, value in block.items() if is_null(value)]:
                del block[parameter]
            method = block.get("method")
            if method not in METHODS[kind]:
                raise InputError(
                    f"{key}.method: unknown {kind} method {method!r}{hint(method, METHODS[kind])}"
                )
            if method not in schema["$defs"][kind]:
                raise InputError(
                    f"{key}.method: {schema_path} has no $defs.{kind}.{method}; describe the "
                    "method's parameters there, as docs/extending.md shows"
                )
            _of_another_method(key, block, schema["$defs"][kind])
            _validate(block, _schema_of(schema, kind, method), key)
    forget(config, removed)
    for problem in chain(units.errors(config), contradictions(config), candidates.errors(config)):
        raise InputError(explain(problem, removed))
    values = config["tuning"]["values"]
    for name in config["tuning"]["recommenders"] or config["recommenders"]:
        block = config["recommenders"][name]
        for setting in settings(block, values):
            tried = _schema_of(schema, "recommender", block["method"])
            _validate({**block, **setting}, tried, f"tuning.values for {name}")


def _remove(config: Config) -> dict[str, set[str]]:
    """Take out the entries that an overlay sets to null, in place; return their names."""
    removed: dict[str, set[str]] = {}
    for section in SECTIONS:
        entries = config.get(section)
        if isinstance(entries, dict):
            removed[section] = {name for name, entry in entries.items() if is_null(entry)}
            config[section] = {n: e for n, e in entries.items() if n not in removed[section]}
    return removed


def _of_another_method(key: str, block: Config, methods: Schema) -> None:
    """Raise InputError if a block has a parameter that only other methods of its kind have."""
    own = methods[block["method"]].get("properties", {})
    for name in [name for name in block if name not in own]:
        others = [m for m, schema in methods.items() if name in schema.get("properties", {})]
        if others:
            raise InputError(
                f"{key}: method {block['method']} has no {name!r}, which {' and '.join(others)} "
                "has; change the method, or remove the parameter"
            )


def no_key_twice(paths: Iterable[Path]) -> None:
    """Raise InputError if a file names a key twice: YAML's readers silently keep the last."""
    for path in paths:
        pending = [yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)]
        reached = set()  # an alias leads to a node that is elsewhere too, even above
        while pending:
            node = pending.pop()
            if not isinstance(node, yaml.MappingNode) or id(node) in reached:
                continue  # lists hold no blocks here
            reached.add(id(node))
            names = [key.value for key, _ in node.value]
            for number, (key, value) in enumerate(node.value):
                if key.value in names[:number]:
                    line = key.start_mark.line + 1
                    raise InputError(f"{path}: line {line}: {key.value!r} is there twice")
                pending.append(value)


def in_order(config: Config, axis: str) -> list[str]:
    """Return the names along an axis of the grid in the order of tables and figures.

    That of ``grid`` where it picks some; else by method as the registry lists them, then by
    epsilon. (An overlay's keys come before those that it is laid over, so their own order is
    nobody's choice.)
    """
    if config["grid"][axis]:
        return list(config["grid"][axis])
    blocks = config[axis]
    if axis == "datasets":
        return list(blocks)
    methods = list(METHODS[axis.removesuffix("s")])
    return sorted(
        blocks, key=lambda n: (methods.index(blocks[n]["method"]), blocks[n].get("epsilon", 0))
    )


def class_index(category: str | int, classes: list[str]) -> int:
    """Return the class index of a category given by name or by index."""
    if isinstance(category, int):
        if 0 <= category < len(classes):
            return category
        raise InputError(f"{category} is not a class index: there are {len(classes)} classes")
    if category not in classes and category.isdecimal():  # as the command line has numbers
        return class_index(int(category), classes)
    if category not in classes:
        raise InputError(f"unknown category {category!r}{hint(category, classes)}")
    if classes.count(category) > 1:
        raise InputError(f"several classes are named {category!r}; give the index")
    return classes.index(category)


def _schema_of(schema: Schema, kind: str, method: str) -> Schema:
    """Return the schema of a method's block, with the keys that every block of its kind has."""
    own = schema["$defs"][kind][method]
    every = schema["$defs"]["every"].get(kind, {})
    return {**own, "properties": {**own["properties"], **every}, "$defs": schema["$defs"]}


@cache
def _read_schema(path: Path) -> Schema:
    schema: Schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    return schema


def _is_integer(_checker: object, value: object) -> bool:
    """Take no 10.0 for a whole number, as JSON Schema does: commands would be given "10.0"."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: object, value: object) -> bool:
    """Take neither .nan, which no limit holds off, nor .inf for a number."""
    return _is_integer(_checker, value) or (isinstance(value, float) and math.isfinite(value))


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": _is_integer, "number": _is_number}
    ),
)


def _validate(value: Config, schema: Schema, where: str) -> None:
    scalars.forget_nulls(value, schema, _Validator)
    scalars.read_into(value, schema, _Validator)
    error = best_match(_Validator(schema).iter_errors(value))
    if error is not None:
        raise InputError(_explain(error, where))
    for _ in _Completing(schema).iter_errors(value):
        pass


def _set_defaults(
    validator: Any, properties: Schema, instance: Any, schema: Schema
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if "default" in subschema:
                # A copy, so that two blocks never share a nested default.
                instance.setdefault(key, deepcopy(subschema["default"]))
    yield from _Validator.VALIDATORS["properties"](validator, properties, instance, schema)


_Completing: Any = validators.extend(  # type: ignore[no-untyped-call]
    _Validator, {"properties": _set_defaults}
)


KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a block of keys",
    "string": "text",
}


def _explain(error: ValidationError, where: str) -> str:
    """Put a schema error into one line that starts with the key."""
    key = ".".join(filter(None, [where, *(str(part) for part in error.absolute_path)])) or "config"
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        schema: Any = error.schema
        known = schema.get("properties", {})
        unknown = [name for name in error.instance if name not in known]
        return f"{key}: unknown key {unknown[0]!r}{hint(unknown[0], known)}"
    rule = error.schema.get("$comment") if isinstance(error.schema, dict) else None
    if error.validator == "pattern" and rule:
        return f"{key}: {error.instance!r} will not do; give {rule}"
    if error.validator in ("anyOf", "contains") and rule:
        return f"{key}: {error.instance!r} will not do; give {rule}"
    return f"{key}: {_plainly(error)}{f' ({rule})' if rule else ''}"


def _plainly(error: ValidationError) -> str:
    """Say what is wrong in words that are not the schema's."""
    given: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "required":
        return f"{next(name for name in wanted if name not in given)!r} is missing; give it"
    if error.validator == "enum":
        return f"unknown value {given!r}{hint(given, [v for v in wanted if v is not None])}"
    if error.validator == "minProperties":
        return "is empty; give at least one"
    if error.validator != "type":
        return error.message
    kinds = [wanted] if isinstance(wanted, str) else wanted
    better = scalars.advice(given) if isinstance(given, str) else None
    return better or f"{given!r} will not do; give {' or '.join(KINDS[kind] for kind in kinds)}"


def class_file(config: Config, base: Path) -> Path:
    """Return the path of the class names, looked up in the working directory, then in ``base``."""
    path = Path(config["extractor"]["classes"])
    return path if path.exists() else base / path


def read_classes(config: Config, base: Path) -> list[str]:
    """Return the extractor's class names; check that every dataset's categories are among them."""
    classes = read_names(class_file(config, base))
    for name, dataset in config["datasets"].items():
        indices = []
        for role in ("source_category", "target_category"):
            try:
                indices.append(class_index(dataset[role], classes))
            except InputError as error:
                raise InputError(f"datasets.{name}.{role}: {error}") from error
        if indices[0] == indices[1]:
            raise InputError(f"datasets.{name}: source_category and target_category are the same")
    return classes
