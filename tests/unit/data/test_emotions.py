"""A wanted emotion in front of an utterance: tokens, sizes, and which are left out in an epoch."""

import pytest
import torch
from fairseq.data import ListDataset

from emo_mtl.data.datasets import BARTInputDataset
from emo_mtl.data.emotions import EmotionDataset, Emotions, with_emotion, with_emotions, words_of
from emo_mtl.errors import UserError

BOS, PAD, EOS = 0, 1, 2
JOY, FEAR = [8, 2], [9, 10, 2]


def dataset(dropout: float = 0.0, seed: int = 1, size: int = 200) -> EmotionDataset:
    """Utterances of one to three tokens, with joy and fear in turn."""
    items = [torch.tensor([*[5, 6, 7][: 1 + i % 3], EOS]) for i in range(size)]
    utterances = BARTInputDataset(ListDataset(items, [len(i) for i in items]), BOS, EOS, 10)
    return EmotionDataset(utterances, [JOY, FEAR], torch.arange(size) % 2, dropout, seed)


def test_in_front():
    assert with_emotion(torch.tensor([0, 5, 6, 2]), JOY).tolist() == [0, 8, 2, 5, 6, 2]
    found = [dataset()[i].tolist() for i in range(2)]
    assert found == [[0, 8, 2, 5, 2], [0, 9, 10, 2, 5, 6, 2]]


def test_batch():
    """Rows of different lengths, one of them without an emotion."""
    net_input = {
        "src_tokens": torch.tensor([[0, 5, 6, 2], [0, 5, 2, 1], [0, 2, 1, 1]]),
        "src_lengths": torch.tensor([4, 3, 2]),
        "prev_output_tokens": None,
    }
    found = with_emotions(net_input, [JOY, FEAR, ()], PAD)
    assert found["src_tokens"].tolist() == [
        [0, 8, 2, 5, 6, 2],
        [0, 9, 10, 2, 5, 2],
        [0, 2, 1, 1, 1, 1],
    ]
    assert found["src_lengths"].tolist() == [6, 6, 2]
    assert net_input["src_lengths"].tolist() == [4, 3, 2]


def test_sizes_are_those_of_the_items():
    items = dataset()
    assert items.sizes.tolist() == [len(items[i]) for i in range(len(items))]
    assert items.size(1) == items.num_tokens(1) == 7
    assert items.turns == 1


class TestDropout:
    def left_out(self, items: EmotionDataset, epoch: int) -> list[bool]:
        items.set_epoch(epoch)
        return [len(items[i]) < items.size(i) for i in range(len(items))]

    def test_share(self):
        assert 20 < sum(self.left_out(dataset(0.2), 1)) < 60  # of 200; 40 expected
        assert sum(self.left_out(dataset(0.0), 1)) == 0

    def test_drawn_anew_for_each_epoch_and_seed_only(self):
        first = self.left_out(dataset(0.2), 1)
        assert self.left_out(dataset(0.2), 1) == first
        assert self.left_out(dataset(0.2), 2) != first
        assert self.left_out(dataset(0.2, seed=2), 1) != first
        other = dataset(0.2)
        assert self.left_out(other, 2) != first
        assert self.left_out(other, 1) == first

    def test_workers_that_live_on_see_the_epoch(self):
        items = dataset(0.5, size=40)
        loader = torch.utils.data.DataLoader(
            items,
            batch_size=None,
            num_workers=2,
            persistent_workers=True,
            multiprocessing_context="fork",
        )
        for epoch in (1, 2):
            items.set_epoch(epoch)
            expected = [items[i].tolist() for i in range(len(items))]
            assert [item.tolist() for item in loader] == expected


class TestCheck:
    EMOTIONS = Emotions("next", {"joy": JOY, "fear": FEAR})

    def test_room(self):
        assert (self.EMOTIONS.room, Emotions("", {}).room) == (3, 0)

    def test_good(self):
        for wanted in ("joy", "fear", "auto"):
            self.EMOTIONS.check(wanted, "emotion", ["next"], ("auto",))

    @pytest.mark.parametrize(
        ("wanted", "heads", "message"),
        [
            ("envy", ["next"], "envy: the model was not trained .* one of joy, fear, auto$"),
            ("gold", ["next"], "gold: the model was not trained"),
            ("auto", ["e6"], "auto: the model has no head next"),
        ],
    )
    def test_bad(self, wanted, heads, message):
        with pytest.raises(UserError, match=message):
            self.EMOTIONS.check(wanted, "emotion", heads, ("auto",))

    def test_a_model_without_emotions(self):
        with pytest.raises(UserError, match="--emotion joy: the model knows no emotions"):
            Emotions("", {}).check("joy", "--emotion", [], ())


def test_words():
    assert words_of("very_sad") == "very sad"
