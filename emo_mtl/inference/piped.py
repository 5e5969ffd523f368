"""A conversation of piped lines: one line is printed for each line that is read."""

import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import Conversation, Turn
from emo_mtl.inference.labels import as_text


def answer_lines(
    conversation: Conversation, lines: Iterable[bytes], show: Callable[[str, Turn | str], str]
) -> None:
    """Answer piped lines, one line for each; what a command says goes to standard error.

    A line that cannot be answered says so on standard error, and the rest is answered all the same.

    Args:
        show: what to print for a text, of its answer or of the error

    Raises:
        UserError: at the end, if there were lines that could not be answered
    """
    errors: list[str] = []
    for number, raw in enumerate(lines, start=1):
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace").strip()
        if text == "/quit":
            break
        found: Turn | str
        try:
            raw.decode()
            if text.startswith("/"):
                print(conversation.command(text), file=sys.stderr)
                continue
            found = conversation.answer(text) if text else Turn("", {}, "", read=0)
        except UnicodeDecodeError as error:
            found = f"expected UTF-8 ({error})"
        except UserError as error:
            found = str(error)
        if isinstance(found, str):
            errors.append(f"standard input, line {number}: {found}")
            print(errors[-1], file=sys.stderr)
        print(show(text, found), flush=True)
    if errors:
        raise UserError(f"{errors[0]} (lines without an answer: {len(errors)})")


def tab_line(text: str, found: Turn | str) -> str:
    """`HEAD=LABEL PROBABILITY` of each head, then the response, between tabs; nothing for an error.

    Of a head that gives several labels `HEAD=LABEL PROBABILITY, LABEL PROBABILITY`.
    """
    if isinstance(found, str):
        return ""
    columns = [f"{head}={as_text(scores)}" for head, scores in found.shown().items()]
    return "\t".join([*columns, found.response])


def json_line(text: str, found: Turn | str) -> str:
    """A JSON object on one line: text, emotions, response and turns, or text and error.

    `turns`: how many of the last turns the response takes into account, the text included.
    """
    if isinstance(found, str):
        return json.dumps({"text": text, "error": found})
    answer: dict[str, Any] = {"text": text, "emotions": found.emotions}
    answer |= {"response": found.response, "turns": found.read}
    if found.wanted:
        answer["wanted"] = found.wanted
    return json.dumps(answer)
