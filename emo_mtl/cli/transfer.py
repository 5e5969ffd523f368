"""Fetching a file over HTTP, resumed where it broke off, and taking named files out of an archive."""

import contextlib
import gzip
import hashlib
import http.client
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from emo_mtl.errors import UserError

BLOCK = 1 << 20  # bytes
TIMEOUT = 60  # seconds without a byte
TOO_LARGE = "is far larger than expected: stopped, since it cannot be right"


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
                copy(progress(reply, path.name, done, total), out, max_bytes - done, url)
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


def progress(source: BinaryIO, name: str, done: int, total: int | None) -> Iterator[bytes]:
    """The blocks of a file, with a bar on a terminal."""
    from tqdm import tqdm

    with tqdm(desc=name, initial=done, total=total, unit="B", unit_scale=True, disable=None) as bar:
        while block := source.read(BLOCK):
            bar.update(len(block))
            yield block


def copy(blocks: Iterable[bytes], out: BinaryIO, max_bytes: int, where: object) -> None:
    """Write blocks; `UserError` as soon as they are more than `max_bytes`."""
    for block in blocks:
        max_bytes -= len(block)
        if max_bytes < 0:
            raise UserError(f"{where}: {TOO_LARGE}")
        out.write(block)


def take_out(archive: Path, files: dict[str, Path], max_bytes: int) -> None:
    """Copy regular files out of a zip (or zips in it) or tar archive, found by name in any folder.

    Nothing else of the archive is written, so its paths and links lead nowhere.

    Args:
        files: name in the archive -> where to write it
        max_bytes: of all files together

    Raises:
        UserError: a damaged archive, a file that it lacks, or more than `max_bytes`
    """
    wanted = dict(files)
    left = max_bytes
    try:
        with contextlib.closing(members(archive, max_bytes)) as found:
            for name, source in found:
                target = wanted.pop(name, None)
                if target is None:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    blocks = iter(partial(source.read, BLOCK), b"")
                    copy(blocks, out, left, f"{archive}, {name}")
                left -= target.stat().st_size
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UserError(f"{archive}: damaged, or no archive ({error})") from error
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or an unknown compression
        raise UserError(f"{archive}: cannot be unpacked ({error})") from error
    if wanted:
        raise UserError(f"{archive}: found no {', '.join(wanted)} in it")


def members(archive: Path, max_bytes: int) -> Iterator[tuple[str, BinaryIO]]:
    """Names without folders, and contents, of the regular files of an archive."""
    if archive.name.endswith(".tar.gz"):
        with gzip.open(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                max_bytes -= member.size  # what is passed over must be decompressed too
                if max_bytes < 0:
                    raise UserError(f"{archive}: {TOO_LARGE}")
                if member.isreg():
                    yield Path(member.name).name, tar.extractfile(member)
            while stream.read(BLOCK):  # to the end, where gzip compares its checksum
                pass
        return
    with zipfile.ZipFile(archive) as outer:
        yield from zip_members(outer)
        for name in outer.namelist():
            if name.endswith(".zip"):
                with outer.open(name) as file, zipfile.ZipFile(file) as inner:
                    yield from zip_members(inner)


def zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, BinaryIO]]:
    """The same for a zip archive that is open."""
    for name in archive.namelist():
        if not name.endswith("/"):
            with archive.open(name) as file:
                yield Path(name).name, file


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
