"""`emo-mtl baselines` through its entry point."""

import json
from pathlib import Path

import pytest
from helpers.commands import run_command

from emo_mtl.cli.main import main

pytest.importorskip("nltk")

pytest.importorskip("sklearn")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def baselines(*argv: object) -> None:
    main(["baselines", *map(str, argv)])


def load(path: Path):
    return json.loads(path.read_text("utf-8"))


class TestRunFolders:
    def test_prepared_sample(self, sample, runs):
        run_command("emo-mtl", "baselines", "--data", sample, "--out", runs, "--subset", "valid")
        assert (runs / "copy" / "generate-valid.txt").read_text("utf-8") == (
            sample / "text/response/valid.source"
        ).read_text("utf-8")
        scores = {entry["task"]: entry for entry in load(runs / "tfidf-logistic" / "classify.json")}
        assert scores.keys() == {"e6", "e2", "e12"}
        majority = load(runs / "majority" / "classify.json")
        assert all(scores[entry["task"]]["accuracy"] > entry["accuracy"] for entry in majority)
