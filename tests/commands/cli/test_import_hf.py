"""`emo-mtl import-hf` on folders that transformers wrote, and fairseq-train on what it makes of them."""

import json
import os
from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from helpers.checkpoints import real_state
from helpers.commands import run_command

from emo_mtl.cli.main import main
from emo_mtl.data.dictionaries import load_dictionary
from emo_mtl.errors import UserError
from emo_mtl.huggingface.library import hide_broken_torchaudio
from emo_mtl.huggingface.tokenizer import save_sentencepiece_tokenizer

hide_broken_torchaudio()
transformers = pytest.importorskip("transformers", reason="needs the extra emo-mtl[hf]")

# The flags of a training from pretrained BART (docs/training.md), but for the dimensions and a learning rate
# that leaves the parameters as they were loaded.
TRAIN = [
    *("--user-dir", "emo_mtl", "--task", "emotion_dialogue", "--arch", "emo_bart_large", "--cpu"),
    *("--classification-tasks", "e6,e2,e12", "--criterion", "multitask_nll"),
    *("--label-smoothing", "0.1", "--loss-weights", "e6=0.5,e2=0.5,e12=0"),
    *("--task-sampling", "round-robin", "--max-tokens", "512", "--update-freq", "4"),
    *("--share-all-embeddings", "--share-decoder-input-output-embed", "--layernorm-embedding"),
    *("--required-batch-size-multiple", "1", "--skip-invalid-size-inputs-valid-test"),
    *("--find-unused-parameters", "--dropout", "0.1", "--attention-dropout", "0.1"),
    *("--optimizer", "adam", "--clip-norm", "0.1", "--lr", "1e-9", "--max-update", "1"),
    *("--num-workers", "0", "--disable-validation"),
]
LAYERS = {"encoder_layers": 2, "decoder_layers": 1}
HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 4}
SIZES = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 24}


def write_bart(folder: Path, sample: Path, safe: bool = True) -> dict[str, torch.Tensor]:
    """A new BART of transformers with the sample's vocabulary; returns its parameters."""
    folder.mkdir()
    dictionary: Dictionary = load_dictionary(sample / "dict.txt")
    torch.manual_seed(1)
    config = transformers.BartConfig(vocab_size=len(dictionary), **LAYERS, **HEADS, **SIZES)
    model = transformers.BartForConditionalGeneration(config)
    if safe:
        model.save_pretrained(folder)
    else:
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    save_sentencepiece_tokenizer(folder, dictionary, sample / "spm.model", 64)
    return model.state_dict()


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**config, **changes}), encoding="utf-8")


def import_hf(folder: Path, *flags: str) -> Path:
    out = folder.with_name("out.pt")
    main(["import-hf", str(folder), str(out), *flags])
    return out


class TestTrain:
    def test_one_update_with_the_flags_of_the_readme(self, sample, tmp_path):
        expected = write_bart(tmp_path / "bart", sample)
        checkpoint = import_hf(tmp_path / "bart")
        sizes = ["--encoder-embed-dim", "16", "--encoder-ffn-embed-dim", "32"]
        sizes += ["--decoder-ffn-embed-dim", "24", "--encoder-layers", "2", "--decoder-layers", "1"]
        sizes += ["--encoder-attention-heads", "2", "--decoder-attention-heads", "4"]
        restore = ["--finetune-from-model", checkpoint, "--save-dir", tmp_path / "tuned"]
        result = run_command("fairseq-train", sample / "data-bin", *TRAIN, *sizes, *restore)
        assert "Loaded checkpoint" in result.stdout + result.stderr
        state = torch.load(tmp_path / "tuned" / "checkpoint_last.pt", weights_only=True)["model"]
        for name, tuned in real_state(state).items():
            if not name.startswith("classification_heads.") and not name.endswith(".version"):
                name = "lm_head.weight" if "output_projection" in name else f"model.{name}"
                torch.testing.assert_close(tuned, expected[name], rtol=0, atol=1e-6)

    def test_dictionary_is_that_of_the_tokenizer(self, sample, tmp_path, capsys):
        write_bart(tmp_path / "bart", sample)
        import_hf(tmp_path / "bart")
        found = Dictionary.load(str(tmp_path / "dict.txt"))
        assert found.symbols == Dictionary.load(str(sample / "dict.txt")).symbols
        assert (
            f"{len(found):,} symbols, to which fairseq's BART adds <mask>"
            in capsys.readouterr().out
        )


class TestBERT:
    """An encoder, which gets a decoder and the vocabulary of prepared data."""

    SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2}  # noqa: RUF012
    FLAGS = (
        *("--encoder-embed-dim", "16", "--encoder-ffn-embed-dim", "24", "--encoder-layers", "2"),
        *("--encoder-attention-heads", "2", "--decoder-layers", "2"),
        *("--decoder-attention-heads", "2"),
        *("--max-source-positions", "80", "--max-target-positions", "80"),
    )

    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        folder = tmp_path / "bert"
        folder.mkdir()
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
        (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
        transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
        torch.manual_seed(1)
        config = transformers.BertConfig(
            vocab_size=len(pieces), num_hidden_layers=2, max_position_embeddings=80, **self.SIZES
        )
        transformers.BertForMaskedLM(config).save_pretrained(folder)
        return folder

    def test_one_update_with_the_flags_that_are_printed(self, folder, sample, tmp_path, capsys):
        checkpoint = import_hf(folder, "--data", str(sample / "data-bin"))
        printed = capsys.readouterr().out
        assert "Embeddings: " in printed
        flags = printed.rsplit("Train with ", 1)[1].split()
        assert flags[0] == "--arch"
        assert tuple(flags[2:]) == self.FLAGS
        save_dir = tmp_path / "tuned"
        train = [*TRAIN, *flags, "--finetune-from-model", checkpoint, "--save-dir", save_dir]
        result = run_command("fairseq-train", sample / "data-bin", *train)
        assert "Loaded checkpoint" in result.stdout + result.stderr
        expected = torch.load(checkpoint, weights_only=True)["model"]
        tuned = torch.load(save_dir / "checkpoint_last.pt", weights_only=True)["model"]
        for name, value in expected.items():
            torch.testing.assert_close(tuned[name], value, rtol=0, atol=1e-6)

    def test_vocabulary_is_that_of_the_data(self, folder, sample, tmp_path):
        state = torch.load(import_hf(folder, "--data", str(sample)), weights_only=True)["model"]
        count = len(load_dictionary(sample / "dict.txt"))
        assert state["encoder.embed_tokens.weight"].shape == (count, 16)
        found = Dictionary.load(str(tmp_path / "dict.txt"))
        assert found.symbols == Dictionary.load(str(sample / "dict.txt")).symbols

    def test_without_a_vocabulary(self, folder):
        with pytest.raises(UserError, match="found a BERT and no --data, expected the folder"):
            import_hf(folder)

    def test_bart_has_one(self, sample, tmp_path):
        write_bart(tmp_path / "bart", sample)
        with pytest.raises(UserError, match="has a vocabulary of its own: leave --data out"):
            import_hf(tmp_path / "bart", "--data", str(sample))

    def test_no_data(self, folder, tmp_path):
        with pytest.raises(UserError, match="nowhere"):
            import_hf(folder, "--data", str(tmp_path / "nowhere"))
        assert not (tmp_path / "out.pt").exists()


class TestRows:
    """Folders whose embedding is not exactly as long as the tokenizer."""

    def write(self, folder: Path, sample: Path, change: int) -> int:
        """A BART with rows more or fewer than tokens; returns the number of tokens."""
        write_bart(folder, sample)
        model = transformers.BartForConditionalGeneration.from_pretrained(folder)
        count = model.config.vocab_size
        model.resize_token_embeddings(count + change)
        model.save_pretrained(folder)
        return count

    @pytest.mark.parametrize("kind", ["facebook/bart-large-cnn", "padded"])
    def test_adapted(self, kind, sample, tmp_path, caplog):
        count = len(load_dictionary(sample / "dict.txt"))
        change = -1 if kind != "padded" else -count % 8 or 8
        assert self.write(tmp_path / "bart", sample, change) == count
        state = torch.load(import_hf(tmp_path / "bart"), weights_only=True)["model"]
        assert state["encoder.embed_tokens.weight"].size(0) == count
        assert ("a row is added" if change < 0 else "are cut off") in caplog.text

    def test_refused(self, sample, tmp_path):
        self.write(tmp_path / "bart", sample, -2)
        with pytest.raises(UserError, match="expected one token for each"):
            import_hf(tmp_path / "bart")


class TestFiles:
    @pytest.mark.skipif(
        tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 6),
        reason="transformers takes no .bin files with torch < 2.6",
    )
    def test_bin_equals_safetensors(self, sample, tmp_path):
        for name, safe in (("safe", True), ("bin", False)):
            (tmp_path / name).mkdir()
            write_bart(tmp_path / name / "bart", sample, safe)
            import_hf(tmp_path / name / "bart")
        safe, old = (
            torch.load(tmp_path / name / "out.pt", weights_only=True)["model"]
            for name in ("safe", "bin")
        )
        assert safe.keys() == old.keys()
        for name, value in safe.items():
            assert torch.equal(value, old[name]), name

    def test_folder_of_a_bart_without_lm_head(self, sample, tmp_path):
        """`facebook/bart-base` is one: a `BartModel`, whose output is the shared embedding."""
        expected = write_bart(tmp_path / "bart", sample)
        model = transformers.BartForConditionalGeneration.from_pretrained(tmp_path / "bart")
        model.model.save_pretrained(tmp_path / "bart")
        found = torch.load(import_hf(tmp_path / "bart"), weights_only=True)["model"]
        for name in ("encoder.embed_tokens.weight", "decoder.layers.0.encoder_attn.q_proj.bias"):
            assert torch.equal(found[name], expected[f"model.{name}"])

    def test_nothing_is_overwritten_unasked(self, sample, tmp_path):
        write_bart(tmp_path / "bart", sample)
        (tmp_path / "dict.txt").write_text("mine 1\n", encoding="utf-8")
        with pytest.raises(UserError, match="exists already"):
            import_hf(tmp_path / "bart")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["bart", "dict.txt"]
        import_hf(tmp_path / "bart", "--overwrite")
        assert (tmp_path / "dict.txt").read_text("utf-8") != "mine 1\n"


class Evil:
    """Runs a command when it is unpickled without protection."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TestRefused:
    @pytest.fixture
    def folder(self, sample, tmp_path) -> Path:
        write_bart(tmp_path / "bart", sample)
        return tmp_path / "bart"

    def refused(self, folder: Path, message: str) -> None:
        with pytest.raises(UserError, match=message):
            import_hf(folder)
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]

    def test_no_folder(self, tmp_path):
        with pytest.raises(UserError, match="expected the configuration of a BART"):
            import_hf(tmp_path / "missing")

    def test_other_kind_of_model(self, folder):
        edit_config(folder, model_type="mbart")
        self.refused(folder, "found model_type 'mbart', expected 'bart' or 'bert'")

    def test_pre_norm(self, folder):
        edit_config(folder, normalize_before=True)
        self.refused(folder, "pre-norm")

    def test_parameters_that_are_missing(self, folder):
        edit_config(folder, decoder_layers=2)
        self.refused(folder, r"found no parameters model\.decoder\.layers\.1\.")

    def test_damaged_file(self, folder):
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:1000])
        self.refused(folder, "the model cannot be loaded")

    def test_no_tokenizer(self, folder):
        for name in ("dict.txt", "sentencepiece.bpe.model", "tokenizer_config.json"):
            (folder / name).unlink()
        self.refused(folder, "tokenizer")

    def test_code_in_a_bin_file_is_not_run(self, sample, tmp_path):
        write_bart(tmp_path / "bart", sample, safe=False)
        path = tmp_path / "bart" / "pytorch_model.bin"
        state = torch.load(path, weights_only=True)
        torch.save({**state, "evil": Evil(tmp_path / "ran")}, path)
        self.refused(tmp_path / "bart", "the model cannot be loaded")
