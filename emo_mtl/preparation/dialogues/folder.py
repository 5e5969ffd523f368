"""Reading a folder, or a file, of dialogues in whatever format it is."""

from collections.abc import Iterable
from pathlib import Path

from emo_mtl.errors import UserError
from emo_mtl.io import sha256
from emo_mtl.preparation.corpus import SPLITS
from emo_mtl.preparation.dialogues.cut import cut
from emo_mtl.preparation.dialogues.dialogue import DialogueCorpus, check_responses
from emo_mtl.preparation.dialogues.formats import FIX, KNOWN, format_of, recognised
from emo_mtl.preparation.download import ITEMS

# split -> the names that it may have
NAMES = {"train": ("train",), "valid": ("valid", "validation", "dev"), "test": ("test",)}
RELEASE = "{0}/dialogues_{0}.txt"  # where DailyDialog's release has a split
LAYOUTS = (RELEASE, "{0}.jsonl", "{0}.tsv", "{0}.csv", "{0}.txt")
ONE = "or give one file itself, which is then cut into the three"


def read(path: Path) -> DialogueCorpus:
    """Read a folder with a file for each of train, valid and test, or one file, which is cut by dialogue.

    Args:
        path: the folder, which may hold the one file, or that file

    Raises:
        UserError: no known format, or several; a split that is missing or has no response; dialogues that
            are not as their format wants them
    """
    if not path.exists():
        raise UserError.at(
            path, found="no such folder or file", expected=KNOWN, fix="correct the path"
        )
    files = (find_splits(path) or [find_single(path)]) if path.is_dir() else [path]
    kind = format_of(files[0])
    if any(format_of(file) != kind for file in files):
        kinds = [f"{file.name} as {format_of(file).name}" for file in files]
        raise UserError.at(
            path, found=listed(kinds), expected="one format", fix="convert the others"
        )
    parts = [kind.read(file) for file in files]
    splits = cut(parts[0], path) if len(parts) == 1 else dict(zip(SPLITS, parts, strict=True))
    for split, dialogues in splits.items():
        check_responses(dialogues, f"{path}, {split}")
    # only the very files: others, in its layout, are somebody's own dialogues
    is_release = sha256(files[0]) == ITEMS["dailydialog"].files[RELEASE.format("train")]
    name = path.stem if path.is_file() else path.resolve().name
    return DialogueCorpus(
        name="DailyDialog" if is_release else kind.corpus or name,
        format=kind.name,
        files=tuple(one for file in files for one in (file, *kind.beside(file))),
        splits=splits,
    )


def find_splits(folder: Path) -> list[Path]:
    """The files of `SPLITS` in a folder; none if no file is named after a split.

    Raises:
        UserError: they have several layouts, or a split is missing or there twice
    """
    there = [
        (split, layout.format(name), layout)
        for layout in LAYOUTS
        for split, names in NAMES.items()
        for name in names
        if (folder / layout.format(name)).is_file()
    ]
    names = [name for _, name, _ in there]
    if len({layout for _, _, layout in there}) > 1:
        raise UserError.at(
            folder, found=listed(names), expected="one format", fix="move the other files away"
        )
    for split in SPLITS if there else ():
        found = [name for one, name, _ in there if one == split]
        if len(found) != 1:
            raise UserError.at(
                folder,
                found=listed(names),
                expected=f"one file of {split}",
                fix=f"{'move the others away' if found else 'add it'}, {ONE}",
            )
    return [folder / name for name in names]


def find_single(folder: Path) -> Path:
    """The only file of dialogues in a folder.

    Raises:
        UserError: there is none, or there are several
    """
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    there = [name for name in names if (folder / name).is_file() and recognised(folder / name)]
    if not there:
        raise UserError.at(folder, found=listed(names) or "no file", expected=KNOWN, fix=FIX)
    if len(there) > 1:
        raise UserError.at(
            folder,
            found=listed(there),
            expected="a file for each of train, valid and test",
            fix=f"rename or add files, {ONE}",
        )
    return folder / there[0]


def listed(names: Iterable[str]) -> str:
    """At most six names, for a message."""
    first, rest = list(names)[:6], list(names)[6:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")
