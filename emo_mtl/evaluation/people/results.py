"""Read the results that Amazon Mechanical Turk offers for download."""

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.evaluation.people.study import HIGHEST, LOWEST, QUESTIONS
from emo_mtl.io import read_text

MAX_PROBLEMS = 20  # listed in a message

_ITEM, _WORKER, _STATUS = "Input.item_id", "WorkerId", "AssignmentStatus"
_ANSWERS = [f"Answer.{question.name}" for question in QUESTIONS]
_STATUSES = ("Submitted", "Approved", "Rejected")
# pandas writes the whole numbers of a column with gaps as `4.0`
_RATING = re.compile(rf"([{LOWEST}-{HIGHEST}])(\.0+)?")


@dataclass(frozen=True)
class Rating:
    """What one worker answered in one HIT."""

    item_id: str
    worker: str
    answers: list[int]  # in the order of QUESTIONS


@dataclass(frozen=True)
class Results:
    """The ratings of a results file without those that were rejected."""

    ratings: list[Rating]
    rejected: int


def read_results(path: Path, item_ids: Collection[str]) -> Results:
    """Read a results file; rejected assignments are counted and otherwise ignored.

    Args:
        item_ids: of the study

    Raises:
        UserError: the file cannot be read, lacks a column, or has rows that are malformed, of another
            study or twice there; names the first `MAX_PROBLEMS` of them by their lines.
    """
    text = read_text(path)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    ratings: list[Rating] = []
    problems: list[str] = []
    first_lines: dict[tuple[str, str], int] = {}  # (worker, item) -> line
    rejected = 0
    try:
        _check_header(path, reader.fieldnames or [])
        for row in reader:
            found = _row_problems(row, item_ids)
            if not found and row[_STATUS] == "Rejected":
                rejected += 1
                continue
            if not found:
                key = row[_WORKER], row[_ITEM]
                first = first_lines.setdefault(key, reader.line_num)
                if first != reader.line_num:
                    found = [f"worker {key[0]} has rated {key[1]} in line {first}; expected once"]
            problems += [f"line {reader.line_num}: {problem}" for problem in found]
            if not found:
                answers = [int(float(row[column])) for column in _ANSWERS]
                ratings.append(Rating(row[_ITEM], row[_WORKER], answers))
    except csv.Error as error:
        raise UserError(
            f"{path}, line {reader.reader.line_num}: found no comma-separated values ({error}), expected "
            "Mechanical Turk's results; download them again"
        ) from error
    if problems:
        listed = [f"  {problem}" for problem in problems[:MAX_PROBLEMS]]
        if len(problems) > MAX_PROBLEMS:
            listed.append(f"  ... and {len(problems) - MAX_PROBLEMS} more")
        raise UserError(
            f"{path}: found {len(problems)} problems; correct or remove these lines, or reject the "
            "assignments and download the results again:\n" + "\n".join(listed)
        )
    if not ratings:
        raise UserError(f"{path}: found no ratings, {rejected} rejected; expected at least one")
    return Results(ratings, rejected)


def _check_header(path: Path, columns: Collection[str]) -> None:
    missing = [name for name in (_ITEM, _WORKER, _STATUS, *_ANSWERS) if name not in columns]
    if missing:
        raise UserError(
            f"{path}, line 1: found no column {', '.join(missing)}; expected Mechanical Turk's results "
            "of hits.csv and template.html as comma-separated values"
        )


def _row_problems(row: dict, item_ids: Collection[str]) -> list[str]:
    """What is wrong with a row by itself; of one that was rejected, only what tells that it was."""
    if None in row or None in row.values():  # more, or fewer, than the header
        return ["found another number of columns than in line 1"]
    if row[_STATUS] not in _STATUSES:
        return [f"found {_STATUS} {row[_STATUS]!r}, expected {', '.join(_STATUSES)}"]
    if row[_STATUS] == "Rejected":
        return []
    problems = []
    if row[_ITEM] not in item_ids:
        problems.append(f"found {_ITEM} {row[_ITEM]!r}, which is not in this study's key.json")
    if not row[_WORKER]:
        problems.append(f"found no {_WORKER}")
    problems += [
        f"found {column} {row[column]!r}, expected a whole number from {LOWEST} to {HIGHEST}"
        for column in _ANSWERS
        if not _RATING.fullmatch(row[column])
    ]
    return problems
