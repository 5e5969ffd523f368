"""Results as JSON: a file has the fields of a dataclass, which is its schema for writing and for reading."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from emo_mtl.errors import UserError
from emo_mtl.formats.checked_json import KINDS, check, is_nan
from emo_mtl.io import read_json, write_atomically

T = TypeVar("T")


def to_text(result: Any) -> str:
    """A dataclass, or a list of dataclasses, as the text of a JSON file."""
    content = [asdict(entry) for entry in result] if isinstance(result, list) else asdict(result)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write(path: Path, result: Any) -> None:
    """Write what :func:`to_text` returns, all of it or nothing."""
    write_atomically(path, to_text(result))


def read(path: Path, kind: type[T]) -> T:
    """What :func:`to_text` wrote.

    Fields may be missing where the dataclass has a default, and others may be there: files of other
    versions. A number that is missing its value (null, NaN) is NaN: there was nothing to score.

    Args:
        kind: a dataclass, or `list[...]` of one, whose fields are annotated with text, numbers, truth
            values, lists, tuples, mappings of texts, such dataclasses, or any of these or None

    Raises:
        UserError: the file cannot be read, or has not the fields of the dataclass
    """
    return _value(read_json(path), kind, str(path), "")


def _value(value: Any, kind: Any, where: str, name: str) -> Any:
    """A value, if it is of a kind; `name` as for :func:`check`."""
    if is_dataclass(kind):
        return _fields(check(value, dict, where, name), kind, where)
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):  # of something and None
        return None if value is None else _value(value, arguments[0], where, name)
    if origin in (list, tuple):
        items = check(value, list, where, name)
        if origin is tuple and len(items) != len(arguments):
            raise UserError(
                f"{where}: found {len(items)} values in {name}, expected {len(arguments)}; make it again"
            )
        kinds = arguments if origin is tuple else arguments * len(items)
        found = [
            _value(item, kind, f"{where}, entry {number}", "")
            if is_dataclass(kind)
            else _value(item, kind, where, f"in {name}")
            for number, (item, kind) in enumerate(zip(items, kinds, strict=True), start=1)
        ]
        return origin(found)
    if origin is dict:
        items = check(value, dict, where, name)
        return {key: _value(item, arguments[1], where, repr(key)) for key, item in items.items()}
    if kind is float and (value is None or is_nan(value)):
        return math.nan
    return check(value, kind, where, name)


def _fields(entry: Mapping[str, Any], kind: Any, where: str) -> Any:
    """A dataclass of a JSON object."""
    hints = get_type_hints(kind)
    values = {}
    for field in fields(kind):
        hint = hints[field.name]
        if field.name in entry and (entry[field.name] is not None or _takes_none(hint)):
            values[field.name] = _value(entry[field.name], hint, where, repr(field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            expected = KINDS[dict if is_dataclass(hint) else get_origin(hint) or hint]
            raise UserError(f"{where}: found no {field.name!r}, expected {expected}; make it again")
    return kind(**values)


def _takes_none(kind: Any) -> bool:
    return kind is float or types.NoneType in get_args(kind)
