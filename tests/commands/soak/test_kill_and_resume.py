"""A short run of tests/soak/kill_and_resume.py."""

import random

import pytest
from soak import kill_and_resume
from soak.kill_and_resume import Setting, equal, kill, run_through, updates


@pytest.mark.slow
def test_ends_as_one_that_ran_through(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(kill_and_resume, "UPDATES", 12)
    setting = Setting("proportional", update_freq=4, workers=2, processes=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_through(sample, whole, setting)
    assert kill(sample, parts, setting, random.Random(1)), "it ended before it was killed"
    assert updates(parts) < 12
    run_through(sample, parts, setting)
    assert updates(whole) == updates(parts) == 12
    assert equal(whole, parts)
