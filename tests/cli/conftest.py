"""The sample corpora, which the tests of real commands share."""

from pathlib import Path

import pytest
from conftest import run_command
from make_sample import main as make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpora, prepared with SentencePiece."""
    folder = tmp_path_factory.mktemp("sample")
    make_sample([str(folder / "raw")])
    prepare = ["preprocess/prepare.py", "--raw-dir", folder / "raw", "--out-dir", folder / "data"]
    run_command("python", *prepare, "--bpe", "sentencepiece", "--vocab-size", "600")
    return folder / "data"
