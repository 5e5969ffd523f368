"""The flags that subcommands share: a model, prepared data, a BPE, files to write.

A model is the first argument and prepared data is `--data`. Once they were `--path CKPT` and a first argument
DATA: both still work, with a line that names the new spelling.
"""

import argparse
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import WORD_TOKENIZERS

if TYPE_CHECKING:
    from emo_mtl.inference.hub_interface import EmoBART

logger = logging.getLogger(__name__)


class StandIn(argparse.Action):
    """An argument that is given in the place of another one, which is not required then."""

    def __init__(
        self, option_strings: Sequence[str], dest: str, of: argparse.Action, **kwargs: Any
    ):
        super().__init__(option_strings, dest, **kwargs)
        self.of = of

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        if values is not None:
            self.of.required = False


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """Add MODEL."""
    model = parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help="a --save-dir with its checkpoint_best.pt, or a checkpoint",
    )
    _add_path(parser, model)


def add_data_argument(parser: argparse.ArgumentParser, model_help: str | None = None) -> None:
    """Add `--data`, for the text in it.

    Args:
        model_help: also add MODEL, which may be left out, with this help
    """
    data = parser.add_argument(
        "--data",
        required=True,
        type=Path,
        metavar="DATA",
        help="the folder that emo-mtl prepare made, or its data-bin; the text is in DATA/text",
    )
    if model_help is None:
        parser.add_argument(
            "old_data", nargs="?", type=Path, action=StandIn, of=data, help=argparse.SUPPRESS
        )
        return
    model = parser.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", action=StandIn, of=data, help=model_help
    )
    _add_path(parser, model)
    parser.set_defaults(first_was_data=True)


def _add_path(parser: argparse.ArgumentParser, model: argparse.Action) -> None:
    parser.add_argument("--path", type=Path, action=StandIn, of=model, help=argparse.SUPPRESS)


def update_spelling(args: argparse.Namespace) -> None:
    """Bring what was given in the old spelling to where the new one has it, and say so.

    Raises:
        UserError: data in both spellings
    """
    given = vars(args)
    old_data = given.get("old_data")
    if given.get("path"):
        logger.warning(f"--path {args.path}: name the model first, without a flag")
        old_data, args.model = args.model, args.path
    elif given.get("first_was_data") and args.data is None:
        old_data, args.model = args.model, None
    if old_data is None:
        return
    if args.data is not None:
        raise UserError.at(
            old_data,
            found=f"--data {args.data} beside it",
            expected="one prepared folder",
            fix="leave one of them out",
        )
    logger.warning(f"{old_data}: name the prepared folder with a flag: --data {old_data}")
    args.data = old_data


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add MODEL, `--data` for its dictionary, `--cpu` and the flags of its BPE; see :func:`load_model`."""
    add_model_argument(parser)
    add_dictionary_argument(parser)
    add_cpu_argument(parser)
    add_bpe_arguments(parser)


def add_dictionary_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--data`, of which a model needs nothing but the dictionary."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DATA",
        help="the folder that emo-mtl prepare made, or its data-bin, for the dictionary (default: what "
        "training left beside the checkpoint, or the data that it was trained on)",
    )


def add_cpu_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--cpu`."""
    parser.add_argument("--cpu", action="store_true", help="do not use a GPU")


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--beam` and `--mmi-weight`, of `EmoBART.respond`, which checks them."""
    parser.add_argument("--beam", type=int, default=5, help="width (default: %(default)s)")
    parser.add_argument(
        "--mmi-weight",
        type=float,
        default=0.0,
        metavar="W",
        help="from 0 to 1: how much less an answer of beam search is worth the more it fits everything "
        "(default: %(default)s)",
    )


def add_bpe_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the BPE, under a title of their own."""
    bpe = parser.add_argument_group(
        "BPE (default: the model's, of the files beside the checkpoint or its data)"
    )
    bpe.add_argument("--bpe", choices=("gpt2", "sentencepiece"), help="kind of BPE")
    bpe.add_argument("--sentencepiece-model", metavar="FILE", help="path to spm.model")
    bpe.add_argument("--gpt2-encoder-json", metavar="FILE", help="path to encoder.json")
    bpe.add_argument("--gpt2-vocab-bpe", metavar="FILE", help="path to vocab.bpe")


def load_model(args: argparse.Namespace) -> "EmoBART":
    """The model that :func:`add_model_arguments` names; `UserError` where a file is missing or another's."""
    from emo_mtl.inference.hub_interface import EmoBART

    warnings.filterwarnings("ignore", module="torch")  # about fairseq's use of it
    return EmoBART.from_pretrained(
        args.model,
        args.data,
        bpe=args.bpe,
        sentencepiece_model=args.sentencepiece_model,
        gpt2_encoder_json=args.gpt2_encoder_json,
        gpt2_vocab_bpe=args.gpt2_vocab_bpe,
        device="cpu" if args.cpu else None,
    )


def load_judge(path: Path | None, cpu: bool) -> "EmoBART | None":
    """A second model, which recognises emotions in what another says; None for None.

    Raises:
        UserError: a checkpoint that cannot be used, or one without classification heads
    """
    from emo_mtl.inference.hub_interface import EmoBART

    if path is None:
        return None
    judge = EmoBART.from_pretrained(path, device="cpu" if cpu else None)
    if not judge.heads:
        raise UserError(f"--judge {path}: found no classification heads, expected one or more")
    return judge


def add_subset_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--subset`, one that training does not see."""
    parser.add_argument(
        "--subset", choices=("valid", "test"), default="test", help=f"{what} (default: %(default)s)"
    )


def add_hypotheses_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--hypotheses`, files that `emo_mtl.evaluation.responses.read_responses` takes."""
    parser.add_argument(
        "--hypotheses",
        nargs="+",
        required=True,
        type=Path,
        metavar="FILE",
        help="a file each system: what fairseq-generate printed for the subset (put back in order by its "
        "ids; the D- lines, otherwise the H- lines; the first, i.e. best, of --nbest), or plain text with "
        "one response a line",
    )


def add_draw_arguments(parser: argparse.ArgumentParser, count: int) -> None:
    """Add `--utterances` and `--seed`, for `emo_mtl.evaluation.control.draw`.

    Args:
        count: how many by default
    """
    parser.add_argument(
        "--utterances", type=int, default=count, help="how many are drawn (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: %(default)s)")


def check_draw(args: argparse.Namespace) -> None:
    """Raise `UserError` for numbers of :func:`add_draw_arguments` that make no sense."""
    if args.utterances < 1 or args.seed < 0:
        raise UserError(
            f"--utterances {args.utterances} --seed {args.seed}: expected 1 or more utterances, and a seed "
            "of 0 or more"
        )


def add_words_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--word-tokenizer`, a name of `emo_mtl.evaluation.metrics.word_tokenizer`."""
    parser.add_argument(
        "--word-tokenizer",
        choices=WORD_TOKENIZERS,
        default="nltk",
        help="what a word is in paper BLEU, distinct-n, average length and nats per word: as in the paper "
        "(nltk, needs the extra emo-mtl[eval]), as in sacreBLEU (13a), whatever stands between white space "
        "(space), or words in lower case and single marks (simple); sacreBLEU itself always uses 13a "
        "(default: %(default)s)",
    )


def add_overlap_argument(parser: argparse.ArgumentParser, done: str | None = None) -> None:
    """Add `--overlap`, the file that `emo_mtl.evaluation.parts.read_parts` takes.

    Args:
        done: what was done with the subset: also add `--subset`, which says what the file is asked for
    """
    if done is not None:
        parser.add_argument(
            "--subset",
            default="test",
            help=f"the subset that was {done}, for --overlap (default: %(default)s)",
        )
    parser.add_argument(
        "--overlap",
        type=Path,
        metavar="OVERLAP.json",
        help="what emo-mtl overlap --json wrote: also score the examples that do not stand in "
        "the training data (clean) and those that do (seen)",
    )


def add_json_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--json`, for what the command found, and `--overwrite`."""
    parser.add_argument(
        "--json", type=Path, metavar="OUT.json", help=f"also write {what} to this file"
    )
    add_overwrite_argument(parser, "files that exist already")


def add_overwrite_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--overwrite`, without which nothing is replaced."""
    parser.add_argument("--overwrite", action="store_true", help=f"replace {what}")
