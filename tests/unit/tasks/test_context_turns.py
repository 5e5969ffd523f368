"""`--context-turns`: what a training reads of data with several turns in a line."""

import random
import shutil
from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from helpers.data import binarize, utterance, write_data_bin

from emo_mtl.errors import UserError

SIZES = {"train": 60, "valid": 17, "test": 11}


def lines(size: int) -> list[list[str]]:
    """Contexts of one to four turns."""
    rng = random.Random(size)
    return [[utterance(rng) for _ in range(rng.randint(1, 4))] for _ in range(size)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same data with what was said before, and without it."""
    top = tmp_path_factory.mktemp("turns")
    alone = write_data_bin(top / "alone", SIZES)
    several = shutil.copytree(alone, top / "several")
    words = Dictionary.load(str(alone / "response" / "dict.source.txt"))
    for split, size in SIZES.items():
        name = f"response/{split}.source-target.source"
        binarize([" </s> ".join(turns) for turns in lines(size)], words, several / name)
        binarize([turns[-1] for turns in lines(size)], words, alone / name)
    return several, alone


def batches(task) -> list[dict]:
    iterator = task.get_batch_iterator(
        task.dataset("train"), max_tokens=200, max_positions=(1024, 1024), seed=3
    )
    return list(iterator.next_epoch_itr())


def same(a, b) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return torch.equal(a, b) if torch.is_tensor(a) else a == b


def load(build, folder: Path, split: str = "train", **flags: str):
    _, task, _, _ = build(folder, **flags)
    task.load_dataset(split)
    return task


def test_one_turn_gives_the_batches_of_data_without_history(build, folders):
    several, alone = (batches(load(build, folder)) for folder in folders)
    assert len(several) == len(alone)
    assert all(map(same, several, alone))


def test_several_turns(build, folders):
    task = load(build, folders[0], context_turns="3")
    words = task.source_dictionary
    source = task.dataset("train").datasets["response"].src
    for turns, item in zip(lines(60), map(source.__getitem__, range(60)), strict=True):
        assert words.string(item) == " </s> ".join(turns[-3:])
    assert task.state.turns == {"response": 3, "e6": 1, "e2": 1}
    assert (task.turns_of("response"), task.turns_of("e6")) == (3, 1)


def test_too_long_together(build, folders, caplog):
    """Whole turns are left out, the oldest first; one in twenty is worth a warning."""
    task = load(build, folders[0], context_turns="4", max_source_length="20")
    source = task.dataset("train").datasets["response"].src
    assert source.sizes.max() <= 20
    (warning,) = [r.message for r in caplog.records if "oldest turns are left out" in r.message]
    assert "of 60 contexts of 4 turns are longer than 20 tokens" in warning


def test_data_of_single_utterances_is_refused_in_training_only(build, folders):
    with pytest.raises(UserError, match=r"--context-turns 2: found one turn in each line"):
        load(build, folders[1], context_turns="2")
    load(build, folders[1], "test", context_turns="2")


def test_a_checkpoint_of_before_has_one_turn(build, folders):
    task = load(build, folders[0])
    old = {key: value for key, value in task.state_dict().items() if "turns" not in key}
    task.load_state_dict(old)
    assert (task.cfg.context_turns, task.turns_of("e6")) == (1, 1)


def test_the_checkpoints_number_is_taken(build, folders):
    state = load(build, folders[0], context_turns="3").state_dict()
    _, task, _, _ = build(folders[0])
    task.load_state_dict(dict(state))
    assert task.cfg.context_turns == 3


def test_less_than_one(build, folders):
    with pytest.raises(UserError, match="--context-turns 0: expected 1 or more"):
        build(folders[0], context_turns="0")
