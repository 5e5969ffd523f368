"""Answers in a wanted emotion: the same tokens and answers whichever way it is asked for."""

import json
import random
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers.commands import BIN, TASK, run_command, train
from helpers.exported import reader_of

from emo_mtl.cli.main import main
from emo_mtl.demo.page import answer
from emo_mtl.errors import UserError
from emo_mtl.evaluation import control
from emo_mtl.inference.conversation import Conversation
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.inference.text import as_people_write
from emo_mtl.preparation.splits import read_split

SEARCH = {"beam": 2, "no_repeat_ngram_size": 3}
LABELS = ["happiness", "sadness"]
ANSWERS = {"happiness": "That is great ! I am so happy .", "sadness": "I am sorry . That is bad ."}
SIZE = ["--encoder-embed-dim", "64", "--encoder-layers", "1", "--decoder-layers", "1"]
TEXTS = ["I have a new dog .", "What is its name ?", "It's called Bob ."]


def talks(count: int) -> str:
    """Dialogues of two turns in JSON Lines; a text makes an emotion of the reply likely, which decides it."""
    lines = []
    rng = random.Random(1)
    for i in range(count):
        label = LABELS[int(rng.random() < (0.2, 0.5, 0.8)[i % 3])]
        turns = [
            {"text": f"{TEXTS[i % 3]} And number {i % 11} ?", "emotion": LABELS[i % 2]},
            {"text": ANSWERS[label], "emotion": label},
        ]
        lines.append(json.dumps({"turns": turns}) + "\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("talks")
    (folder / "raw").mkdir()
    for split, count in {"train": 300, "valid": 30, "test": 30}.items():
        (folder / "raw" / f"{split}.jsonl").write_text(talks(count))
    out = folder / "data"
    command = ["emo-mtl", "prepare", "--responses", folder / "raw"]
    flags = ["--reply-labels", "next=emotion", "--utterance-labels", "now=emotion"]
    run_command(*command, *flags, "--bpe", "sentencepiece", "--vocab-size", "340", "--out-dir", out)
    return out


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained for long enough to answer as it is asked to."""
    folder = tmp_path_factory.mktemp("trained")
    flags = ["--emotion-task", "next", "--emotion-dropout", "0.2", "--max-update", "320"]
    flags += ["--classification-tasks", "next,now", "--batch-size", "32", "--dropout", "0"]
    train(data, folder, *flags, *SIZE, "--label-smoothing", "0", "--disable-validation")
    return folder / "checkpoint_last.pt"


@pytest.fixture(scope="module")
def bart(model: Path) -> EmoBART:
    return EmoBART.from_pretrained(model, device="cpu")


@pytest.fixture(scope="module")
def answers(bart: EmoBART) -> dict[str, list[str]]:
    return {label: bart.respond(TEXTS, emotion=label, **SEARCH) for label in LABELS}


class TestSameAnswers:
    def test_the_emotion_decides(self, answers):
        for label in LABELS:
            assert answers[label] == [as_people_write(ANSWERS[label])] * len(TEXTS)

    def test_a_list_and_auto(self, bart, answers):
        mixed = bart.respond(TEXTS, emotion=["sadness", None, "happiness"], **SEARCH)
        assert mixed[0] == answers["sadness"][0]
        assert mixed[1] == bart.respond(TEXTS[1:2], **SEARCH)[0]
        assert mixed[2] == answers["happiness"][2]
        found = bart.wanted_emotions(TEXTS, "auto")
        assert found == [next(iter(item["next"])) for item in bart.classify(TEXTS, "next")]
        assert bart.respond(TEXTS, emotion="auto", **SEARCH) == [
            answers[label][i] for i, label in enumerate(found)
        ]

    @pytest.mark.parametrize("wanted", [*LABELS, "auto", ""])
    def test_interactive(self, bart, model, tmp_path, wanted):
        writing = bart.task.writing("response")
        (tmp_path / "in.txt").write_text("".join(f"{writing.normalize(t)}\n" for t in TEXTS))
        command = ["fairseq-interactive", model.parent, *TASK, "--path", model]
        flags = ["--beam", "2", "--no-repeat-ngram-size", "3", "--input", tmp_path / "in.txt"]
        output = run_command(*command, *flags, *(["--emotion", wanted] if wanted else [])).stdout
        found = re.findall(r"^D-\d+\t\S+\t(.*)$", output, flags=re.MULTILINE)
        expected = bart.respond(TEXTS, emotion=wanted or None, **SEARCH)
        assert [as_people_write(line).strip() for line in found] == expected

    def test_generate(self, data, model, tmp_path):
        """With the gold emotions the replies of the test set come out; sources are shown as they are."""
        expected = (data / "text" / "response" / "test.target").read_text().splitlines()
        sources = (data / "text" / "response" / "test.source").read_text().splitlines()
        labels = (data / "text" / "next" / "test.label").read_text().splitlines()
        for wanted in ("gold", "sadness"):
            command = ["fairseq-generate", data / "data-bin", *TASK, "--path", model, "--cpu"]
            flags = ["--emotion", wanted, "--beam", "2", "--results-path", tmp_path / wanted]
            run_command(*command, *flags)
            output = (tmp_path / wanted / "generate-test.txt").read_text()
            found = dict(re.findall(r"^D-(\d+)\t\S+\t(.*)$", output, flags=re.MULTILINE))
            replies = [found[str(i)].strip() for i in range(len(expected))]
            wishes = labels if wanted == "gold" else [wanted] * len(labels)
            assert replies == [ANSWERS[label] for label in wishes]
        assert set(labels) == set(LABELS)
        shown = dict(re.findall(r"^S-(\d+)\t(.*)$", output, flags=re.MULTILINE))
        assert [shown[str(i)] for i in range(len(sources))] == sources

    def test_chat(self, model, answers):
        command = [BIN / "emo-mtl", "chat", model, "--cpu", "--json", "--beam", "2"]
        lines = ["/emotion sadness", TEXTS[0], "/emotion off", "/reset", "/emotion happiness"]
        done = subprocess.run(
            command, input="\n".join([*lines, TEXTS[0]]), capture_output=True, text=True, check=True
        )
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert [item["response"] for item in found] == [
            answers[label][0] for label in ("sadness", "happiness")
        ]
        assert [item["wanted"] for item in found] == ["sadness", "happiness"]

    def test_demo(self, bart, answers):
        *_, (shown, turns, _, _) = answer(
            bart, TEXTS[0], [], "Beam search", 2, 0.9, 1.0, "sadness", judge=bart
        )
        assert turns[-1].response == answers["sadness"][0]
        assert "wanted: sadness" in shown
        label = next(iter(bart.classify([turns[-1].response], "now")[0]["now"]))
        assert f"the judge&#x27;s now: {label}" in shown

    def test_exported(self, model, bart, answers, tmp_path):
        """By the code of the model card."""
        read, generate = reader_of(model, tmp_path / "exported", beam=2)
        writing = bart.task.writing("response")
        for label in LABELS:
            for text, expected in zip(TEXTS, answers[label], strict=True):
                (found,) = generate(read([writing.normalize(text)], label))
                assert as_people_write(found).strip() == expected


class TestScores:
    def test_gold_replies_are_more_probable_with_their_emotion(self, data, model, tmp_path):
        def bits(*flags: str) -> list[float]:
            """Of each reply."""
            command = ["fairseq-generate", data / "data-bin", *TASK, "--path", model, "--cpu"]
            output = run_command(*command, "--score-reference", *flags).stdout
            lines = re.findall(r"^P-(\d+)\t(.*)$", output, flags=re.MULTILINE)
            return [
                -sum(map(float, line.split())) for _, line in sorted(lines, key=lambda p: int(p[0]))
            ]

        labels = (data / "text" / "next" / "test.label").read_text().splitlines()
        of = {label: bits("--emotion", label) for label in LABELS}
        gold = bits("--emotion", "gold")
        assert gold == [of[label][i] for i, label in enumerate(labels)]
        wrong = [of[LABELS[label == LABELS[0]]][i] for i, label in enumerate(labels)]
        assert sum(gold) < sum(bits()) < sum(wrong)

    def test_validation_has_the_gold_emotions(self, data, model):
        """As in training: fairseq-validate has the flags of the checkpoint."""
        command = ["fairseq-validate", data / "data-bin", *TASK, "--path", model]
        output = run_command(*command, "--valid-subset", "test", "--batch-size", "8")
        (found,) = re.findall(r"response_ppl ([\d.]+)", output.stdout + output.stderr)
        assert (
            float(found) < 1.1
        )  # 2 ** (1 / 20) without them, of an even choice a reply of some 20 tokens


class TestRefused:
    @pytest.mark.parametrize(
        ("emotion", "message"),
        [("envy", "one of happiness, sadness, auto"), ("gold", "one of"), (["auto"], "expected 3")],
    )
    def test_respond(self, bart, emotion, message):
        with pytest.raises(UserError, match=message):
            bart.respond(TEXTS, emotion=emotion)

    def test_chat(self, bart):
        talk = Conversation(bart, SEARCH)
        for line in ("/emotion", "/emotion envy"):
            with pytest.raises(UserError, match="happiness, sadness"):
                talk.command(line)
        assert talk.command("/emotion auto") == "emotion auto"
        assert talk.answer(TEXTS[0]).wanted in LABELS
        assert "emotion" not in talk.command("/reset")

    def test_going_on(self, data, model, tmp_path):
        """With the emotions of before, and with no others."""
        shutil.copytree(model.parent, tmp_path / "save")
        flags = ["--classification-tasks", "next,now", "--max-update", "322", *SIZE]
        done = train(data, tmp_path / "save", *flags, check=False)
        assert done.returncode == 1
        assert "was trained with --emotion-task next (happiness, sadness)" in done.stderr
        train(data, tmp_path / "save", *flags, "--emotion-task", "next", "--disable-validation")
        going_on = EmoBART.from_pretrained(tmp_path / "save" / "checkpoint_last.pt", device="cpu")
        assert going_on.emotions == LABELS


class TestControl:
    def test_each_emotion(self, data, model, tmp_path, capsys):
        out = tmp_path / "control.json"
        flags = ["--data", str(data), "--task", "now", "--utterances", "12", "--beam", "2", "--cpu"]
        main(["control", str(model), *flags, "--json", str(out)])
        rows = {row["emotion"]: row for row in json.loads(out.read_text())["rows"]}
        assert set(rows) == {*LABELS, "macro"}
        assert rows["macro"]["wanted"] == 100
        assert rows["macro"]["no_wish"] == 50
        assert "| happiness | 100.0 |" in capsys.readouterr().out

    def test_less_common_answers(self, data, model, tmp_path):
        """What is judged are the answers that `respond` gives with that weight, and they are others."""
        flags = ["--data", str(data), "--task", "now", "--cpu", "--mmi-weight"]
        for weight in ("0", "0.9"):
            out = tmp_path / f"{weight}.json"
            main(["control", str(model), *flags, weight, "--json", str(out)])
        without, found = (json.loads((tmp_path / f"{w}.json").read_text()) for w in ("0", "0.9"))
        bart = EmoBART.from_pretrained(model, device="cpu")
        texts = read_split(data, "response", "test").utterances
        answers = bart.respond(texts, mmi_weight=0.9, typed=False)
        assert found["no_wish"] == asdict(control.variety(answers))
        assert found["no_wish"] != without["no_wish"]

    def test_another_judge(self, data, model, capsys):
        flags = ["--data", str(data), "--task", "now", "--utterances", "3", "--beam", "1", "--cpu"]
        main(["control", str(model), *flags, "--judge", str(model)])
        assert f"Judge: the head now of {model}; 3 utterances" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--task", "now"], "found no --data"),
            (
                ["--task", "now", "--data", "DATA", "--utterances", "0"],
                "--utterances 0 .*1 or more",
            ),
            (
                ["--task", "now", "--data", "DATA", "--seed", "-1"],
                "--seed -1: expected .*0 or more",
            ),
            (
                ["--task", "now", "--data", "DATA", "--mmi-weight", "2"],
                "mmi_weight: found 2.0, .*0 to 1",
            ),
            (["--task", "e6", "--data", "DATA"], "found the text of next, now in"),
            (["--task", "e6", "--data", "DATA", "--judge", "MODEL"], "of no such head"),
        ],
    )
    def test_refused(self, data, model, flags, message):
        given = {"DATA": str(data), "MODEL": str(model)}
        with pytest.raises((UserError, OSError), match=message):
            main(
                ["control", str(model), "--cpu", "--utterances", "1", "--beam", "1"]
                + [given.get(part, part) for part in flags]
            )
