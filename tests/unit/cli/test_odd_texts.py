"""Texts that nobody plans for, through every command: a line out for each line in, or one clear message."""

import io
import json
import re
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fairseq import options
from fairseq.data import data_utils
from fairseq_cli import generate, interactive
from fairseq_cli import train as fairseq_train
from helpers.config import parse, parse_train, printed, train_argv
from helpers.raw_files import write, write_gpt2_bpe

from emo_mtl.cli.main import main
from emo_mtl.data.dictionaries import load_dictionary
from emo_mtl.errors import UserError
from emo_mtl.evaluation.responses import read_responses
from emo_mtl.inference.bpe import FILES
from emo_mtl.inference.conversation import CONTROL
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.preparation.corpus import SPLITS

ODD = {
    "one token": "OK",
    "more tokens than positions": "very " * 1_499 + "long",
    "as many letters": "y" * 1_500,
    "emoji of several code points": "👩‍👩‍👧‍👦 🏳️‍🌈 hi",
    "flags": "🇯🇵🇨🇭",
    "right to left": "שלום עולם مرحبا",
    "every special symbol": "<s> a </s> <pad> <unk> <mask> b",
    **{symbol: symbol for symbol in ("<s>", "</s>", "<pad>", "<unk>", "<mask>", "madeupword0000")},
    "byte piece": "<0x0A>",
    "NUL": "a\0b",
    "byte order mark": "\ufeffhello",
    "line separator": "one\u2028two",
    "next line": "one\x85two",
    "tab": "one\ttwo",
    "as of fairseq-generate": "H-0 -1 x",
}
PLAIN = ["I am fine .", "how are you ?", "so happy !", "very sad today ."]
TEXTS = [*ODD.values(), *PLAIN]
# every other line ends in a carriage return too
FILE = "".join(text + ("\r\n" if number % 2 else "\n") for number, text in enumerate(TEXTS))
BAD = pytest.mark.parametrize("bad", [b"\xff\xfe", b"\xed\xa0\x80"], ids=["no UTF-8", "surrogate"])


class Prepared:
    """Corpora of odd texts, prepared, and a checkpoint of a few updates on them."""

    def __init__(self, folder: Path, kind: str):
        self.kind = kind
        self.home = folder / "data"
        for name in ("train", "validation", "test"):
            lines = [f"{text} __eou__ {text} __eou__\r\n" for text in TEXTS]
            write(folder / f"raw/dailydialog/{name}/dialogues_{name}.txt", "".join(lines))
        for split in SPLITS:
            write(folder / "mood" / f"{split}.input", FILE)
            write(folder / "mood" / f"{split}.label", "up\r\ndown\n" * (len(TEXTS) // 2))
        gpt2 = write_gpt2_bpe(folder / "gpt2")
        of_bpe = {"sentencepiece": ("--vocab-size", 400), "gpt2": ("--gpt2-bpe-dir", gpt2)}[kind]
        argv = ["--raw-dir", folder / "raw", "--out-dir", self.home, "--bpe", kind, *of_bpe]
        argv += ["--tasks", "response", "--custom", f"mood={folder / 'mood'}"]
        main(["prepare", *map(str, argv)])
        self.bpe = ["--bpe", kind]
        for flag, file in FILES[kind].items():
            if kind == "gpt2":
                shutil.copy(gpt2 / file, self.home)
            self.bpe += ["--" + flag.replace("_", "-"), str(self.home / file)]
        few = {"classification_tasks": "mood", "max_update": "3", "save_dir": folder / "saved"}
        fairseq_train.main(parse_train(train_argv(self.home / "data-bin", **few)))
        self.checkpoint = folder / "saved" / "checkpoint_last.pt"
        self.bart = EmoBART.from_pretrained(self.checkpoint, device="cpu")

    def fairseq(self, command: Any, parser: ArgumentParser, *flags: object) -> str:
        """What a command of fairseq prints, at most 10 tokens a response."""
        argv = [self.home / "data-bin", "--task", "emotion_dialogue", "--cpu", "--beam", 1]
        argv += ["--num-workers", 0]
        argv += ["--max-len-b", 10, "--path", self.checkpoint, *self.bpe, *flags]
        return printed(command.main, parse(parser, argv))

    def interactive(self, file: Path) -> str:
        parser = options.get_interactive_generation_parser()
        return self.fairseq(interactive, parser, "--input", file)

    def classify(self, *flags: object) -> str:
        argv = ["classify", self.checkpoint, "--data", self.home / "data-bin", "--cpu", *self.bpe]
        return printed(main, list(map(str, [*argv, *flags])))


def column(kind: str, output: str) -> list[str]:
    """The texts of fairseq's `T-0` or `D-0` lines, in the order of their numbers, which have no gap."""
    found = dict(re.findall(rf"^{kind}-(\d+)\t(?:-?[\d.]+\t)?(.*)$", output, flags=re.MULTILINE))
    return [found[str(number)] for number in range(len(found))]


def from_bytes(text: str) -> str:
    """Undo SentencePiece's bytes, which fairseq shows as `<0x2F>`."""
    parts = re.split(r"<0x(..)>", text)
    parts[::2] = [part.encode().hex() for part in parts[::2]]
    return bytes.fromhex("".join(parts)).decode()


@pytest.fixture(scope="module", params=["sentencepiece", "gpt2"])
def prepared(request, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "in.txt", FILE)


@pytest.fixture
def chat(prepared, monkeypatch):
    """`emo-mtl chat` on piped bytes: what it prints. The model is loaded already."""
    monkeypatch.setattr("emo_mtl.cli.chat.load_model", lambda args: prepared.bart)

    def run(content: bytes) -> str:
        pipe = SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False)
        monkeypatch.setattr(sys, "stdin", pipe)
        argv = ["chat", str(prepared.checkpoint), "--cpu", "--beam", "1"]
        return printed(main, argv)

    return run


@pytest.mark.slow
class TestALineForALine:
    @pytest.mark.parametrize("side", ["source", "target"])
    def test_prepare(self, prepared, side):
        """Special symbols are plain text, and no character is unknown."""
        text = (prepared.home / "text" / "response" / f"test.{side}").read_text("utf-8").split("\n")
        # a pair for each dialogue; a line end within a text is a space
        assert text == [*(re.sub("[\u2028\x85]", " ", text) for text in TEXTS), ""]
        folder = prepared.home / "data-bin" / "response"
        dictionary = load_dictionary(folder / f"dict.{side}.txt")
        tokens = data_utils.load_indexed_dataset(
            str(folder / f"test.source-target.{side}"), dictionary
        )
        assert len(tokens) == len(TEXTS)
        special = {dictionary.index(symbol) for symbol in ("<s>", "<pad>", "<unk>", "<mask>")}
        for text, item in zip(TEXTS, tokens, strict=True):
            assert not special & set(item.tolist()), text[:40]
            assert item.tolist().index(dictionary.eos()) == len(item) - 1, text[:40]

    def test_generate(self, prepared, tmp_path):
        output = prepared.fairseq(
            generate, options.get_generation_parser(), "--gen-subset", "test", "--batch-size", 7
        )
        targets = column("T", output)
        assert len(column("D", output)) == len(targets) == len(TEXTS)
        for text, target in zip(TEXTS, targets, strict=True):
            if len(text) > 1000:
                assert text.startswith(target.strip())
            elif prepared.kind == "gpt2":
                assert target == text.replace("\u2028", " ").replace("\x85", " ")
            elif text != ODD["byte piece"]:
                assert from_bytes(target) == re.sub(r"[\u2028\x85\t]", " ", text)
        file = write(tmp_path / "generated.txt", output + "Generate test with beam=1: \n")
        assert read_responses(file).hypotheses == column("D", output)

    def test_interactive(self, prepared, file):
        found = column("D", prepared.interactive(file))
        settings = {"beam": 1, "max_len_b": 10, "no_repeat_ngram_size": 0}
        expected = prepared.bart.respond(TEXTS, **settings)
        for text, response, same in zip(TEXTS, found, expected, strict=True):
            # EmoBART reads them as spaces
            assert response == same or re.search("[\u2028\x85\t]", text), text[:40]

    def test_classify(self, prepared, file, tmp_path):
        table = tmp_path / "out.tsv"
        lines = prepared.classify("--input", file, "--predictions", table).split("\n")
        assert [line.split("\t", 1)[1:] for line in lines] == [
            *([line.removesuffix("\r")] for line in FILE.split("\n")[:-1]),
            [],
        ]
        rows = [row.split("\t") for row in table.read_text("utf-8").split("\n")[1:-1]]
        best = [max(found["mood"].values()) for found in prepared.bart.classify(TEXTS)]
        assert [float(row[-1]) for row in rows] == pytest.approx(best, abs=2e-4)

    def test_chat(self, prepared, chat):
        lines = chat(FILE.encode()).split("\n")
        shown = [CONTROL.sub(" ", text).strip() for text in prepared.bart.respond(TEXTS, beam=1)]
        assert [line.split("\t")[1:] for line in lines] == [*([text] for text in shown), []]

    def test_evaluate(self, tmp_path):
        file, scores = write(tmp_path / "text.txt", FILE), tmp_path / "scores.json"
        flags = ["--references", file, "--word-tokenizer", "space", "--json", scores]
        main(list(map(str, ["evaluate", "--hypotheses", file, *flags])))
        (row,) = json.loads(scores.read_text("utf-8"))["rows"]
        assert row["sacrebleu"] == pytest.approx(100)
        assert (row["lines"], row["empty_lines"]) == (len(TEXTS), 0)

    def test_byte_order_mark_at_the_start_is_no_text(self, prepared, chat, tmp_path):
        content = b"so happy !\nwhy ?\n"
        mark = "\ufeff".encode()
        assert chat(mark + content) == chat(content)
        outputs = [
            prepared.classify("--input", write(tmp_path / "in.txt", start + content))
            for start in (b"", mark)
        ]
        assert outputs[0] == outputs[1]


class TestRefused:
    @BAD
    def test_classify(self, prepared, tmp_path, bad):
        file = write(tmp_path / "in.txt", b"hi\n" + bad + b"\nho\n")
        with pytest.raises(UserError, match=r"in.txt, line 2: found the byte 0x.*expected UTF-8"):
            prepared.classify("--input", file)

    @pytest.mark.parametrize("blanks", [" \t ", "\u2028\x85\u00a0", ""])
    def test_blanks_in_classify(self, prepared, tmp_path, blanks):
        file = write(tmp_path / "in.txt", f"hi\n{blanks}\nho\n")
        with pytest.raises(UserError, match=r"in.txt, line 2: found no text"):
            prepared.classify("--input", file)

    @BAD
    def test_chat(self, chat, bad):
        with pytest.raises(UserError, match=r"standard input, line 2: expected UTF-8"):
            chat(b"hi\n" + bad + b"\nho\n")

    def test_blanks_in_chat_and_interactive(self, prepared, chat, tmp_path):
        """These are conversations: blanks are a turn, too."""
        content = "hi\n \t \n\u2028\x85\u00a0\nho\n"
        answers = chat(content.encode()).split("\n")
        assert [bool(line) for line in answers] == [True, False, False, True, False]
        assert len(column("D", prepared.interactive(write(tmp_path / "in.txt", content)))) == 4

    @BAD
    def test_evaluate(self, tmp_path, bad):
        file = write(tmp_path / "in.txt", b"hi\n" + bad + b"\nho\n")
        with pytest.raises(UserError, match=r"in.txt, line 2: found the byte 0x.*expected\s+UTF-8"):
            read_responses(file)

    @BAD
    def test_interactive(self, prepared, tmp_path, bad):
        """fairseq's own: nothing is answered, but the message names no line."""
        file = write(tmp_path / "in.txt", b"hi\n" + bad + b"\nho\n")
        with pytest.raises(UnicodeDecodeError):
            prepared.interactive(file)
