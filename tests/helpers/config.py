"""fairseq's configs, without a process."""

import contextlib
import copy
import io
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from fairseq import options
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from omegaconf import DictConfig

TRAIN_FLAGS = {
    "--task": "emotion_dialogue",
    "--arch": "emo_bart_tiny",
    "--criterion": "multitask_nll",
    "--label-smoothing": "0.1",
    "--classification-tasks": "e6,e2",
    "--encoder-embed-dim": "16",
    "--encoder-ffn-embed-dim": "32",
    "--max-tokens": "64",
    "--required-batch-size-multiple": "1",
    "--optimizer": "adam",
    "--lr": "0.01",
    "--lr-scheduler": "fixed",
    "--dropout": "0",
    "--num-workers": "0",
    "--log-format": "simple",
}


def train_argv(data: Path, **flags: str) -> list[str]:
    """Arguments of fairseq-train on CPU; `flags` replace or add to `TRAIN_FLAGS`."""
    merged = TRAIN_FLAGS | {"--" + k.replace("_", "-"): v for k, v in flags.items()}
    pairs = [part for flag, value in merged.items() for part in (flag, value) if part is not None]
    return [str(data), "--cpu", "--disable-validation", *map(str, pairs)]


def parse(parser: ArgumentParser, argv: Sequence[object]) -> DictConfig:
    """fairseq's config of a command."""
    args: Namespace = options.parse_args_and_arch(parser, list(map(str, argv)))
    return convert_namespace_to_omegaconf(args)


@cache  # Hydra takes half a second
def parse_train_once(argv: tuple[str, ...]) -> DictConfig:
    return parse(options.get_training_parser(), argv)


def parse_train(argv: Sequence[object]) -> DictConfig:
    """fairseq's config of a training command."""
    return copy.deepcopy(parse_train_once(tuple(map(str, argv))))


def printed(function: Callable, *arguments: object) -> str:
    """What a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()
