"""`emo-mtl download` from a server on this machine: the layout of RAW, and what can go wrong."""

import dataclasses
import hashlib
import os
import re
from pathlib import Path

import pytest
from helpers.publisher import pack, read_all, zip_of, zips_of_folders

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.preparation.download import ITEMS
from emo_mtl.preparation.transfer import PIP

CORPORA = ("dailydialog", "tec", "sst2", "crowdflower")
OTHERS = ("empatheticdialogues", "goemotions")


class TestDownload:
    @pytest.mark.parametrize("name", ITEMS)
    def test_layout(self, name, publish, tmp_path):
        files = publish(name)
        main(["download", name, "--out", str(tmp_path)])
        folders = {"gpt2-bpe": "GPT2", "empatheticdialogues": "empathetic_dialogues"}
        folder = folders.get(name, name)
        assert read_all(tmp_path) == {f"{folder}/{k}": v for k, v in files.items()}

    def test_second_run_fetches_nothing(self, publish, web, tmp_path, capsys):
        publish("tec")
        main(["download", "tec", "--out", str(tmp_path)])
        main(["download", "tec", "--out", str(tmp_path)])
        assert len(web.requests) == 1
        assert "is there already" in capsys.readouterr().out

    def test_resumed(self, publish, web, tmp_path):
        files = publish("bart.base", {"model.pt": os.urandom(500_000), "dict.txt": b"the 1\n"})
        web.stop_after = 200_000
        with pytest.raises(UserError, match="the same command continues"):
            main(["download", "bart.base", "--out", str(tmp_path)])
        assert not (tmp_path / "bart.base").exists()
        web.stop_after = None
        main(["download", "bart.base", "--out", str(tmp_path)])
        assert web.requests == [None, "bytes=200000-"]
        assert read_all(tmp_path) == {f"bart.base/{k}": v for k, v in files.items()}


class TestOtherSources:
    """DailyDialog's own site is down: a copy of it has the same files in three zips."""

    @pytest.fixture
    def copied(self, publish, web, monkeypatch) -> dict[str, bytes]:
        files = publish("dailydialog")
        item = ITEMS["dailydialog"]
        web.files = {f"/copy/{name}": content for name, content in zips_of_folders(files).items()}
        copy = tuple(f"{web.url}{path}" for path in web.files)
        monkeypatch.setitem(
            ITEMS, "dailydialog", dataclasses.replace(item, sources=(*item.sources, copy))
        )
        return files

    def test_next_is_tried(self, copied, tmp_path, capsys):
        main(["download", "dailydialog", "--out", str(tmp_path)])
        assert read_all(tmp_path) == {f"dailydialog/{k}": v for k, v in copied.items()}
        assert re.search(r"ijcnlp_dailydialog.zip: answered 404.*trying", capsys.readouterr().err)

    def test_checked_by_what_is_in_it(self, copied, web, tmp_path):
        other = {file: content for file, content in copied.items() if file.startswith("test/")}
        web.files["/copy/test.zip"] = zip_of(other | {"test/dialogues_test.txt": b"other"})
        with pytest.raises(UserError, match=r"answered 404.*; test/dialogues_test.txt: found SHA"):
            main(["download", "dailydialog", "--out", str(tmp_path / "new" / "RAW")])
        assert list(tmp_path.iterdir()) == []

    def test_the_copy_of_the_catalogue_packs_them_so(self):
        item = ITEMS["dailydialog"]
        assert [url.rsplit("/", 1)[1] for url in item.sources[1]] == list(
            zips_of_folders(dict.fromkeys(item.files, b""))
        )

    def test_labels_are_added_to_an_older_download(self, publish, tmp_path):
        files = publish("dailydialog")
        texts = {file: content for file, content in files.items() if file.count("_") == 1}
        assert len(texts) == 3
        for file, content in texts.items():
            path = tmp_path / "dailydialog" / file
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
        main(["download", "dailydialog", "--out", str(tmp_path)])
        assert read_all(tmp_path / "dailydialog") == files


class TestErrors:
    def test_the_others_are_downloaded(self, publish, web, tmp_path, capsys):
        for name in (*CORPORA, *OTHERS):
            publish(name)
        del web.files["/crowdflower/text_emotion.csv"]
        web.files["/tec/Jan9-2012-tweets-clean.txt.zip"] = b"<html>please log in</html>"
        del web.files["/empatheticdialogues/empatheticdialogues.tar.gz"]
        names = ["tec", "empatheticdialogues", "crowdflower", "goemotions", "sst2", "dailydialog"]
        with pytest.raises(
            UserError, match="tec, empatheticdialogues, crowdflower: not downloaded, see above"
        ):
            main(["download", *names, "--out", str(tmp_path)])
        errors = capsys.readouterr().err
        assert "get tec at http://saifmohammad.com" in errors
        assert "get crowdflower at https://data.world" in errors
        assert "get empatheticdialogues at https://github.com/facebookresearch" in errors
        assert {path.name for path in tmp_path.iterdir()} == {"sst2", "dailydialog", "goemotions"}

    @pytest.mark.parametrize("name", ["sst2", *OTHERS])
    @pytest.mark.parametrize("there", [True, False])
    def test_nothing_is_left_of_a_dead_address(self, publish, web, tmp_path, there, name):
        publish(name)
        web.files.clear()
        out = tmp_path / "a" / "RAW"
        if there:
            out.mkdir(parents=True)
        self.refused(name, out)
        assert out.exists() == there
        assert list(tmp_path.rglob("*")) == ([tmp_path / "a", out] if there else [])

    def test_no_folder_of_some_of_the_files(self, publish, web, tmp_path):
        files = publish("goemotions")
        missing = web.files.pop("/goemotions/test.tsv")
        message = self.refused("goemotions", tmp_path)
        assert f"put train.tsv, dev.tsv, test.tsv, emotions.txt into {tmp_path}" in message
        assert not (tmp_path / "goemotions").exists()
        web.files = {
            "/goemotions/test.tsv": missing,
            "/goemotions/emotions.txt": files["emotions.txt"],
        }
        main(
            ["download", "goemotions", "--out", str(tmp_path)]
        )  # the others are kept to go on with
        assert read_all(tmp_path) == {f"goemotions/{k}": v for k, v in files.items()}

    def refused(self, name: str, out: Path, *flags: str) -> str:
        with pytest.raises(UserError) as raised:
            main(["download", name, "--out", str(out), *flags])
        return str(raised.value)

    def test_dead_address_says_the_manual_way(self, publish, web, tmp_path):
        publish("crowdflower")
        web.files.clear()
        message = self.refused("crowdflower", tmp_path)
        assert "answered 404" in message
        assert "get crowdflower at https://data.world/crowdflower/" in message
        assert f"put text_emotion.csv into {tmp_path / 'crowdflower'}" in message
        assert "login" in message
        assert "emo_mtl: error:" not in message  # each message is in the next one as it is

    def test_wrong_checksum(self, publish, web, tmp_path):
        publish("sst2")
        right = dict(web.files)
        files = dict.fromkeys(ITEMS["sst2"].files, b"other")
        web.files["/sst2/SST-2.zip"] = pack("sst2", files)["SST-2.zip"]
        assert "found SHA-256" in self.refused("sst2", tmp_path)
        assert not (tmp_path / "sst2").exists()
        web.files = right  # what was wrong is not kept
        main(["download", "sst2", "--out", str(tmp_path)])
        assert (tmp_path / "sst2" / "dev.tsv").read_bytes() == b"sst2 dev.tsv"

    def test_login_page_in_place_of_the_archive(self, publish, web, tmp_path):
        publish("tec")
        web.files = dict.fromkeys(web.files, b"<html>please log in</html>")
        message = self.refused("tec", tmp_path)
        assert "no archive" in message
        assert "By hand: get tec at http://saifmohammad.com" in message

    def test_other_files_are_kept(self, publish, tmp_path):
        files = publish("gpt2-bpe")
        (tmp_path / "GPT2").mkdir()
        (tmp_path / "GPT2" / "dict.txt").write_text("mine")
        (tmp_path / "GPT2" / "notes.txt").write_text("mine")
        assert "add --overwrite" in self.refused("gpt2-bpe", tmp_path)
        assert (tmp_path / "GPT2" / "dict.txt").read_text() == "mine"
        main(["download", "gpt2-bpe", "--out", str(tmp_path), "--overwrite"])
        assert read_all(tmp_path / "GPT2") == {**files, "notes.txt": b"mine"}

    def test_out_that_is_a_file(self, publish, tmp_path):
        publish("tec")
        (tmp_path / "out").write_text("")
        assert "cannot be written" in self.refused("tec", tmp_path / "out")


class TestItems:
    """The catalogue itself; no test asks the real servers."""

    def test_addresses_and_names(self):
        for name, item in ITEMS.items():
            for urls in item.sources:
                if urls[0].startswith(PIP):
                    assert re.fullmatch(r"pip:[a-z0-9-]+==[0-9.]+", *urls), name
                    assert all(item.files.values()), name
                    continue
                files = {url.rsplit("/", 1)[1] for url in urls}
                assert all(url.startswith(("https://", "http://")) for url in urls), name
                if not next(iter(files)).endswith((".zip", ".tar.gz")):
                    assert files == set(item.files), name
            assert len({Path(file).name for file in item.files}) == len(item.files), name

    @pytest.mark.skipif("EMO_MTL_DATA" not in os.environ, reason="needs the real corpora")
    @pytest.mark.parametrize("name", [*CORPORA, "goemotions"])
    def test_checksums_are_of_the_real_corpora(self, name):
        for file, expected in ITEMS[name].files.items():
            there = file.replace("emotions.txt", "labels.txt")
            content = (Path(os.environ["EMO_MTL_DATA"]) / name / there).read_bytes()
            assert hashlib.sha256(content).hexdigest() == expected
