"""The task: data folders, schedule, heads, validation, checkpoints."""

import gc
import logging
import multiprocessing
import shutil
import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
import torch
from fairseq import checkpoint_utils, tasks, utils
from fairseq.data import Dictionary
from fairseq.logging import metrics
from fairseq.trainer import Trainer
from fairseq_cli import train as fairseq_train
from helpers.checkpoints import real_state, save_checkpoint
from helpers.commands import REPOSITORY
from helpers.config import parse_train, train_argv
from helpers.data import LABELS, WORDS, binarize, make_dictionary, write_data_bin

from emo_mtl.data.datasets import MultitaskDataset, PairDataset
from emo_mtl.errors import UserError
from emo_mtl.tasks.validation_bleu import bleu_keys
from emo_mtl.training.checks import check_launcher

BOS, PAD, EOS = 0, 1, 2


@pytest.fixture
def copy(data_bin: Path, tmp_path: Path) -> Path:
    """The data folder, to be damaged."""
    return shutil.copytree(data_bin, tmp_path / "data-bin")


def refused(function, *args, **kwargs) -> str:
    """The message with which a `UserError` refuses the call."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


def setup(data: Path, **flags):
    return tasks.setup_task(parse_train(train_argv(data, **flags)).task)


class TestSetup:
    def test_dictionary_is_shared_and_has_mask(self, data_bin):
        task = setup(data_bin)
        assert task.source_dictionary == task.target_dictionary
        assert task.source_dictionary.symbols[4:] == [*WORDS, "<mask>"]
        assert (task.cfg.source_lang, task.cfg.target_lang) == ("source", "target")
        assert task.cfg.left_pad_source is False
        assert task.max_positions() == (1024, 1024)

    def test_heads(self, data_bin):
        assert setup(data_bin).heads == LABELS
        assert setup(data_bin, classification_tasks="e2").heads == {"e2": LABELS["e2"]}
        assert setup(data_bin, classification_tasks="").heads == {}

    @pytest.mark.parametrize(
        ("weights", "trained"),
        [
            ("", ["response", "e6", "e2"]),
            ("e2=0.5,e6=0", ["response", "e2"]),
            ("e2=0,e6=0", ["response"]),
        ],
    )
    def test_trained_tasks(self, data_bin, weights, trained):
        assert setup(data_bin, loss_weights=weights).trained_tasks == trained

    def test_no_folder(self, tmp_path):
        message = refused(setup, tmp_path / "nowhere")
        assert f"{tmp_path / 'nowhere' / 'response'}: no such folder" in message
        assert "expected the binarized responses" in message
        assert "prepare the data again" in message

    def test_no_binarized_file(self, copy):
        for file in (copy / "response").glob("*.*-*.*"):
            file.unlink()
        message = refused(setup, copy)
        assert f"{copy / 'response'}: found no binarized file" in message
        assert "expected train.source-target.source.idx" in message

    def test_source_and_target_differ(self, copy):
        make_dictionary(WORDS[:-1], copy / "response" / "dict.target.txt")
        message = refused(setup, copy)
        assert (
            f"{copy / 'response' / 'dict.target.txt'}: found a dictionary of 44 symbols" in message
        )
        assert "expected the 45 of the responses" in message

    def test_same_symbols_in_another_order(self, copy):
        make_dictionary(WORDS[::-1], copy / "e6" / "input0" / "dict.txt")
        message = refused(setup, copy)
        assert f"{copy / 'e6' / 'input0' / 'dict.txt'}: found a dictionary of 45 symbols" in message
        assert "in the same order" in message

    def test_other_dictionary_of_an_unused_task_is_ignored(self, copy):
        make_dictionary(WORDS[::-1], copy / "e6" / "input0" / "dict.txt")
        assert setup(copy, classification_tasks="e2").heads.keys() == {"e2"}

    def test_no_such_task(self, data_bin):
        message = refused(setup, data_bin, classification_tasks="e6,e7")
        assert f"{data_bin / 'e7' / 'label' / 'dict.txt'}: no such file" in message

    def test_weight_of_no_task(self, data_bin):
        assert "e12=1" in refused(setup, data_bin, loss_weights="e12=1")

    @pytest.mark.parametrize("flag", ["max_source_length", "max_target_length"])
    @pytest.mark.parametrize("length", ["0", "1"])
    def test_no_room_for_bos_and_eos(self, data_bin, flag, length):
        """`<s> </s>` are two tokens: shorter rows do not exist."""

        def load():
            setup(data_bin, **{flag: length}).load_dataset("valid")

        assert f"--{flag.replace('_', '-')}" in refused(load)


class TestLoadDataset:
    @pytest.mark.parametrize(("split", "sizes"), [("train", (60, 20, 20)), ("valid", (17, 5, 5))])
    def test_sizes(self, data_bin, split, sizes):
        task = setup(data_bin)
        task.load_dataset(split)
        data = task.datasets[split]
        assert {n: len(d) for n, d in data.datasets.items()} == dict(
            zip(("response", "e6", "e2"), sizes, strict=True)
        )

    def test_examples(self, data_bin):
        """Every row is `<s> words </s>` of the file; labels repeat in the order in which they stand there."""
        task = setup(data_bin)
        task.load_dataset("valid")
        data = task.datasets["valid"]
        name, item = data[17]
        assert (name, item["id"]) == ("e6", 0)
        assert item["source"][0] == BOS
        assert item["source"][-1] == EOS
        assert torch.equal(item["source"], item["target"])
        batch = data.collater([data[i] for i in range(17, 22)])
        assert dict(zip(batch["id"].tolist(), batch["target"].tolist(), strict=True)) == {
            0: 0,
            1: 1,
            2: 2,
            3: 3,
            4: 4,
        }

    def test_test_split_keeps_its_order_among_equal_lengths(self, data_bin):
        task = setup(data_bin)
        for split in ("test", "valid"):
            task.load_dataset(split)
        assert not task.datasets["test"].datasets["response"].shuffle
        assert not task.datasets["test"].datasets["e6"].dataset.shuffle
        assert task.datasets["valid"].datasets["response"].shuffle

    def test_responses_only(self, data_bin):
        task = setup(data_bin, classification_tasks="")
        for split in ("train", "valid", "test"):
            task.load_dataset(split)
            assert type(task.datasets[split]) is PairDataset

    def test_weight_0_is_not_trained_but_validated(self, data_bin):
        task = setup(data_bin, loss_weights="e6=0")
        for split in ("train", "valid"):
            task.load_dataset(split)
        assert task.datasets["train"].names == ["response", "e2"]
        assert task.datasets["valid"].names == ["response", "e6", "e2"]

    def test_all_weights_0(self, data_bin):
        task = setup(data_bin, loss_weights="e6=0,e2=0")
        for split in ("train", "valid"):
            task.load_dataset(split)
        assert type(task.datasets["train"]) is PairDataset
        assert task.datasets["valid"].names == ["response", "e6", "e2"]

    def test_truncation(self, data_bin, caplog):
        task = setup(data_bin, max_source_length="6", max_target_length="5")
        with caplog.at_level(logging.INFO):
            task.load_dataset("train")
        data = task.datasets["train"]
        responses, labelled = data.datasets["response"], data.datasets["e6"]
        assert responses.src_sizes.max() == 6
        assert responses.tgt_sizes.max() == 5
        assert labelled.dataset.src_sizes.max() == labelled.dataset.tgt_sizes.max() == 6
        for _, item in (data[i] for i in range(len(data))):
            assert item["source"][-1] == item["target"][-1] == EOS
        assert "are longer than 6 tokens and are cut off there" in caplog.text
        assert "are longer than 5 tokens and are cut off there" in caplog.text

    @pytest.mark.parametrize(
        "missing",
        [
            "response/valid.source-target.source.bin",
            "response/valid.source-target.target.idx",
            "e6/input0/valid.idx",
            "e2/label/valid.bin",
        ],
    )
    def test_missing_file(self, copy, missing):
        (copy / missing).unlink()
        message = refused(setup(copy).load_dataset, "valid")
        assert f"{copy / missing}: no such file: prepare the data again" in message

    def test_other_number_of_responses(self, copy):
        prefix = copy / "response" / "valid.source-target"
        words = Dictionary.load(str(copy / "response" / "dict.source.txt"))
        binarize(["w1"] * 16, words, Path(f"{prefix}.target"))
        message = refused(setup(copy).load_dataset, "valid")
        assert f"{prefix}.target.bin: found 16 responses, expected 17" in message

    def test_data_folders_in_turn(self, data_bin, tmp_path):
        """--data a:b: the training data of epochs 1, 3, ... and 2, 4, ...; validation is always of a."""
        other = write_data_bin(tmp_path / "b", {"train": 9, "valid": 3}, seed=5)
        task = setup(f"{data_bin}:{other}", classification_tasks="")
        sizes = []
        for epoch in (1, 2, 3):
            task.load_dataset("train", epoch=epoch)
            sizes.append(len(task.datasets["train"]))
        task.load_dataset("valid", epoch=2)
        assert sizes == [60, 9, 60]
        assert len(task.datasets["valid"]) == 17


class TestInference:
    def test_typed_utterances(self, data_bin, caplog):
        task = setup(data_bin, classification_tasks="", max_source_length="5")
        words = task.source_dictionary
        texts = ["w1 w2", "w1 w2 w3 w4 w5 w6"]
        tokens = [words.encode_line(text, add_if_not_exist=False).long() for text in texts]
        with caplog.at_level(logging.INFO):
            data = task.build_dataset_for_inference(tokens, [len(t) for t in tokens])
        batch = data.collater([data[0], data[1]])
        assert batch["id"].tolist() == [1, 0]
        w1, w2, w3 = tokens[1][:3].tolist()
        assert batch["net_input"]["src_tokens"].tolist() == [
            [BOS, w1, w2, w3, EOS],
            [BOS, w1, w2, EOS, PAD],
        ]
        assert batch["net_input"]["src_lengths"].tolist() == [5, 4]
        assert "1 of 2 utterances are longer than 5 tokens and are cut off there" in caplog.text


def described(batch) -> tuple[str, tuple[int, ...]]:
    return batch["task"], tuple(batch["id"].tolist())


def iterator(task, **flags):
    """The scheduled iterator over the training set, in batches of up to 8 examples."""
    if "train" not in task.datasets:
        task.load_dataset("train")
    settings = {"max_sentences": 8, "max_positions": (1024, 1024), "seed": 1, "epoch": 1}
    settings |= {"disable_iterator_cache": True} | flags
    return task.get_batch_iterator(task.datasets["train"], **settings)


def epoch_of(task, **flags) -> list[tuple[str, tuple[int, ...]]]:
    """Task and examples of each batch of an epoch."""
    epoch_itr = iterator(task, **flags)
    batches = [described(batch) for batch in epoch_itr.next_epoch_itr()]
    end(epoch_itr)
    return batches


def end(epoch_itr) -> None:
    """End the workers of an iterator now: it holds itself, and garbage collection takes 5 s for each."""
    vars(epoch_itr).clear()


def epochs_of_training(task, num_epochs: int, **flags):
    """The batches of each epoch, with fairseq-train's own sequence of calls."""
    flags["disable_iterator_cache"] = False
    epoch_itr = iterator(task, **flags)
    for _ in range(num_epochs):
        yield [described(batch) for batch in epoch_itr.next_epoch_itr()]
        epoch_itr = iterator(task, epoch=epoch_itr.next_epoch_idx, **flags)
    end(epoch_itr)


SAMPLING = ("round-robin", "proportional", "temperature")


@pytest.fixture(scope="module")
def both(data_bin) -> dict:
    """A task with each kind of sampling."""
    return {s: setup(data_bin, task_sampling=s) for s in SAMPLING}


@pytest.fixture(params=SAMPLING)
def sampled(request, both):
    return both[request.param]


class TestScheduledIterator:
    def test_round_robin(self, both):
        """8 batches of R hold all 60 pairs; E6 and E2 have 3 batches, seen twice and two thirds."""
        batches = epoch_of(both["round-robin"])
        assert [name for name, _ in batches] == ["response", "e6", "e2"] * 8
        assert sorted(i for name, ids in batches if name == "response" for i in ids) == list(
            range(60)
        )
        for name in ("e6", "e2"):
            passes = [ids for task, ids in batches if task == name]
            for start in (0, 3):
                assert sorted(i for ids in passes[start : start + 3] for i in ids) == list(
                    range(20)
                )

    def test_cycles_go_on_in_the_next_epoch(self, both):
        """Batches 6 to 8 of E6, over the end of the first epoch, are one pass."""
        task = both["round-robin"]
        epochs = [*epoch_of(task, epoch=1), *epoch_of(task, epoch=2)]
        passes = [ids for name, ids in epochs if name == "e6"]
        assert sorted(i for ids in passes[6:9] for i in ids) == list(range(20))

    def test_proportional(self, both):
        """An epoch holds every example of every task once."""
        batches = epoch_of(both["proportional"])
        examples = sorted((name, i) for name, ids in batches for i in ids)
        expected = [("response", i) for i in range(60)]
        expected += [(name, i) for name in ("e6", "e2") for i in range(20)]
        assert examples == sorted(expected)

    def test_temperature(self, both, data_bin):
        """8 batches of R and 8 * (3 / 8)^(1/T) of E6 and E2: 6.6 for T = 5, 4.9 for T = 2, over epochs."""
        hot = both["temperature"]
        warm = setup(data_bin, task_sampling="temperature", sampling_temperature="2")
        for task, numbers in ((hot, (7, 6)), (warm, (5, 5))):
            for epoch, number in enumerate(numbers, start=1):
                names = Counter(name for name, _ in epoch_of(task, epoch=epoch))
                assert names == {"response": 8, "e6": number, "e2": number}

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ({"sampling_temperature": "0.5", "task_sampling": "temperature"}, "expected 1 or more"),
            ({"sampling_temperature": "nan", "task_sampling": "temperature"}, "expected 1 or more"),
            (
                {"sampling_temperature": "2"},
                "found --task-sampling round-robin, expected temperature",
            ),
        ],
    )
    def test_bad_temperature(self, data_bin, flags, message):
        with pytest.raises(UserError, match=message):
            setup(data_bin, **flags)

    def test_deterministic(self, sampled):
        np.random.seed(1)
        first = epoch_of(sampled)
        np.random.seed(2)
        assert epoch_of(sampled) == first

    def test_leaves_numpys_seed_alone(self, sampled):
        np.random.seed(1)
        expected = np.random.rand()
        np.random.seed(1)
        iterator(sampled)
        assert np.random.rand() == expected

    def test_independent_of_workers(self, sampled):
        assert epoch_of(sampled, num_workers=2) == epoch_of(sampled, num_workers=0)

    @pytest.mark.parametrize("sampling", SAMPLING)
    def test_workers_do_not_pile_up(self, data_bin, sampling):
        """fairseq-train asks for an iterator each epoch: the workers of the last one must not stay.

        Left to the garbage collector each holds the training up for five seconds.
        """
        task = setup(data_bin, task_sampling=sampling)
        gc.collect()
        before = len(multiprocessing.active_children())
        gc.disable()
        try:
            alive = []
            for _ in epochs_of_training(task, 3, num_workers=1):
                alive.append(len(multiprocessing.active_children()) - before)
        finally:
            gc.enable()
        assert max(alive) <= 1

    @pytest.mark.parametrize("sampling", SAMPLING)
    def test_epochs_of_a_training(self, data_bin, sampling):
        """Epoch after epoch as fairseq-train asks for them, or each from a fresh start."""
        task = setup(data_bin, task_sampling=sampling)
        epochs = list(epochs_of_training(task, 3))
        assert epochs == [epoch_of(task, epoch=epoch) for epoch in (1, 2, 3)]

    def test_independent_of_the_buffer(self, sampled):
        assert epoch_of(sampled, data_buffer_size=10) == epoch_of(sampled)

    def test_epochs_and_seeds_differ(self, sampled):
        orders = [epoch_of(sampled, epoch=e, seed=s) for e, s in ((1, 1), (2, 1), (1, 2))]
        assert orders[0] != orders[1] != orders[2] != orders[0]
        assert (
            len({tuple(sorted(order)) for order in orders}) == 3
        )  # other batches, not only their order

    @pytest.mark.parametrize("num_shards", [2, 3])
    def test_ranks(self, sampled, num_shards):
        """All ranks work on the same task; no two on the same examples."""
        ranks = [epoch_of(sampled, num_shards=num_shards, shard_id=i) for i in range(num_shards)]
        assert len({len(batches) for batches in ranks}) == 1
        for step in zip(*ranks, strict=True):
            assert len({name for name, _ in step}) == 1
            assert all(ids for _, ids in step)
        examples = {(name, i) for batches in ranks for name, ids in batches for i in ids}
        assert len([e for e in examples if e[0] == "response"]) == 60

    def test_ranks_are_disjoint_within_a_pass(self, both):
        """9 batches of 7 or fewer on 3 ranks: no step has to be filled."""
        ranks = [
            epoch_of(both["proportional"], max_sentences=7, num_shards=3, shard_id=i)
            for i in range(3)
        ]
        responses = [
            i for batches in ranks for name, ids in batches if name == "response" for i in ids
        ]
        assert sorted(responses) == list(range(60))

    def test_more_ranks_than_batches(self, sampled):
        """3 batches of E2 on 5 ranks: every rank has one."""
        for rank in range(5):
            batches = epoch_of(sampled, num_shards=5, shard_id=rank)
            assert all(ids for _, ids in batches)
            assert {name for name, _ in batches} == {"response", "e6", "e2"}

    @pytest.mark.parametrize("num_workers", [0, 2])
    @pytest.mark.parametrize("epoch", [1, 2])
    def test_resumes(self, sampled, num_workers, epoch):
        whole = epoch_of(sampled, epoch=epoch)
        first = iterator(sampled, epoch=epoch, num_workers=num_workers)
        batches = first.next_epoch_itr()
        begin = [described(next(batches)) for _ in range(5)]
        state = first.state_dict()
        assert state["iterations_in_epoch"] == 5
        second = iterator(sampled, epoch=state["epoch"], num_workers=num_workers)
        second.load_state_dict(state)
        assert begin + [described(b) for b in second.next_epoch_itr()] == whole
        assert begin + [described(b) for b in batches] == whole
        end(first)
        end(second)

    def test_resumes_at_the_end_of_an_epoch(self, sampled):
        first = iterator(sampled)
        list(first.next_epoch_itr())
        state = first.state_dict()
        assert (state["epoch"], state["iterations_in_epoch"]) == (2, 0)
        second = iterator(sampled, epoch=state["epoch"])
        second.load_state_dict(state)
        assert [described(b) for b in second.next_epoch_itr()] == epoch_of(sampled, epoch=2)

    def test_weight_0_is_not_sampled(self, data_bin):
        batches = epoch_of(setup(data_bin, loss_weights="e6=0"))
        assert [name for name, _ in batches] == ["response", "e2"] * 8

    def test_too_long_examples_are_left_out(self, both):
        """`--max-source-positions` below the longest utterance, ignored as fairseq-train does."""
        task = both["round-robin"]
        batches = epoch_of(task, max_positions=(8, 8), ignore_invalid_inputs=True)
        data = task.datasets["train"].datasets["response"]
        fitting = [i for i in range(60) if max(data.size(i)) <= 8]
        assert 0 < len(fitting) < 60
        responses = [i for name, ids in batches if name == "response" for i in ids]
        assert sorted(responses) == fitting

    def test_validation_is_complete(self, build):
        """fairseq's default multiple of 8 must not lose the last sentences."""
        cfg, task, model, criterion = build(required_batch_size_multiple="8", max_tokens="256")
        task.load_dataset("valid")
        trainer = Trainer(cfg, task, model, criterion)
        batches = list(trainer.get_valid_iterator("valid").next_epoch_itr(shuffle=False))
        counts = {}
        for batch in batches:
            counts[batch["task"]] = counts.get(batch["task"], 0) + batch["nsentences"]
        assert counts == {"response": 17, "e6": 5, "e2": 5}

    def test_responses_only_is_fairseqs_iterator(self, data_bin):
        """No task in the batches, and every pair once."""
        task = setup(data_bin, classification_tasks="")
        batches = list(iterator(task).next_epoch_itr())
        assert not any("task" in batch for batch in batches)
        assert sorted(i for batch in batches for i in batch["id"].tolist()) == list(range(60))

    def test_is_used_for_training_only(self, both):
        task = both["round-robin"]
        task.load_dataset("valid")
        epoch_itr = task.get_batch_iterator(task.datasets["valid"], max_sentences=8)
        names = [batch["task"] for batch in epoch_itr.next_epoch_itr(shuffle=False)]
        assert names == ["response"] * 3 + ["e6", "e2"]

    def test_is_a_multitask_dataset(self, both):
        iterator(both["round-robin"])
        assert isinstance(both["round-robin"].datasets["train"], MultitaskDataset)


class TestBuildCriterion:
    @pytest.mark.parametrize(
        ("weights", "clip_norm", "update_freq", "warns"),
        [
            ("e6=0.5", "0.1", "1", True),
            ("e6=0.5", "1.0", "2", True),
            ("e6=0.5", "0.1", "3", False),
            ("e6=0.5", "0.1", "6", False),
            ("e6=0.5", "0", "1", False),
            ("e6=0.5", "25", "1", False),
            ("", "0.1", "1", False),
            ("e6=1,e2=0", "0.1", "1", False),
            ("e6=0.5,e2=0", "0.1", "2", False),
            ("e6=0.5,e2=0", "0.1", "1", True),
        ],
    )
    def test_warns_where_clipping_undoes_the_weights(
        self, build, caplog, weights, clip_norm, update_freq, warns
    ):
        with caplog.at_level(logging.WARNING):
            build(loss_weights=weights, clip_norm=clip_norm, update_freq=update_freq)
        assert ("will hardly act" in caplog.text) is warns
        if warns:
            assert "--clip-norm" in caplog.text
            assert "not every update holds all" in caplog.text

    def test_warns_of_proportional_sampling(self, build, caplog):
        """Whatever --update-freq is, an update may lack a task."""
        build(loss_weights="e6=0.5", clip_norm="0.1", update_freq="6", task_sampling="proportional")
        assert "will hardly act" in caplog.text

    def test_clipping_undoes_a_weight(self, build):
        """What the warning says: e6 alone in an update moves the parameters the same at 0.5 and at 1."""
        moved = []
        for weight in ("0.5", "1"):
            cfg, task, model, criterion = build(
                loss_weights=f"e6={weight}", clip_norm="0.01", optimizer="sgd"
            )
            trainer = Trainer(cfg, task, model, criterion)
            task.load_dataset("train")
            data = task.datasets["train"]
            before = model.encoder.embed_tokens.weight.detach().clone()
            trainer.train_step([data.collater([data[i] for i in range(60, 64)])])
            moved.append(model.encoder.embed_tokens.weight.detach() - before)
        torch.testing.assert_close(moved[0], moved[1], rtol=1e-3, atol=1e-7)
        assert moved[0].abs().max() > 1e-6


class TestPostValidate:
    @pytest.mark.parametrize(
        ("stats", "warns"),
        [
            ({"response_gain": 0.0}, True),
            ({"response_gain": -0.001}, True),
            ({"response_gain": 0.004}, True),
            ({"response_gain": 0.005}, False),
            ({"response_gain": 0.3}, False),
            ({}, False),  # no responses, or one a mini-batch
        ],
    )
    def test_warns_of_a_model_that_does_not_read(self, build, caplog, stats, warns):
        _, task, model, _ = build()
        with caplog.at_level(logging.WARNING):
            task.post_validate(model, stats, None)
        assert ("does not read" in caplog.text) is warns


class TestCheckLauncher:
    @pytest.mark.parametrize(
        ("environment", "world_size"),
        [
            ({}, 1),
            ({"WORLD_SIZE": "1", "RANK": "0"}, 1),
            ({"WORLD_SIZE": "2", "RANK": "1"}, 2),
            ({"WORLD_SIZE": "2"}, 1),
        ],
    )
    def test_agrees(self, environment, world_size):
        check_launcher(environment, world_size)

    def test_processes_that_train_alone(self):
        message = refused(check_launcher, {"WORLD_SIZE": "4", "RANK": "2"}, 1)
        assert "found WORLD_SIZE=4" in message
        assert "--distributed-world-size 4 --distributed-rank $RANK" in message


def train(build, tasks_of_updates, **flags):
    """A trainer after one update with each of the named tasks; and its heads' first parameters."""
    cfg, task, model, criterion = build(**flags)
    trainer = Trainer(cfg, task, model, criterion)
    task.load_dataset("train")
    before = {k: v.detach().clone() for k, v in model.state_dict().items()}
    labelled = setup(Path(cfg.task.data))
    labelled.load_dataset("train")
    data = labelled.datasets["train"]
    for name in tasks_of_updates:
        trainer.train_step([data.collater([data[i] for i in data.task_indices(name)[:4]])])
    after = {k: v.detach().clone() for k, v in model.state_dict().items()}
    changed = {k for k in after if not torch.equal(after[k], before[k])}
    return trainer, {k.split(".")[1] for k in changed if k.startswith("classification_heads.")}


class TestHeadsInTraining:
    def test_a_weighted_head_changes(self, build):
        _, changed = train(build, ["response", "e6"], loss_weights="e6=0.1")
        assert "e6" in changed

    def test_a_head_of_weight_0_stays(self, build):
        """Weight decay would pull an unfrozen head."""
        flags = {"loss_weights": "e6=0", "weight_decay": "0.1"}
        trainer, changed = train(build, ["response", "e2", "response"], **flags)
        assert changed == {"e2"}
        assert not any(
            p.requires_grad for p in trainer.model.classification_heads["e6"].parameters()
        )

    def test_unused_heads_get_zeros(self, build):
        """At every step each trained parameter has a gradient: zeros for a task without a part in it."""
        _, task, model, criterion = build(loss_weights="e2=0")
        task.load_dataset("train")
        data = task.datasets["train"]
        loss, _, _ = criterion(model, data.collater([data[0], data[1]]))
        loss.backward()
        steps = []
        optimizer = Namespace(step=lambda: steps.append(1))
        task.optimizer_step(optimizer, model, update_num=1)
        assert steps == [1]
        assert all(p.grad.abs().sum() == 0 for p in model.classification_heads["e6"].parameters())
        assert all(p.grad is None for p in model.classification_heads["e2"].parameters())
        assert model.encoder.embed_tokens.weight.grad.abs().sum() > 0

    def test_only_heads_get_zeros(self, build):
        """fairseq 0.12.2's encoder layers hold each weight twice, once for inference.

        These are 151 M parameters of a large model, which the optimizer skips without a gradient.
        """
        _, task, model, criterion = build()
        task.load_dataset("train")
        data = task.datasets["train"]
        criterion(model, data.collater([data[0], data[1]]))[0].backward()
        unused = [
            name
            for name, parameter in model.named_parameters()
            if parameter.grad is None and not name.startswith("classification_heads.")
        ]
        task.optimizer_step(Namespace(step=lambda: None), model, update_num=1)
        parameters = dict(model.named_parameters())
        assert [name for name in unused if parameters[name].grad is not None] == []

    def test_unused_head_moves_on_by_momentum(self, build):
        """As under fp16 and distributed training, which fill in the same zeros."""
        _, first = train(build, ["e6"])
        _, second = train(build, ["response"])
        assert (first, second) == ({"e6"}, set())


class TestPositions:
    """Fewer positions than tokens: longer texts would be left out in training, and crash elsewhere."""

    @pytest.mark.parametrize(
        ("tasks", "flags", "refused"),
        [
            ("", {"max_source_positions": 30}, "--max-source-length 64: the model has 30"),
            ("", {"max_target_positions": 30}, "--max-target-length 64: the model has 30"),
            # the decoder of a head reads the utterance
            ("e6", {"max_target_positions": 80, "max_source_length": 90}, "90: the model has 80"),
            ("", {"max_target_positions": 80, "max_source_length": 90}, None),
            ("e6", {"max_source_positions": 30, "max_source_length": 30}, None),
        ],
    )
    def test_training(self, build, tasks, flags, refused):
        if refused is None:
            build(classification_tasks=tasks, **flags)
            return
        with pytest.raises(UserError, match=refused):
            build(classification_tasks=tasks, **flags)

    def test_checkpoint_of_before(self, data_bin):
        """Texts are cut at the model's positions."""
        model_cfg = parse_train(train_argv(data_bin, max_source_positions=30)).model
        task = setup(data_bin)
        task.build_model(model_cfg, from_checkpoint=True)
        assert (task.cfg.max_source_length, task.cfg.max_target_length) == (30, 64)


class TestLoadStateDict:
    def test_heads_are_rebuilt_without_a_flag(self, data_bin):
        saved = setup(data_bin).state_dict()
        task = setup(data_bin, classification_tasks="")
        task.load_state_dict(saved)
        assert task.heads == LABELS
        model = task.build_model(parse_train(train_argv(data_bin)).model, from_checkpoint=True)
        assert list(model.classification_heads) == ["e6", "e2"]
        assert model.classification_heads["e6"].out_proj.out_features == 6

    def test_state_is_plain(self, data_bin, tmp_path):
        torch.save(setup(data_bin).state_dict(), tmp_path / "state.pt")
        state = torch.load(tmp_path / "state.pt", weights_only=True)
        assert state["heads"] == LABELS
        assert len(state["dictionary_sha256"]) == 64

    def test_other_dictionary(self, data_bin, copy):
        saved = setup(data_bin).state_dict()
        for path in copy.glob("**/dict*.txt"):
            if path.parent.name != "label":
                make_dictionary(WORDS[::-1], path)
        message = refused(setup(copy).load_state_dict, saved)
        assert (
            f"{copy}: its dictionary is not the one that the checkpoint was trained with" in message
        )
        assert "use the data folder of the training" in message

    def test_counts_of_the_dictionary_do_not_matter(self, data_bin, copy):
        for path in copy.glob("**/dict*.txt"):
            path.write_text("".join(f"{line.split()[0]} 7\n" for line in path.open()))
        setup(copy).load_state_dict(setup(data_bin).state_dict())

    def test_labels_in_another_order(self, data_bin, copy):
        saved = setup(data_bin).state_dict()
        make_dictionary(["pos", "neg"], copy / "e2" / "label" / "dict.txt")
        message = refused(setup(copy).load_state_dict, saved)
        assert f"{copy / 'e2' / 'label' / 'dict.txt'}: found the labels pos, neg" in message
        assert "expected those of the checkpoint: neg, pos" in message

    def test_other_labels_of_an_unused_task_are_ignored(self, data_bin, copy):
        saved = setup(data_bin).state_dict()
        make_dictionary(["pos", "neg"], copy / "e2" / "label" / "dict.txt")
        task = setup(copy, classification_tasks="e6")
        task.load_state_dict(saved)
        assert task.heads == LABELS

    def test_state_of_another_task(self, data_bin):
        """bart.large and fairseq's translation checkpoints know nothing of heads."""
        task = setup(data_bin)
        task.load_state_dict({})
        assert task.heads == LABELS

    def test_generation_of_a_trained_checkpoint(self, build, tmp_path):
        """What fairseq-generate does: no flag names the heads, none is lost."""
        trainer, _ = train(build, ["response", "e6"])
        save_checkpoint(trainer, tmp_path / "last.pt")
        task = setup(Path(trainer.cfg.task.data), classification_tasks="")
        path = str(tmp_path / "last.pt")
        (model,), _, _ = checkpoint_utils.load_model_ensemble_and_task([path], task=task)
        loaded = real_state(model.state_dict())
        for key, value in real_state(trainer.model.state_dict()).items():
            assert torch.equal(loaded[key], value)


class TestLengths:
    """Those of the training hold in generation, which is not told of them."""

    def loaded(self, saved, data, **flags):
        task = setup(data, classification_tasks="", **flags)
        task.load_state_dict(saved)
        return task.cfg.max_source_length, task.cfg.max_target_length

    def test_of_the_checkpoint(self, data_bin):
        saved = setup(data_bin, max_source_length="128", max_target_length="32").state_dict()
        assert self.loaded(saved, data_bin) == (128, 32)
        assert self.loaded(saved, data_bin, max_source_length="16") == (16, 32)

    def test_of_an_earlier_version(self, data_bin):
        saved = {k: v for k, v in setup(data_bin).state_dict().items() if "length" not in k}
        assert self.loaded(saved, data_bin) == (64, 64)
        assert self.loaded(saved, data_bin, max_target_length="100") == (64, 100)

    def test_in_generation(self, data_bin):
        """Longer than the default, of an utterance and of a response."""
        flags = {"max_source_length": "9", "max_target_length": "5"}
        task = setup(data_bin, classification_tasks="")
        task.load_state_dict(setup(data_bin, **flags).state_dict())
        model = task.build_model(parse_train(train_argv(data_bin)).model, from_checkpoint=True)
        words = torch.tensor([*range(4, 24), EOS])
        data = task.build_dataset_for_inference([words], [len(words)])
        batch = data.collater([data[0]])
        assert batch["net_input"]["src_tokens"].shape == (1, 9)
        generator = task.build_generator([model], Namespace(beam=2, min_len=4))
        (hypotheses,) = task.inference_step(generator, [model], batch)
        assert {len(h["tokens"]) for h in hypotheses} == {5}


class TestTypedText:
    def test_undoing_the_bpe_leaves_the_sources_alone(self, data_bin):
        """`--remove-bpe`: fairseq adds the words of the responses to their dictionary."""
        task = setup(data_bin, classification_tasks="")
        task.target_dictionary.encode_line("never seen", add_if_not_exist=True)
        unknown = task.source_dictionary.encode_line("never seen", add_if_not_exist=False)
        assert unknown.tolist() == [task.source_dictionary.unk()] * 2 + [EOS]

    def test_a_first_symbol_is_not_doubled(self, data_bin):
        """fairseq's `BARTHubInterface` writes `<s>` itself."""
        task = setup(data_bin, classification_tasks="")
        tokens = [torch.tensor([BOS, 5, 6, EOS]), torch.tensor([5, 6, EOS])]
        data = task.build_dataset_for_inference(tokens, [4, 3])
        assert data[0]["source"].tolist() == data[1]["source"].tolist() == [BOS, 5, 6, EOS]


class TestResume:
    @pytest.mark.parametrize("sampling", SAMPLING)
    def test_continues_as_if_never_stopped(self, build, tmp_path, sampling):
        """Seven updates at a stretch, or four, a checkpoint in the middle of the epoch, and three."""

        def start(**flags):
            cfg, task, model, criterion = build(task_sampling=sampling, **flags)
            trainer = Trainer(cfg, task, model, criterion)
            _, epoch_itr = checkpoint_utils.load_checkpoint(cfg.checkpoint, trainer)
            return trainer, epoch_itr, epoch_itr.next_epoch_itr()

        whole, _, batches = start(save_dir=tmp_path)
        for _ in range(7):
            whole.train_step([next(batches)])
        first, epoch_itr, batches = start(save_dir=tmp_path)
        for _ in range(4):
            first.train_step([next(batches)])
        save_checkpoint(first, tmp_path / "middle.pt", epoch_itr)
        second, _, batches = start(restore_file=tmp_path / "middle.pt")
        assert second.get_num_updates() == 4
        for _ in range(3):
            second.train_step([next(batches)])
        resumed = real_state(second.model.state_dict())
        for key, value in real_state(whole.model.state_dict()).items():
            torch.testing.assert_close(resumed[key], value, rtol=0, atol=0)

    @pytest.mark.parametrize(("before", "after"), [("e2=0", ""), ("e6=2", "e6=2,e2=0")])
    def test_weight_changed_from_or_to_0(self, data_bin, tmp_path, before, after):
        """A head of weight 0 is not among the optimizer's parameters."""

        def run(weights: str, max_update: int, *flags: str) -> None:
            argv = train_argv(data_bin, save_dir=tmp_path, loss_weights=weights)
            fairseq_train.main(parse_train([*argv, "--max-update", str(max_update), *flags]))

        run(before, 1)
        with pytest.raises(UserError, match=r"e2=(1|0), .*checkpoint_last.pt.* e2=(0|1)") as raised:
            run(after, 2)
        assert "--reset-optimizer" in str(raised.value)
        run("e6=3," + before if before == "e2=0" else "e6=3", 2)  # another weight is no matter
        run(after, 3, "--reset-optimizer")

    def test_class_weights_changed(self, data_bin, tmp_path):
        def run(class_weights: str, max_update: int) -> None:
            argv = train_argv(data_bin, save_dir=tmp_path, class_weights=class_weights)
            fairseq_train.main(parse_train([*argv, "--max-update", str(max_update)]))

        run("balanced", 1)
        with pytest.raises(UserError, match=r"--class-weights '': .* was trained with 'balanced'"):
            run("", 2)
        run("e2=balanced,e6=balanced", 2)  # the same


def altered(row: list[int]) -> list[int]:
    """A response in which every fourth token is another one."""
    return [4 + (t + 1) % 40 if i % 4 == 3 and t > EOS else t for i, t in enumerate(row)]


class TestValidation:
    EVAL_BLEU = dict.fromkeys(["eval_bleu"])

    def validate(self, build, **flags):
        """Meters over the validation set, as fairseq-train logs them, and the trainer."""
        cfg, task, model, criterion = build(**self.EVAL_BLEU, **flags)
        task.load_dataset("valid")
        trainer = Trainer(cfg, task, model, criterion)
        batches = list(trainer.get_valid_iterator("valid").next_epoch_itr(shuffle=False))
        with metrics.aggregate(new_root=True) as meters:
            for batch in batches:
                trainer.valid_step(batch)
        return meters.get_smoothed_values(), trainer, batches

    def test_order_of_what_is_logged_does_not_depend_on_the_task(self, build):
        """Ranks that hold different tasks are added up by it."""
        _, task, model, criterion = build(
            **self.EVAL_BLEU, eval_bleu_args='{"beam": 1, "max_len_b": 5}'
        )
        task.load_dataset("valid")
        dataset = task.datasets["valid"]
        firsts = [dataset[int(dataset.task_indices(name)[0])] for name in dataset.names]
        orders = [
            list(task.valid_step(dataset.collater([item]), model, criterion)[2]) for item in firsts
        ]
        assert all(order == orders[0] for order in orders)

    @pytest.mark.parametrize("classification_tasks", ["e6,e2", ""])
    def test_bleu_is_of_the_whole_set(self, build, monkeypatch, classification_tasks):
        """The counts of all batches together, and not a mean over batches."""
        hypotheses, references = [], []

        def pretend(task, generator, models, sample, **kwargs):
            rows = [[t for t in row if t != PAD] for row in sample["target"].tolist()]
            words = task.target_dictionary
            references.extend(words.string(torch.tensor(row)) for row in rows)
            hypotheses.extend(words.string(torch.tensor(altered(row))) for row in rows)
            return [[{"tokens": torch.tensor(altered(row))}] for row in rows]

        monkeypatch.setattr(
            "emo_mtl.tasks.emotion_dialogue.EmotionDialogueTask.inference_step", pretend
        )
        values, _, batches = self.validate(build, classification_tasks=classification_tasks)
        assert len(references) == 17
        assert sum(batch.get("task", "response") == "response" for batch in batches) > 1
        expected = sacrebleu.corpus_bleu(hypotheses, [references]).score
        assert 10 < expected < 90
        assert values["bleu"] == pytest.approx(expected, abs=0.006)

    def test_bpe_is_undone(self, build, monkeypatch, tmp_path):
        """BLEU is of words and not of GPT-2's pieces, which are numbers in the dictionary."""
        (tmp_path / "encoder.json").write_text('{"hel": 0, "lo": 1, "\\u0120world": 2}')
        (tmp_path / "vocab.bpe").write_text("#version: 0.2\nh e\n")
        folder = tmp_path / "data-bin" / "response"
        for side in ("source", "target"):
            words = make_dictionary(["0", "1", "2"], folder / f"dict.{side}.txt")
            binarize(["0 1 2 2 0 1 2"] * 3, words, folder / f"valid.source-target.{side}")
        hypothesis = words.encode_line("0 1 2 2 0 1 2 0 1", add_if_not_exist=False).long()
        monkeypatch.setattr(
            "emo_mtl.tasks.emotion_dialogue.EmotionDialogueTask.inference_step",
            lambda task, generator, models, sample, **kwargs: [
                [{"tokens": hypothesis}] for _ in sample["target"]
            ],
        )
        values, _, _ = self.validate(
            build,
            data=tmp_path / "data-bin",
            classification_tasks="",
            bpe="gpt2",
            gpt2_encoder_json=tmp_path / "encoder.json",
            gpt2_vocab_bpe=tmp_path / "vocab.bpe",
        )
        expected = sacrebleu.corpus_bleu(
            ["hello world worldhello worldhello"] * 3, [["hello world worldhello world"] * 3]
        )
        assert 0 < expected.score < 100
        assert values["bleu"] == pytest.approx(expected.score, abs=0.006)

    def test_perfect(self, build, monkeypatch):
        monkeypatch.setattr(
            "emo_mtl.tasks.emotion_dialogue.EmotionDialogueTask.inference_step",
            lambda task, generator, models, sample, **kwargs: [
                [{"tokens": row[row != PAD]}] for row in sample["target"]
            ],
        )
        assert self.validate(build)[0]["bleu"] == 100

    def test_metrics_of_all_tasks(self, build):
        values, _, _ = self.validate(build, eval_bleu_args='{"beam": 2, "max_len_b": 5}')
        expected = {"loss", "bleu", "response_loss", "response_nll_loss", "response_ppl"}
        for name in ("e6", "e2"):
            expected |= {f"{name}_loss", f"{name}_accuracy", f"{name}_f1"}
        assert expected <= values.keys()
        assert not any(key in values for key in bleu_keys())

    def test_a_task_of_weight_0_is_validated(self, build):
        values, _, _ = self.validate(build, loss_weights="e6=0,e2=0", eval_bleu_args='{"beam": 1}')
        assert {"e6_accuracy", "e2_accuracy"} <= values.keys()
        assert values["loss"] == pytest.approx(values["response_loss"], abs=2e-3)

    def test_training_goes_on_as_before(self, build):
        """Beam search in a validation leaves no trace in the model (BART's `set_beam_size`)."""
        results = []
        for beam in (None, 5):
            cfg, task, model, criterion = build(
                **self.EVAL_BLEU, eval_bleu_args=f'{{"beam": {beam or 1}, "max_len_b": 5}}'
            )
            task.load_dataset("valid")
            trainer = Trainer(cfg, task, model, criterion)
            batches = trainer.get_train_iterator(epoch=1).next_epoch_itr()
            if beam:
                for batch in trainer.get_valid_iterator("valid").next_epoch_itr(shuffle=False):
                    trainer.valid_step(batch)
            for _ in range(3):
                trainer.train_step([next(batches)])
            results.append(model.state_dict())
        for key, value in results[0].items():
            torch.testing.assert_close(results[1][key], value, rtol=0, atol=0)

    def test_training_without_bleu_logs_none(self, build):
        cfg, task, model, criterion = build(**self.EVAL_BLEU)
        trainer = Trainer(cfg, task, model, criterion)
        batches = trainer.get_train_iterator(epoch=1).next_epoch_itr()
        with metrics.aggregate(new_root=True) as meters:
            trainer.train_step([next(batches)])
        assert "bleu" not in meters.get_smoothed_values()

    def test_checkpoints_are_plain_data(self, build, tmp_path, monkeypatch):
        """fairseq-train with --eval-bleu: every checkpoint loads protected, and training resumes."""
        # fairseq remembers the best loss for the whole process: another test's would be the better
        monkeypatch.delattr(checkpoint_utils.save_checkpoint, "best", raising=False)
        flags = {
            "save_dir": tmp_path,
            "eval_bleu": None,
            "eval_bleu_args": '{"beam": 2, "max_len_b": 5}',
            "save_interval_updates": "3",
            "validate_interval_updates": "3",
        }

        def run(max_update: str) -> None:
            argv = train_argv(build()[0].task.data, max_update=max_update, **flags)
            argv.remove("--disable-validation")
            fairseq_train.main(parse_train(argv))

        run("4")
        saved = sorted(path.name for path in tmp_path.glob("*.pt"))
        assert {"checkpoint_1_3.pt", "checkpoint_last.pt", "checkpoint_best.pt"} <= set(saved)
        for name in saved:
            state = torch.load(tmp_path / name, weights_only=True)
            assert state["extra_state"]["train_iterator"]["iterations_in_epoch"] in (3, 4)
            assert state["task_state"]["heads"] == LABELS
        run("6")
        state = torch.load(tmp_path / "checkpoint_last.pt", weights_only=True)
        assert state["optimizer_history"][-1]["num_updates"] == 6


class TestUserDir:
    """`--user-dir emo_mtl`, whether or not emo_mtl was imported before."""

    PACKAGE = REPOSITORY / "emo_mtl"

    def test_in_this_process(self):
        utils.import_user_module(Namespace(user_dir=str(self.PACKAGE)))
        assert (
            tasks.TASK_REGISTRY["emotion_dialogue"]
            is sys.modules["emo_mtl.tasks.emotion_dialogue"].EmotionDialogueTask
        )


def test_bpe_of_data_without_a_manifest_is_noted(build, tmp_path):
    """Given with flags in training, it is the model's from then on."""
    (tmp_path / "spm.model").write_bytes(b"pieces")
    flags = {"bpe": "sentencepiece", "sentencepiece_model": str(tmp_path / "spm.model")}
    cfg, task, _, _ = build(**flags, save_dir=str(tmp_path / "save"))
    assert task.state_dict()["bpe"] is None
    task.leave_model_files(cfg)
    assert task.state_dict()["bpe"]["kind"] == "sentencepiece"
    assert (tmp_path / "save" / "spm.model").read_bytes() == b"pieces"
