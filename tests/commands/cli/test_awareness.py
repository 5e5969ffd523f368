"""`emo-mtl awareness` on text and with a checkpoint's heads."""

import json

import pytest

from emo_mtl.cli.main import main


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
