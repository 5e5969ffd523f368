"""A short run of tests/soak/memory.py."""

import csv

import pytest

pytest.importorskip("matplotlib", reason="needs the extra soak")

pytest.importorskip("psutil", reason="needs the extra soak")

from soak import memory


@pytest.mark.slow
def test_watches_a_training(sample, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(memory, "SECONDS", 0.1)
    quiet = ["--num-workers", "0", "--log-interval", "1", "--no-save", "--disable-validation"]
    argv = [sample / "data-bin", "--out", tmp_path / "out", "--updates", 60, "--limit", 1e6]
    assert memory.main(list(map(str, [*argv, "--max-tokens", 512, *quiet]))) == 0
    with (tmp_path / "out" / "memory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    updates = [int(row["updates"]) for row in rows]
    assert updates == sorted(updates)
    assert updates[0] < 30 < updates[-1]
    training = [row for row in rows if int(row["updates"]) > 0]
    assert all(float(row["main_mib"]) > 100 for row in training)
    assert {row["processes"] for row in training} == {"1"}
    assert (tmp_path / "out" / "memory.svg").read_text("utf-8").count("<svg") == 1
    assert "MiB for 1,000 updates (limit 1e+06)" in capsys.readouterr().out
