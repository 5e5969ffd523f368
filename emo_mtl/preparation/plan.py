"""What prepare has to do: an earlier run's manifest against what is asked for now."""

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.inference.model_files import MANIFEST
from emo_mtl.io import sha256
from emo_mtl.preparation.corpus import Dataset


@dataclass(frozen=True)
class Input:
    """A task to prepare.

    Attributes:
        dataset: what was read
        raw: sha256 of each raw file by its relative path
        made: the settings of its own, with which the examples were made of them
    """

    dataset: Dataset
    raw: dict[str, str]
    made: dict[str, Any] = field(default_factory=dict)


@dataclass
class Plan:
    """What has to be done.

    Attributes:
        build: names of the tasks to build.
        manifest: the manifest to continue, whose dictionary is used; none to begin anew.
        drop: files of the earlier run that do not fit the new dictionary, to be deleted.
    """

    build: list[str]
    manifest: dict[str, Any] | None = None
    drop: list[str] = field(default_factory=list)


def hash_files(stage: Path, *folders: str) -> dict[str, str]:
    """Return the sha256 of all files below `stage/FOLDER` by path relative to `stage`."""
    files = sorted(file for name in folders for file in (stage / name).rglob("*") if file.is_file())
    return {file.relative_to(stage).as_posix(): sha256(file) for file in files}


def intact(out: Path, files: dict[str, str]) -> bool:
    """Whether all `files` (path relative to `out`: sha256) are there and unchanged."""
    return all(
        (out / name).is_file() and sha256(out / name) == digest for name, digest in files.items()
    )


def load_manifest(out: Path) -> dict[str, Any] | None:
    """Return the manifest of an earlier run, or none if there is none that this script wrote."""
    try:
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    keys = {"settings", "files", "trained_on", "tasks"}
    return manifest if isinstance(manifest, dict) and keys <= set(manifest) else None


def make_plan(
    inputs: dict[str, Input], settings: dict[str, Any], out: Path, overwrite: bool
) -> Plan:
    """Compare what is asked for with what `out` holds.

    Raises:
        UserError: `out` holds something that would be lost or mixed, and not `overwrite`.
    """

    def refuse(found: str) -> None:
        if not overwrite:
            raise UserError.at(
                f"--out-dir {out}",
                found=found,
                expected="a new folder, or one made with the same settings",
                fix="choose another --out-dir, or add --overwrite to replace what was prepared "
                "(other files are kept)",
            )

    everything = list(inputs)
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return Plan(everything)
    old = load_manifest(out)
    if old is None:
        refuse(f"files that prepare did not make (no {MANIFEST} of its own)")
        return Plan(everything)

    others = {task: entry for task, entry in old["tasks"].items() if task not in inputs}
    drop = [file for entry in (old, *others.values()) for file in entry["files"]]
    rebuilt = Plan(everything, drop=drop)
    if "model" in settings and settings["model"] == old["files"].get("spm.model"):
        settings = old["settings"]  # the folder's own model, given by name
    if settings != old["settings"]:
        refuse(f"data made with other settings {json.dumps(old['settings'])}")
        return rebuilt
    before = old["tasks"]
    changed = [
        task
        for task, new in inputs.items()
        if (before.get(task, {}).get("raw"), before.get(task, {}).get("made", {}))
        != (new.raw, new.made)
    ]
    if not intact(out, old["files"]) or not set(changed).isdisjoint(old["trained_on"]):
        if others:
            refuse(f"a dictionary out of date, which {', '.join(others)} also uses")
        return rebuilt
    build = [
        task for task in inputs if task in changed or not intact(out, old["tasks"][task]["files"])
    ]
    return Plan(build, manifest=old)


def install(stage: Path, out: Path, drop: list[str]) -> None:
    """Move what was built into `out`: at once if that is new, else file by file, manifest last.

    After a crash between two files the old manifest does not fit: the next run rebuilds.
    """
    if not out.exists() or not any(out.iterdir()):
        os.replace(stage, out)
        return
    for name in drop:
        (out / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a folder that is not empty stays
            (out / name).parent.rmdir()
            (out / name).parent.parent.rmdir()
    files = [file for file in stage.rglob("*") if file.is_file()]
    for file in sorted(files, key=lambda file: (file.name == MANIFEST, file)):
        target = out / file.relative_to(stage)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, target)
