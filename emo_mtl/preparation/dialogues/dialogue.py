"""What the readers of all formats share: turns, dialogues, and a corpus of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.preparation.corpus import LINE_ENDS, clean

# Ends an utterance in DailyDialog's files, and joins turns where several stand in one text.
MARK = "__eou__"


@dataclass(frozen=True)
class Turn:
    """What one speaker says at a time.

    Attributes:
        text: on one line, stripped, not empty, without `MARK`
        where: `FILE:LINE`, for messages
        speaker: who says it, where that is known
        labels: column -> label, such as `{"emotion": "happiness"}`; none is empty
        is_response: whether it may be the reply of a pair
    """

    text: str
    where: str
    speaker: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_response: bool = True


Dialogue = list[Turn]


@dataclass(frozen=True)
class DialogueCorpus:
    """The dialogues of a folder or file.

    Attributes:
        name: for people
        format: of the files, for people
        files: what was read
        splits: for each of `corpus.SPLITS` its dialogues, each of one turn or more, in order
    """

    name: str
    format: str
    files: tuple[Path, ...]
    splits: dict[str, list[Dialogue]]


def make_turn(
    text: str,
    where: str,
    speaker: str = "",
    labels: Mapping[str, str] | None = None,
    is_response: bool = True,
) -> Turn:
    """A turn of raw texts; labels that are empty are left out.

    Raises:
        UserError: the text is empty, or has `MARK` in it
    """
    if MARK in text:
        raise UserError.at(
            where,
            found=f"{MARK} in an utterance",
            expected=f"utterances without it, since {MARK} joins them",
            fix="make each part a turn of its own, or remove it",
        )
    lines = {column: LINE_ENDS.sub(" ", label).strip() for column, label in (labels or {}).items()}
    filled = {column: label for column, label in lines.items() if label}
    return Turn(clean(text, where), where, speaker.strip(), filled, is_response)


def response_positions(dialogue: Dialogue) -> list[int]:
    """Where the replies of a dialogue stand in it: turns that may be one and have one before them."""
    return [i for i, turn in enumerate(dialogue) if i and turn.is_response]


def check_turns(dialogue: Dialogue, where: str) -> Dialogue:
    """The dialogue; `UserError` where it has no turn."""
    if not dialogue:
        raise UserError.at(
            where,
            found="a dialogue without turns",
            expected="at least one",
            fix="remove it",
        )
    return dialogue


def check_responses(dialogues: Iterable[Dialogue], where: object) -> None:
    """Raise `UserError` if no dialogue of a split has a reply."""
    if not any(map(response_positions, dialogues)):
        raise UserError.at(
            where,
            found="no dialogue with a response",
            expected="dialogues of two turns or more",
            fix="add dialogues",
        )
