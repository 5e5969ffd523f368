"""Loading of checkpoints; the rest is tested with `EmoBART`."""

import pytest
import torch
from helpers.checkpoints import RunsCode

from emo_mtl.errors import UserError
from emo_mtl.inference.loading import load_checkpoint


class TestLoadCheckpoint:
    def test_protection_cannot_be_turned_off_from_outside(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        torch.save({"surprise": RunsCode(tmp_path / "ran")}, tmp_path / "evil.pt")
        with pytest.raises(UserError, match="refused"):
            load_checkpoint(tmp_path / "evil.pt")
        assert not (tmp_path / "ran").exists()
