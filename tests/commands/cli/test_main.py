"""`emo-mtl` answers without importing what takes seconds."""

import subprocess
import sys

import pytest
from helpers.commands import FOREVER, REPOSITORY, run_python

from emo_mtl.cli.main import ENDED_BY_READER, main

RUN = """
import sys
from emo_mtl.cli.main import main
try:
    main({argv})
finally:
    print("heavy:", [name for name in ("torch", "fairseq", "sklearn") if name in sys.modules])
"""


class TestLightStart:
    @pytest.mark.parametrize(
        "argv",
        [
            ["--help"],
            ["--version"],
            *(
                [name, "--help"]
                for name in ("baselines", "classify", "evaluate", "human-eval", "prepare", "report")
            ),
        ],
    )
    def test_imports_neither_torch_nor_fairseq(self, argv):
        lines = run_python(RUN.format(argv=argv)).splitlines()
        assert lines[0].startswith(("usage: emo-mtl", "emo-mtl "))
        assert lines[-1] == "heavy: []"

    def test_as_a_module(self):
        command = [sys.executable, "-m", "emo_mtl", "--version"]
        run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        assert run.stdout.startswith("emo-mtl ")

    def test_evaluates_without_them(self, tmp_path):
        responses = tmp_path / "responses.txt"
        responses.write_text("a b c d e\n", encoding="utf-8")
        files = ["--hypotheses", str(responses), "--references", str(responses)]
        argv = ["evaluate", *files, "--word-tokenizer", "space"]
        lines = run_python(RUN.format(argv=argv)).splitlines()
        assert "| 100.00 |" in lines[2]
        assert lines[-1] == "heavy: []"


MANY = """
import sys
from emo_mtl.cli import main
class Talks:
    HELP = "talks"
    def add_arguments(parser):
        parser.add_argument("lines", type=int)
    def run(args):
        for number in range(args.lines):
            print(number)
main.SUBCOMMANDS = {"talk": Talks}
main.main(["talk", sys.argv[1]])
"""


class TestPipe:
    @pytest.mark.parametrize("lines", [2, 100_000])
    def test_reader_that_has_enough(self, lines):
        """With little to say it is found out only at the end."""
        command = [sys.executable, "-c", MANY, str(lines)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if lines > 2:
            assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(timeout=FOREVER) == ENDED_BY_READER

    def test_another_pipe_is_an_error(self, monkeypatch):
        def fail(args: object) -> None:
            raise BrokenPipeError

        monkeypatch.setattr("emo_mtl.cli.overlap.run", fail)
        with pytest.raises(BrokenPipeError):
            main(["overlap", "--data", "data"])
