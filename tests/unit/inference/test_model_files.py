"""A save folder is a whole model: it can be moved, and every command takes the model's own BPE or none."""

import json

import pytest

from emo_mtl.errors import UserError
from emo_mtl.inference.model_files import data_bin, home, leave, read_manifest


class TestFolders:
    def test_data_bin_and_home(self, tmp_path):
        made, plain, saved = tmp_path / "made", tmp_path / "plain" / "data-bin", tmp_path / "saved"
        for folder in (made / "data-bin" / "response", plain / "response", saved):
            folder.mkdir(parents=True)
        (saved / "dict.txt").touch()
        assert [data_bin(f) for f in (made, made / "data-bin", plain)] == [
            made / "data-bin",
            made / "data-bin",
            plain,
        ]
        assert [home(f) for f in (made, made / "data-bin", plain, saved)] == [
            made,
            made,
            plain.parent,
            saved,
        ]

    def test_a_manifest_of_somebody_else(self, tmp_path):
        assert read_manifest(tmp_path) is None
        (tmp_path / "manifest.json").write_text(json.dumps({"name": "an app"}))
        assert read_manifest(tmp_path) is None


class TestLeave:
    def test_copies_once(self, tmp_path):
        data, saved = tmp_path / "data", tmp_path / "saved"
        data.mkdir()
        saved.mkdir()
        for name in ("dict.source.txt", "spm.model", "manifest.json"):
            (data / name).write_text(name)
        files = [data / "spm.model", data / "manifest.json"]
        leave(saved, data / "dict.source.txt", files)
        assert sorted(path.name for path in saved.iterdir()) == [
            "dict.txt",
            "manifest.json",
            "spm.model",
        ]
        (data / "manifest.json").write_text("a task more")
        leave(saved, data / "dict.source.txt", files)
        assert (saved / "manifest.json").read_text() == "a task more"

    @pytest.mark.parametrize("name", ["dict.txt", "spm.model"])
    def test_the_folder_of_another_model(self, tmp_path, name):
        data, saved = tmp_path / "data", tmp_path / "saved"
        data.mkdir()
        saved.mkdir()
        for file in ("dict.txt", "spm.model"):
            (data / file).write_text("own")
        (saved / name).write_text("other")
        with pytest.raises(UserError, match=f"{name}: found another one.*another --save-dir"):
            leave(saved, data / "dict.txt", [data / "spm.model"])
        assert (saved / name).read_text() == "other"
