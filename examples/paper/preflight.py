"""What the driver needs, looked at before anything runs: each function ends with one line if it is not there.

A training of days must not end in the error that its last step could have told at once.
"""

import contextlib
import io
import logging
import shutil
import tempfile
import warnings
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.preparation.splits import read_split

PROGRAMS = ("emo-mtl", "fairseq-train", "fairseq-generate")
MODULES = {"nltk": "eval", "sklearn": "eval", "scipy": "eval", "matplotlib": "report"}
SPLITS = ("train", "valid", "test")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what fairseq, Hydra and torch log and warn: the commands will do so, where it belongs."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def check_programs() -> None:
    """The commands, and the optional packages that they import."""
    for program in PROGRAMS:
        if not shutil.which(program):
            raise UserError(
                f"{program}: no such command; activate the environment, e.g. source .venv/bin/activate"
            )
    for module, extra in MODULES.items():
        if not find_spec(module):
            raise UserError(
                f"found no Python package {module}, expected the extra {extra}: pip install '.[eval,report]'"
            )


def check_text(data: Path, tasks: Iterable[str]) -> None:
    """The text of each task, which the evaluation reads."""
    for task in tasks:
        for split in SPLITS:
            read_split(data, task, split)


def parse(parser: ArgumentParser, command: Sequence[str]) -> Any:
    """fairseq's config of a command.

    Raises:
        UserError: a flag or value that fairseq does not take
    """
    from fairseq import options
    from fairseq.dataclass.utils import convert_namespace_to_omegaconf

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            args = options.parse_args_and_arch(parser, list(command[1:]))
    except SystemExit as error:  # argparse, whose usage is more than a hundred lines
        last = (said.getvalue().strip().splitlines() or [str(error)])[-1]
        reason = last.split("error: ")[-1]
        raise UserError(
            f"{command[0]} does not take the flags of the presets and --extra: {reason}"
        ) from error
    return convert_namespace_to_omegaconf(args)


def check_training(command: Sequence[str]) -> Any:
    """The flags of a training and its data; the task.

    Raises:
        UserError: fairseq would not train
    """
    from fairseq import options, tasks

    cfg = parse(options.get_training_parser(), command)
    task = tasks.setup_task(cfg.task)
    for split in ("train", "valid"):
        task.load_dataset(split)
    return task


def check_model(command: Sequence[str]) -> None:
    """The model of a training, and the file that it starts from.

    Raises:
        UserError: fairseq would not build it, or not take the weights
    """
    from fairseq import options, tasks

    cfg = parse(options.get_training_parser(), command)
    tasks.setup_task(cfg.task).build_model(cfg.model)


def check_generation(command: Sequence[str], task: Any) -> None:
    """The flags of fairseq-generate, and the BPE of the data.

    Args:
        task: of the training

    Raises:
        UserError: a file of the BPE is missing, damaged, or of other data
    """
    from fairseq import options

    cfg = parse(options.get_generation_parser(), command)
    if task.build_bpe(cfg.bpe) is None:
        raise UserError(
            f"{cfg.task.data}: found no manifest.json that names the BPE, expected the folder that "
            "preprocess/prepare.py made"
        )


def check_output(out: Path) -> None:
    """Make the output folder and write into it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror})") from error
