"""The files beside a model's parameters: dictionary, BPE and manifest, in prepared folders and save folders.

What emo-mtl prepare made has them beside its `data-bin`; training leaves copies in `--save-dir`, which
is a whole model therefore: it can be moved, and needs the data no more.
"""

import logging
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.inference.bpe import FILES, Identity, find, identity_in, identity_of
from emo_mtl.io import atomic_file, read_json, sha256
from emo_mtl.names import RESPONSE

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
DICTIONARY = "dict.txt"
JOIN = " + "  # between the names of a task's corpora


def data_bin(folder: Path) -> Path:
    """The folder of the binarized tasks: `folder` itself, or `data-bin` in what prepare made."""
    inner = folder / "data-bin"
    return inner if (inner / RESPONSE).is_dir() and not (folder / RESPONSE).is_dir() else folder


def home(folder: Path) -> Path:
    """The folder with the BPE and the manifest: above a data-bin, else `folder` itself."""
    folder = folder.resolve()
    return folder.parent if (folder / RESPONSE).is_dir() else folder


def is_model_folder(folder: Path) -> bool:
    """Whether a folder is what training left: a dictionary without binarized data."""
    is_data = (data_bin(folder) / RESPONSE).is_dir()
    return (folder / DICTIONARY).is_file() and not is_data


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of prepare in a folder's :func:`home`; None where there is none of prepare.

    Raises:
        UserError: a file of that name that holds no JSON
    """
    path = home(folder) / MANIFEST
    if not path.is_file():
        return None
    content = read_json(path)
    is_own = isinstance(content, dict) and {"settings", "files", "tasks"} <= content.keys()
    return content if is_own else None


def notes_for_checkpoint(folder: Path) -> dict[str, Any]:
    """What a checkpoint notes of the data that it is trained on, so that it knows its text.

    Returns:
        `bpe`: its identity, None where it is not known; `writing`: how each task's corpus writes, see
        `emo_mtl.inference.text`; `titles`: the tasks' names for people; `corpora`: their corpora's. The
        last three have what the manifest has
    """
    manifest = read_manifest(folder)
    tasks = manifest["tasks"] if manifest else {}
    return {
        "bpe": identity_in(manifest) if manifest else None,
        "writing": {name: task["writing"] for name, task in tasks.items() if "writing" in task},
        "titles": {name: task["title"] for name, task in tasks.items() if task.get("title")},
        "corpora": {
            name: task["corpus"].split(JOIN) for name, task in tasks.items() if "corpus" in task
        },
    }


def leave_model(
    save_dir: Path,
    data: Path,
    dictionary: Path,
    identity: Identity | None,
    given: Mapping[str, Any],
) -> Identity | None:
    """Make a folder of checkpoints a whole model: copy dictionary, BPE and manifest into it.

    Args:
        data: the folder of the training's data
        identity: of its BPE; None where it is not known
        given: fairseq's flags of the BPE, see `emo_mtl.inference.bpe.find`

    Returns:
        the identity of the BPE that was copied; `identity` where none was

    Raises:
        UserError: the folder cannot be written, or belongs to a model of other data
    """
    files = []
    if identity or given.get("bpe") in FILES:
        try:
            flags = find(identity, given, [home(data), save_dir])
        except UserError as error:
            if given.get("bpe"):
                raise
            logger.warning(f"{save_dir} will lack the model's BPE: {error}")
        else:
            identity = identity_of(flags)
            files = [Path(getattr(flags, flag)) for flag in FILES[flags.bpe]]
    if read_manifest(data):
        files.append(home(data) / MANIFEST)
    leave(save_dir, dictionary, files)
    return identity


def leave(save_dir: Path, dictionary: Path, others: Iterable[Path]) -> None:
    """Copy a model's files into the folder of its checkpoints, where they are not there already.

    Args:
        dictionary: copied as `dict.txt`
        others: of the BPE, and the manifest; copied under their names

    Raises:
        UserError: the folder cannot be written, or belongs to a model with another dictionary or BPE
    """
    try:
        save_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--save-dir {save_dir}: cannot be written ({error.strerror})") from error
    copies = {save_dir / DICTIONARY: dictionary} | {save_dir / f.name: f for f in others}
    for target, source in copies.items():
        if target.exists():
            if sha256(target) == sha256(source):
                continue
            if target.name != MANIFEST:  # which changes with every task that is added to the data
                raise UserError(
                    f"{target}: found another one than {source}: the folder belongs to a model of other "
                    "data: choose another --save-dir, or remove the file if no checkpoint needs it"
                )
        with atomic_file(target) as draft:
            shutil.copyfile(source, draft)


def dictionary_folder(folders: Sequence[Path]) -> Path | None:
    """The first of some folders that has a model's dictionary: prepared data, or a save folder."""
    return next(
        (f for f in folders if is_model_folder(f) or (data_bin(f) / RESPONSE).is_dir()), None
    )
