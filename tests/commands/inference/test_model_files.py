"""A save folder is a whole model: it can be moved, and every command takes the model's own BPE or none."""

import shutil
from pathlib import Path

import pytest
from helpers.commands import MULTITASK, TASK, run_command, train

from emo_mtl.errors import UserError
from emo_mtl.inference.hub_interface import EmoBART
from emo_mtl.inference.loading import load_heads

TEXT = "I miss her so much ."


@pytest.fixture(scope="module")
def moved(sample, tmp_path_factory) -> Path:
    """A model trained on data that is gone, in a folder that was moved."""
    folder = tmp_path_factory.mktemp("moved")
    shutil.copytree(sample, folder / "data")
    train(folder / "data", folder / "saved", *MULTITASK, "--max-update", "4")
    shutil.rmtree(folder / "data")
    return (folder / "saved").rename(folder / "model")


class TestMovedModel:
    def test_what_training_left(self, moved, sample):
        for name in ("dict.txt", "spm.model", "manifest.json"):
            assert (moved / name).read_bytes() == (sample / name).read_bytes()

    def test_python(self, moved, sample):
        model, data = (EmoBART.from_pretrained(moved, d, device="cpu") for d in (None, sample))
        assert model.respond([TEXT]) == data.respond([TEXT])
        assert model.classify([TEXT]) == data.classify([TEXT])
        assert model.titles == {"e6": "Emotion", "e2": "Positive or negative", "e12": "Feeling"}

    def test_untrained_head_needs_its_labels(self, moved):
        with pytest.raises(UserError, match=r"mood/label/dict\.txt: no such file"):
            load_heads(moved, None, ["mood"], untrained_head=True)

    def test_commands(self, moved, tmp_path):
        text = tmp_path / "in.txt"
        text.write_text(f"{TEXT}\n")
        classify = ["emo-mtl", "classify", moved, "--cpu", "--input", text]
        assert "e6=" in run_command(*classify).stdout
        interactive = ["fairseq-interactive", moved, *TASK, "--input", text]
        output = run_command(*interactive, "--path", moved / "checkpoint_best.pt").stdout
        assert "<unk>" not in output
        bart = EmoBART.from_pretrained(moved, device="cpu")
        (answer,) = bart.respond([TEXT], no_repeat_ngram_size=0, typed=False)
        assert f"\t{answer}\n" in output
        run_command("emo-mtl", "export-hf", moved, tmp_path / "hf")
        assert (tmp_path / "hf" / "e6").is_dir()


@pytest.fixture
def stranger(sample, tmp_path) -> Path:
    """Another corpus' SentencePiece model, with the same symbols in another order."""
    from emo_mtl.preparation.encode import train_sentencepiece

    lines = (sample / "text" / "e6" / "train.input").read_text("utf-8").splitlines()
    path = tmp_path / "spm.model"
    path.write_bytes(train_sentencepiece(lines, 400, 1.0))
    return path


class TestAnotherBPE:
    """A wrong result with status 0 before: another BPE's tokens are symbols, too."""

    def test_of_another_kind(self, sample, trained, tmp_path):
        (tmp_path / "in.txt").write_text(f"{TEXT}\n")
        flags = ["--bpe", "gpt2", "--gpt2-encoder-json", "a", "--gpt2-vocab-bpe", "b"]
        text = ["--input", tmp_path / "in.txt"]
        for command in (
            ["emo-mtl", "classify", trained[0], "--cpu", *text],
            ["fairseq-interactive", sample, *TASK, "--path", trained[0], *text],
            ["fairseq-generate", sample, *TASK, "--path", trained[0]],
        ):
            result = run_command(*command, *flags, check=False)
            assert result.returncode
            assert "the model's text was encoded with sentencepiece" in result.stderr

    def test_of_another_corpus(self, sample, trained, stranger):
        with pytest.raises(UserError, match=r"spm\.model: found SHA-256"):
            EmoBART.from_pretrained(trained[0], sentencepiece_model=stranger)

    def test_generation_finds_it(self, sample, trained, tmp_path):
        """Without --bpe; and where fairseq joins the pieces itself, they are not decoded again."""
        command = ["fairseq-generate", sample / "data-bin", *TASK, "--path", trained[0]]
        command += ["--beam", "1", "--max-len-b", "10"]

        def answers(*flags: str) -> list[str]:
            lines = run_command(*command, *flags).stdout.splitlines()
            return sorted(line for line in lines if line.startswith("D-"))

        spm = ("--bpe", "sentencepiece", "--sentencepiece-model", str(sample / "spm.model"))
        assert answers() == answers(*spm) == answers("--post-process", "sentencepiece")


def test_training_with_a_folder_of_another_model(sample, tmp_path):
    (tmp_path / "dict.txt").write_text("w 1\n")
    flags = ["fairseq-train", str(sample), *TASK, "--arch", "emo_bart_tiny", "--optimizer", "adam"]
    flags += ["--criterion", "multitask_nll", "--max-tokens", "512", "--save-dir", str(tmp_path)]
    result = run_command(*flags, check=False)
    assert "dict.txt: found another one" in result.stderr
    assert "Traceback" not in result.stderr
