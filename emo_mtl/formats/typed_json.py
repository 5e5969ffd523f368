"""Results as JSON: a file has the fields of a dataclass, which is its schema for writing and for reading."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from emo_mtl.errors import UserError
from emo_mtl.formats.checked_json import KINDS, check, is_nan
from emo_mtl.io import read_json, write_atomically

T = TypeVar("T")

# A number that a file may lack a value of (null, NaN), which is read as NaN: there was nothing to score.
Score = Annotated[float, "or NaN"]


# Metadata of a field that a file has only where it is not None.
WHERE_GIVEN = {"where given": True}


def to_text(result: Any) -> str:
    """A dataclass, or a list of dataclasses, as the text of a JSON file."""
    content = (
        [_content(entry) for entry in result] if isinstance(result, list) else _content(result)
    )
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _content(entry: Any) -> dict[str, Any]:
    """The fields of a dataclass, without those of `WHERE_GIVEN` that are None."""
    content = asdict(entry)
    absent = [
        f.name for f in fields(entry) if f.metadata == WHERE_GIVEN and content[f.name] is None
    ]
    return {name: value for name, value in content.items() if name not in absent}


def write(path: Path, result: Any) -> None:
    """Write what :func:`to_text` returns, all of it or nothing."""
    write_atomically(path, to_text(result))


def read(path: Path, kind: type[T]) -> T:
    """What :func:`to_text` wrote.

    Fields may be missing where the dataclass has a default, and others may be there: files of other
    versions.

    Args:
        kind: a dataclass, or `list[...]` of one, whose fields are annotated with text, numbers, `Score`,
            truth values, lists, tuples, mappings of texts, such dataclasses, or any of these or None

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
    if origin is Annotated:  # Score
        return math.nan if value is None or is_nan(value) else check(value, float, where, name)
    return check(value, kind, where, name)


def _fields(entry: Mapping[str, Any], kind: Any, where: str) -> Any:
    """A dataclass of a JSON object."""
    hints = get_type_hints(kind, include_extras=True)
    values = {}
    for field in fields(kind):
        hint = hints[field.name]
        if field.name in entry and (entry[field.name] is not None or _takes_none(hint)):
            values[field.name] = _value(entry[field.name], hint, where, repr(field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            expected = KINDS[_json_kind(hint)]
            raise UserError(f"{where}: found no {field.name!r}, expected {expected}; make it again")
    return kind(**values)


def _json_kind(kind: Any) -> type:
    """The one of `KINDS` that a file has for a field."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType, Annotated):  # of something and None; Score
        return _json_kind(get_args(kind)[0])
    if is_dataclass(kind):
        return dict
    return list if origin is tuple else origin or kind


def _takes_none(kind: Any) -> bool:
    return kind == Score or types.NoneType in get_args(kind)
