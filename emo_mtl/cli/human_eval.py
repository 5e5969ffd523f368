"""``emo-mtl human-eval``: the paper's manual evaluation by crowdsourcing (Section 4.3, Table 2)."""

import argparse
import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from emo_mtl import markdown
from emo_mtl.cli.evaluate import read_responses
from emo_mtl.errors import UserError
from emo_mtl.human_eval.key import Key, read_key
from emo_mtl.human_eval.page import fill, template
from emo_mtl.human_eval.results import read_results
from emo_mtl.human_eval.statistics import (
    CONFIDENCE,
    RESAMPLES,
    interval,
    krippendorff_alpha,
    resample_means,
)
from emo_mtl.human_eval.study import (
    HIGHEST,
    LOWEST,
    QUESTIONS,
    Hit,
    draw_items,
    hit_row,
    hits_csv,
    make_hits,
)
from emo_mtl.io import (
    atomic_folder,
    check_output,
    check_output_folder,
    sha256,
    write_atomically,
)

HELP = "manual evaluation by crowdsourcing: make the task for Mechanical Turk, score its results"

logger = logging.getLogger(__name__)

_KEY = "key.json"
_FILES = {_KEY, "README.md", "hits.csv", "preview.html", "template.html"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``emo-mtl human-eval make`` and ``score`` to its parser."""
    steps = parser.add_subparsers(
        title="steps", metavar="STEP", required=True, help="what to do: make, then score"
    )
    description = "write a folder with all that Mechanical Turk needs, without the systems' names"
    step = steps.add_parser("make", help=description, description=description)
    step.set_defaults(step=make)
    step.add_argument(
        "--utterances",
        required=True,
        type=Path,
        metavar="FILE",
        help="the utterances of the test set, one a line, e.g. data/text/response/test.source",
    )
    step.add_argument(
        "--system",
        action="append",
        required=True,
        type=_system,
        metavar="NAME=FILE",
        help="a system and its responses to all utterances: what fairseq-generate printed, or plain "
        "text with one response a line; once for each system, the baseline first",
    )
    step.add_argument(
        "--out", required=True, type=Path, metavar="FOLDER", help="the folder to write"
    )
    step.add_argument(
        "--items",
        type=int,
        default=100,
        metavar="N",
        help="test examples to draw, the same for every system (default: %(default)s)",
    )
    step.add_argument(
        "--raters",
        type=int,
        default=7,
        metavar="N",
        help="workers to ask for each response (default: %(default)s)",
    )
    step.add_argument(
        "--seed", type=int, default=1, help="of the draw and the order (default: %(default)s)"
    )
    step.add_argument(
        "--overwrite", action="store_true", help="replace a folder that was written by this command"
    )

    description = (
        "average the ratings in Mechanical Turk's results (Emo, Flu, Info, Relv of Table 2)"
    )
    step = steps.add_parser("score", help=description, description=description)
    step.set_defaults(step=score)
    step.add_argument("folder", type=Path, metavar="FOLDER", help="what `make` wrote")
    step.add_argument(
        "results", type=Path, metavar="RESULTS.csv", help="downloaded from Mechanical Turk"
    )
    step.add_argument(
        "--seed", type=int, default=1, help="of the bootstrap's draws (default: %(default)s)"
    )
    step.add_argument(
        "--json", type=Path, metavar="OUT.json", help="also write the scores to this file"
    )
    step.add_argument(
        "--overwrite", action="store_true", help="replace the --json file if it exists"
    )


def run(args: argparse.Namespace) -> None:
    """Run one step, `make` or `score`."""
    args.step(args)


def make(args: argparse.Namespace) -> None:
    """Draw the items and write the folder; print its README.

    Raises:
        UserError: a file cannot be read, or the files and numbers do not fit each other.
    """
    check_output_folder(args.out, args.overwrite, mark=_KEY)
    _check_nothing_else(args.out)
    utterances = _read_utterances(args.utterances)
    responses = _read_systems(args.system, len(utterances), args.utterances)
    if not 1 <= args.items <= len(utterances):
        raise UserError(
            f"--items {args.items}: expected 1 to {len(utterances)}, the lines of {args.utterances}"
        )
    if args.raters < 1:
        raise UserError(f"--raters {args.raters}: expected at least 1")

    items = draw_items(len(utterances), args.items, args.seed)
    hits = make_hits(utterances, responses, items, args.seed)
    page = template()
    files = {
        "hits.csv": hits_csv(hits),
        "template.html": page,
        "preview.html": fill(page, hit_row(hits[0])),
    }
    key = {
        "seed": args.seed,
        "raters": args.raters,
        "items": items,
        "utterances": _checksum(args.utterances),
        "systems": [{"name": name, **_checksum(path)} for name, path in args.system],
        "hits": {hit.item_id: hit.answers for hit in hits},
    }
    readme = _readme(hits, len(args.system), args)
    files |= {_KEY: json.dumps(key, indent=1, ensure_ascii=False) + "\n", "README.md": readme}
    with atomic_folder(args.out) as draft:
        for name, text in files.items():
            (draft / name).write_text(text, encoding="utf-8", newline="")
    print(readme, end="")


def score(args: argparse.Namespace) -> None:
    """Average the ratings, print the table, write the JSON file if asked to.

    A system's score is, as in the paper, the mean over items of the mean over an item's raters.

    Raises:
        UserError: a file cannot be read, or the results are not those of the folder.
    """
    check_output(args.json, args.overwrite)
    key = read_key(args.folder / _KEY)
    results = read_results(args.results, key.hits)
    systems = key.systems
    ratings = {item_id: [] for item_id in key.hits}  # HIT -> raters x questions
    for rating in results.ratings:
        ratings[rating.item_id].append(rating.answers)

    scores, items_left_out = _item_scores(key, ratings)
    resampled = resample_means(scores.reshape(len(scores), -1), args.seed)
    resampled = resampled.reshape(RESAMPLES, *scores.shape[1:])
    content = {
        "systems": [
            {"name": name, **_intervals(scores[:, s], resampled[:, s])}
            for s, name in enumerate(systems)
        ],
        "differences": [
            {
                "name": name,
                "minus": systems[0],
                **_intervals(scores[:, s] - scores[:, 0], resampled[:, s] - resampled[:, 0]),
            }
            for s, name in enumerate(systems)
            if s > 0
        ],
        "alpha": {
            question.name: krippendorff_alpha(_counts(ratings, q))
            for q, question in enumerate(QUESTIONS)
        },
        "items": len(scores),
        "items_left_out": items_left_out,
        "ratings": len(results.ratings),
        "rejected": results.rejected,
        "workers": len({rating.worker for rating in results.ratings}),
        "raters_asked": key.raters,
        "raters": {item_id: len(given) for item_id, given in ratings.items()},
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "seed": args.seed,
        "results": _checksum(args.results),
    }
    _warn(content)
    print(_table(content))
    if args.json:
        write_atomically(args.json, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _system(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not (name.strip() and separator and path):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected NAME=FILE")
    return name.strip(), Path(path)


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


def _checksum(path: Path) -> dict[str, str]:
    return {"file": str(path), "sha256": sha256(path)}


def _item_scores(key: Key, ratings: dict[str, list[list[int]]]) -> tuple[np.ndarray, int]:
    """Mean ratings, shape (items, systems, questions), of the items where every system was rated.

    Second comes the number of the other items.
    """
    hit_of = key.hit_of
    rated = [
        item for item in key.items if all(ratings[hit_of[system, item]] for system in key.systems)
    ]
    if not rated:
        raise UserError(
            "no item has a rating for every system; expected at least one; download the results "
            "when the whole batch is done"
        )
    means = [
        [np.mean(ratings[hit_of[system, item]], axis=0) for system in key.systems] for item in rated
    ]
    return np.array(means), len(key.items) - len(rated)


def _intervals(scores: np.ndarray, resampled: np.ndarray) -> dict[str, dict[str, float]]:
    """The interval of each question; scores: items x questions, resampled: R x questions."""
    return {
        question.name: asdict(interval(scores[:, q], resampled[:, q]))
        for q, question in enumerate(QUESTIONS)
    }


def _counts(ratings: dict[str, list[list[int]]], question: int) -> np.ndarray:
    """How many raters of a HIT gave each rating, shape (HITs, ratings)."""
    return np.array(
        [
            np.bincount([answers[question] for answers in given], minlength=HIGHEST + 1)[LOWEST:]
            for given in ratings.values()
        ]
    )


def _warn(content: dict) -> None:
    asked, raters = content["raters_asked"], content["raters"]
    few = Counter(number for number in raters.values() if number < asked)
    if few:
        numbers = ", ".join(f"{few[number]} with {number}" for number in sorted(few))
        logger.warning(
            f"warning: {sum(few.values())} of {len(raters)} HITs have fewer than {asked} raters: {numbers}"
        )
    if content["items_left_out"]:
        logger.warning(
            f"warning: items left out, since a system has no rating there: {content['items_left_out']}"
        )


def _table(content: dict) -> str:
    columns = [question.column for question in QUESTIONS]
    names = [question.name for question in QUESTIONS]

    rows = [
        [markdown.text(row["name"]), *(_cell(row[name], "{:.2f}") for name in names)]
        for row in content["systems"]
    ]
    lines = [markdown.table(["system", *columns], rows)]
    rows = []
    for row in content["differences"]:
        cells = [
            _cell(row[name], "{:+.2f}")
            + (" *" if row[name]["low"] > 0 or row[name]["high"] < 0 else "")
            for name in names
        ]
        rows.append([markdown.text(f"{row['name']} - {row['minus']}"), *cells])
    if rows:
        lines += ["", markdown.table(["difference", *columns], rows)]
    alphas = [content["alpha"][name] for name in names]
    cells = ["undefined" if alpha is None else f"{alpha:.2f}" for alpha in alphas]
    lines += ["", markdown.table(["agreement", *columns], [["Krippendorff's alpha", *cells]]), ""]

    raters = content["raters"].values()
    lines += [
        f"ratings from {LOWEST} to {HIGHEST}: mean over {content['items']} items of the mean over an "
        "item's raters",
        f"[low, high]: {CONFIDENCE} % interval of a bootstrap over items (percentiles of {RESAMPLES:,} "
        f"resamples, seed {content['seed']}; the same items for both systems of a difference)",
        "*: 0 lies outside of the interval",
        "Krippendorff's alpha: ordinal, over HITs",
        f"{content['ratings']} ratings of {content['workers']} workers; {content['rejected']} rejected "
        "assignments dropped",
        f"raters a HIT: {min(raters)} to {max(raters)}, {content['raters_asked']} asked for; "
        f"{len(raters)} HITs",
    ]
    return "\n".join(lines)


def _cell(values: dict[str, float], number: str) -> str:
    mean, low, high = (number.format(values[end]) for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


def _readme(hits: Sequence[Hit], systems: int, args: argparse.Namespace) -> str:
    raters, assignments = args.raters, args.raters * len(hits)
    shared = sum(len(hit.answers) - 1 for hit in hits)
    return f"""\
# Manual evaluation on Amazon Mechanical Turk

{args.items} test items, {systems} systems: {len(hits)} HITs.
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

       emo-mtl human-eval score {args.out} RESULTS.csv --json scores.json

`key.json` says which system gave which response. Keep it: `score` needs it. Keep it from the raters, and do
not look into it before you have decided what to reject.
"""
