"""`emo-mtl awareness` on text and with a checkpoint's heads."""

import json

import pytest

from emo_mtl.cli.main import main


@pytest.fixture
def text(tmp_path):
    """A prepared folder's text in which a word tells the emotion."""
    files = {
        "response/test.source": ["so happy today", "what an awful day", "happy happy"],
        "response/test.target": ["happy for you", "happy anyway", "awful to hear"],
        "e6/train.input": ["happy time", "happy end", "awful time", "awful end"],
        "e6/train.label": ["joy", "joy", "anger", "anger"],
    }
    for name, lines in files.items():
        path = tmp_path / "text" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_checkpoint_judges(sample, trained, tmp_path):
    """By its heads a copy agrees always; an empty response never does."""
    checkpoint = str(trained[0])
    source = (sample / "text" / "response" / "test.source").read_text(encoding="utf-8")
    lines = source.splitlines()
    hypotheses = tmp_path / "copy.txt"
    hypotheses.write_text("\n".join(["", *lines[1:]]) + "\n", encoding="utf-8")
    argv = [
        "awareness",
        checkpoint,
        "--data",
        str(sample),
        "--hypotheses",
        str(hypotheses),
        "--cpu",
    ]
    main([*argv, "--json", str(tmp_path / "out.json")])
    content = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert content["judge"] == checkpoint
    assert [row["task"] for row in content["rows"]] == ["e6", "e2"]
    for row in content["rows"]:
        assert row["agreement"] == pytest.approx(100 * (len(lines) - 1) / len(lines))
