"""`emo-mtl` answers without importing what takes seconds."""

import pytest
from conftest import run_command

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
                for name in ("baselines", "classify", "evaluate", "human-eval", "report")
            ),
        ],
    )
    def test_imports_neither_torch_nor_fairseq(self, argv):
        lines = run_command("python", "-c", RUN.format(argv=argv)).stdout.splitlines()
        assert lines[0].startswith(("usage: emo-mtl", "emo-mtl "))
        assert lines[-1] == "heavy: []"

    def test_evaluates_without_them(self, tmp_path):
        responses = tmp_path / "responses.txt"
        responses.write_text("a b c d e\n", encoding="utf-8")
        files = ["--hypotheses", str(responses), "--references", str(responses)]
        argv = ["evaluate", *files, "--word-tokenizer", "space"]
        lines = run_command("python", "-c", RUN.format(argv=argv)).stdout.splitlines()
        assert "| 100.00 |" in lines[2]
        assert lines[-1] == "heavy: []"
