"""Loading of checkpoints, and where the BPE is found; the rest is tested with `EmoBART`."""

from argparse import Namespace
from pathlib import Path

import pytest
import torch
from conftest import RunsCode

from emo_mtl.errors import UserError
from emo_mtl.inference import find_bpe, load_checkpoint


class TestLoadCheckpoint:
    def test_protection_cannot_be_turned_off_from_outside(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        torch.save({"surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
        with pytest.raises(UserError, match="refused"):
            load_checkpoint(tmp_path / "evil.pt")
        assert not (tmp_path / "ran").exists()


class TestFindBPE:
    NOTHING = dict.fromkeys(("sentencepiece_model", "gpt2_encoder_json", "gpt2_vocab_bpe"))

    @pytest.fixture
    def data(self, tmp_path) -> Path:
        (tmp_path / "data-bin").mkdir()
        return tmp_path / "data-bin"

    def write(self, folder: Path, *names: str) -> None:
        for name in names:
            (folder / name).touch()

    def test_beside_the_data(self, data):
        self.write(data.parent, "encoder.json", "vocab.bpe")
        gpt2 = Namespace(
            bpe="gpt2",
            gpt2_encoder_json=str(data.parent / "encoder.json"),
            gpt2_vocab_bpe=str(data.parent / "vocab.bpe"),
        )
        assert find_bpe(data, None, self.NOTHING) == gpt2
        self.write(data.parent, "spm.model")
        assert find_bpe(data, None, self.NOTHING).bpe == "sentencepiece"
        assert find_bpe(data, "gpt2", self.NOTHING) == gpt2

    def test_given(self, data, tmp_path):
        self.write(data.parent, "spm.model")
        self.write(tmp_path, "a.json", "a.bpe")
        files = {
            "sentencepiece_model": None,
            "gpt2_encoder_json": tmp_path / "a.json",
            "gpt2_vocab_bpe": tmp_path / "a.bpe",
        }
        found = find_bpe(data, None, files)
        assert (found.bpe, found.gpt2_vocab_bpe) == ("gpt2", str(tmp_path / "a.bpe"))

    def test_missing(self, data):
        with pytest.raises(UserError, match=r"found no spm\.model, nor encoder\.json"):
            find_bpe(data, None, self.NOTHING)
        with pytest.raises(UserError, match="--gpt2-encoder-json"):
            find_bpe(data, "gpt2", self.NOTHING)
        with pytest.raises(UserError, match="found bpe 'gpt3'"):
            find_bpe(data, "gpt3", self.NOTHING)
