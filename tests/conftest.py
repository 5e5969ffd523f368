"""Shared fixtures: a tiny data-bin, the task, model and criterion, and the sample corpora with a checkpoint
that was trained on them."""

import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fairseq import tasks
from helpers.commands import MULTITASK, run_command, train
from helpers.config import parse_train, train_argv
from helpers.data import write_data_bin
from helpers.http_server import Server
from hypothesis import settings
from make_sample import main as make_sample

torch.set_num_threads(1)  # the models are tiny
settings.register_profile("suite", deadline=None)  # on a busy machine an example takes seconds
settings.load_profile("suite")
settings.register_profile("soak", max_examples=5000)  # --hypothesis-profile=soak


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The quickstart takes longest: first, beside all else on another core."""
    items.sort(key=lambda item: "test_quickstart" not in item.nodeid)


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


@pytest.fixture(scope="module")
def shared_model(data_bin: Path):
    """A model with the heads e6 and e2 in evaluation mode, for tests that leave it as it is."""
    cfg = parse_train(train_argv(data_bin))
    torch.manual_seed(1)
    return tasks.setup_task(cfg.task).build_model(cfg.model).eval()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpora, prepared with SentencePiece."""
    folder = tmp_path_factory.mktemp("sample")
    make_sample([str(folder / "raw")])
    prepare = ["preprocess/prepare.py", "--raw-dir", folder / "raw", "--out-dir", folder / "data"]
    run_command("python", *prepare, "--bpe", "sentencepiece", "--vocab-size", "600")
    return folder / "data"


@pytest.fixture(scope="session")
def trained(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A checkpoint of 16 updates on four tasks, validated with BLEU, and the log of its training."""
    save_dir = tmp_path_factory.mktemp("trained")
    flags = ["--max-update", "16", "--eval-bleu", "--eval-bleu-args", '{"beam": 2}']
    flags += ["--best-checkpoint-metric", "e6_f1", "--maximize-best-checkpoint-metric"]
    bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
    result = train(sample, save_dir, *MULTITASK, *flags, *bpe)
    return save_dir / "checkpoint_best.pt", result.stdout + result.stderr


@pytest.fixture
def web() -> Iterator[Server]:
    """A web server, for the tests of downloads."""
    server = Server()
    yield server
    server.close()
