"""Transfers that break off and go on, and archives that mean harm."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from helpers.publisher import tar_of, write_wheel

from emo_mtl.errors import UserError
from emo_mtl.io import sha256
from emo_mtl.preparation.transfer import fetch, fetch_wheel, take_out

CONTENT = bytes(range(256)) * 4000  # 1,024,000 bytes
LIMIT = 1 << 21


class TestFetch:
    @pytest.fixture(autouse=True)
    def file(self, web) -> None:
        web.files["/file"] = CONTENT

    def broken_off(self, web, path: Path) -> None:
        web.stop_after = 300_000
        with pytest.raises(UserError, match="broke off after 300,000 of 1,024,000 bytes"):
            fetch(f"{web.url}/file", path, LIMIT)
        assert not path.exists()
        web.stop_after = None

    def test_complete(self, web, tmp_path):
        fetch(f"{web.url}/file", tmp_path / "file", LIMIT)
        assert (tmp_path / "file").read_bytes() == CONTENT
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_resumed(self, web, tmp_path):
        self.broken_off(web, tmp_path / "file")
        fetch(f"{web.url}/file", tmp_path / "file", LIMIT)
        assert (tmp_path / "file").read_bytes() == CONTENT
        assert web.requests == [None, "bytes=300000-"]

    def test_server_without_range(self, web, tmp_path):
        web.ranges = False
        self.broken_off(web, tmp_path / "file")
        fetch(f"{web.url}/file", tmp_path / "file", LIMIT)
        assert (tmp_path / "file").read_bytes() == CONTENT

    def test_complete_but_not_renamed(self, web, tmp_path):
        (tmp_path / "file.part").write_bytes(CONTENT)
        fetch(f"{web.url}/file", tmp_path / "file", LIMIT)
        assert (tmp_path / "file").read_bytes() == CONTENT

    def test_longer_than_the_file(self, web, tmp_path):
        (tmp_path / "file.part").write_bytes(CONTENT + b"more")
        with pytest.raises(UserError, match="416"):
            fetch(f"{web.url}/file", tmp_path / "file", LIMIT)
        fetch(f"{web.url}/file", tmp_path / "file", LIMIT)  # the second time from the start
        assert (tmp_path / "file").read_bytes() == CONTENT

    def test_too_large(self, web, tmp_path):
        with pytest.raises(UserError, match="far larger than expected"):
            fetch(f"{web.url}/file", tmp_path / "file", 1000)
        assert not (tmp_path / "file").exists()

    def test_dead_addresses(self, web, tmp_path):
        with pytest.raises(UserError, match="/none: answered 404"):
            fetch(f"{web.url}/none", tmp_path / "file", LIMIT)
        web.close()
        with pytest.raises(UserError, match="cannot be reached"):
            fetch(f"{web.url}/file", tmp_path / "file", LIMIT)


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def gzipped(header: tarfile.TarInfo, size: int) -> tuple[bytes, str]:
    """A tar archive of one header, changed to any size, with zeros behind it; and its name."""
    out = io.BytesIO()
    header.size = size
    with gzip.open(out, "wb", compresslevel=1) as stream:
        stream.write(header.tobuf(format=tarfile.GNU_FORMAT))
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return out.getvalue(), "a.tar.gz"


def header_of(kind: bytes) -> tarfile.TarInfo:
    header = tarfile.TarInfo("a.txt")
    header.type = kind
    return header


def pax_header(size: int) -> tuple[bytes, str]:
    return gzipped(header_of(tarfile.XHDTYPE), size)


def long_name(size: int) -> tuple[bytes, str]:
    return gzipped(header_of(tarfile.GNUTYPE_LONGNAME), size)


def sparse(size: int) -> tuple[bytes, str]:
    return gzipped(header_of(tarfile.GNUTYPE_SPARSE), size)


def zip_in_zip(size: int) -> tuple[bytes, str]:
    """A zip in a zip, whose other file must be unpacked to reach its list of contents."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("zeros", bytes(size))
        archive.writestr("a.txt", b"A")
    return zip_of({"x.zip": out.getvalue()}), "a.zip"


def zip_of_many(size: int) -> tuple[bytes, str]:
    """Its list of contents alone has more than a MB (fewer than `size`, to be made in a second)."""
    return zip_of({f"{i:0100d}": b"" for i in range(size // 4000)}), "a.zip"


def lzma(size: int) -> tuple[bytes, str]:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", b"A")
    return out.getvalue(), "a.zip"


@pytest.fixture
def write(tmp_path):
    def write_archive(content: bytes, name: str = "a.zip") -> Path:
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    return write_archive


class TestTakeOut:
    def names(self, tmp_path: Path) -> list[str]:
        """All files that are there now, but the archive."""
        files = (path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
        return sorted(name for name in files if not name.startswith("in"))

    def test_zip_in_zip(self, write, tmp_path):
        inner = zip_of({"train/a.txt": b"A", "train/b.txt": b"B"})
        archive = write(zip_of({"x/": b"", "x/train.zip": inner, "x/c.txt": b"C"}))
        files = {"a.txt": tmp_path / "out" / "train" / "a.txt", "c.txt": tmp_path / "out" / "c.txt"}
        take_out([archive], files, LIMIT)
        assert [path.read_bytes() for path in files.values()] == [b"A", b"C"]
        assert self.names(tmp_path) == ["out", "out/c.txt", "out/train", "out/train/a.txt"]

    def test_paths_lead_nowhere(self, write, tmp_path):
        names = ("../../evil.txt", f"{tmp_path}/evil.txt", "..", "/evil.txt", "a/../../b.txt")
        archive = write(zip_of(dict.fromkeys(names, b"evil")))
        take_out([archive], {"b.txt": tmp_path / "b.txt"}, LIMIT)
        assert self.names(tmp_path) == ["b.txt"]

    def test_link_in_a_zip_is_no_link(self, write, tmp_path):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            link = zipfile.ZipInfo("a.txt")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "/etc/passwd")
        take_out([write(out.getvalue())], {"a.txt": tmp_path / "a.txt"}, LIMIT)
        assert not (tmp_path / "a.txt").is_symlink()
        assert (tmp_path / "a.txt").read_text() == "/etc/passwd"

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
    def test_links_and_devices_in_a_tar(self, write, tmp_path, kind):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            member = tarfile.TarInfo("model.pt")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        with pytest.raises(UserError, match=r"found no model\.pt"):
            take_out([write(out.getvalue(), "a.tar.gz")], {"model.pt": tmp_path / "m"}, LIMIT)
        assert self.names(tmp_path) == []

    def tar_of(self, name: str, content: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        return out.getvalue()

    def test_tar(self, write, tmp_path):
        archive = write(self.tar_of("bart.base/model.pt", CONTENT), "a.tar.gz")
        take_out([archive], {"model.pt": tmp_path / "model.pt"}, LIMIT)
        assert (tmp_path / "model.pt").read_bytes() == CONTENT

    def test_bombs(self, write, tmp_path):
        zeros = bytes(50 << 20)  # 50 MiB, 50 kB packed
        for name in ("a.txt", "other"):
            archive = write(self.tar_of(name, zeros), "a.tar.gz")
            with pytest.raises(UserError, match="far larger"):
                take_out([archive], {"a.txt": tmp_path / "a.txt"}, LIMIT)
        archive = write(zip_of({"x.zip": zip_of({"a.txt": zeros})}))
        with pytest.raises(UserError, match="far larger"):
            take_out([archive], {"a.txt": tmp_path / "a.txt"}, LIMIT)
        assert (tmp_path / "a.txt").stat().st_size <= LIMIT

    def test_parts_in_several_zips(self, write, tmp_path):
        archives = [write(zip_of({f"{name}.txt": name.encode()}), f"{name}.zip") for name in "ab"]
        files = {f"{name}.txt": tmp_path / name for name in "ab"}
        take_out(archives, files, LIMIT)
        assert [path.read_bytes() for path in files.values()] == [b"a", b"b"]
        with pytest.raises(UserError, match=r"a.zip.*b.zip: found no c.txt"):
            take_out(archives, {"c.txt": tmp_path / "c"}, LIMIT)

    @pytest.mark.parametrize("make", [pax_header, long_name, sparse, zip_in_zip, zip_of_many, lzma])
    def test_limit_bounds_memory_and_work(self, write, tmp_path, make):
        """A small archive that claims or unpacks to 40 MB, in ways other than the file itself."""
        archive = write(*make(40 << 20))
        tracemalloc.start()
        with pytest.raises(UserError):
            take_out([archive], {"a.txt": tmp_path / "a.txt"}, LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16 << 20
        assert all(path.stat().st_size <= LIMIT for path in tmp_path.glob("*.txt"))

    @pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])
    def test_damaged(self, write, tmp_path, name):
        whole = zip_of({"a.txt": CONTENT}) if name == "a.zip" else self.tar_of("a.txt", CONTENT)
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 255
        for content in (b"<html>please log in</html>", b"", whole[: len(whole) // 2], flipped):
            with pytest.raises(UserError):
                take_out([write(bytes(content), name)], {"a.txt": tmp_path / "a.txt"}, LIMIT)


def test_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == expected


class TestFetchWheel:
    @pytest.fixture
    def packages(self, tmp_path, monkeypatch) -> Path:
        """A folder in which pip finds a package `weights`, and nothing else."""
        packages = tmp_path / "packages"
        packages.mkdir()
        write_wheel(packages, "weights", "1.0", {"vocab.txt": b"a\n"})
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(packages))
        return packages

    def test_files_of_it(self, packages, tmp_path):
        fetch_wheel("weights==1.0", tmp_path / "wheel.zip")
        take_out([tmp_path / "wheel.zip"], {"vocab.txt": tmp_path / "vocab.txt"}, 1000)
        assert (tmp_path / "vocab.txt").read_bytes() == b"a\n"
        assert {path.name for path in tmp_path.iterdir()} == {"packages", "wheel.zip", "vocab.txt"}

    @pytest.mark.parametrize("requirement", ["weights==2.0", "other==1.0"])
    def test_no_such_wheel(self, packages, tmp_path, requirement):
        with pytest.raises(UserError, match=f"pip download {requirement}: found no wheel"):
            fetch_wheel(requirement, tmp_path / "wheel.zip")
        assert [path.name for path in tmp_path.iterdir()] == ["packages"]

    def test_a_package_that_must_be_built(self, packages, tmp_path):
        """Building would run it."""
        (packages / "weights-1.0-py3-none-any.whl").unlink()
        setup = b"raise SystemExit('was run')"
        (packages / "weights-1.0.tar.gz").write_bytes(tar_of({"weights-1.0/setup.py": setup}))
        with pytest.raises(UserError, match=r"pip download weights==1\.0: found no wheel"):
            fetch_wheel("weights==1.0", tmp_path / "wheel.zip")

    def test_without_pip(self, packages, tmp_path, monkeypatch):
        monkeypatch.setattr("sys.executable", "/bin/false")
        with pytest.raises(UserError, match="status 1"):
            fetch_wheel("weights==1.0", tmp_path / "wheel.zip")
