"""The files of `emo-mtl download` as their publishers pack them."""

import io
import tarfile
import zipfile
from pathlib import Path


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


def write_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> None:
    """A wheel that holds files in a folder of its package."""
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = {f"{package}/model/{file}": text for file, text in files.items()}
    content |= {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": tags.encode()}
    content[f"{info}/RECORD"] = b""
    (folder / f"{package}-{version}-py3-none-any.whl").write_bytes(zip_of(content))


def zips_of_folders(files: dict[str, bytes]) -> dict[str, bytes]:
    """A zip for each folder: its name -> content."""
    folders = dict.fromkeys(file.split("/")[0] for file in files)
    return {
        f"{folder}.zip": zip_of({f: c for f, c in files.items() if f.startswith(f"{folder}/")})
        for folder in folders
    }


def pack(name: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of an item as its publisher packs them: name on the server -> content."""
    if name == "dailydialog":
        inner = {
            f"ijcnlp_dailydialog/{name}": zip_ for name, zip_ in zips_of_folders(files).items()
        }
        return {"ijcnlp_dailydialog.zip": zip_of({**inner, "__MACOSX/._train.txt": b"x"})}
    if name == "tec":
        return {"Jan9-2012-tweets-clean.txt.zip": zip_of(files)}
    if name == "sst2":
        original = {"SST-2/original/README.txt": b"x"}
        return {"SST-2.zip": zip_of({**{f"SST-2/{k}": v for k, v in files.items()}, **original})}
    if name.startswith("bart") or name == "empatheticdialogues":
        return {f"{name}.tar.gz": tar_of({f"{name}/{k}": v for k, v in files.items()})}
    return files


def read_all(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
