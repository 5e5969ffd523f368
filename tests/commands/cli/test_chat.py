"""`emo-mtl chat`: its commands by themselves, then through a pipe and at a terminal."""

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.commands import FOREVER, REPOSITORY
from helpers.talker import Stub

from emo_mtl.errors import UserError
from emo_mtl.inference.conversation import (
    COMMANDS,
    Conversation,
    dialogue_line,
)
from emo_mtl.inference.hub_interface import EmoBART

START = {"beam": 2, "no_repeat_ngram_size": 3}


@pytest.fixture(scope="module")
def bart(trained) -> EmoBART:
    return EmoBART.from_pretrained(trained[0], device="cpu")


@pytest.fixture
def conversation(bart) -> Conversation:
    return Conversation(bart, START)


class TestConversation:
    def test_answer(self, conversation, bart):
        turn = conversation.answer("I miss her .")
        (scores,) = bart.classify(["I miss her ."])
        assert list(turn.best()) == ["e6", "e2", "e12"]
        for head, (label, probability) in turn.best().items():
            assert probability == max(scores[head].values()) == scores[head][label]
        assert turn.response == bart.respond(["I miss her ."], **START)[0].strip()
        assert conversation.turns == [turn]

    def test_history_is_shown_and_not_fed(self, conversation):
        first = conversation.answer("OK")
        conversation.answer("I am so happy !")
        assert conversation.answer("OK") == first
        lines = conversation.command("/history").splitlines()
        assert [line[:4] for line in lines] == ["you>", "bot>"] * 3
        conversation.command("/reset")
        assert conversation.command("/history") == "nothing was said yet"

    def test_control_codes_are_not_shown(self, conversation, bart, monkeypatch):
        monkeypatch.setattr(bart, "respond", lambda texts, **settings: ["a\x1b[2Jb\nc\td"])
        assert conversation.answer("OK").response == "a [2Jb c d"

    def test_save(self, tmp_path):
        conversation = Conversation(Stub(), START)
        path = tmp_path / "a talk.jsonl"
        with pytest.raises(UserError, match="no conversation yet"):
            conversation.command(f"/save {path}")
        turn = conversation.answer("I am sad …")
        assert conversation.command(f"/save {path}") == f"{path}: 2 turns"
        assert path.read_text("utf-8") == dialogue_line([turn])
        conversation.answer("again")
        with pytest.raises(UserError, match=r"exists already.*--overwrite"):
            conversation.command(f"/save {path}")
        assert path.read_text("utf-8") == dialogue_line([turn])
        conversation.command(f"/save {path} --overwrite")
        assert path.read_text("utf-8") == dialogue_line(conversation.turns)
        assert os.listdir(tmp_path) == [path.name]

    @pytest.mark.parametrize("name", ["", "--overwrite", "no/such/folder", ".", "a\0b", "x" * 300])
    def test_save_to_no_file(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        conversation = Conversation(Stub(), START)
        conversation.answer("hi")
        with pytest.raises(UserError):
            conversation.command(f"/save {name}")
        assert os.listdir(tmp_path) == []

    def test_settings(self, conversation):
        conversation.command("/beam 7")
        assert conversation.settings == {"beam": 7, "no_repeat_ngram_size": 3}
        conversation.command("/sample topk=5 temperature=0.7")
        sampling = {"sampling": True, "sampling_topk": 5, "temperature": 0.7}
        assert conversation.settings == {"beam": 1, "no_repeat_ngram_size": 3, **sampling}
        conversation.start = {**START, "mmi_weight": 0.5}  # of beam search alone
        assert "mmi_weight" not in conversation.command("/sample")
        assert "mmi_weight 0.5" in conversation.command("/beam 7")
        conversation.start = START
        assert "beam 2" in conversation.command("/reset")
        assert conversation.settings == START

    @pytest.mark.parametrize(
        "line",
        ["/beam", "/beam x", "/beam 0", "/sample a=1", "/sample topp", "/sample temperature=0"],
    )
    def test_wrong_settings_change_nothing(self, conversation, line):
        with pytest.raises(UserError):
            conversation.command(line)
        assert conversation.settings == START

    def test_help(self, conversation):
        assert conversation.command("/help") == COMMANDS
        assert "with 1, every\nutterance is answered by itself" in COMMANDS
        with pytest.raises(UserError, match="found /what"):
            conversation.command("/what now")


@pytest.fixture
def chat(trained, programs):
    """`emo-mtl chat` on piped bytes."""

    def run(text: bytes, *flags: str) -> subprocess.CompletedProcess:
        command = [programs / "emo-mtl", "chat", trained[0], "--cpu", "--beam", "2", *flags]
        return subprocess.run(
            command, input=text, cwd=REPOSITORY, capture_output=True, timeout=FOREVER
        )

    return run


class TestPipe:
    def test_a_line_for_a_line(self, chat, conversation):
        texts = ["I miss her .", "", "/beam 1", "שלום 😀"]
        result = chat("".join(f"{text}\n" for text in [*texts, "/quit", "no"]).encode())
        assert result.returncode == 0
        lines = result.stdout.decode().split("\n")
        assert len(lines) == 4  # three answers, and what follows the last line feed
        assert re.fullmatch(r"e6=\w+ \d\.\d\d\te2=\w+ \d\.\d\d\te12=\w+ \d\.\d\d\t.+", lines[0])
        assert lines[0].split("\t")[-1] == conversation.answer(texts[0]).response
        assert lines[1] == ""
        assert b"beam 1" in result.stderr
        assert result.stderr.startswith(b"Loading")
        assert b"Warning" not in result.stderr

    def test_not_utf_8(self, chat):
        result = chat(b"fine\n\xff\nfine\n", "--json")
        assert result.returncode == 1
        first, second, third = (json.loads(line) for line in result.stdout.splitlines())
        assert first == third
        assert list(first) == ["text", "emotions", "response", "turns"]
        assert list(first["emotions"]) == ["e6", "e2", "e12"]
        assert list(second) == ["text", "error"]
        assert b"standard input, line 2" in result.stderr
        assert b"Traceback" not in result.stderr

    def test_reader_that_stops(self, trained, programs):
        command = f"yes hi | head -n 20000 | emo-mtl chat --path {trained[0]} --beam 1 | head -n 1"
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        result = subprocess.run(
            ["bash", "-c", command],
            cwd=REPOSITORY,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=FOREVER,
        )
        assert result.stdout.count("\n") == 1
        assert "Error" not in result.stderr


class Terminal:
    """`emo-mtl chat` behind a pseudo-terminal."""

    def __init__(self, executable: Path, *arguments: object):
        self.pid, self.file = os.forkpty()
        if self.pid == 0:
            os.chdir(REPOSITORY)
            os.environ["TERM"] = "dumb"
            os.execv(executable, ["emo-mtl", "chat", *map(str, arguments)])
        self.seen = ""

    def write(self, text: str) -> None:
        os.write(self.file, text.encode())

    def wait_for(self, text: str, keys: str = "") -> str:
        """What was shown up to and with `text` since the last call; types `keys`, again if nothing comes."""
        end = time.monotonic() + 240
        self.write(keys)
        while text not in self.seen:
            assert time.monotonic() < end, f"no {text!r} in {self.seen!r}"
            if not select.select([self.file], [], [], 30)[0]:
                self.write(keys)
            else:
                self.seen += os.read(self.file, 1000).decode(errors="replace")
        shown, _, self.seen = self.seen.partition(text)
        return shown + text

    def status(self) -> int:
        """The exit status, after the process has ended."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "forkpty"), reason="needs a pseudo-terminal")
class TestTerminal:
    def test_conversation(self, trained):
        # Ctrl-C has to reach it, so that it is started as it is
        executable = Path(sys.executable).parent / "emo-mtl"
        terminal = Terminal(executable, trained[0], "--cpu", "--beam", "2")
        terminal.wait_for("you> ")
        terminal.write("I miss her .\n")
        shown = terminal.wait_for("bot> ")
        assert re.search(r"Emotion +\w+ +\d\.\d\d", shown)
        terminal.wait_for("you> ")
        terminal.write("half a li")
        terminal.wait_for("half a li")
        # Ctrl-C gives up the line; Python misses one that comes just before it waits for a key.
        terminal.wait_for("given up", keys="\x03")
        terminal.wait_for("you> ")
        terminal.write("/nonsense\n")
        terminal.wait_for("found /nonsense")
        terminal.wait_for("you> ")
        terminal.write("/history\n")
        assert "half a li" not in terminal.wait_for("bot> ")
        terminal.wait_for("you> ")
        terminal.write("\x04")  # Ctrl-D ends
        assert terminal.status() == 0

    def test_quit(self, trained, programs):
        terminal = Terminal(programs / "emo-mtl", trained[0], "--cpu")
        terminal.wait_for("you> ")
        terminal.write("/quit\n")
        assert terminal.status() == 0
