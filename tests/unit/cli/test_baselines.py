"""`emo-mtl baselines` through its entry point."""

import json
import os
import sys
from pathlib import Path

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.preparation import dailydialog
from emo_mtl.preparation.splits import write_splits

pytest.importorskip("nltk")

pytest.importorskip("sklearn")

TEXT = {
    "response/train.source": ["Hi .", "Why not ?", "Bye ."],
    "response/train.target": ["Hello .", "I do not like it at all .", "Hello ."],
    "response/test.source": ["Why not ?", "Good night to you , sir ."],
    "response/test.target": ["I do not like it at all .", "Sleep well ."],
    "e6/train.input": ["so happy", "very happy", "so sad", "happy"],
    "e6/train.label": ["joy", "joy", "sadness", "joy"],
    "e6/test.input": ["so sad", "happy", "happy too"],
    "e6/test.label": ["sadness", "anger", "joy"],
}

RESPONDERS = ["constant", "copy", "exact-match", "tfidf-nearest"]

CLASSIFIERS = ["majority", "tfidf-logistic"]

OVERLAP = {
    "response": {"test": {"examples": 2, "clean": [1]}},
    "e6": {"test": {"examples": 3, "clean": [2]}},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A prepared folder with the text of two tasks."""
    for name, lines in TEXT.items():
        path = tmp_path / "data" / "text" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def overlap(tmp_path: Path) -> Path:
    path = tmp_path / "overlap.json"
    path.write_text(json.dumps(OVERLAP), encoding="utf-8")
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def baselines(*argv: object) -> None:
    main(["baselines", *map(str, argv)])


def refused(*argv: object) -> str:
    with pytest.raises(UserError) as error:
        baselines(*argv)
    return str(error.value)


def load(path: Path):
    return json.loads(path.read_text("utf-8"))


class TestSeveralReferences:
    def files(self, tmp_path: Path, *contents: str) -> list[Path]:
        paths = [tmp_path / f"reference-{number}.txt" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_text(content, encoding="utf-8")
        return paths

    def test_another_person(self, data, runs, tmp_path, capsys):
        """The second reference by the others, the baselines by all."""
        paths = self.files(
            tmp_path, "No no no !\nSleep well .\n", "Because .\nYou too .\n", "?\nYou too .\n"
        )
        flags = ["--references", *paths, "--word-tokenizer", "simple"]
        baselines("--data", data, "--out", runs, *flags)
        person = runs / "another-person"
        assert (person / "generate-test.txt").read_text("utf-8") == paths[1].read_text("utf-8")
        assert load(person / "run.json")["row"] == "another person's reply"
        (row,) = load(person / "evaluate.json")["rows"]
        assert row["references_each"] == 2
        assert row["references"] == f"{paths[0]}, {paths[2]}"
        (row,) = load(runs / "copy" / "evaluate.json")["rows"]
        assert row["references_each"] == 3
        assert "another-person" in capsys.readouterr().out

    def test_one_reference_has_no_other(self, data, runs, tmp_path):
        (path,) = self.files(tmp_path, "a\nb\n")
        baselines("--data", data, "--out", runs, "--references", path)
        assert not (runs / "another-person").exists()

    def test_another_number_of_lines(self, data, runs, tmp_path):
        paths = self.files(tmp_path, "a\nb\n", "a\n")
        message = refused("--data", data, "--out", runs, "--references", *paths)
        assert f"{paths[1]}: found 1 lines, expected 2, one for each utterance of test" in message


class TestRunFolders:
    def test_responses(self, data, runs, capsys):
        baselines("--data", data, "--out", runs)
        assert sorted(path.name for path in runs.iterdir()) == sorted(RESPONDERS + CLASSIFIERS)
        texts = [(runs / name / "generate-test.txt").read_text("utf-8") for name in RESPONDERS]
        assert texts == [
            "Hello .\nHello .\n",
            "Why not ?\nGood night to you , sir .\n",
            "I do not like it at all .\nHello .\n",
            "I do not like it at all .\nHello .\n",
        ]
        (row,) = load(runs / "exact-match" / "evaluate.json")["rows"]
        assert (row["part"], row["lines"], row["average_length"]) == ("all", 2, 5)
        assert load(runs / "copy" / "run.json").keys() == {"row", "baseline", "wall_seconds"}
        assert load(runs / "copy" / "run.json")["row"] == "copy of the utterance"
        assert f"| {runs / 'copy' / 'generate-test.txt'} | " in capsys.readouterr().out

    def test_classification(self, data, runs, capsys):
        baselines("--data", data, "--out", runs)
        (majority,) = load(runs / "majority" / "classify.json")
        assert majority["labels"] == ["anger", "joy", "sadness"]
        assert majority["confusion"] == [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
        assert majority["macro_f1"] == pytest.approx(100 / 6)  # F1 of joy: 2 / 4
        (logistic,) = load(runs / "tfidf-logistic" / "classify.json")
        assert logistic["accuracy"] >= 100 / 3
        rows = (runs / "majority" / "predictions.tsv").read_text("utf-8").splitlines()
        assert rows[1] == "1\te6\tsadness\tjoy\t0.7500"
        assert load(runs / "majority" / "run.json")["baseline"] is True
        assert "| e6 | all | 3 | 33.33 | 16.67 |" in capsys.readouterr().out

    def test_parts(self, data, runs, overlap):
        baselines("--data", data, "--out", runs, "--overlap", overlap)
        rows = load(runs / "tfidf-nearest" / "evaluate.json")["rows"]
        assert [row["part"] for row in rows] == ["all", "clean", "seen"]
        assert rows[2]["sacrebleu"] == pytest.approx(100)
        scores = load(runs / "majority" / "classify.json")
        assert [(entry["part"], entry["accuracy"]) for entry in scores] == [
            ("all", pytest.approx(100 / 3)),
            ("clean", 100),
            ("seen", 0),
        ]

    def test_evaluate_says_the_same(self, data, runs, overlap, tmp_path):
        baselines("--data", data, "--out", runs, "--overlap", overlap)
        out = tmp_path / "again.json"
        files = ["--hypotheses", runs / "copy" / "generate-test.txt", "--json", out]
        files += ["--references", data / "text/response/test.target", "--overlap", overlap]
        main(["evaluate", *map(str, files)])
        assert load(out) == load(runs / "copy" / "evaluate.json")

    def test_single_tasks(self, data, tmp_path):
        (data / "text" / "response").rename(tmp_path / "response")
        baselines("--data", data, "--out", tmp_path / "e6-only")
        assert sorted(path.name for path in (tmp_path / "e6-only").iterdir()) == CLASSIFIERS
        (data / "text" / "e6").rename(tmp_path / "e6")
        (tmp_path / "response").rename(data / "text" / "response")
        baselines("--data", data, "--out", tmp_path / "r-only")
        assert sorted(path.name for path in (tmp_path / "r-only").iterdir()) == RESPONDERS

    @pytest.mark.slow
    @pytest.mark.skipif("EMO_MTL_DATA" not in os.environ, reason="needs the real corpora")
    def test_real_dialogues(self, tmp_path, runs):
        text = tmp_path / "text" / "response"
        write_splits(dailydialog.read(Path(os.environ["EMO_MTL_DATA"]) / "dailydialog"), text)
        baselines("--data", tmp_path, "--out", runs)
        (copy,) = load(runs / "copy" / "evaluate.json")["rows"]
        assert copy["paper_bleu"] == pytest.approx(1.36, abs=0.005)
        (nearest,) = load(runs / "tfidf-nearest" / "evaluate.json")["rows"]
        assert nearest["paper_bleu"] == pytest.approx(32.1, abs=0.5)

        unknowing = tmp_path / "unknowing.txt"
        unknowing.write_text("I don \u2019 t know .\n" * 6740, encoding="utf-8")
        hypotheses = ["--hypotheses", unknowing, text / "test.target"]
        out = ["--references", text / "test.target", "--json", tmp_path / "scores.json"]
        main(["evaluate", *map(str, hypotheses + out)])
        constant, gold = load(tmp_path / "scores.json")["rows"]
        assert constant["paper_bleu"] == pytest.approx(0.32, abs=0.005)
        scores = [gold["distinct_1"], gold["distinct_2"], gold["average_length"]]
        assert scores == pytest.approx([7.40, 38.24, 14.45], abs=0.005)


class TestErrors:
    def test_is_not_overwritten(self, data, runs):
        (runs / "majority").mkdir(parents=True)
        (runs / "majority" / "thesis.txt").write_text("kept", encoding="utf-8")
        assert "majority: exists already" in refused("--data", data, "--out", runs)
        assert "found no run.json in it" in refused("--data", data, "--out", runs, "--overwrite")
        assert [path.name for path in runs.rglob("*")] == ["majority", "thesis.txt"]

    def test_overwrite_replaces_only_its_own(self, data, runs):
        baselines("--data", data, "--out", runs)
        (runs / "copy" / "generate-test.txt").write_text("old\n", encoding="utf-8")
        (runs / "trained").mkdir()
        baselines("--data", data, "--out", runs, "--overwrite")
        assert "old" not in (runs / "copy" / "generate-test.txt").read_text("utf-8")
        assert (runs / "trained").is_dir()

    def test_no_such_folder(self, data, tmp_path):
        out = tmp_path / "no" / "runs"
        assert "expected a name in an existing folder" in refused("--data", data, "--out", out)
        assert not out.parent.exists()

    def test_other_overlap(self, data, runs, overlap):
        overlap.write_text(
            json.dumps(OVERLAP | {"e6": {"test": {"examples": 4, "clean": []}}}), "utf-8"
        )
        message = refused("--data", data, "--out", runs, "--overlap", overlap)
        assert "found 4 examples of e6 on test, expected 3" in message
        assert not runs.exists()

    def test_text_without_words(self, data, runs):
        (data / "text/e6/train.input").write_text("!\n?\n.\n;\n", encoding="utf-8")
        message = refused("--data", data, "--out", runs)
        assert f"{data / 'text' / 'e6'}: found training data that nothing can be" in message
        assert not (runs / "tfidf-logistic").exists()

    def test_one_label(self, data, runs):
        (data / "text/e6/train.label").write_text("joy\n" * 4, encoding="utf-8")
        assert "two or more labels" in refused("--data", data, "--out", runs)

    def test_without_scikit_learn(self, data, runs, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn", None)
        assert "pip install 'emo-mtl[eval]'" in refused("--data", data, "--out", runs)
        assert not runs.exists()
