"""Responses of several systems to the same utterances, to be read: a page in Markdown and in HTML."""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from emo_mtl.evaluation.agreement import Judge
from emo_mtl.formats import markdown
from emo_mtl.inference.turns import split_turns
from emo_mtl.preparation.splits import Split

GOLD = "(the response in the data)"

STYLE = """body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #ddd; padding: .3em .6em; vertical-align: top }
td:first-child { color: #666; white-space: nowrap }
blockquote { border-left: 4px solid #ccc; margin: .5em 0; padding-left: 1em }"""


@dataclass(frozen=True)
class Text:
    """An utterance or a response, and the label that the judge gives it, of each task."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Example:
    """An utterance with the responses to it.

    `number` is its line in the data, from 1; `before` are the turns before it, the oldest first.
    """

    number: int
    before: Sequence[str]
    utterance: Text
    responses: Mapping[str, Text]  # by system


def examples(
    split: Split,
    systems: Mapping[str, Sequence[str]],
    ids: Sequence[int],
    judge: Judge,
    tasks: Sequence[str],
) -> list[Example]:
    """The examples at some positions of a split, with the gold response first.

    Args:
        systems: name -> its responses to all utterances of the split
        ids: positions, from 0
    """

    def judged(texts: Sequence[str]) -> list[Text]:
        chosen = [texts[i] for i in ids]
        labels = judge(chosen)
        columns = zip(*(labels[task] for task in tasks), strict=True)
        return [Text(text, tuple(found)) for text, found in zip(chosen, columns, strict=True)]

    utterances = judged(split.utterances)
    responses = {name: judged(texts) for name, texts in {GOLD: split.answers, **systems}.items()}
    return [
        Example(
            number=i + 1,
            before=split_turns(split.inputs[i])[:-1],
            utterance=utterances[row],
            responses={name: found[row] for name, found in responses.items()},
        )
        for row, i in enumerate(ids)
    ]


def to_markdown(title: str, notes: Sequence[str], found: Sequence[Example]) -> str:
    """The page in Markdown."""

    def lines() -> Iterator[str]:
        yield f"# {markdown.text(title)}"
        yield "\n".join(f"- {markdown.text(note)}" for note in notes)
        for example in found:
            yield f"## {example.number}"
            turns = [*example.before, shown(example.utterance)]
            yield "\n>\n".join(f"> {markdown.text(turn)}" for turn in turns)
            rows = [
                [markdown.text(name), markdown.text(r.text), markdown.text(", ".join(r.labels))]
                for name, r in example.responses.items()
            ]
            yield markdown.table(["system", "response", "emotion"], rows, texts=3)

    return "\n\n".join(lines()) + "\n"


def to_html(title: str, notes: Sequence[str], found: Sequence[Example]) -> str:
    """The page in HTML, which needs no other file."""

    def lines() -> Iterator[str]:
        yield "<!DOCTYPE html>"
        yield f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        yield f"<style>{STYLE}</style></head><body>"
        yield f"<h1>{html.escape(title)}</h1>"
        yield f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>"
        for example in found:
            yield f"<h2>{example.number}</h2>"
            for turn in [*example.before, shown(example.utterance)]:
                yield f"<blockquote>{html.escape(turn)}</blockquote>"
            yield "<table>"
            for name, response in example.responses.items():
                cells = (name, response.text, ", ".join(response.labels))
                yield f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
            yield "</table>"
        yield "</body></html>"

    return "\n".join(lines()) + "\n"


def shown(utterance: Text) -> str:
    """An utterance with what is recognised in it."""
    return f"{utterance.text} [{', '.join(utterance.labels)}]"
