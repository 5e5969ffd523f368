"""`emo-mtl judges`: what an encoder and a language model that have seen no system say of responses."""

import argparse
from pathlib import Path

from emo_mtl.cli.flags import (
    add_data_argument,
    add_draw_arguments,
    add_hypotheses_argument,
    add_json_argument,
    add_subset_argument,
    check_draw,
)
from emo_mtl.errors import UserError
from emo_mtl.formats import typed_json
from emo_mtl.io import check_output
from emo_mtl.names import RESPONSE

HELP = "similarity to utterances and gold responses by an encoder, fluency by a language model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl judges` to its parser."""
    add_data_argument(parser)
    add_hypotheses_argument(parser)
    parser.add_argument(
        "--encoder",
        type=Path,
        metavar="FOLDER",
        help="an encoder of sentences, such as emo-mtl download minilm brings",
    )
    parser.add_argument(
        "--language-model",
        type=Path,
        metavar="MODEL",
        help="a causal language model: a folder of transformers, or a .gguf file such as emo-mtl download "
        "smollm2 brings",
    )
    add_subset_argument(parser, "what was generated")
    add_draw_arguments(parser, 200)
    add_json_argument(parser, "the rows")


def run(args: argparse.Namespace) -> None:
    """Judge the systems and the controls, print the table, write the JSON file.

    Raises:
        UserError: no judge, text that cannot be used, or a model that cannot be loaded
    """
    check_output(args.json, args.overwrite)
    if not (args.encoder or args.language_model):
        raise UserError(
            "found no judge, expected --encoder FOLDER, --language-model MODEL, or both"
        )
    check_draw(args)
    from emo_mtl.evaluation import judges
    from emo_mtl.evaluation.control import draw
    from emo_mtl.evaluation.responses import read_systems
    from emo_mtl.preparation.splits import read_split, text_folder

    split = read_split(args.data, RESPONSE, args.subset)
    systems = read_systems(args.hypotheses, len(split.answers), text_folder(args.data) / RESPONSE)
    ids = draw(len(split.answers), args.utterances, args.seed)
    scores = judges.JudgeScores(
        encoder=str(args.encoder) if args.encoder else None,
        language_model=str(args.language_model) if args.language_model else None,
        rows=judges.judge(
            {name: [texts[i] for i in ids] for name, texts in systems.items()},
            [split.utterances[i] for i in ids],
            [split.answers[i] for i in ids],
            args.seed,
            judges.load_encoder(args.encoder) if args.encoder else None,
            judges.load_language_model(args.language_model) if args.language_model else None,
        ),
    )
    print(judges.table(scores))
    if args.json:
        typed_json.write(args.json, scores)
