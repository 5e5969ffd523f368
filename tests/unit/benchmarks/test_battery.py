"""The battery's steps: one that fails or is too slow is reported, and the next goes on."""

import argparse
import sys
import time

import battery
import pytest
from battery import Outcome, Step

from emo_mtl.errors import UserError

SAY = [sys.executable, "-c", "print('said')"]
FAIL = [sys.executable, "-c", "raise SystemExit('broken')"]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def args(tmp_path) -> argparse.Namespace:
    return battery.get_parser().parse_args([str(tmp_path), "--device", "cpu", "--threads", "1"])


def run(args, *commands, seconds=30.0, minutes=1.0) -> Outcome:
    step = Step("name", "Title", seconds, commands)
    return battery.run(step, args, time.monotonic() + 60 * minutes)


class TestRun:
    def test_done(self, args):
        outcome = run(args, SAY, SAY)
        assert (outcome.title, outcome.status) == ("Title", "done")
        assert outcome.text == "```\nsaid\nsaid\n```"

    def test_its_own_results(self, args):
        write = f"open({str(args.out / 'name' / 'results.md')!r}, 'w').write('| a |')"
        assert run(args, [sys.executable, "-c", write]).text == "| a |"

    def test_results_of_an_earlier_run_do_not_count(self, args):
        for name in ("results.md", "results.json"):
            (args.out / "name").mkdir(exist_ok=True)
            (args.out / "name" / name).write_text("earlier")
        assert "broken" in run(args, FAIL).text
        assert not (args.out / "name" / "results.json").exists()

    def test_a_failure_ends_the_step(self, args):
        outcome = run(args, FAIL, SAY)
        assert outcome.status == "failed"
        assert "broken" in outcome.text
        assert "said" not in outcome.text

    @pytest.mark.parametrize("limits", [{"seconds": 0.3}, {"minutes": 0.3 / 60}])
    def test_out_of_time(self, args, limits):
        outcome = run(args, SLEEP, SAY, **limits)
        assert outcome.status == "out of time"
        assert outcome.seconds < 30

    def test_left_out(self, args):
        assert run(args, SAY, minutes=-1).status == "left out"


class TestMain:
    def test_writes_after_each_step(self, args, monkeypatch):
        """And its status says that one has failed."""
        found = [Step("a", "A", 30, [FAIL]), Step("b", "B", 30, [SAY])]
        monkeypatch.setattr(battery, "steps", lambda args: found)
        argv = [str(args.out), "--device", "cpu"]
        assert battery.main(argv) == 1
        text = (args.out / "report.md").read_text("utf-8")
        assert text.index("## A: failed") < text.index("## B: done")
        with pytest.raises(UserError, match="--overwrite"):
            battery.main(argv)
        monkeypatch.setattr(battery, "steps", lambda args: found[1:])
        assert battery.main([*argv, "--overwrite"]) == 0

    def test_on_a_gpu(self, args):
        """All steps, in the order of their worth, within ten minutes, of scripts that exist."""
        args.device = "cuda"
        steps = battery.steps(args)
        names = ["card", "tests", "train-fp16", "train-bf16", "generate-base", "generate-large"]
        assert [step.name for step in steps] == names
        assert sum(step.seconds for step in steps) <= 600
        for command in (command for step in steps for command in step.commands):
            script = next(part for part in command[1:] if not str(part).startswith("-"))
            assert script == "pytest" or script.is_file()
