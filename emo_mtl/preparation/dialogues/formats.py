"""The formats of dialogues, and how a file of each is told from the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import shown
from emo_mtl.preparation.dialogues import dailydialog, empathetic, jsonl, parlai, tsv
from emo_mtl.preparation.dialogues.dialogue import MARK, Dialogue

KNOWN = (
    "JSON Lines (.jsonl), utterance<TAB>response (.tsv), EmpatheticDialogues' table (.csv), "
    "or the text of DailyDialog or ParlAI (.txt)"
)
FIX = f"write a dialogue a line into a .jsonl file, such as {jsonl.EXAMPLE}"


@dataclass(frozen=True)
class Format:
    """A format of dialogues.

    Attributes:
        name: for people
        read: the dialogues of a file
        corpus: the only corpus that has this format, if it is of one only
        beside: other files that are read with one
    """

    name: str
    read: Callable[[Path], list[Dialogue]]
    corpus: str = ""
    beside: Callable[[Path], Iterable[Path]] = lambda _: ()


DAILYDIALOG = Format(
    "DailyDialog", dailydialog.read, beside=lambda path: dailydialog.label_files(path).values()
)
PARLAI = Format("ParlAI", parlai.read)
TABLES = {
    ".jsonl": Format("JSON Lines", jsonl.read),
    ".tsv": Format("TSV", tsv.read),
    ".csv": Format("EmpatheticDialogues", empathetic.read, "EmpatheticDialogues"),
}


def first_line(path: Path) -> str:
    """The first line of a file of any content, or the beginning of a long one."""
    with path.open("rb") as file:
        return file.readline(1 << 20).decode("utf-8-sig", errors="replace")


def recognised(path: Path) -> Format | None:
    """The format of a file, by the end of its name; of a text by its first line."""
    if path.suffix != ".txt":
        return TABLES.get(path.suffix)
    line = first_line(path)
    if parlai.START.match(line):
        return PARLAI
    return DAILYDIALOG if MARK in line else None


def format_of(path: Path) -> Format:
    """The format of a file that has to be one of dialogues.

    Raises:
        UserError: it has no known format
    """
    kind = recognised(path)
    if not kind:
        raise UserError.at(
            path, found=f"a first line {shown(first_line(path).strip())}", expected=KNOWN, fix=FIX
        )
    return kind
