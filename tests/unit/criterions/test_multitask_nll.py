"""Losses and gradients of `multitask_nll`, against hand-computed values and against fairseq itself."""

import math
from pathlib import Path

import pytest
import torch
from fairseq import tasks
from fairseq.logging import metrics
from fairseq.trainer import Trainer
from helpers.config import parse_train, train_argv
from helpers.data import WORDS, binarize, make_dictionary, with_sets, write_data_bin
from sklearn.metrics import accuracy_score, f1_score

from emo_mtl.criterions.multitask_nll import MultitaskNLLCriterion, class_counts
from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import (
    accuracy,
    accuracy_of_counts,
    confusion_matrix,
    macro_f1_of_counts,
)
from emo_mtl.evaluation.metrics import class_counts as counts_of_matrix


def batch_of(task, name: str, split: str = "train", size: int = 4) -> dict:
    """The first examples of one task as a batch."""
    if split not in task.datasets:
        task.load_dataset(split)
    dataset = task.datasets[split]
    indices = sorted(dataset.task_indices(name))[:size]
    return dataset.collater([dataset[i] for i in indices])


def reduced(logs: list[dict]) -> list[dict[str, float]]:
    """What is logged of some batches, one after the other, and at once as if of several ranks."""
    found = []
    for groups in ([[log] for log in logs], [logs]):
        with metrics.aggregate(new_root=True) as meters:
            for group in groups:
                MultitaskNLLCriterion.reduce_metrics(group)
        found.append(meters.get_smoothed_values())
    return found


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


class TestClassCounts:
    def test_counts(self):
        logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [0.0, 3.0, 1.0]])
        assert class_counts(logits, torch.tensor([0, 1, 2])).tolist() == [
            [1, 1, 0],  # hits
            [1, 1, 1],  # gold
            [1, 2, 0],  # predicted
        ]

    def test_scores_are_those_of_the_confusion_matrix(self):
        logits, target = torch.randn(200, 7), torch.randint(7, (200,))
        matrix = confusion_matrix(target, logits.argmax(dim=1), 7)
        hits, gold, predicted = class_counts(logits, target).numpy()
        assert accuracy_of_counts(hits, gold) == accuracy(matrix)
        assert macro_f1_of_counts(hits, gold, predicted) == macro_f1_of_counts(
            *counts_of_matrix(matrix)
        )


class TestForward:
    def test_response_is_mean_per_token(self, build):
        _, task, model, criterion = build()
        sample = batch_of(task, "response")
        loss, sample_size, log = criterion(model, sample)
        lprobs = model.get_normalized_probs(model(**sample["net_input"]), log_probs=True)
        real = sample["target"] != task.target_dictionary.pad()
        gold = lprobs.gather(2, sample["target"].unsqueeze(2)).squeeze(2)[real]
        others = lprobs.sum(dim=2)[real]
        epsilon = 0.1 / (lprobs.size(2) - 1)  # fairseq spreads it over the V - 1 other symbols
        expected = -((1 - 0.1 - epsilon) * gold + epsilon * others).mean()
        assert sample_size == 1
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        assert log["response_ntokens"] == sample["ntokens"] == real.sum()

    def test_classification_is_weighted_mean_per_utterance(self, build):
        _, task, model, criterion = build(loss_weights="e6=0.25")
        sample = batch_of(task, "e6", size=5)
        loss, sample_size, log = criterion(model, sample)
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        gold = logits.log_softmax(dim=1)[torch.arange(5), sample["target"]]
        assert sample_size == 1
        assert loss.item() == pytest.approx(-0.25 * gold.mean().item(), rel=1e-5)
        assert log["e6:loss"].item() == pytest.approx(-gold.sum().item(), rel=1e-5)

    def test_sum_over_tokens(self, build):
        """A batch of responses counts with all its tokens, classification as before."""
        _, task, model, mean = build()
        criterion = build(response_loss_reduction="sum")[-1]
        batch = batch_of(task, "response")
        (loss, sample_size, log), (mean_loss, _, mean_log) = (
            criterion(model, batch),
            mean(model, batch),
        )
        assert sample_size == 1
        assert loss.item() == pytest.approx(mean_loss.item() * batch["ntokens"], rel=1e-5)
        assert log["response_loss"] == mean_log["response_loss"], "what is logged stays per token"
        batch = batch_of(task, "e6")
        torch.testing.assert_close(criterion(model, batch)[0], mean(model, batch)[0])

    def test_sum_over_tokens_without_classification(self, build):
        _, task, model, criterion = build(classification_tasks="", response_loss_reduction="sum")
        task.load_dataset("train")
        dataset = task.datasets["train"]
        loss, sample_size, log = criterion(model, dataset.collater([dataset[0], dataset[1]]))
        assert sample_size == log["sample_size"] == 1
        assert loss.item() == pytest.approx(log["response_loss"].item())

    def test_keys_do_not_depend_on_the_task(self, build):
        _, task, model, criterion = build()
        logs = [criterion(model, batch_of(task, name))[2] for name in ("response", "e6", "e2")]
        assert logs[0].keys() == logs[1].keys() == logs[2].keys()

    def test_weight_doubles_the_gradient(self, build):
        _, task, model, criterion = build(loss_weights="e6=1")
        sample = batch_of(task, "e6")
        single = gradients(model, criterion(model, sample)[0])
        criterion.loss_weights["e6"] = 2.0
        double = gradients(model, criterion(model, sample)[0])
        for name, grad in single.items():
            torch.testing.assert_close(double[name], 2 * grad)

    def test_padding_changes_nothing(self, build):
        _, task, model, criterion = build()
        model.eval()
        sample = batch_of(task, "e6")
        padded = dict(sample, net_input=dict(sample["net_input"]))
        for key in ("src_tokens", "prev_output_tokens"):
            tokens = padded["net_input"][key]
            pad = tokens.new_full((tokens.size(0), 7), task.source_dictionary.pad())
            padded["net_input"][key] = torch.cat([tokens, pad], dim=1)
        loss, padded_loss = (criterion(model, s)[0] for s in (sample, padded))
        assert padded_loss.item() == pytest.approx(loss.item(), rel=1e-5)

    def test_batch_size_changes_nothing(self, build):
        _, task, model, criterion = build()
        model.eval()
        dataset = task.datasets.get("train") or (
            task.load_dataset("train") or task.datasets["train"]
        )
        indices = sorted(dataset.task_indices("e6"))[:4]
        together = criterion(model, dataset.collater([dataset[i] for i in indices]))[0]
        alone = [criterion(model, dataset.collater([dataset[i]]))[0].item() for i in indices]
        assert together.item() == pytest.approx(sum(alone) / 4, rel=1e-5)

    @pytest.mark.parametrize("name", ["response", "e6"])
    def test_autocast(self, build, name):
        """As `--amp` runs it: loss and gradients are those of float32, rounded."""
        _, task, model, criterion = build()
        sample = batch_of(task, name)
        loss, _, _ = criterion(model, sample)
        with torch.autocast("cpu", torch.bfloat16):
            half, _, _ = criterion(model, sample)
        torch.testing.assert_close(half, loss, rtol=0.02, atol=0)
        expected, found = (gradients(model, each) for each in (loss, half))
        assert found.keys() == expected.keys()
        scale = max(gradient.abs().max() for gradient in expected.values())
        for parameter, gradient in found.items():
            assert gradient.dtype == torch.float32
            torch.testing.assert_close(gradient, expected[parameter], rtol=0.1, atol=0.02 * scale)


class TestGain:
    """By how much less probable responses are after the utterance of the next one of their mini-batch."""

    @staticmethod
    def nll(task, model, batch: dict) -> float:
        """Computed anew, in nats, summed."""
        lprobs = model.get_normalized_probs(model(**batch["net_input"]), log_probs=True)
        gold = lprobs.gather(2, batch["target"].unsqueeze(2)).squeeze(2)
        return -gold[batch["target"] != task.target_dictionary.pad()].sum().item()

    def test_is_the_difference_of_two_losses(self, build):
        _, task, model, criterion = build()
        batch = batch_of(task, "response", "valid", size=3)
        sources = batch["net_input"]["src_tokens"]
        with torch.no_grad():
            log = criterion(model.eval(), batch)[2]
            own = self.nll(task, model, batch)
            batch["net_input"]["src_tokens"] = sources[[2, 0, 1]]
            other = self.nll(task, model, batch)
        assert abs(other - own) > 1e-3
        assert log["response_gain"].item() == pytest.approx(other - own, rel=1e-3)
        assert log["response_nll_loss"].item() == pytest.approx(own, rel=1e-5)
        bits = reduced([log])[0]["response_gain"]
        assert bits == pytest.approx((other - own) / batch["ntokens"] / math.log(2), abs=6e-4)

    def test_encoder_that_gives_all_texts_the_same_states(self, build):
        """Perplexity does not tell; the gain does."""
        _, task, model, criterion = build()
        last = model.encoder.layers[-1].final_layer_norm
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.ones_(last.bias)
        log = criterion(model.eval(), batch_of(task, "response", "valid"))[2]
        assert reduced([log])[0]["response_gain"] == 0

    def test_is_not_measured_in_training_or_of_one_response(self, build):
        _, task, model, criterion = build()
        batch, one = (batch_of(task, "response", size=size) for size in (3, 1))
        logs = [criterion(model.train(), batch)[2], criterion(model.eval(), one)[2]]
        assert all("response_gain" not in values for values in reduced(logs))

    def test_batches_and_ranks_add_up(self, build):
        """Each token counts the same, also beside batches that have none."""
        _, task, model, criterion = build()
        task.load_dataset("valid")
        data = task.datasets["valid"]
        indices = data.task_indices("response")
        groups = [indices[:5], indices[5:7], indices[7:8], data.task_indices("e6")[:3]]
        batches = [data.collater([data[int(i)] for i in group]) for group in groups]
        with torch.no_grad():
            logs = [criterion(model.eval(), batch)[2] for batch in batches]
        nats = sum(log["response_gain"].item() for log in logs)
        tokens = batches[0]["ntokens"] + batches[1]["ntokens"]
        for values in reduced(logs):
            expected = nats / tokens / math.log(2)
            assert values["response_gain"] == pytest.approx(expected, abs=6e-4)


CLASS_WEIGHTED = {"class_weights": "e6=balanced", "loss_weights": "e6=0.5"}


class TestClassWeights:
    """`--class-weights`: of e6, anger and disgust 20 / 24, the others 20 / 18."""

    def test_weighted_mean(self, build):
        _, task, model, criterion = build(**CLASS_WEIGHTED)
        sample = batch_of(task, "e6", size=5)
        loss, sample_size, log = criterion(model, sample)
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        nll = -logits.log_softmax(dim=1)[torch.arange(5), sample["target"]]
        weights = torch.tensor([20 / 24] * 2 + [20 / 18] * 4)[sample["target"]]
        total = (weights * nll).sum()
        assert sample_size == 1
        assert loss.item() == pytest.approx(0.5 * (total / weights.sum()).item(), rel=1e-5)
        assert log["e6:loss"].item() == pytest.approx(total.item(), rel=1e-5)
        assert log["e6:weights"].item() == pytest.approx(weights.sum().item())
        assert log["e6:count"] == 5

    def test_tasks_without_are_as_before(self, build):
        _, task, model, criterion = build(**CLASS_WEIGHTED)
        plain = build(loss_weights="e6=0.5")[-1]
        for name in ("response", "e2"):
            sample = batch_of(task, name)
            (loss, _, log), (expected, _, expected_log) = (
                c(model, sample) for c in (criterion, plain)
            )
            assert torch.equal(loss, expected)
            assert log.keys() - expected_log.keys() == {"e6:weights"}

    def test_batches_and_ranks_change_nothing(self, build):
        """What is logged is the weighted mean over all utterances, whatever they are divided into."""
        _, task, model, criterion = build(**CLASS_WEIGHTED)
        model.eval()
        task.load_dataset("train")
        dataset = task.datasets["train"]
        indices = sorted(dataset.task_indices("e6"))[:6]
        values = []
        for size in (1, 4, 6):
            parts = [indices[i : i + size] for i in range(0, 6, size)]
            logs = [criterion(model, dataset.collater([dataset[i] for i in p]))[2] for p in parts]
            logs.append(criterion(model, batch_of(task, "e2"))[2])
            keys = ("e6_loss", "e6_accuracy", "e2_loss")
            values += [[found[key] for key in keys] for found in reduced(logs)]
        for value in values[1:]:
            assert value == pytest.approx(values[0], abs=2e-3)
        sample = batch_of(task, "e6", size=6)
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        nll = -logits.log_softmax(dim=1)[torch.arange(6), sample["target"]]
        weights = torch.tensor([20 / 24] * 2 + [20 / 18] * 4)[sample["target"]]
        expected = ((weights * nll).sum() / weights.sum()).item() / math.log(2)
        assert values[0][0] == pytest.approx(expected, abs=2e-3)

    def test_validation_has_the_weights_of_the_training(self, build):
        """Of the checkpoint's state, where the training data is not loaded."""
        _, trained, model, criterion = build(**CLASS_WEIGHTED)
        sample = batch_of(trained, "e6")
        _, task, _, validating = build(**CLASS_WEIGHTED)
        task.load_state_dict(trained.state_dict())
        found, expected = (c(model, sample)[2]["e6:loss"] for c in (validating, criterion))
        assert torch.equal(found, expected)

    def test_a_class_without_training_examples(self, build):
        """In validation its examples do not count in the loss, but in the accuracy."""
        _, task, model, criterion = build(**CLASS_WEIGHTED)
        sample = batch_of(task, "e6", size=2)
        task.class_weights["e6"][0] = 0.0
        _, _, log = criterion(model.eval(), sample)
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        nll = -logits.log_softmax(dim=1)[sample["target"] == 1, 1].item()
        with metrics.aggregate(new_root=True) as meters:
            MultitaskNLLCriterion.reduce_metrics([log])
        values = meters.get_smoothed_values()
        assert values["e6_loss"] == pytest.approx(nll / math.log(2), abs=2e-3)
        assert values["e6_accuracy"] in (0, 50, 100)
        sample["target"] = torch.tensor([0, 0])
        with metrics.aggregate(new_root=True) as meters:
            MultitaskNLLCriterion.reduce_metrics([criterion(model, sample)[2]])
        assert "e6_accuracy" in meters.get_smoothed_values()


@pytest.fixture(scope="module")
def sets(tmp_path_factory) -> Path:
    """Data whose task e6 has several labels an utterance."""
    return with_sets(write_data_bin(tmp_path_factory.mktemp("sets"), {"train": 60, "valid": 17}))


class TestSeveralLabels:
    def test_loss_is_that_of_torch(self, build, sets):
        _, task, model, criterion = build(sets, loss_weights="e6=0.5")
        sample = batch_of(task, "e6", size=5)
        loss, sample_size, log = criterion(model, sample)
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        target = sample["target"].float()
        assert target.sum(dim=1).unique().tolist() == [1, 2]
        expected = 0.5 * torch.nn.BCEWithLogitsLoss()(logits, target)
        assert sample_size == 1
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
        assert log["e6:count"] == 5

    def test_counts(self):
        logits = torch.tensor([[2.0, -1.0, 0.0], [-1.0, 3.0, -1.0]])
        target = torch.tensor([[True, True, False], [False, True, False]])
        assert class_counts(logits, target).tolist() == [
            [1, 1, 0],  # hits
            [1, 2, 0],  # gold
            [1, 1, 1],  # predicted, 0 included
        ]

    def test_batches_and_ranks_change_nothing(self, build, sets):
        _, task, model, criterion = build(sets)
        model.eval()
        task.load_dataset("train")
        dataset = task.datasets["train"]
        indices = sorted(dataset.task_indices("e6"))
        values = []
        for size in (1, 7, len(indices)):
            parts = [indices[i : i + size] for i in range(0, len(indices), size)]
            logs = [criterion(model, dataset.collater([dataset[i] for i in p]))[2] for p in parts]
            logs.append(criterion(model, batch_of(task, "e2"))[2])
            keys = ("e6_loss", "e6_accuracy", "e6_f1")
            values += [[found[key] for key in keys] for found in reduced(logs)]
        for value in values[1:]:
            assert value == pytest.approx(values[0], abs=0.011)
        sample = batch_of(task, "e6", size=len(indices))
        logits, _ = model(**sample["net_input"], classification_head_name="e6")
        gold, predicted = sample["target"].numpy(), (logits >= 0).numpy()
        accuracy, f1 = accuracy_score(gold, predicted), f1_score(gold, predicted, average="macro")
        assert values[0][1:] == pytest.approx([100 * accuracy, 100 * f1], abs=0.011)

    def test_other_tasks_are_as_before(self, build, sets, data_bin):
        _, task, model, criterion = build(sets)
        _, plain_task, _, plain = build(data_bin)
        sample = batch_of(plain_task, "e2")
        found, expected = (c(model, sample)[0] for c in (criterion, plain))
        assert torch.equal(found, expected)
        assert (task.multi_label, plain_task.multi_label) == (["e6"], [])

    def test_class_weights_are_refused(self, build, sets):
        with pytest.raises(
            UserError, match=r"--class-weights 'balanced': found e6, whose utterances"
        ):
            build(sets, class_weights="balanced")
        build(sets, class_weights="e2=balanced")


KINDS = ("loss", "weighted_loss", "count", "classes")


class TestReduceMetrics:
    def test_loss_is_weighted_sum_of_means(self):
        outputs = [
            {
                "response_loss": 12.0,
                "response_count": 4,
                "response_nll_loss": 8.0,
                "response_ntokens": 4,
                "e2:loss": 6.0,
                "e2:weighted_loss": 3.0,
                "e2:count": 2,
                "e2:classes": torch.tensor([[1, 0], [1, 1], [2, 0]]),
            }
        ] * 2
        with metrics.aggregate(new_root=True) as agg:
            MultitaskNLLCriterion.reduce_metrics(outputs)
        values = agg.get_smoothed_values()
        bit = math.log(2)
        assert values["response_loss"] == pytest.approx(3 / bit, abs=1e-3)
        assert values["response_nll_loss"] == pytest.approx(2 / bit, abs=1e-3)
        assert values["response_ppl"] == pytest.approx(math.exp(2), abs=1e-2)
        assert values["e2_loss"] == pytest.approx(3 / bit, abs=1e-3)
        assert values["loss"] == pytest.approx((3 + 1.5) / bit, abs=1e-3)
        assert values["e2_accuracy"] == 50.0
        assert values["e2_f1"] == pytest.approx(33.33, abs=0.01)

    @pytest.mark.parametrize("other", ["e6_weighted", "e6_f1", "response2", "my-task"])
    def test_tasks_have_keys_of_their_own(self, other):
        """The means of a task are those that it has alone, whatever the other one is called."""
        response = {"response_loss": 4.0, "response_count": 2, "response_nll_loss": 4.0}
        response["response_ntokens"] = 2

        def sums(name: str, loss: float) -> dict:
            zeros = {f"{n}:{kind}": 0 for n in ("e6", other) for kind in KINDS}
            own = {"loss": loss, "weighted_loss": loss, "count": 1}
            own["classes"] = torch.tensor([[1, 0], [1, 0], [1, 0]])
            zeros |= dict.fromkeys([f"{n}:classes" for n in ("e6", other)], 0 * own["classes"])
            return {**response, **zeros, **{f"{name}:{kind}": own[kind] for kind in KINDS}}

        with metrics.aggregate(new_root=True) as agg:
            MultitaskNLLCriterion.reduce_metrics([sums("e6", 2.0), sums(other, 3.0)])
        values = agg.get_smoothed_values()
        bit = math.log(2)
        assert values["e6_loss"] == pytest.approx(2 / bit, abs=1e-3)
        assert values[f"{other}_loss"] == pytest.approx(3 / bit, abs=1e-3)
        assert values["response_nll_loss"] == pytest.approx(2 / bit, abs=1e-3)
        assert values["loss"] == pytest.approx(7 / bit, abs=1e-2)
        assert values["e6_accuracy"] == values[f"{other}_accuracy"] == 100

    def test_meters_add_up_over_batches(self):
        def batch(correct: int) -> dict:
            counts = torch.tensor([[correct, 0], [2, 0], [correct, 2 - correct]])
            return {"e2:loss": 2.0, "e2:weighted_loss": 2.0, "e2:count": 2, "e2:classes": counts}

        with metrics.aggregate(new_root=True) as agg:
            MultitaskNLLCriterion.reduce_metrics([batch(2)])
            MultitaskNLLCriterion.reduce_metrics([batch(1)])
        assert agg.get_smoothed_values()["e2_accuracy"] == 75.0


def ten_updates(cfg, task, model, criterion) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses in bits and parameters of a training of ten updates."""
    trainer = Trainer(cfg, task, model, criterion)
    metrics.reset()
    batches = list(trainer.get_train_iterator(epoch=1).next_epoch_itr())
    size = cfg.optimization.update_freq[0]
    losses = []
    for start in range(0, 10 * size, size):
        samples = [batches[i % len(batches)] for i in range(start, start + size)]
        losses.append(trainer.train_step(samples)["loss"])
    return losses, dict(model.named_parameters())


# Adam turns rounding errors of gradients near 0 into whole steps; with a larger epsilon it does not.
STEADY = {"adam_eps": "1e-5"}


class TestAgainstFairseq:
    """Without classification tasks nothing of the plugin is in the way."""

    def check_equal(self, ours, stock):
        (losses, parameters), (stock_losses, expected) = ours, stock
        assert losses == pytest.approx(stock_losses, abs=2e-3)  # both are rounded to 3 digits
        assert losses[-1] < losses[0]
        for name, parameter in parameters.items():
            torch.testing.assert_close(parameter, expected[name])

    @pytest.mark.parametrize("update_freq", ["1", "3"])
    def test_equals_label_smoothed_cross_entropy(self, build, update_freq):
        flags = {"classification_tasks": "", "update_freq": update_freq, **STEADY}
        stock = ten_updates(*build(criterion="label_smoothed_cross_entropy", **flags))
        self.check_equal(ten_updates(*build(**flags)), stock)

    def test_equals_translation_on_the_same_sequences(self, build, data_bin, tmp_path):
        """fairseq's own task, criterion and BART, on data with `<s>` and `<mask>` written out."""
        size = {"encoder_layers": "2", "decoder_layers": "2"}
        size |= {"encoder_attention_heads": "4", "decoder_attention_heads": "4"}
        cfg, task, model, criterion = build(
            classification_tasks="", arch="emo_bart_base", **size, **STEADY
        )
        task.load_dataset("train")
        dataset = task.datasets["train"]
        for side in ("source", "target"):
            words = make_dictionary([*WORDS, "<mask>"], tmp_path / f"dict.{side}.txt")
            lines = ["<s> " + words.string(dataset[index][side]) for index in range(len(dataset))]
            binarize(lines, words, tmp_path / f"train.source-target.{side}")
        argv = train_argv(
            tmp_path,
            **{"task": "translation", "criterion": "label_smoothed_cross_entropy"},
            **{"arch": "bart_base", **size},
            **STEADY,
        )
        position = argv.index("--classification-tasks")
        argv[position : position + 2] = ["--left-pad-source"]  # a switch: turns left padding off
        stock_cfg = parse_train(argv)
        torch.manual_seed(1)
        stock_task = tasks.setup_task(stock_cfg.task)
        stock_model = stock_task.build_model(stock_cfg.model)
        stock_criterion = stock_task.build_criterion(stock_cfg.criterion)
        stock = ten_updates(stock_cfg, stock_task, stock_model, stock_criterion)
        self.check_equal(ten_updates(cfg, task, model, criterion), stock)


def test_what_is_kept_grows_with_the_number_of_labels_only():
    """Meters are saved in every checkpoint."""
    counts = class_counts(torch.randn(2, 3000), torch.tensor([1, 2]))
    with metrics.aggregate(new_root=True) as meters:
        sums = {"e6:loss": 1.0, "e6:weighted_loss": 1.0, "e6:count": 2, "e6:classes": counts}
        MultitaskNLLCriterion.reduce_metrics([sums])
    tensors = [v for _, _, _, m in meters.state_dict() for v in m.values() if torch.is_tensor(v)]
    assert 0 < sum(tensor.numel() for tensor in tensors) <= 6 * 3000


def test_meters_of_earlier_versions():
    """Which kept a confusion matrix: they load, and do not count."""
    with metrics.aggregate(new_root=True) as old:
        metrics.log_scalar("_e6_confusion", torch.eye(2, dtype=torch.long))
        metrics.log_scalar("e6_loss", 1.0, 2)
    counts = torch.tensor([[1, 0], [1, 1], [2, 0]])
    sums = {"e6:loss": 2.0, "e6:weighted_loss": 2.0, "e6:count": 2, "e6:classes": counts}
    with metrics.aggregate("resumed", new_root=True) as new:
        new.load_state_dict(old.state_dict())
        MultitaskNLLCriterion.reduce_metrics([sums])
    values = new.get_smoothed_values()
    assert values["e6_accuracy"] == 50
    assert values["e6_loss"] == pytest.approx((2 * 1.0 + 2 / math.log(2)) / 4, abs=1e-3)


def test_log_interval_without_a_task():
    """fairseq empties the meters of `train_inner` at each log interval but keeps their names."""
    response = {"response_loss": 2.0, "response_count": 1, "response_nll_loss": 2.0}
    response["response_ntokens"] = 1
    e6 = {"e6:loss": 1.0, "e6:weighted_loss": 1.0, "e6:count": 1}
    e6["e6:classes"] = torch.ones(3, 2, dtype=torch.long)
    none = dict.fromkeys(e6, 0) | {"e6:classes": torch.zeros(3, 2, dtype=torch.long)}
    with metrics.aggregate("interval", new_root=True) as meters:
        MultitaskNLLCriterion.reduce_metrics([{**response, **e6}])
        meters.reset()
        MultitaskNLLCriterion.reduce_metrics([{**response, **none}])
    values = meters.get_smoothed_values()
    assert values["loss"] == values["response_loss"] == pytest.approx(2.885, abs=1e-3)
    assert values["e6_loss"] is values["e6_accuracy"] is values["e6_f1"] is None


@pytest.mark.parametrize("class_weights", ["", "e2=balanced"])
def test_kinds_of_what_is_logged_do_not_depend_on_the_task(build, sets, class_weights):
    """fairseq adds up numbers and tensors apart, in the order of the first rank."""
    _, task, model, criterion = build(sets, class_weights=class_weights)
    task.load_dataset("train")
    task.load_dataset("valid")
    dataset = task.datasets["valid"]
    kinds = []
    for name in dataset.names:
        index = int(dataset.task_indices(name)[0])
        _, _, logs = criterion(model.eval(), dataset.collater([dataset[index]]))
        kinds.append([(key, torch.is_tensor(value)) for key, value in logs.items()])
    assert all(kind == kinds[0] for kind in kinds)
