"""From the raw corpora to `DATA/data-bin`, in one command.

    emo-mtl prepare --raw-dir RAW --out-dir DATA --bpe sentencepiece
    emo-mtl prepare --raw-dir RAW --out-dir DATA --bpe gpt2 --gpt2-bpe-dir GPT2
    emo-mtl prepare --responses TALKS --context-turns 3 --out-dir DATA --bpe sentencepiece

RAW has the folders dailydialog, tec, sst2, crowdflower, and goemotions for `--tasks goemotions`; TALKS has
dialogues of your own. DATA gets:

    data-bin/response/         what fairseq-preprocess --source-lang source --target-lang target writes
    data-bin/TASK/input0/      what fairseq-preprocess --only-source writes, as for sentence_prediction
    data-bin/TASK/label/       the same; the dictionary is the labels in their fixed order
    text/TASK/                 the splits before BPE, for evaluation
    dict.txt                   the dictionary of all tasks
    spm.model                  the BPE: of --bpe sentencepiece
    encoder.json, vocab.bpe    the BPE: of --bpe gpt2
    manifest.json              counts, settings, versions, sha256 of every file read and written; each
                               task's name for people and how its corpus writes (emo_mtl/inference/text.py)

Run again, it does nothing if neither inputs nor settings changed, and otherwise builds what is out
of date. A task added later (`--custom NAME=FOLDER`, of text<TAB>label) is encoded with the dictionary
that is there. All is built in a temporary folder beside DATA: a failure leaves DATA as it was.
"""

import argparse
from dataclasses import fields
from pathlib import Path

from emo_mtl.inference.bpe import GPT2_FILES
from emo_mtl.preparation.corpora import PAPER, READERS

HELP = "make the folder of data that fairseq-train reads, from the raw corpora or from your own"


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `emo-mtl prepare` to its parser."""
    parser.description = __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--raw-dir", type=Path, help="folder of the raw corpora")
    parser.add_argument("--out-dir", type=Path, required=True, help="folder to write, DATA above")
    parser.add_argument(
        "--tasks",
        type=lambda names: tuple(filter(None, names.split(","))),
        help=f"tasks to prepare from --raw-dir, of {','.join(READERS)}; '' for none (default: the paper's, "
        f"{','.join(PAPER)}; without response where there are --responses)",
    )
    parser.add_argument(
        "--responses",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="prepare the responses of dialogues of your own: train, valid and test as JSON Lines, "
        "utterance<TAB>response, DailyDialog's or ParlAI's text, or EmpatheticDialogues' CSV; one file "
        "without a split is cut by dialogue (docs/conversations.md). May be repeated: they are joined",
    )
    parser.add_argument(
        "--utterance-labels",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="also prepare a classification task of a column of these dialogues, e.g. mood=emotion: the "
        "label of each turn, from the turn and what was said before. May be repeated",
    )
    parser.add_argument(
        "--reply-labels",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="the same, of each reply, from what was said before it, e.g. next-mood=emotion",
    )
    parser.add_argument(
        "--context-turns",
        type=positive,
        default=1,
        metavar="N",
        help="the most turns of a dialogue in an input, the utterance included. A training may take fewer: "
        "fairseq-train --context-turns (default: 1, the paper's pairs)",
    )
    parser.add_argument(
        "--custom",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="also prepare a classification task of your own, of which FOLDER holds train.tsv, valid.tsv and "
        "test.tsv, text<TAB>label, or several labels with commas between (emo_mtl/preparation/custom.py has "
        "more); may be repeated",
    )
    parser.add_argument(
        "--bpe",
        required=True,
        choices=("gpt2", "sentencepiece"),
        help="gpt2 for a pretrained BART, sentencepiece to train from scratch",
    )
    parser.add_argument(
        "--gpt2-bpe-dir",
        type=Path,
        metavar="DIR",
        help=f"folder with fairseq's {', '.join(GPT2_FILES)}; they are never downloaded",
    )
    parser.add_argument(
        "--sentencepiece-model",
        type=Path,
        metavar="FILE",
        help="use this model instead of training one",
    )
    parser.add_argument(
        "--vocab-size",
        type=positive,
        default=8000,
        help="number of SentencePiece pieces, if the texts give so many (default: %(default)s)",
    )
    parser.add_argument(
        "--character-coverage",
        type=float,
        default=1.0,
        help="share of the training texts' characters that get pieces, the rest is written as "
        "bytes, which fairseq-generate shows as <0xE2>; 0.9995 suits Japanese and Chinese "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=positive, default=1, help="number of processes (default: %(default)s)"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace data that was made with other settings; other files in --out-dir are kept",
    )


def run(args: argparse.Namespace) -> None:
    """Prepare what is not up to date.

    Raises:
        UserError: bad input, or an output folder that is in the way
    """
    from emo_mtl.preparation.prepare import Options, prepare

    given = {field.name: getattr(args, field.name) for field in fields(Options)}
    prepare(Options(**given))
