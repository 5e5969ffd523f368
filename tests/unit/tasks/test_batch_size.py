"""How many examples a batch holds changes no result."""

import re
from pathlib import Path

import pytest
from fairseq import options
from fairseq.logging.progress_bar import JsonProgressBar
from fairseq_cli import generate, train, validate
from helpers.config import parse, parse_train, printed, train_argv

from emo_mtl.cli.main import main

SIZES = (1, 3, 64)
METRICS = [
    *("loss", "response_loss", "response_nll_loss"),
    *(f"{task}_{name}" for task in ("e6", "e2") for name in ("loss", "accuracy", "f1")),
]
COMMAND = ["--task", "emotion_dialogue", "--cpu", "--num-workers", "0", "--path"]


@pytest.fixture(scope="module")
def checkpoint(data_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a few updates: its classes and responses differ from utterance to utterance."""
    folder = tmp_path_factory.mktemp("trained")
    train.main(parse_train(train_argv(data_bin, save_dir=folder, max_update="5")))
    return folder / "checkpoint_last.pt"


@pytest.mark.slow
def test_generate(data_bin, checkpoint):
    hypotheses, scores = [], []
    for flag, size in zip(("--batch-size", "--max-sentences", "--batch-size"), SIZES, strict=True):
        argv = [data_bin, *COMMAND, checkpoint, "--beam", 3, "--min-len", 3, "--max-len-b", 8]
        parser = options.get_generation_parser()
        output = printed(generate.main, parse(parser, [*argv, flag, size]))
        lines = re.findall(r"^H-(\d+)\t(\S+)\t(.*)$", output, flags=re.MULTILINE)
        lines.sort(key=lambda line: int(line[0]))
        hypotheses.append([(number, text) for number, _, text in lines])
        scores.append([float(score) for _, score, _ in lines])
    assert all(text for _, text in hypotheses[0])
    assert len(set(scores[0])) == len(scores[0]) == 11
    assert hypotheses == hypotheses[:1] * 3
    assert scores == [pytest.approx(scores[0], abs=1e-4)] * 3


def test_validate(data_bin, checkpoint, monkeypatch):
    found = []

    def keep(_bar, scores, tag, step):
        found.append({name: float(scores[name]) for name in METRICS})

    monkeypatch.setattr(JsonProgressBar, "print", keep)
    for size in SIZES:
        argv = [data_bin, *COMMAND, checkpoint, "--log-format", "json", "--batch-size", size]
        validate.main(parse(options.get_validation_parser(), argv))
    assert found == [pytest.approx(found[0], abs=0.0011)] * 3  # fairseq rounds them to 3 decimals


def test_classify(data_bin, checkpoint, tmp_path):
    rows = []
    for size in SIZES:
        table = tmp_path / f"{size}.tsv"
        flags = ["--cpu", "--batch-size", size, "--predictions", table]
        main(list(map(str, ["classify", checkpoint, "--data", data_bin, *flags])))
        rows.append([line.split("\t") for line in table.read_text("utf-8").splitlines()[1:]])
    labels = [[row[:-1] for row in table] for table in rows]
    assert len(labels[0]) == 6  # three utterances of each task
    assert labels == labels[:1] * 3
    probabilities = [[float(row[-1]) for row in table] for table in rows]
    assert probabilities == [pytest.approx(probabilities[0], abs=2e-4)] * 3
