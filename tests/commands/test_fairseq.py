"""The commands of README and docs/ as a user types them, in processes of their own, on the sample corpora."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.background import start_ranks
from helpers.checkpoints import real_state, write_pretrained_bart
from helpers.commands import MULTITASK, TASK, TRAIN, run_command, train

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.training.checks import LEAST_GAIN


def parameters(save_dir: Path) -> dict[str, torch.Tensor]:
    return real_state(torch.load(save_dir / "checkpoint_last.pt", weights_only=True)["model"])


def json_lines(log: str) -> list[dict]:
    return [json.loads(line[line.index("{") :]) for line in log.splitlines() if '"epoch": ' in line]


def generate(sample: Path, checkpoint: Path, *flags: str) -> str:
    bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
    search = ["--path", checkpoint, "--beam", "5", "--no-repeat-ngram-size", "3"]
    command = ["fairseq-generate", sample / "data-bin", *TASK, *search, *bpe, *flags]
    return run_command(*command).stdout


class TestTrain:
    def test_validates_every_task(self, trained):
        _, log = trained
        valid = next(line for line in json_lines(log) if "valid_loss" in line)
        for key in (
            "response_ppl",
            "bleu",
            *(f"e{n}_{m}" for n in (6, 2, 12) for m in ("loss", "f1")),
        ):
            assert f"valid_{key}" in valid, key
        parts = ["response", "e6", "e2", "e12"]
        total = sum(float(valid[f"valid_{name}_loss"]) for name in parts)
        assert float(valid["valid_loss"]) == pytest.approx(total, abs=0.01)
        best = torch.load(trained[0], weights_only=True)["extra_state"]["best"]
        assert best == float(valid["valid_e6_f1"])

    def test_says_whether_the_model_reads(self, trained):
        _, log = trained
        found = [line for line in json_lines(log) if "valid_loss" in line]
        gains = [float(line["valid_response_gain"]) for line in found]
        assert gains
        warnings = log.count("does not read what it answers")
        assert warnings == sum(gain < LEAST_GAIN for gain in gains)

    def test_checkpoint_loads_with_weights_only(self, trained):
        state = torch.load(trained[0], weights_only=True)
        assert list(state["task_state"]["heads"]) == ["e6", "e2", "e12"]
        assert state["task_state"]["heads"]["e2"] == ["negative", "positive"]

    @pytest.mark.parametrize("sampling", ["round-robin", "proportional", "temperature"])
    def test_resume_in_mid_epoch_is_exact(self, sample, tmp_path, sampling):
        flags = [*MULTITASK, "--disable-validation", "--task-sampling", sampling]
        train(sample, tmp_path / "whole", *flags, "--max-update", "6")
        train(sample, tmp_path / "halves", *flags, "--max-update", "3")
        train(sample, tmp_path / "halves", *flags, "--max-update", "6", "--num-workers", "2")
        whole, halves = parameters(tmp_path / "whole"), parameters(tmp_path / "halves")
        for name, expected in whole.items():
            assert torch.equal(halves[name], expected), name

    def test_two_processes_equal_twice_the_update_freq(self, sample, tmp_path):
        flags = ["--classification-tasks", "e6,e2,e12", "--disable-validation", "--dropout", "0"]
        train(sample, tmp_path / "one", *flags, "--update-freq", "8", "--max-update", "4")
        more = [*flags, "--update-freq", "4", "--max-update", "4"]
        workers = start_ranks(2, sample, tmp_path / "two", *more)
        assert [worker.wait() for worker in workers] == [0, 0], workers[0].output[-3000:]
        one, two = parameters(tmp_path / "one"), parameters(tmp_path / "two")
        for name, expected in one.items():
            torch.testing.assert_close(two[name], expected, rtol=1e-4, atol=1e-5)

    def test_restores_a_checkpoint_in_the_format_of_bart_large(self, sample, tmp_path):
        """The command of docs/training.md, on a randomly initialised file as fairseq distributes it."""
        pretrained = write_pretrained_bart(sample, tmp_path / "model.pt")
        restore = ["--finetune-from-model", tmp_path / "model.pt"]
        restore += ["--disable-validation", "--max-update", "1"]
        weights = ["--loss-weights", "e6=0.5,e2=0.5,e12=0", "--task-sampling", "round-robin"]
        large = ["--arch", "emo_bart_large", "--encoder-layers", "1", "--decoder-layers", "1"]
        large += [
            "--encoder-attention-heads",
            "2",
            "--decoder-attention-heads",
            "2",
            "--lr",
            "1e-9",
        ]
        example = ["--truncate-source", "--share-all-embeddings", "--layernorm-embedding"]
        example += ["--share-decoder-input-output-embed", "--find-unused-parameters"]
        example += ["--skip-invalid-size-inputs-valid-test", "--attention-dropout", "0.1"]
        flags = [*MULTITASK, *weights, *large, *restore, *example]
        result = train(sample, tmp_path / "tuned", *flags)
        assert "Loaded checkpoint" in result.stdout + result.stderr
        tuned = parameters(tmp_path / "tuned")
        for name, expected in pretrained.items():  # a learning rate of 1e-9 leaves them as loaded
            torch.testing.assert_close(tuned[name], expected, rtol=0, atol=1e-6)
        assert tuned["encoder.embed_positions.weight"].size(0) == 1026
        heads = {name.split(".")[1] for name in tuned if name.startswith("classification_heads")}
        assert heads == {"e6", "e2", "e12"}


class TestGenerate:
    def test_all_lines_and_no_repeated_trigram(self, sample, trained):
        output = generate(sample, trained[0], "--gen-subset", "test", "--batch-size", "16")
        hypotheses = dict(re.findall(r"^H-(\d+)\t\S+\t(.*)$", output, flags=re.MULTILINE))
        lines = (sample / "text" / "response" / "test.target").read_text("utf-8").count("\n")
        assert len(hypotheses) == lines
        for hypothesis in hypotheses.values():
            tokens = hypothesis.split()
            trigrams = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
            assert max(trigrams.values(), default=1) == 1, hypothesis

    def test_mmi_weight(self, sample, trained):
        """The same answers from Python, and others than without."""
        texts = (sample / "text" / "response" / "valid.source").read_text("utf-8").split("\n")[:20]
        bart = EmoBART.from_pretrained(trained[0], device="cpu")
        both = []
        for weight in (0.0, 0.8):
            flags = ["--gen-subset", "valid", "--batch-size", "32", "--mmi-weight", str(weight)]
            output = generate(sample, trained[0], *flags)
            lines = dict(re.findall(r"^D-(\d+)\t\S+\t(.*)$", output, flags=re.MULTILINE))
            both.append([lines[str(i)] for i in range(len(texts))])
            assert both[-1] == bart.respond(texts, mmi_weight=weight, typed=False)
        assert both[0] != both[1]

    def test_references_are_text(self, sample, trained):
        output = generate(sample, trained[0], "--gen-subset", "valid", "--batch-size", "32")
        targets = dict(re.findall(r"^T-(\d+)\t(.*)$", output, flags=re.MULTILINE))
        text = (sample / "text" / "response" / "valid.target").read_text("utf-8").split("\n")
        assert sum(targets[str(i)] == text[i] for i in range(len(targets))) > 0.95 * len(targets)

    def test_interactive(self, sample, trained, tmp_path):
        source = tmp_path / "in.txt"
        texts = ["I am so happy today !", "very " * 2_000 + "long", "Never heard .", "And you ?"]
        source.write_text("\n".join([*texts, ""]), encoding="utf-8")
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        command = ["fairseq-interactive", sample / "data-bin", *TASK, "--path", trained[0]]
        remove = ["--remove-bpe", "sentencepiece"]  # fairseq then adds words to a dictionary
        result = run_command(*command, "--input", source, *bpe, "--beam", "2", *remove)
        assert len(re.findall(r"^D-\d+\t", result.stdout, flags=re.MULTILINE)) == len(texts)
        assert "longer than 64 tokens and are cut off" in result.stdout + result.stderr

    def test_validate(self, sample, trained):
        flags = ["--path", trained[0], "--valid-subset", "test", "--max-tokens", "512"]
        command = ["fairseq-validate", sample / "data-bin", *TASK, *flags, "--log-format", "json"]
        result = run_command(*command)
        lines = (result.stdout + result.stderr).splitlines()
        line = next(line for line in lines if "| INFO | test |" in line)
        scores = json.loads(line[line.index("{") :])
        assert float(scores["test_response_ppl"]) > 1
        assert {f"test_e{n}_{m}" for n in (6, 2, 12) for m in ("loss", "accuracy", "f1")} <= set(
            scores
        )


class TestClassify:
    def classify(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        return run_command("emo-mtl", "classify", *arguments, "--cpu", check=check)

    def test_equals_validation(self, sample, trained, tmp_path):
        checkpoint, log = trained
        scores = tmp_path / "scores.json"
        predictions = tmp_path / "predictions.tsv"
        overlap = tmp_path / "overlap.json"
        run_command("emo-mtl", "overlap", "--data", sample, "--json", overlap)
        outputs = ["--json", scores, "--predictions", predictions, "--batch-size", "7"]
        outputs += ["--overlap", overlap, "--ignore-label", "neutral", "--ignore-label", "joy"]
        self.classify(sample / "data-bin", "--path", checkpoint, "--subset", "valid", *outputs)
        valid = next(line for line in json_lines(log) if "valid_loss" in line)
        parts = {}
        for result in json.loads(scores.read_text("utf-8")):
            parts.setdefault(result["task"], {})[result["part"]] = result
        assert parts.keys() == {"e6", "e2", "e12"}
        for task, found in parts.items():
            expected = float(valid[f"valid_{task}_accuracy"])
            assert found["all"]["accuracy"] == pytest.approx(expected, abs=0.01)
            whole, *others = (np.array(found[part]["confusion"]) for part in found)
            assert np.array_equal(whole, sum(others))
            assert ("others" in found["all"]) == (task != "e2")
        rows = predictions.read_text("utf-8").splitlines()[1:]
        gold = [row.split("\t")[2] for row in rows if row.split("\t")[1] == "e6"]
        assert gold == (sample / "text" / "e6" / "valid.label").read_text("utf-8").split()

    def test_head_that_was_not_trained(self, sample, tmp_path):
        train(sample, tmp_path, "--max-update", "1", "--disable-validation")
        arguments = [sample / "data-bin", "--path", tmp_path / "checkpoint_last.pt", "--task", "e6"]
        refused = self.classify(*arguments, check=False)
        assert refused.returncode == 1
        assert refused.stderr.strip().splitlines()[-1].startswith("emo_mtl: error: ")
        assert "--untrained-head" in refused.stderr
        assert "e6 on test" in self.classify(*arguments, "--untrained-head").stdout

    def test_text(self, sample, trained, tmp_path):
        source = tmp_path / "in.txt"
        source.write_text("So happy !\nI miss her .\n", encoding="utf-8")
        bpe = ["--bpe", "sentencepiece", "--sentencepiece-model", sample / "spm.model"]
        arguments = [sample / "data-bin", "--path", trained[0], "--input", source, *bpe]
        lines = self.classify(*arguments).stdout.splitlines()
        assert [line.split("\t")[-1] for line in lines] == ["So happy !", "I miss her ."]
        assert re.match(r"e6=\w+ [01]\.\d\d\te2=\w+ [01]\.\d\d\te12=\w+ [01]\.\d\d\t", lines[0])

    def test_scores_of_text_without_labels(self):
        with pytest.raises(UserError, match="use --predictions"):
            main(["classify", "model.pt", "--input", "-", "--json", "scores.json"])


class TestBadInput:
    """Each ends fairseq-train with one line that names the file or flag and the fix."""

    def refused(self, sample: Path, save_dir: Path, *flags: str) -> str:
        command = ["fairseq-train", sample / "data-bin", *TRAIN, "--save-dir", save_dir, *flags]
        result = run_command(*command, check=False)
        assert result.returncode == 1
        message = result.stderr.strip().splitlines()[-1]
        assert message.startswith("emo_mtl: error: ")
        assert "Traceback" not in result.stderr
        assert not list(save_dir.glob("*.pt"))
        return message

    def test_folder_that_is_missing(self, sample, tmp_path):
        message = self.refused(sample, tmp_path, "--classification-tasks", "e7")
        assert str(Path("e7") / "label" / "dict.txt") in message

    def test_weight_of_an_unknown_task(self, sample, tmp_path):
        flags = ["--classification-tasks", "e6", "--loss-weights", "e9=1"]
        assert "e9" in self.refused(sample, tmp_path, *flags)

    def test_checkpoint_with_other_heads(self, sample, tmp_path):
        train(sample, tmp_path / "r", "--max-update", "1", "--disable-validation")
        restore = ["--restore-file", tmp_path / "r" / "checkpoint_last.pt", *MULTITASK]
        assert "--reset-optimizer" in self.refused(sample, tmp_path / "new", *restore)

    @pytest.mark.skipif(
        sys.version_info < (3, 11), reason="fairseq 0.12.2 reads the launcher's variables itself"
    )
    def test_launcher_that_fairseq_ignores(self, sample, tmp_path):
        """Without GPUs fairseq would train twice by itself, and both would write one checkpoint."""
        launcher = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "0"}
        command = ["fairseq-train", sample / "data-bin", *TRAIN, "--save-dir", tmp_path]
        result = run_command(*command, check=False, **launcher)
        assert result.returncode == 1
        assert "--distributed-world-size 2" in result.stderr.splitlines()[-1]

    def test_checkpoint_with_another_vocabulary(self, sample, data_bin, tmp_path):
        train(sample, tmp_path / "r", "--max-update", "1", "--disable-validation")
        restore = ["--restore-file", tmp_path / "r" / "checkpoint_last.pt"]
        message = self.refused(data_bin.parent, tmp_path / "new", *restore)
        assert "its dictionary is not the one" in message
        assert "dict.txt" in message
