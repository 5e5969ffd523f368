"""JSON Lines: a dialogue a line, as `{"turns": [{"text": "Hi", "speaker": "A", "emotion": "joy"}, ...]}`.

A turn may be its text alone, and a dialogue the list of its turns. Other keys of a turn are its labels;
texts beside `turns` are labels of all turns that have no such label of their own. `/save` of `emo-mtl chat`
writes this format.
"""

from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.formats.checked_json import shown
from emo_mtl.io import parse_json, text_lines
from emo_mtl.preparation.corpus import read_filled
from emo_mtl.preparation.dialogues.dialogue import Dialogue, Turn, check_turns, make_turn

EXAMPLE = '{"turns": [{"text": "Hi"}, {"text": "Hello"}]}'


def read(path: Path) -> list[Dialogue]:
    """The dialogues of a file.

    Raises:
        UserError: a line is no such dialogue, or an utterance is empty or has the mark in it
    """
    lines = enumerate(text_lines(read_filled(path)), start=1)
    return [read_dialogue(line, f"{path}:{number}") for number, line in lines]


def read_dialogue(line: str, where: str) -> Dialogue:
    """The dialogue of a line."""
    try:
        content = parse_json(line, where)
    except UserError as error:
        raise UserError.at(
            where,
            found="no JSON that can be used",
            expected=f"a dialogue such as {EXAMPLE}",
            fix="write each dialogue on one line, as Python's json.dumps does",
        ) from error
    shared: dict[str, str] = {}
    turns = content
    if isinstance(content, dict):
        turns = content.get("turns")
        shared = {key: value for key, value in content.items() if isinstance(value, str)}
    if not isinstance(turns, list):
        raise refusal(where, content, f"a list of turns, or an object with it: {EXAMPLE}")
    return check_turns([read_turn(turn, shared, where) for turn in turns], where)


def read_turn(content: Any, shared: dict[str, str], where: str) -> Turn:
    """A turn; `shared` are labels of the dialogue."""
    if isinstance(content, str):
        content = {"text": content}
    if not isinstance(content, dict) or not isinstance(content.get("text"), str):
        raise refusal(where, content, 'a turn: a text, or an object with a "text"')
    own = {
        key: str(value) for key, value in content.items() if isinstance(value, str | int | float)
    }
    text, speaker = own.pop("text"), own.pop("speaker", "")
    return make_turn(text, where, speaker, {**shared, **own})


def refusal(where: str, content: Any, expected: str) -> UserError:
    """The error about a value that is something else than expected."""
    return UserError.at(where, found=shown(content), expected=expected, fix="correct the line")
