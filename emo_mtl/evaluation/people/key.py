"""Read the key of a study, which tells whose responses its HITs show."""

from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.formats.checked_json import check, member, members
from emo_mtl.io import read_json


@dataclass(frozen=True)
class Key:
    """What `emo-mtl human-eval make` noted in key.json, as far as scoring needs it."""

    raters: int  # asked for, for each HIT
    items: list[int]  # line numbers of the test set, from 0
    systems: list[str]  # the baseline first
    hits: dict[str, list[tuple[str, int]]]  # HIT -> (system, item) of the responses that it shows

    @property
    def hit_of(self) -> dict[tuple[str, int], str]:
        """The HIT of each system's response to each item."""
        return {answer: hit for hit, answers in self.hits.items() for answer in answers}


def read_key(path: Path) -> Key:
    """Read a key.json.

    Raises:
        UserError: the file cannot be read, is not of that format, or its parts do not fit together
    """
    where = f"{path}, which `emo-mtl human-eval make` writes"
    content = read_json(path)
    hits = member(content, "hits", dict, where)
    key = Key(
        raters=member(content, "raters", int, where),
        items=members(content, "items", int, where),
        systems=[member(s, "name", str, where) for s in members(content, "systems", dict, where)],
        hits={name: [_answer(a, where) for a in members(hits, name, list, where)] for name in hits},
    )
    for name, values in (("systems", key.systems), ("items", key.items)):
        if not values or len(set(values)) < len(values):
            raise UserError(
                f"{where}: found {len(values)} {name}, {len(set(values))} of them different; expected one or "
                "more, each once; take the file as it was written"
            )
    answers = sorted(answer for answers in key.hits.values() for answer in answers)
    if answers != sorted((system, item) for system in key.systems for item in key.items):
        raise UserError(
            f"{where}: found HITs of other responses, expected each system's response to each item once; "
            "take the file as it was written"
        )
    return key


def _answer(value: list, where: str) -> tuple[str, int]:
    if len(value) != 2:
        raise UserError(
            f"{where}: found {len(value)} values in an answer of 'hits', expected a system and an item"
        )
    system, item = value
    return check(system, str, where, "in 'hits'"), check(item, int, where, "in 'hits'")
