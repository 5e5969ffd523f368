"""Shared fixtures: a tiny data-bin as fairseq-preprocess writes it, the task, model and criterion, and
the sample corpora with a checkpoint that was trained on them."""

import contextlib
import io
import logging
import os
import random
import re
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch
from fairseq import options, tasks
from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import make_builder
from fairseq.dataclass.utils import convert_namespace_to_omegaconf
from fairseq.models.bart.model import BARTModel, bart_large_architecture
from hypothesis import settings
from make_sample import main as make_sample

import emo_mtl

settings.register_profile("soak", max_examples=5000)  # --hypothesis-profile=soak
REPOSITORY = Path(emo_mtl.__file__).resolve().parents[1]
WORDS = [f"w{i}" for i in range(40)]
LABELS = {"e6": ["anger", "disgust", "fear", "joy", "sadness", "surprise"], "e2": ["neg", "pos"]}


def make_dictionary(symbols: Sequence[str], path: Path, padding: int = 0) -> Dictionary:
    """Write a `dict.txt`, with `madeupword` entries as fairseq-preprocess may add them."""
    dictionary = Dictionary()
    for symbol in [*symbols, *(f"madeupword{i:04d}" for i in range(padding))]:
        dictionary.add_symbol(symbol)
    path.parent.mkdir(parents=True, exist_ok=True)
    dictionary.save(str(path))
    return dictionary


def binarize(lines: Sequence[str], dictionary: Dictionary, prefix: Path) -> None:
    """What fairseq-preprocess makes of lines of space-separated tokens."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    builder = make_builder(f"{prefix}.bin", "mmap", vocab_size=len(dictionary))
    for line in lines:
        builder.add_item(dictionary.encode_line(line, add_if_not_exist=False))
    builder.finalize(f"{prefix}.idx")


def utterance(rng: random.Random, longest: int = 12) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, longest)))


def write_data_bin(folder: Path, sizes: dict[str, int], seed: int = 0) -> Path:
    """A data folder with random responses and the tasks e6 and e2; sizes: examples of each split."""
    rng = random.Random(seed)
    for side in ("source", "target"):
        words = make_dictionary(WORDS, folder / "response" / f"dict.{side}.txt")
    for name, labels in LABELS.items():
        make_dictionary(WORDS, folder / name / "input0" / "dict.txt")
        make_dictionary(labels, folder / name / "label" / "dict.txt", padding=2)
    for split, size in sizes.items():
        for side in ("source", "target"):
            lines = [utterance(rng) for _ in range(size)]
            binarize(lines, words, folder / "response" / f"{split}.source-target.{side}")
        for name, labels in LABELS.items():
            count = max(2, size // 3)
            binarize(
                [utterance(rng) for _ in range(count)], words, folder / name / "input0" / split
            )
            label_dict = Dictionary.load(str(folder / name / "label" / "dict.txt"))
            binarize(
                [labels[i % len(labels)] for i in range(count)],
                label_dict,
                folder / name / "label" / split,
            )
    return folder


@pytest.fixture(autouse=True)
def leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command changes in its own process does not reach the next test."""
    monkeypatch.chdir(tmp_path)  # fairseq-train's default is to write into ./checkpoints
    loggers = [logging.getLogger(name) for name in (None, "fairseq", "emo_mtl")]
    levels = [logger.level for logger in loggers]
    numbers = (signal.SIGTERM, signal.SIGUSR1)  # training listens to them
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def data_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 pairs and 20 labelled utterances a task to train on."""
    return write_data_bin(
        tmp_path_factory.mktemp("data") / "data-bin", {"train": 60, "valid": 17, "test": 11}
    )


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


def parse(parser: ArgumentParser, argv: Sequence[object]):
    """fairseq's config of a command."""
    args: Namespace = options.parse_args_and_arch(parser, list(map(str, argv)))
    return convert_namespace_to_omegaconf(args)


def parse_train(argv: Sequence[str]):
    """fairseq's config of a training command."""
    return parse(options.get_training_parser(), argv)


def printed(function: Callable, *arguments: object) -> str:
    """What a call prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        function(*arguments)
    return out.getvalue()


@pytest.fixture
def build(data_bin: Path) -> Callable:
    """Config, task, model and criterion of a training command with the given flags."""

    def make(data: Path = data_bin, **flags: str):
        cfg = parse_train(train_argv(data, **flags))
        torch.manual_seed(1)
        task = tasks.setup_task(cfg.task)
        model = task.build_model(cfg.model)
        criterion = task.build_criterion(cfg.criterion)
        return cfg, task, model, criterion

    return make


def run_command(
    *command: str, check: bool = True, timeout: float = 300, **env: str
) -> subprocess.CompletedProcess:
    """Run a command of the environment's bin folder from the repository, as a user would."""
    executable, *arguments = map(str, command)
    result = subprocess.run(
        [str(Path(sys.executable).parent / executable), *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    if check and result.returncode:
        raise AssertionError(f"{command}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
    return result


def save_checkpoint(trainer, path: Path, epoch_itr=None) -> None:
    """Write a checkpoint as fairseq-train does, in the middle of an epoch if its iterator is given."""
    state = epoch_itr.state_dict() if epoch_itr else {"epoch": 2, "iterations_in_epoch": 0}
    trainer.consolidate_optimizer()
    trainer.save_checkpoint(str(path), {"train_iterator": state})


def real_state(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A model's state without the copies that fairseq 0.12.2's encoder layers keep for inference."""
    return {
        key: value for key, value in state.items() if not re.search(r"\.layers\.\d+\.\w+$", key)
    }


@pytest.fixture(scope="module")
def shared_model(data_bin: Path):
    """A model with the heads e6 and e2 in evaluation mode, for tests that leave it as it is."""
    cfg = parse_train(train_argv(data_bin))
    torch.manual_seed(1)
    return tasks.setup_task(cfg.task).build_model(cfg.model).eval()


SMALL = ["--encoder-embed-dim", "32", "--encoder-ffn-embed-dim", "64"]
TASK = ["--user-dir", "emo_mtl", "--task", "emotion_dialogue", "--cpu"]
TRAIN = [
    *TASK,
    *(
        "--arch",
        "emo_bart_tiny",
        *SMALL,
        "--criterion",
        "multitask_nll",
        "--label-smoothing",
        "0.1",
    ),
    *("--optimizer", "adam", "--lr", "0.003", "--lr-scheduler", "fixed", "--clip-norm", "1.0"),
    *("--max-tokens", "512", "--num-workers", "0", "--log-format", "json", "--dropout", "0.1"),
    *("--no-epoch-checkpoints",),
]
MULTITASK = ["--classification-tasks", "e6,e2,e12", "--update-freq", "4"]


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpora, prepared with SentencePiece."""
    folder = tmp_path_factory.mktemp("sample")
    make_sample([str(folder / "raw")])
    prepare = ["preprocess/prepare.py", "--raw-dir", folder / "raw", "--out-dir", folder / "data"]
    run_command("python", *prepare, "--bpe", "sentencepiece", "--vocab-size", "600")
    return folder / "data"


def train(sample: Path, save_dir: Path, *flags: str, **env: str) -> subprocess.CompletedProcess:
    save = ["--save-dir", save_dir]
    return run_command("fairseq-train", sample / "data-bin", *TRAIN, *save, *flags, **env)


@pytest.fixture(scope="session")
def trained(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkpoint of 16 updates on four tasks, validated with BLEU, and the log of its training."""
    save_dir = tmp_path_factory.mktemp("trained")
    flags = ["--max-update", "16", "--eval-bleu", "--eval-bleu-args", '{"beam": 2}']
    flags += ["--best-checkpoint-metric", "e6_f1", "--maximize-best-checkpoint-metric"]
    bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
    result = train(sample, save_dir, *MULTITASK, *flags, *bpe)
    return save_dir / "checkpoint_best.pt", result.stdout + result.stderr


def write_pretrained_bart(sample: Path, path: Path) -> dict[str, torch.Tensor]:
    """Random weights of fairseq's own BART in the old format: `args` Namespace, `<mask>`, no heads."""
    argv = [str(sample / "data-bin"), *TRAIN, "--arch", "bart_large"]
    args = options.parse_args_and_arch(options.get_training_parser(), argv)
    task = tasks.setup_task(args)
    small = Namespace(
        **{"encoder_embed_dim": 32, "encoder_ffn_embed_dim": 64, "encoder_layers": 1},
        **{"decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2},
    )
    bart_large_architecture(small)
    state = BARTModel.build_model(small, task).state_dict()
    state.pop("decoder.output_projection.weight")  # the old format has the shared embedding only
    small.arch, small.task = "bart_large", "denoising"
    history = {"criterion_name": "CrossEntropyCriterion", "optimizer_name": "FairseqAdam"}
    extra = {"train_iterator": {"epoch": 41, "iterations_in_epoch": 0}, "val_loss": 1.7}
    torch.save(
        {
            "args": small,
            "model": state,
            "optimizer_history": [{**history, "lr_scheduler_state": {}, "num_updates": 500000}],
            "extra_state": extra,
            "last_optimizer_state": None,
        },
        path,
    )
    return real_state(state)


class RunsCode:
    """Pickled, it is a call of `os.mkdir` at the time of loading."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)
