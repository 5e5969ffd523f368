"""What preparation writes into `data-bin` is what fairseq-preprocess writes."""

from pathlib import Path

import pytest
from fairseq import options
from fairseq.data import Dictionary
from fairseq_cli import preprocess

from emo_mtl.preparation import encode
from emo_mtl.preparation.binarize import build_task
from emo_mtl.preparation.corpus import SPLITS, Dataset

PAIRS = [("a b __eou__ c", "b b"), ("d", "e f"), ("a b", "a")]  # f is not in the dictionary


def words(text: str) -> str:
    return text


def load() -> encode.Encode:
    return words


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "preprocess.log"
    }


def call_fairseq(texts: Path, out: Path, *flags: str) -> None:
    prefixes = [f"--{split}pref={texts / split}" for split in SPLITS]
    parser = options.get_preprocessing_parser()
    preprocess.main(parser.parse_args([*prefixes, f"--destdir={out}", *flags]))


def build(dataset: Dataset, folder: Path) -> Path:
    """The data-bin of a task `t`; words are tokens."""
    (folder / "dict.txt").write_text("".join(f"{word} 1\n" for word in "abcde"))
    with encode.start_workers(1, load) as pool:
        build_task("t", dataset, folder, folder / "dict.txt", pool)
    return folder / "data-bin" / "t"


def test_responses(tmp_path: Path, capsys) -> None:
    dataset = Dataset("talks", (), dict.fromkeys(SPLITS, PAIRS))
    found = build(dataset, tmp_path)
    texts = tmp_path / "encoded"
    texts.mkdir()
    for split in SPLITS:
        for side, column in zip(("source", "target"), zip(*PAIRS, strict=True), strict=True):
            lines = (line.replace("__eou__", "</s>") for line in column)
            (texts / f"{split}.{side}").write_text("".join(f"{line}\n" for line in lines))
    flags = [f"--{side}dict={tmp_path / 'dict.txt'}" for side in ("src", "tgt")]
    call_fairseq(texts, tmp_path / "expected", "-s=source", "-t=target", *flags)
    assert files(found) == files(tmp_path / "expected")
    assert "warning: t: 3 of 33 tokens are not in the dictionary" in capsys.readouterr().err


@pytest.mark.parametrize("second", ["down", "up none"])
def test_classification(tmp_path: Path, second: str) -> None:
    labels = ("up", "down", "none")
    pairs = [("a b", "up"), ("c __eou__ d", second)]
    dataset = Dataset("mood", (), dict.fromkeys(SPLITS, pairs), labels=labels)
    found = build(dataset, tmp_path)
    texts = tmp_path / "encoded"
    for name, column in (("input0", 0), ("label", 1)):
        (texts / name).mkdir(parents=True)
        for split in SPLITS:
            lines = (pair[column].replace("__eou__", "</s>") for pair in pairs)
            (texts / name / split).write_text("".join(f"{line}\n" for line in lines))
    order = tmp_path / "labels"
    order.write_text("".join(f"{label} 1\n" for label in labels))
    for name, source in (("input0", tmp_path / "dict.txt"), ("label", order)):
        out = tmp_path / "expected" / name
        call_fairseq(texts / name, out, "--only-source", f"--srcdict={source}")
    assert files(found) == files(tmp_path / "expected")
    assert Dictionary.load(str(found / "label" / "dict.txt")).symbols[4:] == list(labels)
