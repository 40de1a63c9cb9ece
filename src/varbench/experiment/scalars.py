"""Numbers that arrive as text: on the command line all scalars in lists and blocks do."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import ValidationError, validators

_WHOLE = r"[-+]?[0-9]{1,18}"
_DECIMAL = r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?"  # YAML 1.1's, as PyYAML reads it
_SCIENTIFIC = r"([-+]?[0-9]*)(\.[0-9]*)?[eE]([-+]?)([0-9]+)"
_FRACTION = r"\s*([0-9]+(?:\.[0-9]+)?)\s*/\s*255(?:\.0*)?\s*"
_PLAIN: dict[str, bool | None] = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    "null": None,
}
_WORDS = {form: v for w, v in _PLAIN.items() for form in (w, w.capitalize(), w.upper())}
_WORDS["~"] = None


def scalar(text: str) -> Any:
    """Return what YAML makes of a plain scalar: a number, a truth value, nothing, or the text."""
    if re.fullmatch(_WHOLE, text):
        return int(text)
    if re.fullmatch(_DECIMAL, text):
        return float(text)
    return _WORDS.get(text, text)


def is_null(value: Any) -> bool:
    """Say whether a value removes what it is laid over: null, also as the command line has it."""
    return value is None or (isinstance(value, str) and _WORDS.get(value, value) is None)


def read_into(value: Any, schema: dict[str, Any], validator: Any) -> None:
    """Replace text in ``value``, in place, where the schema wants no text, by its ``scalar``.

    ``validator`` is the class that the schema is for.
    """
    _look_through(_reading(validator), value, schema)


def forget_nulls(value: Any, schema: dict[str, Any], validator: Any) -> None:
    """Remove the keys whose value is null where the schema takes neither it nor its text, in place.

    ``validator`` is the class that the schema is for.
    """
    _look_through(_forgetting(validator), value, schema)


def _look_through(changing: Any, value: Any, schema: dict[str, Any]) -> None:
    for _ in changing(schema).iter_errors(value):  # a validator changes what it comes by
        pass


# Both validators are kept, since making one costs more than using it.
@cache
def _reading(validator: Any) -> Any:
    return validators.extend(  # type: ignore[no-untyped-call]
        validator,
        {"properties": _properties, "additionalProperties": _additional, "items": _items},
    )


@cache
def _forgetting(validator: Any) -> Any:
    return validators.extend(  # type: ignore[no-untyped-call]
        validator, {"properties": _without_nulls}
    )


def advice(text: str) -> str | None:
    """Say how to write a number that YAML takes for text; None where it is no number."""
    fraction = re.fullmatch(_FRACTION, text)
    if fraction:
        return f"{text!r} is text; in 255ths that is {fraction[1]}"
    parts = re.fullmatch(_SCIENTIFIC, text.strip())
    if not parts or not (parts[1].strip("+-") or (parts[2] or "").strip(".")):
        return None
    whole = parts[1] if parts[1].strip("+-") else f"{parts[1]}0"
    fraction_digits = parts[2] if parts[2] and len(parts[2]) > 1 else ".0"
    written = f"{whole}{fraction_digits}e{parts[3] or '+'}{parts[4]}"
    return f"{text!r} is text to YAML; write {written}"


def _read(validator: Any, container: Any, key: Any, schema: Any) -> None:
    value = container[key]
    if isinstance(value, str) and next(validator.descend(value, schema), None) is not None:
        container[key] = scalar(value)


def _without_nulls(
    validator: Any, properties: dict[str, Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in properties.keys() & instance.keys():
            given, taken = instance[key], properties[key]
            if is_null(given) and all(
                next(validator.descend(each, taken), None) for each in (given, None)
            ):
                del instance[key]
    yield from validators.Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _properties(
    validator: Any, properties: dict[str, Any], instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in properties.keys() & instance.keys():
            _read(validator, instance, key, properties[key])
    yield from validators.Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _additional(
    validator: Any, additional: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict) and isinstance(additional, dict):
        for key in instance.keys() - schema.get("properties", {}).keys():
            _read(validator, instance, key, additional)
    yield from validators.Draft202012Validator.VALIDATORS["additionalProperties"](
        validator, additional, instance, schema
    )


def _items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, list):
        for row in range(len(instance)):
            _read(validator, instance, row, items)
    yield from validators.Draft202012Validator.VALIDATORS["items"](
        validator, items, instance, schema
    )
