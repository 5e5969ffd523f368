"""Hand-written logs of every shape, and those of fairseq-train itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.evaluation.report.train_log import Point, read_train_log

TIME = "2026-11-25 10:00:00 | INFO | "


def simple(split, epoch, updates, ppl, prefix=True):
    """A line of --log-format simple."""
    middle = "" if split == "train" else f"{split} on '{split}' subset | "
    line = f"epoch {epoch:03d} | {middle}loss 9.5 | response_ppl {ppl} | wps 12 | num_updates {updates}"
    return f"{TIME}{split} | {line}\n" if prefix else line + "\n"


def as_json(split, epoch, updates, ppl, prefix=True):
    """A line of --log-format json."""
    stats = {"loss": "9.5", "response_ppl": str(ppl), "wps": "12", "num_updates": str(updates)}
    line = json.dumps({"epoch": epoch, **{f"{split}_{key}": value for key, value in stats.items()}})
    return f"{TIME}{split} | {line}\n" if prefix else line + "\n"


def point(split, epoch, updates, ppl):
    return Point(split, epoch, updates, {"loss": 9.5, "response_ppl": float(ppl)})


@pytest.fixture
def read(tmp_path):
    def read_lines(*lines):
        path = tmp_path / "train.log"
        path.write_text("".join(lines), encoding="utf-8")
        return read_train_log(path)

    return read_lines


@pytest.fixture
def error(read):
    def message(*lines):
        with pytest.raises(UserError) as raised:
            read(*lines)
        return str(raised.value)

    return message


@pytest.mark.parametrize("name", ["e6", "my-task", "a-b_c", "6"])
def test_every_task_is_found(name, read):
    keys = {f"{name}_loss": "1.5", f"{name}_accuracy": "50", f"{name}_f1": "40"}
    pairs = "".join(f"{key} {value} | " for key, value in keys.items())
    text = f"epoch 001 | valid on 'valid' subset | {pairs}best_{name}_f1 41 | num_updates 3\n"
    stats = {f"valid_{key}": value for key, value in keys.items()}
    stats |= {f"valid_best_{name}_f1": "41", "valid_num_updates": "3"}
    expected = [Point("valid", 1, 3, {key: float(value) for key, value in keys.items()})]
    assert read(text) == expected
    assert read(json.dumps({"epoch": 1, **stats}) + "\n") == expected


@pytest.mark.parametrize("line", [simple, as_json])
class TestReadTrainLog:
    @pytest.mark.parametrize("prefix", [True, False], ids=["printed", "log-file"])
    def test_formats(self, line, prefix, read):
        noise = f"{TIME}fairseq_cli.train | Namespace(...)\nepoch 001:    2 / 57 loss=9, wps=1\n"
        noise += '{"epoch": 1, "update": 0.5, "loss": "9", "num_updates": "4"}\n'
        lines = [line("valid", 1, 57, 80, prefix), line("train", 1, 57, 99, prefix)]
        assert read(noise, *lines, noise) == [point("valid", 1, 57, 80), point("train", 1, 57, 99)]

    def test_repeated_lines_of_a_log_file(self, line, read):
        valid, train_ = line("valid", 1, 57, 80), line("train", 1, 57, 99)
        twice = read(valid, valid, train_, train_, train_, line("valid", 2, 114, 70))
        assert [(p.split, p.epoch) for p in twice] == [("valid", 1), ("train", 1), ("valid", 2)]

    def test_validations_within_an_epoch_stay(self, line, read):
        points = read(*(line("valid", 1, updates, 80) for updates in (10, 20, 30)))
        assert [p.updates for p in points] == [10, 20, 30]

    def test_a_later_start_wins(self, line, read):
        first = [line("valid", e, 10 * e, 80) + line("train", e, 10 * e, 90) for e in (1, 2, 3)]
        again = line("valid", 2, 20, 70) + line("train", 2, 20, 75)
        assert read(*first, again) == [
            point("valid", 1, 10, 80),
            point("train", 1, 10, 90),
            point("valid", 2, 20, 70),
            point("train", 2, 20, 75),
        ]

    def test_a_later_start_with_another_update_freq_wins(self, line, read):
        first = line("valid", 1, 10, 80) + line("train", 1, 10, 90)
        again = line("valid", 1, 40, 70) + line("train", 1, 40, 75)
        assert read(first, again) == [point("valid", 1, 40, 70), point("train", 1, 40, 75)]

    def test_start_in_the_middle_of_an_epoch(self, line, read):
        # interrupted after the validation at update 20, resumed from update 10
        points = read(line("valid", 1, 10, 80), line("valid", 1, 20, 70), line("valid", 1, 20, 71))
        assert points == [point("valid", 1, 10, 80), point("valid", 1, 20, 71)]

    def test_interrupted_epoch(self, line, read):
        # SIGTERM ends an epoch early, with its line of training and no validation
        points = read(line("train", 1, 35, 99), line("valid", 1, 57, 80), line("train", 1, 57, 90))
        assert points == [point("valid", 1, 57, 80), point("train", 1, 57, 90)]

    def test_not_a_number(self, line, error):
        message = error("\n", line("valid", 1, 57, "many"))
        assert "train.log, line 2: could not convert string to float: 'many'" in message

    def test_nan_and_inf_are_numbers(self, line, read):
        assert read(line("valid", 1, 57, "inf"))[0].measures["response_ppl"] == float("inf")


class TestErrors:
    def test_cut_off(self, error):
        assert "line 1: found 'response_ppl', expected a name and a number" in error(
            simple("valid", 1, 57, 80).split(" 80")[0]
        )
        assert "line 1: found no JSON" in error(as_json("valid", 1, 57, 80)[:-5])
        assert "line 1: found no num_updates" in error("epoch 001 | loss 9.5\n")

    def test_best_score_so_far_is_no_measure(self, read):
        line = simple("valid", 1, 57, 80).strip() + " | best_response_ppl 80\n"
        assert set(read(line)[0].measures) == {"loss", "response_ppl"}

    @given(st.integers(0, 200))
    def test_any_cut_is_read_or_refused(self, tmp_path_factory, length):
        path = tmp_path_factory.mktemp("cut") / "train.log"
        path.write_text(simple("valid", 1, 57, 80)[:length], encoding="utf-8")
        try:
            points = read_train_log(path)
        except UserError:
            return
        assert all(p.measures.keys() <= {"loss", "response_ppl"} for p in points)
