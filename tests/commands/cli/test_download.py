"""`emo-mtl download` from a server on this machine: the layout of RAW, and what can go wrong."""

import dataclasses
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from helpers.http_server import Server

from emo_mtl.cli.main import main
from emo_mtl.preparation.download import ITEMS

CORPORA = ("dailydialog", "tec", "sst2", "crowdflower")


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def pack(name: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of an item as its publisher packs them: name on the server -> content."""
    if name == "dailydialog":
        parts = {file.split("/")[0]: {file: content} for file, content in files.items()}
        inner = {f"ijcnlp_dailydialog/{part}.zip": zip_of(parts[part]) for part in parts}
        return {"ijcnlp_dailydialog.zip": zip_of({**inner, "__MACOSX/._train.txt": b"x"})}
    if name == "tec":
        return {"Jan9-2012-tweets-clean.txt.zip": zip_of(files)}
    if name == "sst2":
        original = {"SST-2/original/README.txt": b"x"}
        return {"SST-2.zip": zip_of({**{f"SST-2/{k}": v for k, v in files.items()}, **original})}
    if name.startswith("bart"):
        return {f"{name}.tar.gz": tar_of({f"{name}/{k}": v for k, v in files.items()})}
    return files


@pytest.fixture
def publish(web: Server, monkeypatch: pytest.MonkeyPatch):
    """Serve the files of an item in place of its publisher, with their own checksums."""

    def serve(name: str, files: dict[str, bytes] | None = None) -> dict[str, bytes]:
        item = ITEMS[name]
        urls = item.sources[0]
        files = files or {file: f"{name} {file}".encode() for file in item.files}
        packed = pack(name, files)
        assert sorted(packed) == sorted(url.rsplit("/", 1)[1] for url in urls)
        web.files |= {f"/{name}/{file}": content for file, content in packed.items()}
        local = dataclasses.replace(
            item,
            sources=(tuple(f"{web.url}/{name}/{url.rsplit('/', 1)[1]}" for url in urls),),
            files={file: hashlib.sha256(files[file]).hexdigest() for file in item.files},
        )
        monkeypatch.setitem(ITEMS, name, local)
        return files

    return serve


def read_all(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


class TestDownload:
    def test_raw_as_prepare_reads_it(self, publish, sample, tmp_path):
        """The sample's RAW, packed, downloaded and prepared again: there is nothing to do."""
        raw = sample.parent / "raw"
        for name in CORPORA:
            publish(name, {file: (raw / name / file).read_bytes() for file in ITEMS[name].files})
        main(["download", *CORPORA, "--out", str(tmp_path)])
        for file, content in read_all(tmp_path).items():
            assert (raw / file).read_bytes() == content
        assert {path.name for path in tmp_path.iterdir()} == set(CORPORA)
