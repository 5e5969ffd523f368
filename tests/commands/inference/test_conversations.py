"""A conversation of several turns: the same tokens and answers whichever way it comes in."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from helpers.commands import BIN, TASK, run_command, train
from helpers.exported import reader_of

from emo_mtl.demo.page import answer
from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import Conversation, with_history
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.inference.text import as_people_write
from emo_mtl.inference.turns import MARK, join_turns

SEARCH = {"beam": 2, "no_repeat_ngram_size": 3}
TALK = ["I have a new dog .", "What is its name ?", "It's called Bob .", "Is it big ?", "Yes !"]


@pytest.fixture(scope="module")
def data(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's responses with up to four turns, and its tweets."""
    out = tmp_path_factory.mktemp("prepared") / "data"
    command = ["emo-mtl", "prepare", "--raw-dir", sample.parent / "raw", "--out-dir", out]
    flags = ["--tasks", "response,e6", "--context-turns", "4", "--vocab-size", "600"]
    run_command(*command, *flags, "--bpe", "sentencepiece")
    return out


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained with three turns, for long enough that answers differ."""
    folder = tmp_path_factory.mktemp("trained")
    flags = ["--context-turns", "3", "--max-update", "60", "--dropout", "0", "--lr", "0.01"]
    flags += ["--classification-tasks", "e6", "--loss-weights", "e6=0", "--clip-norm", "0"]
    flags += ["--max-source-length", "200"]  # three turns of any length
    train(data, folder, *flags, "--disable-validation")
    return folder


@pytest.fixture(scope="module")
def bart(model: Path) -> EmoBART:
    return EmoBART.from_pretrained(model / "checkpoint_last.pt", device="cpu")


@pytest.fixture(scope="module")
def conversation(bart: EmoBART) -> Conversation:
    """What a person said, with the model's answers to it."""
    talk = Conversation(bart, SEARCH)
    for text in TALK:
        talk.answer(text)
    return talk


@pytest.fixture(scope="module")
def histories(conversation: Conversation) -> list[list[str]]:
    """What was said up to each utterance of the conversation."""
    turns = conversation.turns
    return [with_history(turns[:i], turn.text) for i, turn in enumerate(turns)]


@pytest.fixture(scope="module")
def answers(conversation: Conversation) -> list[str]:
    return [turn.response for turn in conversation.turns]


def tokens(bart: EmoBART, turns: list[str]) -> list[int]:
    """What the encoder reads."""
    return bart._encode([turns], "response", typed=True).src[0].tolist()


class TestSameAnswers:
    def test_takes_what_was_said_into_account(self, bart, conversation, histories, answers):
        assert bart.context_turns == 3
        assert [turn.read for turn in conversation.turns] == [1, 3, 3, 3, 3]
        assert len(set(answers)) > 1
        assert tokens(bart, histories[-1]) == tokens(bart, histories[-1][-3:])
        assert tokens(bart, histories[-1]) != tokens(bart, histories[-1][-1:])

    def test_respond(self, bart, histories, answers):
        assert [answer.strip() for answer in bart.respond(histories, **SEARCH)] == answers

    def test_interactive(self, bart, model, histories, answers, tmp_path):
        """Lines as the corpus writes, with the mark between turns."""
        writing = bart.task.writing("response")
        lines = [join_turns(map(writing.normalize, turns)) for turns in histories]
        (tmp_path / "in.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        command = ["fairseq-interactive", model, *TASK, "--path", model / "checkpoint_last.pt"]
        flags = ["--beam", "2", "--no-repeat-ngram-size", "3", "--input", tmp_path / "in.txt"]
        output = run_command(*command, *flags).stdout
        found = re.findall(r"^D-\d+\t\S+\t(.*)$", output, flags=re.MULTILINE)
        assert [as_people_write(line).strip() for line in found] == answers
        shown = re.findall(r"^S-\d+\t(.*)$", output, flags=re.MULTILINE)
        read = [bart.task.source_dictionary.string(tokens(bart, turns)) for turns in histories]
        assert shown == read
        assert shown[-1].count(" </s> ") == 2

    def test_chat(self, model, histories, answers):
        """Through a pipe: a line is the next turn."""
        command = [BIN / "emo-mtl", "chat", model / "checkpoint_last.pt", "--cpu", "--json"]
        flags = ["--beam", "2"]
        done = subprocess.run(
            [*command, *flags], input="\n".join(TALK), capture_output=True, text=True, check=True
        )
        assert [json.loads(line)["response"] for line in done.stdout.splitlines()] == answers

    def test_demo(self, bart, answers):
        turns: list = []
        for text, expected in zip(TALK, answers, strict=True):
            *_, (shown, turns, _, _) = answer(bart, text, turns, "Beam search", 2, 0.9, 1.0)
            assert turns[-1].response == expected
        assert "to the last 3 turns" in shown

    def test_exported(self, model, bart, histories, answers, tmp_path):
        """By the code of the model card.

        Answers of this model do not end by themselves. At the longest length both searches force `</s>`, and
        fairseq alone counts its score, so that of two hypotheses the other may be the first: both are looked
        at, and the greedy search, where there is one.
        """
        read, generate = reader_of(model / "checkpoint_last.pt", tmp_path / "exported", beam=2)
        writing = bart.task.writing("response")
        greedy = bart.respond(histories, **{**SEARCH, "beam": 1})
        for turns, expected, first in zip(histories, answers, greedy, strict=True):
            found = read(list(map(writing.normalize, turns)))
            assert found == tokens(bart, turns)
            assert expected in map(written, generate(found, num_return_sequences=2))
            assert list(map(written, generate(found, num_beams=1))) == [first.strip()]


def written(text: str) -> str:
    return as_people_write(text).strip()


class TestMarks:
    def test_typed_marks_are_text(self, bart):
        for mark in (MARK, "</s>"):
            text = f"Hi {mark} you"
            found = tokens(bart, [text])
            assert found.count(bart.task.source_dictionary.eos()) == 1
            assert found != tokens(bart, ["Hi", "you"])

    def test_a_head_of_single_utterances_reads_one(self, bart):
        alone = bart.classify([TALK[:1]])
        assert bart.classify([["So ?", "Well .", TALK[0]]]) == alone == bart.classify(TALK[:1])

    def test_lines_of_classify_are_conversations(self, bart, model, tmp_path):
        (tmp_path / "in.txt").write_text(f"Well . __eou__ {TALK[0]}\n{TALK[0]}\n")
        flags = ["--input", tmp_path / "in.txt", "--predictions", tmp_path / "out.tsv", "--cpu"]
        run_command("emo-mtl", "classify", model / "checkpoint_last.pt", *flags)
        rows = [row.split("\t") for row in (tmp_path / "out.tsv").read_text().splitlines()[1:]]
        assert rows[0][1:] == rows[1][1:]
        assert rows[0][3] == next(iter(bart.classify(TALK[:1])[0]["e6"]))


class TestCommands:
    def test_history_shows_what_is_read(self, bart, conversation):
        lines = conversation.history().splitlines()
        assert [line[0] for line in lines] == [" "] * 8 + ["*"] * 2
        assert lines[-2] == f"* you> {TALK[-1]}"

    def test_save_and_load(self, bart, conversation, tmp_path):
        path = tmp_path / "talk.jsonl"
        assert conversation.command(f"/save {path}") == f"{path}: 10 turns"
        other = Conversation(bart, SEARCH)
        assert other.command(f"/load {path}") == f"{path}: 10 turns"
        assert other.answer("And you ?") == Conversation.answer(conversation, "And you ?")
        conversation.turns.pop()
        for content, message in (
            ("", "empty"),
            ('["a"]\n["b"]\n', "2 conversations"),
            ("x", "JSON"),
        ):
            path.write_text(content)
            with pytest.raises(UserError, match=message):
                other.command(f"/load {path}")
        for name in ("", "no such file", "a\0b"):
            with pytest.raises(UserError, match="/load"):
                other.command(f"/load {name}")
        assert len(other.turns) == 6
        path.write_text('["a \\u001b[2J"]')
        assert "1 turns" in other.command(f"/load {path}")
        assert other.turns[0].text == "a  [2J"
        other.command("/reset")
        assert other.answer(TALK[0]).read == 1


class TestTraining:
    def test_another_number_of_turns_is_refused(self, data, model):
        flags = ["--classification-tasks", "e6", "--loss-weights", "e6=0", "--max-update", "70"]
        done = train(data, model, *flags, "--context-turns", "2", check=False)
        assert done.returncode == 1
        assert "--context-turns 2: " in done.stderr
        assert "was trained with 3" in done.stderr

    def test_data_of_single_utterances_is_refused(self, sample, tmp_path):
        done = train(sample, tmp_path, "--max-update", "1", "--context-turns", "3", check=False)
        assert done.returncode == 1
        assert "found one turn in each line" in done.stderr
