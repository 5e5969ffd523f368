"""`emo-mtl control`: do a model's responses have the emotion that was asked for?"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from emo_mtl.cli.flags import (
    add_draw_arguments,
    add_json_argument,
    add_model_arguments,
    add_search_arguments,
    check_draw,
    load_judge,
    load_model,
)
from emo_mtl.errors import UserError
from emo_mtl.evaluation import control
from emo_mtl.evaluation.agreement import heads_judge
from emo_mtl.formats import typed_json
from emo_mtl.inference.turns import last_turn, split_turns
from emo_mtl.io import check_output
from emo_mtl.names import RESPONSE
from emo_mtl.preparation.splits import read_labelled, read_split

HELP = "ask a model for each emotion, and have a judge say which one its responses have"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl control` to its parser."""
    add_model_arguments(parser)
    parser.add_argument(
        "--task",
        required=True,
        metavar="NAME",
        help="the task of DATA/text that the judge learns from: utterances with emotions of the same names, "
        "such as dd-emotion (TF-IDF and logistic regression, all labels of equal weight)",
    )
    parser.add_argument(
        "--judge",
        type=Path,
        metavar="MODEL",
        help="judge with the head NAME of another model instead",
    )
    add_draw_arguments(parser, 500)
    add_search_arguments(parser)
    add_json_argument(parser, "the rows")


def run(args: argparse.Namespace) -> None:
    """Respond to the same utterances with each emotion and without, and print what the judge reads.

    Raises:
        UserError: a number that makes no sense, a model without emotions, a judge that does not know them, or
            text that is missing
    """
    check_output(args.json, args.overwrite)
    check_draw(args)
    if args.data is None:
        raise UserError(
            "found no --data, expected the folder that emo-mtl prepare made, for its test set"
        )
    bart = load_model(args)
    if not bart.emotions:
        raise UserError(f"{args.model}: knows no emotions, expected a training with --emotion-task")
    settings = {"beam": args.beam, "mmi_weight": args.mmi_weight}
    bart.build_generator(**settings)  # refuses what makes no sense before the judge learns
    replies = read_split(args.data, RESPONSE, "test")
    gold_labels = read_split(args.data, bart.task.emotions.task, "test").answers
    if len(gold_labels) != len(replies.answers):
        raise UserError(
            f"{args.data}: found {len(gold_labels):,} labels of {bart.task.emotions.task}, expected "
            f"{len(replies.answers):,}, one for each response: give the data of the training"
        )
    ids = control.draw(len(replies.utterances), args.utterances, args.seed)
    turns = [split_turns(replies.utterances[i]) for i in ids]

    def respond(emotion: str | None) -> list[str]:
        found = bart.respond(turns, emotion=emotion, typed=False, **settings)
        return [response.strip() for response in found]

    judge, name = find_judge(args, bart.emotions)
    rows, free = control.score(
        judge,
        {emotion: respond(emotion) for emotion in bart.emotions},
        respond(None),
        list(zip(replies.answers, gold_labels, strict=True)),
    )
    scores = control.ControlScores(
        judge=name, utterances=len(ids), seed=args.seed, rows=rows, no_wish=free
    )
    print(control.table(scores) + "\n" + control.NOTES)
    if args.json:
        typed_json.write(args.json, scores)


def find_judge(args: argparse.Namespace, emotions: Sequence[str]) -> tuple[control.Judge, str]:
    """What judges responses, and its name; `UserError` where it does not know all the emotions."""
    other = load_judge(args.judge, args.cpu)
    if other is not None:
        known, where = other.heads.get(args.task, []), f"--judge {args.judge}"
    else:
        train = read_labelled(args.data, args.task, "train")
        known, where = sorted(set(train.answers)), f"--task {args.task}"
    unknown = [emotion for emotion in emotions if emotion not in known]
    if unknown:
        raise UserError(
            f"{where}: found the labels {', '.join(known) or 'of no such head'}, expected also "
            f"{', '.join(unknown)}, which the model can be asked for"
        )
    if other is not None:
        ask = heads_judge(other, [args.task])
        return lambda texts: ask(list(texts))[args.task], f"the head {args.task} of {args.judge}"
    try:
        judge = control.tfidf_judge(
            [
                (last_turn(text), label)
                for text, label in zip(train.utterances, train.answers, strict=True)
            ]
        )
    except ImportError as error:
        raise UserError(
            "emo-mtl control needs scikit-learn, which is not installed; run: pip install 'emo-mtl[eval]', "
            "or name a --judge"
        ) from error
    return lambda texts: list(judge.predict(texts)), f"TF-IDF + logistic regression, {args.task}"
