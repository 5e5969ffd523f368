"""The scores of gold replies with an emotion that is not theirs."""

from pathlib import Path

import pytest
from wrong_emotion import blocks, main, wrong

from emo_mtl.errors import UserError


def write(path: Path, scores: list[float]) -> Path:
    lines = [f"T-{i}\ttext {i}\nP-{i}\t{score}\n" for i, score in enumerate(scores)]
    path.write_text("a line of the log\n" + "".join(lines))
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Gold scores, of the emotions a, b and a; and those of a, b and c."""
    return [
        write(tmp_path / name, scores)
        for name, scores in {
            "gold": [-1, -2, -3],
            "a": [-1, -20, -3],
            "b": [-10, -2, -30],
            "c": [-11, -21, -31],
        }.items()
    ]


def test_never_the_own(files, capsys):
    main(["--gold", str(files[0]), "--scores", *map(str, files[1:])])
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("P-")]
    own = ["P-0\t-1", "P-1\t-2", "P-2\t-3"]
    assert len(shown) == 3
    assert not set(shown) & set(own)


def test_both_others_are_drawn(files):
    gold, *others = map(blocks, files)
    first = {wrong(gold, others, seed)[1] for seed in range(20)}
    assert first == {"P-0\t-10", "P-0\t-11"}


def test_refused(files, tmp_path):
    gold = blocks(files[0])
    with pytest.raises(UserError, match="reply 2: not in all files"):
        wrong(gold, [blocks(write(tmp_path / "short", [-4, -5]))], 1)
    with pytest.raises(UserError, match="reply 0: found the same scores"):
        wrong(gold, [gold], 1)
