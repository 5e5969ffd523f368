"""The folder with all that Mechanical Turk needs, without the systems' names."""

import json
from collections.abc import Sequence
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.evaluation.people.page import fill, template
from emo_mtl.evaluation.people.study import (
    Hit,
    draw_items,
    hit_row,
    hits_csv,
    make_hits,
)
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.io import (
    atomic_folder,
    check_output_folder,
    sha256,
)

KEY = "key.json"

_FILES = {KEY, "README.md", "hits.csv", "preview.html", "template.html"}


def make(
    out: Path,
    utterances: Path,
    systems: Sequence[tuple[str, Path]],
    *,
    items: int,
    raters: int,
    seed: int,
    overwrite: bool = False,
) -> str:
    """Draw the items and write the folder.

    Args:
        utterances: the file of the test set's
        systems: name and file of responses of each, the baseline first
        items: test examples to draw
        raters: workers to ask for each response
        seed: of the draw and the order
        overwrite: replace a folder that was written by this function

    Returns:
        its README

    Raises:
        UserError: a file cannot be read, or the files and numbers do not fit each other.
    """
    check_output_folder(out, overwrite, mark=KEY)
    _check_nothing_else(out)
    texts = _read_utterances(utterances)
    responses = _read_systems(systems, len(texts), utterances)
    if not 1 <= items <= len(texts):
        raise UserError(f"--items {items}: expected 1 to {len(texts)}, the lines of {utterances}")
    if raters < 1:
        raise UserError(f"--raters {raters}: expected at least 1")

    drawn = draw_items(len(texts), items, seed)
    hits = make_hits(texts, responses, drawn, seed)
    page = template()
    files = {
        "hits.csv": hits_csv(hits),
        "template.html": page,
        "preview.html": fill(page, hit_row(hits[0])),
    }
    key = {
        "seed": seed,
        "raters": raters,
        "items": drawn,
        "utterances": checksum(utterances),
        "systems": [{"name": name, **checksum(path)} for name, path in systems],
        "hits": {hit.item_id: hit.answers for hit in hits},
    }
    readme = _readme(hits, len(systems), items, raters, out)
    files |= {KEY: json.dumps(key, indent=1, ensure_ascii=False) + "\n", "README.md": readme}
    with atomic_folder(out) as draft:
        for name, text in files.items():
            (draft / name).write_text(text, encoding="utf-8", newline="")
    return readme


def _check_nothing_else(folder: Path) -> None:
    """Results that were put into the folder cost money: --overwrite must not remove them."""
    others = {path.name for path in folder.iterdir()} - _FILES if folder.exists() else set()
    if others:
        raise UserError(
            f"{folder}: found {', '.join(sorted(others))} beside what this command writes, which "
            "--overwrite would remove; move it, or choose another folder"
        )


def _read_utterances(path: Path) -> list[str]:
    content = read_responses(path)
    if content.references is not None:
        raise UserError(
            f"{path}: found the output of fairseq-generate, expected the utterances as text, one a line"
        )
    return content.hypotheses


def _read_systems(
    systems: Sequence[tuple[str, Path]], lines: int, utterances: Path
) -> dict[str, list[str]]:
    responses: dict[str, list[str]] = {}
    for name, path in systems:
        if name in responses:
            raise UserError(f"--system {name}: was there before; expected each name once")
        responses[name] = read_responses(path).hypotheses
        if len(responses[name]) != lines:
            raise UserError(
                f"{path}: found {len(responses[name])} responses, expected {lines}, one for each line "
                f"of {utterances}; give the utterances of the subset that was generated"
            )
    return responses


def checksum(path: Path) -> dict[str, str]:
    """A file's name and what tells its content from any other."""
    return {"file": str(path), "sha256": sha256(path)}


def _readme(hits: Sequence[Hit], systems: int, items: int, raters: int, out: Path) -> str:
    assignments = raters * len(hits)
    shared = sum(len(hit.answers) - 1 for hit in hits)
    return f"""\
# Manual evaluation on Amazon Mechanical Turk

{items} test items, {systems} systems: {len(hits)} HITs.
With {raters} raters each these are {assignments} assignments.
Responses that repeat another one to the same utterance word for word: {shared}. They share its HIT, and its
ratings count for each system that gave it: nobody rates the same text twice, and equal responses get equal
scores.

1. Look at `preview.html` in a browser, and read the texts in `hits.csv`: Mechanical Turk has rules for
   adult content.
2. Make a project at https://requester.mturk.com (for a trial: https://requestersandbox.mturk.com) and put
   `template.html` in place of its layout's source.
3. Set **{raters} assignments (workers) per HIT** and, as in the paper, the workers' location: United States.
   Set the reward by the time that your trial took.
4. Publish a batch with `hits.csv`. Do not open it in a spreadsheet and save it.
5. When all is done, reject what is not honest work, download the results, and score them:

       emo-mtl human-eval score {out} RESULTS.csv --json scores.json

`key.json` says which system gave which response. Keep it: `score` needs it. Keep it from the raters, and do
not look into it before you have decided what to reject.
"""
