"""fairseq's configs, without a process.

Hydra takes half a second to compose one, most of it for what all of them share: here it composes the defaults
of each choice of task, model and so on once, and what a command changes is set in a copy. A training command
that was parsed before is not parsed again.
"""

import contextlib
import copy
import io
import pickle
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fairseq import options
from fairseq.dataclass import utils
from fairseq.dataclass.utils import compose as hydra_compose
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

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
    "--cpu": None,
    "--disable-validation": None,
}


def train_argv(data: Path, **flags: Any) -> list[str]:
    """Arguments of fairseq-train on CPU; `flags` replace or add to `TRAIN_FLAGS`.

    A flag whose value is None stands alone, one of False is left out.
    """
    merged = TRAIN_FLAGS | {"--" + k.replace("_", "-"): v for k, v in flags.items()}
    given = [(flag, value) for flag, value in merged.items() if value is not False]
    return [str(data), *(str(part) for pair in given for part in pair if part is not None)]


def parse(parser: ArgumentParser, argv: Sequence[object]) -> DictConfig:
    """fairseq's config of a command."""
    args: Namespace = options.parse_args_and_arch(parser, list(map(str, argv)))
    return convert_namespace_to_omegaconf(args)


def parse_train(argv: Sequence[object]) -> DictConfig:
    """fairseq's config of a training command."""
    return pickle.loads(pickled_training(tuple(map(str, argv))))


@cache
def pickled_training(argv: tuple[str, ...]) -> bytes:
    return pickle.dumps(parse(options.get_training_parser(), argv))


@cache
def compose_choices(choices: tuple[str, ...]) -> tuple[DictConfig, dict[str, Any]]:
    """The config of these choices, and its values."""
    cfg = hydra_compose("config", overrides=list(choices), strict=False)
    return cfg, OmegaConf.to_container(cfg)


@cache
def parse_override(override: str) -> Override:
    return OverridesParser.create().parse_override(override)


def compose(name: str, overrides: Sequence[str], strict: bool) -> DictConfig:
    """What `hydra.compose` makes of fairseq's `config`: `task=NAME` is a choice, `task.data=DATA` a value."""
    choices = tuple(each for each in overrides if "." not in each.split("=")[0])
    composed, defaults = compose_choices(choices)
    cfg = copy.deepcopy(composed)
    for override in overrides:
        if override not in choices:
            parsed = parse_override(override)
            value, default = parsed.value(), defaults
            for key in parsed.key_or_group.split("."):
                default = default.get(key)
            if (type(value), value) != (type(default), default):
                OmegaConf.update(cfg, parsed.key_or_group, value)
    return cfg


utils.compose = compose


def printed(function: Callable, *arguments: object) -> str:
    """What a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()
