"""A task whose utterances have several labels, from the table to each of the commands."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq import options
from fairseq_cli import train as fairseq_train
from fairseq_cli import validate as fairseq_validate
from helpers.config import parse, parse_train, printed, train_argv
from helpers.raw_files import write
from sklearn.metrics import f1_score

from emo_mtl.cli.main import main
from emo_mtl.data.binarized import load_label_numbers
from emo_mtl.errors import UserError
from emo_mtl.evaluation.thresholds import best_thresholds
from emo_mtl.inference.conversation import Conversation
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.preparation.splits import read_split

WORDS = {"up": "happy", "down": "sad", "odd": "strange"}
SETS = ["up", "down", "odd", "up,odd", "down,odd", "up,down"]
TEXTS = ["so happy and strange", "so sad", "nothing"]


def table(size: int) -> str:
    """Texts whose words are their labels."""
    rows = []
    for i in range(size):
        labels = SETS[i % len(SETS)]
        words = " and ".join(WORDS[label] for label in labels.split(","))
        rows.append(f"{i} so {words}\t{labels}\n")
    return "".join(rows)


class Prepared:
    """Prepared data of the task `moods`, and a checkpoint of a few updates on it."""

    def __init__(self, folder: Path):
        for name in ("train", "validation", "test"):
            lines = "".join(f"so {word} __eou__ very {word} __eou__\n" for word in WORDS.values())
            write(folder / f"raw/dailydialog/{name}/dialogues_{name}.txt", lines)
        for split, size in (("train", 60), ("valid", 30), ("test", 20)):
            write(folder / "moods" / f"{split}.tsv", table(size))
        self.home = folder / "data"
        self.argv = ["--raw-dir", folder / "raw", "--out-dir", self.home, "--bpe", "sentencepiece"]
        self.argv += ["--vocab-size", 330, "--tasks", "response"]
        self.argv += ["--custom", f"moods={folder / 'moods'}"]
        self.output = printed(main, ["prepare", *map(str, self.argv)])
        self.flags = {"classification_tasks": "moods", "save_dir": folder / "saved", "lr": "0.02"}
        self.train(max_update="30", max_epoch="30")
        self.checkpoint = folder / "saved" / "checkpoint_last.pt"
        self.bart = EmoBART.from_pretrained(self.checkpoint, device="cpu")

    def train(self, data: Path | None = None, **flags: object) -> None:
        argv = train_argv(data or self.home / "data-bin", **{**self.flags, **flags})
        fairseq_train.main(parse_train(argv))

    def classify(self, *flags: object) -> str:
        argv = ["classify", self.checkpoint, "--data", self.home, "--cpu", *flags]
        return printed(main, list(map(str, argv)))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("several"))


def probabilities(prepared: Prepared, split: str) -> np.ndarray:
    """Of `EmoBART`, in the order of the head's labels."""
    texts = read_split(prepared.home, "moods", split).inputs
    found = prepared.bart.classify(texts, typed=False)
    return np.array([[scores["moods"][name] for name in ("down", "odd", "up")] for scores in found])


def gold(prepared: Prepared, split: str) -> np.ndarray:
    lines = read_split(prepared.home, "moods", split).answers
    return np.array([[name in line.split() for name in ("down", "odd", "up")] for line in lines])


class TestPrepare:
    def test_summary(self, prepared):
        assert "test 20; several labels an utterance: up to 2 of 3, 50.0 %" in (prepared.output)

    def test_binarized(self, prepared):
        prefix = str(prepared.home / "data-bin" / "moods" / "label" / "test")
        found = load_label_numbers(prefix, ["down", "odd", "up"], 20, several=True)
        assert np.array_equal(found.numpy(), gold(prepared, "test"))
        lines = (prepared.home / "text" / "moods" / "test.label").read_text().splitlines()
        assert lines[:4] == ["up", "down", "odd", "odd up"]

    def test_nothing_to_do(self, prepared):
        assert "nothing to do" in printed(main, ["prepare", *map(str, prepared.argv)])


class TestCheckpoint:
    def test_knows_it(self, prepared):
        state = torch.load(prepared.checkpoint, weights_only=True)["task_state"]
        assert state["multi_label"] == ["moods"]
        assert prepared.bart.multi_label == ["moods"]

    def test_data_with_one_label_each(self, prepared, tmp_path):
        """Resumed, refused; as a start, the head begins anew."""
        for split in ("train", "valid", "test"):
            write(tmp_path / "moods" / f"{split}.tsv", "so happy\tup\nso sad\tdown\nodd\todd\n" * 2)
        home = tmp_path / "data"
        argv = ["--out-dir", home, "--bpe", "sentencepiece", "--tasks", "response"]
        argv += ["--sentencepiece-model", prepared.home / "spm.model"]
        argv += [
            "--raw-dir",
            prepared.home.parent / "raw",
            "--custom",
            f"moods={tmp_path / 'moods'}",
        ]
        main(["prepare", *map(str, argv)])
        flags = {"data": home / "data-bin", "max_update": "1", "save_dir": tmp_path / "saved"}
        with pytest.raises(UserError, match=r"found one label an utterance, but .* several labels"):
            prepared.train(restore_file=prepared.checkpoint, **flags)
        prepared.train(finetune_from_model=prepared.checkpoint, **flags)
        state = torch.load(tmp_path / "saved" / "checkpoint_last.pt", weights_only=True)
        assert state["task_state"]["multi_label"] == []


class TestClassify:
    def test_probabilities_are_sigmoids(self, prepared):
        found = probabilities(prepared, "test")
        assert not np.allclose(found.sum(axis=1), 1)
        first = prepared.bart.classify(TEXTS)[0]["moods"]
        assert list(first.values()) == sorted(first.values(), reverse=True)

    def test_thresholds_of_valid(self, prepared, tmp_path):
        files = ["--json", tmp_path / "scores.json", "--predictions", tmp_path / "out.tsv"]
        shown = prepared.classify("--subset", "test", *files)
        (scores,) = json.loads((tmp_path / "scores.json").read_text())
        thresholds = best_thresholds(gold(prepared, "valid"), probabilities(prepared, "valid"))
        assert scores["several"]["thresholds"] == pytest.approx(thresholds, abs=1e-5)
        found, right = probabilities(prepared, "test"), gold(prepared, "test")
        at_half = f1_score(right, found >= 0.5, average="macro", zero_division=0)
        assert scores["several"]["macro_f1_at_half"] == pytest.approx(100 * at_half)
        assert shown.startswith("moods on test: 20 utterances, accuracy")
        assert "several labels an utterance, at thresholds chosen on valid" in shown
        rows = (tmp_path / "out.tsv").read_text().splitlines()[1:]
        assert [row.split("\t")[2] for row in rows] == (
            read_split(prepared.home, "moods", "test").answers
        )

    def test_equals_validation(self, prepared, tmp_path):
        prepared.classify("--subset", "valid", "--json", tmp_path / "scores.json")
        (scores,) = json.loads((tmp_path / "scores.json").read_text())
        argv = [prepared.home / "data-bin", "--task", "emotion_dialogue", "--cpu"]
        argv += ["--path", prepared.checkpoint, "--valid-subset", "valid", "--batch-size", 7]
        argv += ["--log-format", "json", "--num-workers", 0]
        parser = options.get_validation_parser()
        logged = {}
        parsed = parse(parser, argv)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "fairseq.logging.progress_bar.JsonProgressBar.print",
                lambda self, stats, **more: logged.update(stats),
            )
            fairseq_validate.main(parsed)
        expected = scores["several"]["macro_f1_at_half"]
        assert float(logged["moods_f1"]) == pytest.approx(expected, abs=0.011)
        found, right = probabilities(prepared, "valid"), gold(prepared, "valid")
        exact = 100 * ((found >= 0.5) == right).all(axis=1).mean()
        assert float(logged["moods_accuracy"]) == pytest.approx(exact, abs=0.011)

    def test_text(self, prepared, tmp_path):
        lines = prepared.classify("--input", write(tmp_path / "in.txt", "\n".join(TEXTS) + "\n"))
        for line, text in zip(lines.splitlines(), TEXTS, strict=True):
            assert re.fullmatch(rf"moods=\w+ [01]\.\d\d(, \w+ [01]\.\d\d)*\t{text}", line)


class TestChat:
    def test_labels_that_are_shown(self, prepared):
        conversation = Conversation(
            prepared.bart, {"beam": 1, "no_repeat_ngram_size": 3, "max_len_b": 5}
        )
        for text in TEXTS:
            turn = conversation.answer(text)
            scores = turn.emotions["moods"]
            likely = {label: p for label, p in scores.items() if p >= 0.5}
            assert turn.shown()["moods"] == (likely or dict(list(scores.items())[:1]))


class TestExport:
    def test_pipeline_agrees(self, prepared, tmp_path):
        transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")
        main(["export-hf", str(prepared.checkpoint), str(tmp_path / "model")])
        config = json.loads((tmp_path / "model" / "moods" / "config.json").read_text())
        assert config["problem_type"] == "multi_label_classification"
        pipeline = transformers.pipeline(
            "text-classification", str(tmp_path / "model" / "moods"), device="cpu", top_k=None
        )
        expected = prepared.bart.classify(TEXTS, typed=False)
        for found, scores in zip(pipeline(TEXTS, truncation=True), expected, strict=True):
            assert {entry["label"]: entry["score"] for entry in found} == pytest.approx(
                scores["moods"], abs=1e-4
            )
        card = (tmp_path / "model" / "README.md").read_text()
        assert "An utterance may have several labels of moods" in card
        assert 'pipeline("text-classification", "model/moods", top_k=None)' in card


class TestBaselines:
    def test_scores(self, prepared, tmp_path):
        pytest.importorskip("nltk")
        main(["baselines", "--data", str(prepared.home), "--out", str(tmp_path / "runs")])
        (scores,) = json.loads((tmp_path / "runs" / "tfidf-logistic" / "classify.json").read_text())
        assert scores["macro_f1"] == 100  # the words are the labels
        (scores,) = json.loads((tmp_path / "runs" / "majority" / "classify.json").read_text())
        right = gold(prepared, "test")
        all_of_them = f1_score(right, np.ones_like(right), average="macro")
        assert scores["macro_f1"] == pytest.approx(100 * all_of_them)

    def test_no_judge_by_text(self, prepared, tmp_path):
        file = write(tmp_path / "answers.txt", "so happy\n" * 3)
        argv = ["awareness", "--data", prepared.home, "--hypotheses", file, "--task", "moods"]
        with pytest.raises(UserError, match="--task moods: found several labels a text"):
            main(list(map(str, argv)))
