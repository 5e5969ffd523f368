"""Hand-written logs of every shape, and those of fairseq-train itself."""

from helpers.commands import MULTITASK, train

from emo_mtl.evaluation.report.train_log import read_train_log

TIME = "2026-11-25 10:00:00 | INFO | "


def simple(split, epoch, updates, ppl, prefix=True):
    """A line of --log-format simple."""
    middle = "" if split == "train" else f"{split} on '{split}' subset | "
    line = f"epoch {epoch:03d} | {middle}loss 9.5 | response_ppl {ppl} | wps 12 | num_updates {updates}"
    return f"{TIME}{split} | {line}\n" if prefix else line + "\n"


class TestOfFairseq:
    def test_json(self, trained, tmp_path):
        path = tmp_path / "train.log"
        path.write_text(trained[1], encoding="utf-8")
        points = read_train_log(path)
        assert {p.split for p in points} == {"train", "valid"}
        last = points[-1]
        assert (last.split, last.updates) == ("train", 16)
        valid = next(p for p in points if p.split == "valid")
        assert {"response_loss", "response_ppl", "bleu", "e6_loss", "e6_accuracy", "e6_f1"} <= set(
            valid.measures
        )

    def test_simple_and_log_file(self, sample, tmp_path):
        log_file, printed = tmp_path / "log-file", tmp_path / "printed"
        flags = ["--max-update", "3", "--validate-interval-updates", "2", "--log-format", "simple"]
        result = train(sample, tmp_path, *MULTITASK, *flags, "--log-file", log_file)
        printed.write_text(result.stdout + result.stderr, encoding="utf-8")
        points = read_train_log(printed)
        assert [(p.split, p.updates) for p in points] == [("valid", 2), ("valid", 3), ("train", 3)]
        assert read_train_log(log_file) == points
