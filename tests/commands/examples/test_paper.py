"""The recipes of the paper's tables: presets, the driver, the shares of the gradient."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from helpers.checkpoints import write_pretrained_bart
from helpers.commands import REPOSITORY, SMALL, run_command
from helpers.config import parse_train, printed
from helpers.raw_files import write_gpt2_bpe

from emo_mtl.errors import UserError

PAPER = REPOSITORY / "examples" / "paper"

# Small enough for a test; --extra wins over the presets.
EXTRA = "--max-epoch 1 --encoder-embed-dim 32 --encoder-ffn-embed-dim 64 --batch-size 64"


def load(name: str):
    """A script of examples/paper as a module."""
    spec = importlib.util.spec_from_file_location(f"paper_{name}", PAPER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver = load("run")


class TestPresets:
    @pytest.mark.parametrize("model", ["base", "large"])
    def test_gpu_commands_are_fairseqs(self, model, sample, tmp_path):
        """fairseq takes the flags; trained on a GPU they were not."""
        argv = ["--table", "2", "--model", model, "--pretrained", "model.pt"]
        args = driver.parse_args([*argv, "--data", str(sample), "--out", str(tmp_path)])
        cfg = parse_train(driver.train_flags(args, "weights-50-0-50", 3, tmp_path)[1:])
        assert (cfg.common.fp16, cfg.common.seed) == (True, 3)
        assert cfg.checkpoint.finetune_from_model == "model.pt"
        assert cfg.task.loss_weights == "e6=0.5,e2=0,e12=0.5"
        assert cfg.model.arch == f"emo_bart_{model}"


# A model of bart.large's architecture that fits write_pretrained_bart, for a CPU.
LARGE = ["--cpu", "--num-workers", "0", *SMALL, "--encoder-layers", "1", "--decoder-layers", "1"]

LARGE += ["--encoder-attention-heads", "2", "--decoder-attention-heads", "2"]


@pytest.fixture(scope="module")
def pretrained(sample, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bart") / "model.pt"
    write_pretrained_bart(sample, path)
    return path


class TestPreflight:
    """Whatever is missing for the last step is said before the first one."""

    @pytest.fixture
    def refuse(self, sample, tmp_path, monkeypatch):
        """Runs the driver on a copy of the data; its message, before which it called no command."""
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        called = []
        monkeypatch.setattr(driver, "call", lambda command, *_: called.append(command))
        shutil.copytree(sample, tmp_path / "data")

        def run(*flags: str, rows: str = "R+E6", out: Path = tmp_path / "runs") -> str:
            argv = ["--rows", rows, "--data", str(tmp_path / "data"), "--out", str(out), *flags]
            with pytest.raises(UserError) as raised:
                driver.main(argv)
            assert called == []
            assert not out.is_dir()
            message = str(raised.value)
            assert "\n" not in message
            return message

        return run

    @pytest.mark.parametrize(
        "missing",
        [
            *("text/response/test.target", "text/e12/train.label", "spm.model"),
            *("data-bin/response/test.source-target.source.idx", "data-bin/e12/label/test.idx"),
        ],
    )
    def test_data(self, refuse, tmp_path, missing):
        (tmp_path / "data" / missing).unlink()
        assert missing.rsplit(".", 1)[0] in refuse()

    def test_bpe_of_other_data(self, refuse, tmp_path):
        (tmp_path / "data" / "spm.model").write_text("other")
        assert "spm.model: found SHA-256" in refuse()

    @pytest.mark.parametrize(
        ("content", "message"),
        [(None, "no such file"), (b"PK damaged", "cut off")],
    )
    def test_pretrained(self, refuse, tmp_path, content, message):
        path = tmp_path / "model.pt"
        if content is not None:
            path.write_bytes(content)
        flags = ["--model", "large", "--pretrained", str(path), f"--extra={' '.join(LARGE)}"]
        assert f"{path}: {message}" in refuse(*flags)

    def test_pretrained_of_another_size(self, refuse, pretrained):
        extra = " ".join([*LARGE, "--encoder-embed-dim", "64"])
        flags = ["--model", "large", "--pretrained", str(pretrained), f"--extra={extra}"]
        assert "model.pt" in refuse(*flags)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_no_gpu(self, refuse, pretrained):
        assert "found no GPU" in refuse("--model", "large", "--pretrained", str(pretrained))

    @pytest.mark.parametrize("extra", ["--no-such-flag", "--arch emo_bart_tin"])
    def test_flags(self, refuse, extra):
        assert "does not take the flags of the presets and --extra" in refuse(f"--extra={extra}")

    def test_rows_and_models(self, refuse):
        assert "--max-epoch 'two': expected a whole number" in refuse("--extra=--max-epoch two")
        assert "R+E7: found neither rows/R+E7.txt nor these tasks" in refuse(rows="R,R+E7")
        assert "small: no such preset" in refuse("--model", "small", "--pretrained", "x")

    def test_packages_and_programs(self, refuse, monkeypatch):
        monkeypatch.setattr(driver.preflight, "find_spec", lambda name: name != "nltk")
        assert "found no Python package nltk" in refuse()
        monkeypatch.setenv("PATH", "/nonexistent")
        assert "emo-mtl: no such command" in refuse()

    def test_out(self, refuse, tmp_path):
        (tmp_path / "file").write_text("")
        assert "cannot be written" in refuse(out=tmp_path / "file" / "runs")


@pytest.mark.slow
def test_from_raw_corpora_with_gpt2_bpe_and_pretrained_bart(sample, tmp_path):
    """The paper's road at small size: prepare, then all up to the report in one command."""
    bpe = write_gpt2_bpe(tmp_path / "GPT2")
    data = tmp_path / "data"
    prepare = ["preprocess/prepare.py", "--raw-dir", sample.parent / "raw", "--out-dir", data]
    run_command("python", *prepare, "--bpe", "gpt2", "--gpt2-bpe-dir", bpe)
    write_pretrained_bart(data, tmp_path / "model.pt")
    flags = ["--rows", "R+E6", "--model", "large", "--pretrained", tmp_path / "model.pt"]
    extra = " ".join([*LARGE, "--max-update", "4"])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    driver = ["python", "examples/paper/run.py", "--data", data, "--out", tmp_path / "runs"]
    said = run_command(*driver, f"--extra={extra}", *flags, PATH=path).stdout
    folder = tmp_path / "runs" / "R+E6" / "seed-1"
    assert (tmp_path / "runs" / "report" / "report.md").is_file()
    assert "Loaded checkpoint" in (folder / "train.log").read_text(encoding="utf-8") + said
    assert "--fp16" not in json.loads((folder / "run.json").read_text(encoding="utf-8"))["train"]
    generated = (folder / "generate-test.txt").read_text(encoding="utf-8")
    references = dict(re.findall(r"^T-(\d+)\t(.*)$", generated, flags=re.MULTILINE))
    text = (data / "text" / "response" / "test.target").read_text(encoding="utf-8").split("\n")
    assert text[0].startswith(references["0"][:20])  # words, not the numbers of the BPE


def run_driver(data: Path, out: Path, *flags: str, extra: str = EXTRA) -> str:
    """What the driver prints; its commands are forked (helpers.commands), which starts them faster."""

    def call(command: Sequence[str], output: Path | None = None) -> None:
        print("+", shlex.join(command))
        result = run_command(*command)
        if output:
            output.write_text(result.stdout, encoding="utf-8")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "call", call)
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        patch.chdir(REPOSITORY)  # commands name the plugin's folder as seen from here
        argv = ["--data", data, "--out", out, f"--extra={extra}", *flags]
        return printed(driver.main, list(map(str, argv)))


@pytest.fixture(scope="module")
def runs(sample, tmp_path_factory):
    """Two rows of Table 5, run by the driver; its output."""
    out = tmp_path_factory.mktemp("runs")
    return out, run_driver(sample, out, "--rows", "R,weights-50-50-0")


@pytest.mark.slow
class TestDriver:
    def test_run_folders(self, runs):
        out, _ = runs
        for row, weights in {"R": (0, 0, 0), "weights-50-50-0": (0.5, 0.5, 0)}.items():
            folder = out / row / "seed-1"
            run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            assert tuple(run["loss_weights"].values()) == weights
            assert run["training_seconds"] > 0
            rows = json.loads((folder / "evaluate.json").read_text(encoding="utf-8"))["rows"]
            assert [entry["part"] for entry in rows] == ["all", "clean", "seen"]
            heads = json.loads((folder / "classify.json").read_text(encoding="utf-8"))
            assert {entry["task"] for entry in heads} == {"e6", "e2", "e12"}
            assert (folder / "awareness.json").is_file()
        assert (out / "report" / "report.md").is_file()
        for name in ("bleu", "accuracy"):
            assert json.loads((out / f"significance-{name}.json").read_text(encoding="utf-8"))

    def test_a_baseline_that_is_missing(self, runs, sample, tmp_path, monkeypatch):
        """Killed among the baselines, it makes the others when it is run again."""
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        out = tmp_path / "runs"
        shutil.copytree(runs[0] / "baselines", out / "baselines")
        shutil.rmtree(out / "baselines" / "tfidf-logistic")
        args = driver.parse_args(["--rows", "R", "--data", str(sample), "--out", str(out)])
        folders = driver.run_baselines(args, runs[0] / "overlap.json")
        names = {path.name for path in folders}
        assert names == {path.name for path in (runs[0] / "baselines").iterdir()}
        assert (out / "baselines" / "tfidf-logistic" / "classify.json").is_file()
        assert (out / "baselines" / "copy" / "awareness.json").is_file()

    def test_learning_rate_ends_at_zero(self, runs):
        """--total-num-update is the number of updates that fairseq makes."""
        out, said = runs
        for row in ("R", "weights-50-50-0"):
            command = json.loads((out / row / "seed-1" / "run.json").read_text())["train"]
            total = driver.value_of(shlex.split(command), "--total-num-update")
            log = (out / row / "seed-1" / "train.log").read_text(encoding="utf-8")
            assert re.findall(r"\| valid on 'valid' .*num_updates (\d+)", log)[-1] == total
        assert "+ fairseq-train" in said

    def test_again_trains_and_scores_nothing(self, runs, sample):
        out, _ = runs
        before = {path: path.stat().st_mtime_ns for path in out.glob("*/seed-1/**/*")}
        again = run_driver(sample, out, "--rows", "R,weights-50-50-0")
        assert "fairseq" not in again
        assert before == {path: path.stat().st_mtime_ns for path in out.glob("*/seed-1/**/*")}

    def test_another_seed(self, runs, sample):
        """It changes the model, and the report gives mean and standard deviation."""
        out, _ = runs
        run_driver(sample, out, "--rows", "R", "--seeds", "1,2")
        losses = []
        for seed in (1, 2):
            log = (out / "R" / f"seed-{seed}" / "train.log").read_text(encoding="utf-8")
            losses.append(re.findall(r"\| valid on 'valid' .*\| loss ([\d.]+)", log)[-1])
        assert losses[0] != losses[1]
        assert re.search(
            r"^\| R \| .* \| 2 \| .* ± ", (out / "report" / "report.md").read_text(), re.M
        )

    def test_other_settings_are_refused(self, runs, sample):
        out, _ = runs
        with pytest.raises(UserError, match="found a run of other settings"):
            run_driver(sample, out, "--rows", "R", "--sampling", "round-robin")
        with pytest.raises(UserError, match=r"\{'checkpoint': 'last'\}"):
            run_driver(sample, out, "--rows", "R", "--checkpoint", "best")
        flags = ["--data", sample, "--out", out, f"--extra={EXTRA}", "--rows", "R"]
        script = ["python", "examples/paper/run.py", *flags, "--checkpoint", "best"]
        result = run_command(*script, check=False)
        assert result.returncode == 1
        assert "{'checkpoint': 'last'}" in result.stderr

    def test_gradient_share(self, runs, sample, tmp_path):
        """The sum over tokens is larger than their mean, and leaves less to the classification tasks."""
        out, _ = runs
        checkpoint = out / "weights-50-50-0" / "seed-1" / "checkpoints" / "checkpoint_last.pt"
        script = ["python", "examples/paper/gradient_share.py", sample / "data-bin"]
        run_command(*script, "--path", checkpoint, "--batches", "2", "--json", tmp_path / "s.json")
        rows = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["rows"]
        found = {(row["reduction"], row["task"]): row for row in rows}
        mean, total = found["mean", "response"], found["sum", "response"]
        assert total["gradient_norm"] > 50 * mean["gradient_norm"]
        assert found["sum", "e6"]["gradient_norm"] == found["mean", "e6"]["gradient_norm"]
        assert total["share_proportional"] > mean["share_proportional"]
