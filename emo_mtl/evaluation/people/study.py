"""What is rated: questions, the sample of test items, and HITs that do not tell which system answered."""

import csv
import hashlib
import html
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emo_mtl.formats.delimited import FORMULA_STARTS
from emo_mtl.inference.turns import split_turns

LOWEST, HIGHEST = 1, 5  # the scale of every question


@dataclass(frozen=True)
class Question:
    """One question of a HIT; its name is the field that the page sends, and the key in JSON."""

    name: str
    column: str  # in Table 2
    text: str
    lowest: str  # what the lowest rating means
    highest: str


QUESTIONS = (
    Question(
        "emotion",
        "Emo",
        "Does the response take into account how person A feels?",
        "not at all",
        "fully",
    ),
    Question("fluency", "Flu", "Is the response grammatically correct?", "not at all", "fully"),
    Question(
        "informativeness",
        "Info",
        "Does the response give person A some information?",
        "none",
        "a lot",
    ),
    Question(
        "relevance",
        "Relv",
        "Does what the response says fit what person A said?",
        "not at all",
        "fully",
    ),
)


@dataclass(frozen=True)
class Hit:
    """An utterance with a response: what one worker rates at a time.

    Systems that gave the same response to the same utterance share the HIT.
    """

    item_id: str  # says nothing about the systems
    utterance: str
    response: str
    answers: list[
        tuple[str, int]
    ]  # (system, item): whose response it is; items are test line numbers


def draw_items(size: int, items: int, seed: int) -> list[int]:
    """Line numbers (from 0, ascending) of `items` of the `size` test examples, drawn without replacement."""
    return sorted(random.Random(seed).sample(range(size), items))


def make_hits(
    utterances: Sequence[str],
    responses: Mapping[str, Sequence[str]],
    items: Sequence[int],
    seed: int,
) -> list[Hit]:
    """All responses of all systems to the drawn items, equal ones once, in random order.

    Args:
        utterances: the whole test set
        responses: system -> its responses to the whole test set
        items: line numbers of the drawn examples
        seed: of the order
    """
    hits: dict[tuple[str, str], Hit] = {}
    for item in items:
        for system, lines in responses.items():
            pair = _one_line(utterances[item]), _one_line(lines[item])
            if pair not in hits:
                # begins with a letter: spreadsheets would take 12e4567 for a number
                digest = hashlib.sha256(json.dumps([seed, *pair]).encode()).hexdigest()
                hits[pair] = Hit(f"h{digest[:15]}", *pair, answers=[])
            hits[pair].answers.append((system, item))
    order = list(hits.values())
    random.Random(seed).shuffle(order)
    return order


def hit_row(hit: Hit) -> dict[str, str]:
    """The template's variables for one HIT, as HTML."""
    return {
        "item_id": hit.item_id,
        "utterance": context(hit.utterance),
        "response": escape(hit.response),
    }


def context(line: str) -> str:
    """An utterance as HTML, below what was said before it, each with who says it: A, the last one, or B."""
    turns = split_turns(line)
    if len(turns) == 1:
        return escape(line)
    speakers = [("A", "B")[(len(turns) - 1 - i) % 2] for i in range(len(turns))]
    return "<br>".join(
        f"{speaker}: {escape(turn)}" for speaker, turn in zip(speakers, turns, strict=True)
    )


def hits_csv(hits: Sequence[Hit]) -> str:
    """The batch file to upload: the header names the template's variables, then one HIT a line."""
    rows = [hit_row(hit) for hit in hits]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def escape(text: str) -> str:
    """Text as HTML that can stand in a CSV file for Mechanical Turk, which puts it into the page as it is.

    Besides what HTML needs, character references replace ``$`` (no text becomes a template
    variable), all but ASCII (no encoding gets lost, and Mechanical Turk takes no emoji), and a
    first character that makes a spreadsheet read a formula.
    """
    escaped = html.escape(text).replace("$", "&#36;")
    if escaped[0] in FORMULA_STARTS:
        escaped = f"&#{ord(escaped[0])};{escaped[1:]}"
    return escaped.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _one_line(text: str) -> str:
    return " ".join(text.split()) or "(empty)"
