"""Importing transformers where it, or torchaudio, is not as it should be."""

import sys

import pytest

from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import hide_broken_torchaudio, import_transformers


class TestImport:
    def test_without_transformers(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(UserError, match=r"install the extra emo-mtl\[hf\]"):
            import_transformers()


class TestTorchaudio:
    @pytest.fixture
    def install(self, monkeypatch, tmp_path):
        """A function that installs a torchaudio of one line, for one test."""

        def write(line: str) -> None:
            (tmp_path / "torchaudio.py").write_text(line, encoding="utf-8")
            monkeypatch.syspath_prepend(tmp_path)
            monkeypatch.setitem(sys.modules, "torchaudio", None)  # so that it is restored
            del sys.modules["torchaudio"]

        return write

    @pytest.mark.parametrize("error", ["OSError('libcudart.so')", "ImportError('no such symbol')"])
    def test_one_that_cannot_be_loaded_is_hidden(self, install, error):
        install(f"raise {error}")
        hide_broken_torchaudio()
        assert sys.modules["torchaudio"] is None

    def test_one_that_works_is_left_alone(self, install):
        install("works = True")
        hide_broken_torchaudio()
        assert sys.modules["torchaudio"].works
