"""The recipes of the paper's tables: presets, the driver, the shares of the gradient."""

import importlib.util
from argparse import Namespace

import pytest
from helpers.commands import REPOSITORY, SMALL

from emo_mtl.errors import UserError

PAPER = REPOSITORY / "examples" / "paper"


def load(name: str):
    """A script of examples/paper as a module."""
    spec = importlib.util.spec_from_file_location(f"paper_{name}", PAPER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver = load("run")


class TestPresets:
    def test_every_row_of_the_tables_has_one(self):
        rows = {row for table in driver.TABLES.values() for row in table}
        assert rows == {path.stem for path in (PAPER / "rows").glob("*.txt")}

    @pytest.mark.parametrize(
        ("row", "weights"),
        [
            ("R", (0, 0, 0)),
            ("R+E6", (1, 0, 0)),
            ("R+E6+E12", (1, 0, 1)),
            ("R+E6+E2+E12", (1, 1, 1)),
            ("weights-50-50-0", (0.5, 0.5, 0)),
            ("weights-33-33-33", (0.33, 0.33, 0.33)),
        ],
    )
    def test_weights(self, row, weights):
        flags = driver.read_flags(PAPER / "rows" / f"{row}.txt")
        assert tuple(driver.loss_weights(flags, driver.PAPER).values()) == weights

    def test_large_has_the_papers_settings(self):
        flags = driver.read_flags(PAPER / "models" / "large.txt")
        expected = {"--lr": "3e-5", "--max-epoch": "64", "--batch-size": "32", "--update-freq": "4"}
        expected |= {"--weight-decay": "0.01", "--warmup-updates": "500", "--clip-norm": "0.1"}
        assert {flag: driver.value_of(flags, flag) for flag in expected} == expected
        assert "--fp16" in flags

    def test_tasks_of_the_data_need_no_file(self):
        assert driver.row_flags("R+mood+act", ["act", "mood", "e6"]) == [
            *("--classification-tasks", "mood,act")
        ]
        assert driver.row_flags("R+E6", ["e6"]) == driver.read_flags(PAPER / "rows" / "R+E6.txt")
        with pytest.raises(UserError, match=r"R\+mood: found neither rows/R\+mood.txt nor .* act"):
            driver.row_flags("R+mood", ["act"])

    def test_unknown(self):
        with pytest.raises(UserError, match=r"R\+E7: no such preset, expected one of R, R\+E6"):
            driver.read_flags(PAPER / "rows" / "R+E7.txt")


class TestCountUpdates:
    FLAGS = ("--batch-size", "32", "--update-freq", "4", "--max-epoch", "2")

    def test_proportional(self):
        """ceil(100 / 32) + ceil(33 / 32) = 6 mini-batches, 2 updates, 2 epochs."""
        sizes = {"response": 100, "e6": 33}
        assert driver.count_updates(sizes, self.FLAGS, "proportional") == 4

    def test_round_robin(self):
        """4 turns of 2 tasks are 8 mini-batches, 2 updates, 2 epochs."""
        sizes = {"response": 100, "e6": 33}
        assert driver.count_updates(sizes, self.FLAGS, "round-robin") == 4

    def test_max_update(self):
        sizes = {"response": 100, "e6": 33}
        for most, updates in ((3, 3), (100, 4)):
            flags = (*self.FLAGS, "--max-update", str(most))
            assert driver.count_updates(sizes, flags, "proportional") == updates

    def test_extra_wins(self):
        assert (
            driver.count_updates(
                {"response": 64}, (*self.FLAGS, "--max-epoch", "9"), "proportional"
            )
            == 9
        )

    def test_nothing_ends_it(self):
        flags = (*self.FLAGS, "--max-epoch", "0")
        with pytest.raises(UserError, match="nothing ends the training"):
            driver.count_updates({"response": 64}, flags, "proportional")


class TestArguments:
    def parse(self, *argv: str) -> Namespace:
        return driver.parse_args([*argv, "--data", "d", "--out", "o"])

    def test_large_needs_weights(self, capsys):
        with pytest.raises(SystemExit):
            self.parse("--table", "2", "--model", "large")
        assert "give --pretrained" in capsys.readouterr().err

    def test_seeds(self, capsys):
        with pytest.raises(SystemExit):
            self.parse("--table", "2", "--seeds", "1,x")
        assert "expected numbers" in capsys.readouterr().err

    def test_missing_data(self, tmp_path):
        args = self.parse("--rows", "R")
        with pytest.raises(UserError, match=r"found no text/TASK/ in it"):
            driver.train_flags(args, "R", 1, tmp_path)


# A model of bart.large's architecture that fits write_pretrained_bart, for a CPU.
LARGE = ["--cpu", "--num-workers", "0", *SMALL, "--encoder-layers", "1", "--decoder-layers", "1"]

LARGE += ["--encoder-attention-heads", "2", "--decoder-attention-heads", "2"]


class TestPreflight:
    """Whatever is missing for the last step is said before the first one."""

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--seeds", "1,2,1"], "--seeds: found 1 twice"),
            (["--extra", "'"], "No closing quotation"),
        ],
    )
    def test_arguments(self, flags, message, capsys):
        with pytest.raises(SystemExit):
            driver.parse_args(["--table", "2", "--data", "d", "--out", "o", *flags])
        assert message in capsys.readouterr().err


def test_shares():
    """2 * 3 : 4 * 1 = 60 % : 40 %."""
    shares = load("gradient_share").shares({"response": 2.0, "e6": 4.0}, {"response": 3, "e6": 1})
    assert shares == {"response": 60, "e6": 40}
