"""The model: sentence features, architectures, heads, and checkpoints of other models."""

import argparse
import os
from pathlib import Path

import pytest
import torch
from fairseq import checkpoint_utils
from fairseq.models import ARCH_CONFIG_REGISTRY
from fairseq.models.bart.model import BARTModel
from fairseq.trainer import Trainer
from helpers.checkpoints import real_state, save_checkpoint
from helpers.config import parse_train, train_argv
from helpers.data import WORDS

from emo_mtl.compat import is_copy
from emo_mtl.errors import UserError
from emo_mtl.models.emo_bart import check_heads, check_vocabulary, head_sizes, last_position
from emo_mtl.training.restore import check_parameters

BOS, PAD, EOS = 0, 1, 2

TORCH = tuple(int(part) for part in torch.__version__.split(".")[:2])


def net_input(rows: list[list[int]]) -> dict[str, torch.Tensor]:
    """Right-padded utterances and, for the decoder, the same shifted to the right."""
    width = max(map(len, rows))
    source = torch.tensor([row + [PAD] * (width - len(row)) for row in rows])
    shifted = torch.tensor([[EOS, *row[:-1]] + [PAD] * (width - len(row)) for row in rows])
    lengths = torch.tensor([len(row) for row in rows])
    return {"src_tokens": source, "src_lengths": lengths, "prev_output_tokens": shifted}


class TestLastPosition:
    @pytest.mark.parametrize(
        ("row", "position"),
        [
            ([0, 5, 6, 2], 3),
            ([0, 5, 2, 1], 2),
            ([0, 2, 2, 2], 3),
            ([2, 5, 2, 6], 2),
            ([2, 5, 6, 7], 0),
            ([0, 5, 6, 7], 0),
        ],
    )
    def test_row(self, row, position):
        assert last_position(torch.tensor([row]), EOS).tolist() == [position]

    def test_rows(self):
        tokens = torch.tensor([[0, 2, 1, 1, 1], [0, 2, 2, 1, 1], [0, 5, 6, 7, 2]])
        result = last_position(tokens, EOS)
        assert result.tolist() == [1, 2, 4]
        assert result.dtype == torch.int64


class TestSentenceFeature:
    ROWS = (
        [BOS, 5, 6, EOS],
        [BOS, 7, EOS, 8, EOS],  # `</s>` within the utterance
        [BOS, 9, EOS, EOS, EOS, EOS, EOS],  # several in a row
        [BOS, EOS],
        [BOS, 10, 11, 12, 13, 14, EOS],
    )

    def test_no_attention_weights(self, shared_model):
        """With weights to return, attention has no fused kernel; a plain forward has them."""
        inputs = net_input([list(row) for row in self.ROWS])
        _, extra = shared_model(**inputs, classification_head_name="e6")
        assert extra["attn"] == [None]
        _, extra = shared_model(**inputs, lm_loss=lambda features, weight: features)
        assert extra["attn"] == [None]
        _, extra = shared_model(**inputs)
        assert extra["attn"][0].shape[0] == len(self.ROWS)

    @pytest.mark.parametrize("head", ["e6", "e2"])
    def test_rows_are_not_mixed(self, shared_model, head):
        """Each row of a batch has the logits that it has alone, without padding."""
        rows = [list(row) for row in self.ROWS]
        together, _ = shared_model(**net_input(rows), classification_head_name=head)
        for i, row in enumerate(rows):
            alone, _ = shared_model(**net_input([row]), classification_head_name=head)
            torch.testing.assert_close(together[i], alone[0])
        assert len({tuple(row) for row in together.tolist()}) == len(rows)

    def test_fairseq_mixes_them(self, shared_model):
        """What `BARTModel` does with these rows: another number of `</s>` cannot be reshaped."""
        rows = [[BOS, 5, EOS, EOS], [BOS, 7, 8, EOS]]
        with pytest.raises(RuntimeError, match="invalid for input of size"):
            BARTModel.forward(shared_model, **net_input(rows), classification_head_name="e6")

    def test_equals_fairseq_on_one_eos_a_row(self, shared_model):
        batch = net_input([[BOS, 5, 6, 7, EOS], [BOS, 8, 9, 10, EOS], [BOS, 11, EOS]])
        ours, _ = shared_model(**batch, classification_head_name="e6")
        stock, _ = BARTModel.forward(shared_model, **batch, classification_head_name="e6")
        assert torch.equal(ours, stock)

    def test_without_head_equals_fairseq(self, shared_model):
        batch = net_input([[BOS, 5, 6, 7, EOS], [BOS, 8, EOS]])
        ours, stock = shared_model(**batch)[0], BARTModel.forward(shared_model, **batch)[0]
        assert torch.equal(ours, stock)
        assert ours.shape == (2, 5, len(WORDS) + 5)  # <s> <pad> </s> <unk> <mask>

    def test_feature_is_of_the_last_eos(self, shared_model):
        """The head of a batch sees the decoder's state where the source has its last `</s>`."""
        batch = net_input([[BOS, 5, EOS, 6, EOS], [BOS, 8, EOS]])
        states, _ = BARTModel.forward(shared_model, **batch, features_only=True)
        expected = shared_model.classification_heads["e2"](states[[0, 1], [4, 2]])
        assert torch.equal(shared_model(**batch, classification_head_name="e2")[0], expected)

    def test_gradient_stays_in_the_row(self, shared_model):
        """The loss of the first row has no gradient to the second row's words."""
        batch = net_input([[BOS, 5, 6, EOS], [BOS, 8, EOS, EOS]])
        loss = shared_model(**batch, classification_head_name="e6")[0][0].sum()
        (gradient,) = torch.autograd.grad(loss, shared_model.encoder.embed_tokens.weight)
        gradient = gradient.abs().sum(dim=1)
        assert gradient[5] > 0
        assert gradient[8] == 0

    def test_unknown_head(self, shared_model):
        with pytest.raises(KeyError, match="e7"):
            shared_model(**net_input([[BOS, EOS]]), classification_head_name="e7")


class TestArchitectures:
    @pytest.mark.parametrize(
        ("arch", "layers", "units", "ffn", "attention_heads"),
        [
            ("emo_bart_tiny", 2, 128, 512, 4),
            ("emo_bart_small", 3, 192, 768, 4),
            ("emo_bart_minilm", 6, 384, 1536, 12),
            ("emo_bart_base", 6, 768, 3072, 12),
            ("emo_bart_large", 12, 1024, 4096, 16),
        ],
    )
    def test_dimensions(self, arch, layers, units, ffn, attention_heads):
        args = argparse.Namespace()
        ARCH_CONFIG_REGISTRY[arch](args)
        for side in ("encoder", "decoder"):
            assert getattr(args, f"{side}_layers") == layers
            assert getattr(args, f"{side}_embed_dim") == units
            assert getattr(args, f"{side}_ffn_embed_dim") == ffn
            assert getattr(args, f"{side}_attention_heads") == attention_heads
            assert getattr(args, f"{side}_learned_pos") is True
        assert args.max_source_positions == args.max_target_positions == 1024
        assert args.share_all_embeddings
        assert args.layernorm_embedding
        assert args.activation_fn == "gelu"

    @pytest.mark.parametrize("arch", ["emo_bart_base", "emo_bart_large"])
    def test_same_as_of_fairseq(self, arch):
        ours, stock = argparse.Namespace(), argparse.Namespace()
        ARCH_CONFIG_REGISTRY[arch](ours)
        ARCH_CONFIG_REGISTRY[arch.replace("emo_", "")](stock)
        assert ours == stock

    @pytest.mark.parametrize(
        ("arch", "expected"),
        [("emo_bart_tiny", 0.02 * 4), ("emo_bart_small", 0.02 * 4), ("emo_bart_base", 0.02)],
    )
    def test_initial_weights(self, build, arch, expected):
        """Of narrow ones 0.02 * sqrt(1024 / units); embeddings and all of the others: 0.02."""
        size = {"encoder_layers": "1", "decoder_layers": "1", "encoder_attention_heads": "4"}
        size |= {"decoder_attention_heads": "4", "encoder_embed_dim": "64"}
        model = build(arch=arch, encoder_ffn_embed_dim="512", **size)[2]
        layer = model.decoder.layers[0]
        for linear in (
            layer.fc1,
            layer.fc2,
            layer.encoder_attn.q_proj,
            layer.encoder_attn.out_proj,
        ):
            assert linear.weight.std().item() == pytest.approx(expected, rel=0.1)
        assert model.encoder.embed_tokens.weight.std().item() == pytest.approx(0.02, rel=0.1)

    def test_flags_win(self):
        args = argparse.Namespace(encoder_layers=3, encoder_embed_dim=64)
        ARCH_CONFIG_REGISTRY["emo_bart_tiny"](args)
        assert (args.encoder_layers, args.decoder_embed_dim, args.decoder_layers) == (3, 64, 2)

    def test_embeddings_are_shared(self, shared_model):
        assert shared_model.encoder.embed_tokens is shared_model.decoder.embed_tokens
        assert (
            shared_model.decoder.output_projection.weight
            is shared_model.decoder.embed_tokens.weight
        )


class TestHeads:
    def test_one_a_task(self, shared_model):
        sizes = {n: h.out_proj.out_features for n, h in shared_model.classification_heads.items()}
        assert sizes == {"e6": 6, "e2": 2}
        assert head_sizes(shared_model.state_dict()) == sizes

    def test_none(self, build):
        model = build(classification_tasks="")[2]
        assert len(model.classification_heads) == 0
        assert head_sizes(model.state_dict()) == {}

    def test_name_with_dash(self):
        state = {
            "classification_heads.my-task.out_proj.weight": torch.zeros(3, 8),
            "classification_heads.my-task.out_proj.bias": torch.zeros(3),
            "classification_heads.my-task.dense.weight": torch.zeros(8, 8),
            "encoder.embed_tokens.weight": torch.zeros(45, 8),
        }
        assert head_sizes(state) == {"my-task": 3}

    def test_check_heads(self):
        check_heads({"e6": 6, "e2": 2}, {"e2": 2, "e6": 6})
        check_heads({}, {})

    @pytest.mark.parametrize(
        ("found", "expected"), [({}, {"e6": 6}), ({"e6": 6}, {}), ({"e6": 6}, {"e6": 7})]
    )
    def test_check_heads_refuses(self, found, expected):
        with pytest.raises(UserError) as caught:
            check_heads(found, expected)
        message = str(caught.value)
        assert f"the checkpoint has the classification heads {found or 'none'}" in message
        assert f"this run has {expected or 'none'}" in message
        assert "--classification-tasks" in message
        assert "--reset-optimizer" in message

    def test_check_vocabulary(self):
        state = {"encoder.embed_tokens.weight": torch.zeros(50_265, 1)}
        check_vocabulary(state, 50_265)
        with pytest.raises(UserError, match=r"50,265 symbols.* has 50,264 \(with <mask>\)"):
            check_vocabulary(state, 50_264)

    def test_set_beam_size_does_nothing(self, shared_model):
        """fairseq's own would leave the attention reading every fifth row (main, after 0.12.2)."""
        batch = net_input([[BOS, 5, 6, EOS], [BOS, 8, EOS]])
        before = shared_model(**batch, classification_head_name="e6")[0]
        shared_model.set_beam_size(5)
        assert torch.equal(shared_model(**batch, classification_head_name="e6")[0], before)
        assert all(
            getattr(layer.encoder_attn, "beam_size", 1) == 1
            for layer in shared_model.decoder.layers
        )


class Evil:
    """Code that runs when it is unpickled without protection."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def old_bart(build):
    """State of a checkpoint as `bart.large/shared_model.pt` holds it, of a small random BART.

    No classification heads, no output projection of its own (tied), flags in an `argparse.Namespace`,
    none of today's `cfg` and `task_state`; embeddings for the dictionary and `<mask>`.
    """
    torch.manual_seed(5)
    args = parse_train(train_argv(build()[0].task.data, classification_tasks="")).model
    task = build(classification_tasks="")[1]
    model = BARTModel.build_model(args, task)
    parameters = {
        key: value
        for key, value in real_state(model.state_dict()).items()
        if not key.startswith("classification_heads") and "output_projection" not in key
    }
    flags = argparse.Namespace(
        arch="bart_large",
        task="denoising",
        criterion="cross_entropy",
        optimizer="adam",
        lr=[0.0004],
        max_source_positions=1024,
        max_target_positions=1024,
        encoder_embed_dim=args.encoder_embed_dim,
        mask_length="span-poisson",
    )
    return {
        "args": flags,
        "model": parameters,
        "optimizer_history": [
            {
                "criterion_name": "CrossEntropyCriterion",
                "optimizer_name": "FP16Optimizer",
                "lr_scheduler_state": {"best": 1.9},
                "num_updates": 500_000,
            }
        ],
        "extra_state": {
            "train_iterator": {"epoch": 39, "iterations_in_epoch": 1234},
            "val_loss": 1.9,
            "train_meters": {},
        },
        "last_optimizer_state": None,
    }


RESET = dict.fromkeys(
    ("reset_optimizer", "reset_dataloader", "reset_meters", "reset_lr_scheduler")
)  # flags without a value


def restore(build, **flags):
    """The trainer and the iterator with which fairseq-train starts, given these flags."""
    cfg, task, model, criterion = build(**flags)
    trainer = Trainer(cfg, task, model, criterion)
    _, epoch_itr = checkpoint_utils.load_checkpoint(cfg.checkpoint, trainer)
    return trainer, epoch_itr


def test_copies_that_fairseq_makes_when_it_loads(build):
    """fairseq 0.12.2's encoder has more parameters than any file: they are no other architecture."""
    _, _, model, _ = build()
    state = {name: value for name, value in model.state_dict().items() if not is_copy(name)}
    layer = model.encoder.layers[0]
    if not hasattr(layer, "fc1_bias"):
        layer.fc1_bias = torch.nn.Parameter(torch.zeros(3))
    check_parameters(Path("model.pt"), state, model)
    del state["encoder.layers.0.fc1.bias"]
    with pytest.raises(UserError, match=r"found nothing as encoder\.layers\.0\.fc1\.bias"):
        check_parameters(Path("model.pt"), state, model)


class TestPretrainedBART:
    @pytest.fixture
    def path(self, tmp_path, old_bart):
        torch.save(old_bart, tmp_path / "model.pt")
        return tmp_path / "model.pt"

    def test_parameters_are_those_of_the_file(self, build, old_bart, path):
        fresh = build()[2]
        trainer, _ = restore(build, restore_file=path, **RESET)
        loaded = real_state(trainer.model.state_dict())
        for key, value in old_bart["model"].items():
            torch.testing.assert_close(loaded[key], value, rtol=0, atol=0)
        torch.testing.assert_close(
            loaded["decoder.output_projection.weight"],
            old_bart["model"]["decoder.embed_tokens.weight"],
            rtol=0,
            atol=0,
        )
        heads = {k: v for k, v in loaded.items() if k.startswith("classification_heads.")}
        assert len(heads) == 2 * 4
        for key, value in heads.items():
            torch.testing.assert_close(value, fresh.state_dict()[key], rtol=0, atol=0)
        others = loaded.keys() - old_bart["model"].keys() - heads.keys()
        assert others == {"decoder.output_projection.weight"}

    def test_finetune_from_model(self, build, old_bart, path, tmp_path):
        """The same by --finetune-from-model, which resets everything itself."""
        flags = {"finetune_from_model": path, "save_dir": tmp_path / "runs"}
        trainer, epoch_itr = restore(build, **flags)
        assert epoch_itr.epoch == 1
        torch.testing.assert_close(
            trainer.model.encoder.embed_tokens.weight.data,
            old_bart["model"]["encoder.embed_tokens.weight"],
            rtol=0,
            atol=0,
        )

    def test_training_starts_anew(self, build, path):
        trainer, epoch_itr = restore(build, restore_file=path, **RESET)
        assert epoch_itr.epoch == 1
        assert epoch_itr.iterations_in_epoch == 0
        batch = next(epoch_itr.next_epoch_itr())
        assert trainer.train_step([batch])["loss"] > 0

    def test_positions_stay(self, build, path):
        """1024 positions and fairseq's two offset rows, though texts are cut at 64 tokens."""
        trainer, _ = restore(build, restore_file=path, **RESET, max_source_length="12")
        for side in (trainer.model.encoder, trainer.model.decoder):
            assert side.embed_positions.weight.size(0) == 1024 + 2
        assert trainer.model.max_positions() == (1024, 1024)

    def test_rows_are_the_dictionary_with_mask(self, build, old_bart, path):
        trainer, _ = restore(build, restore_file=path, **RESET)
        assert trainer.task.source_dictionary.symbols[-1] == "<mask>"
        rows = old_bart["model"]["encoder.embed_tokens.weight"].size(0)
        assert rows == len(trainer.task.source_dictionary) == len(WORDS) + 4 + 1

    def test_without_reset_optimizer(self, build, path):
        with pytest.raises(UserError, match=r"heads none .* this run has .*--reset-optimizer"):
            restore(build, restore_file=path)

    def test_other_vocabulary(self, build, old_bart, path):
        for side in ("encoder", "decoder"):
            key = f"{side}.embed_tokens.weight"
            old_bart["model"][key] = torch.cat([old_bart["model"][key], torch.zeros(6, 16)])
        torch.save(old_bart, path)
        with pytest.raises(
            UserError, match="for 51 symbols, but the dictionary of the data has 45"
        ):
            restore(build, restore_file=path, **RESET)

    def test_heads_of_another_run_are_replaced(self, build, old_bart, path, tmp_path):
        """--reset-optimizer starts from a fine-tuned checkpoint with other heads."""
        trainer, _ = restore(build, restore_file=path, **RESET, classification_tasks="e2")
        save_checkpoint(trainer, tmp_path / "e2.pt")
        again, _ = restore(
            build, restore_file=tmp_path / "e2.pt", **RESET, classification_tasks="e6"
        )
        assert head_sizes(again.model.state_dict()) == {"e6": 6}
        assert again.task.heads.keys() == {"e6"}


class TestWeightsOnly:
    """Loading stays protected: data and `argparse.Namespace`, and no other class."""

    def test_namespace_is_allowed(self, tmp_path, old_bart):
        torch.save(old_bart, tmp_path / "model.pt")
        state = torch.load(tmp_path / "model.pt", weights_only=True)
        assert state["args"].arch == "bart_large"
        assert checkpoint_utils.load_checkpoint_to_cpu(str(tmp_path / "model.pt"))["cfg"]

    def test_refused_without_the_allow_list(self, tmp_path, old_bart):
        torch.save(old_bart, tmp_path / "model.pt")
        allowed = torch.serialization.get_safe_globals()
        torch.serialization.clear_safe_globals()
        try:
            with pytest.raises(Exception, match=r"Unsupported global: GLOBAL argparse\.Namespace"):
                torch.load(tmp_path / "model.pt", weights_only=True)
        finally:
            torch.serialization.add_safe_globals(allowed)

    def test_other_class_is_refused(self, tmp_path, old_bart):
        old_bart["extra_state"]["evil"] = Evil(tmp_path / "ran")
        torch.save(old_bart, tmp_path / "model.pt")
        with pytest.raises(Exception, match=r"(?i)unsupported global"):
            torch.load(tmp_path / "model.pt", weights_only=True)
        assert not (tmp_path / "ran").exists()

    @pytest.mark.skipif(TORCH < (2, 6), reason="torch < 2.6 loads without protection by default")
    def test_other_class_is_refused_by_fairseq(self, tmp_path, old_bart):
        old_bart["extra_state"]["evil"] = Evil(tmp_path / "ran")
        torch.save(old_bart, tmp_path / "model.pt")
        with pytest.raises(Exception, match=r"(?i)unsupported global"):
            checkpoint_utils.load_checkpoint_to_cpu(str(tmp_path / "model.pt"))
        assert not (tmp_path / "ran").exists()
