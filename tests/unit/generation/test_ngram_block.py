"""The n-gram blocker, alone and within fairseq's beam search."""

import math
from argparse import Namespace

import pytest
import torch
from fairseq import tasks
from fairseq.ngram_repeat_block import NGramRepeatBlock
from helpers.config import parse_train, train_argv
from helpers.data import WORDS
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.generation.ngram_block import NGramBlock

BOS, PAD, EOS = 0, 1, 2
VOCABULARY = 12


def banned(
    hypotheses: list[list[int]], n: int, width: int = 16, dtype=torch.float32
) -> list[set[int]]:
    """Tokens that the blocker bans after each of the hypotheses (all of one length)."""
    step = len(hypotheses[0])
    tokens = torch.full((len(hypotheses), width), PAD)
    tokens[:, 0] = EOS
    tokens[:, 1 : step + 1] = torch.tensor(hypotheses, dtype=torch.long)
    lprobs = torch.zeros(len(hypotheses), VOCABULARY, dtype=dtype)
    lprobs[:, PAD] = -math.inf  # as the generator does before
    result = NGramBlock(n, PAD)(tokens, lprobs, len(hypotheses), 1, step)
    return [
        {i for i in range(VOCABULARY) if row[i] == -math.inf} - {PAD} for row in result.tolist()
    ]


def slow_reference(hypothesis: list[int], n: int) -> set[int]:
    """Tokens that would make the last n-gram one that the hypothesis already has."""
    seen = {tuple(hypothesis[i : i + n]) for i in range(len(hypothesis) - n + 1)}
    last = hypothesis[len(hypothesis) - n + 1 :]
    return {token for token in range(VOCABULARY) if (*last, token) in seen}


def ngrams(tokens: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


class TestNGramBlock:
    @pytest.mark.parametrize(
        ("n", "hypothesis", "expected"),
        [
            (1, [], set()),
            (1, [5], {5}),
            (1, [5, 6, 5], {5, 6}),
            (2, [5], set()),
            (2, [5, 6], set()),
            (2, [5, 5], {5}),
            (2, [5, 6, 5], {6}),
            (2, [5, 6, 5, 7, 5], {6, 7}),
            (3, [5, 6], set()),
            (3, [5, 6, 7, 5], set()),
            (3, [5, 6, 7, 5, 6], {7}),
            (3, [5, 5, 5], {5}),
            (3, [5, 6, 7, 5, 6, 8, 5, 6], {7, 8}),
            (3, [BOS, 5, 6, BOS, 5], {6}),
        ],
    )
    def test_examples(self, n, hypothesis, expected):
        assert banned([hypothesis], n) == [expected]

    def test_rows_are_independent(self):
        assert banned([[5, 6, 7, 5, 6], [5, 6, 7, 6, 5], [8, 9, 8, 8, 9]], 3) == [{7}, set(), {8}]

    def test_start_symbol_is_no_part_of_an_ngram(self):
        """Column 0 holds `</s>`: neither `</s>` nor a bigram with it is banned."""
        assert banned([[5, 6]], 1) == [{5, 6}]
        assert banned([[5, EOS]], 2) == [set()]

    def test_padding_of_the_buffer_is_no_context(self):
        """A trigram of pads would match anywhere: the wide buffer bans what the narrow one does."""
        assert (
            banned([[5, 6, 7, 5, 6]], 3, width=6)
            == banned([[5, 6, 7, 5, 6]], 3, width=200)
            == [{7}]
        )

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_precision(self, dtype):
        assert banned([[5, 6, 7, 5, 6]], 3, dtype=dtype) == [{7}]

    def test_changes_nothing_else(self):
        torch.manual_seed(1)
        tokens = torch.tensor([[EOS, 5, 6, 7, 5, 6, PAD, PAD]])
        lprobs = torch.randn(1, VOCABULARY).log_softmax(dim=1)
        lprobs[:, PAD] = -math.inf
        before = lprobs.clone()
        result = NGramBlock(3, PAD)(tokens, lprobs, 1, 1, 5)
        before[0, 7] = -math.inf
        assert torch.equal(result, before)
        assert result is lprobs
        assert tokens.tolist() == [[EOS, 5, 6, 7, 5, 6, PAD, PAD]]

    @given(st.data(), st.integers(1, 4), st.integers(0, 10), st.integers(1, 3), st.integers(1, 3))
    def test_equals_slow_reference(self, data, n, length, bsz, beam_size):
        """Rows of all beams of all sentences, of few different tokens so that n-grams do repeat."""
        token = st.sampled_from([BOS, 4, 5, 6])
        row = st.lists(token, min_size=length, max_size=length)
        rows = data.draw(st.lists(row, min_size=bsz * beam_size, max_size=bsz * beam_size))
        tokens = torch.full((len(rows), 12), PAD)
        tokens[:, 0] = EOS
        tokens[:, 1 : length + 1] = torch.tensor(rows, dtype=torch.long).view(len(rows), length)
        lprobs = torch.zeros(len(rows), VOCABULARY)
        NGramBlock(n, PAD)(tokens, lprobs, bsz, beam_size, length)
        for found, hypothesis in zip(lprobs.tolist(), rows, strict=True):
            infinite = {i for i in range(VOCABULARY) if found[i] == -math.inf}
            assert infinite - {PAD} == slow_reference(hypothesis, n)


class Decoding:
    """Beam search with a random model, which likes to repeat itself."""

    def __init__(self, data_bin, **flags):
        cfg = parse_train(train_argv(data_bin, classification_tasks="", **flags))
        torch.manual_seed(3)
        self.task = tasks.setup_task(cfg.task)
        self.model = self.task.build_model(cfg.model).eval()
        with torch.no_grad():  # larger differences between hypotheses than a new BART has
            for parameter in self.model.parameters():
                parameter.mul_(6)

    def generator(self, **flags):
        return self.task.build_generator([self.model], Namespace(**flags))

    def __call__(self, utterances: list[str], generator) -> list[list[list[int]]]:
        """Tokens of all hypotheses of each utterance."""
        words = self.task.source_dictionary
        encoded = [words.encode_line(text, add_if_not_exist=False).long() for text in utterances]
        data = self.task.build_dataset_for_inference(encoded, [len(e) for e in encoded])
        batch = data.collater([data[i] for i in range(len(data))])
        results = self.task.inference_step(generator, [self.model], batch)
        found = {
            int(i): [hypothesis["tokens"].tolist() for hypothesis in result]
            for i, result in zip(batch["id"], results, strict=True)
        }
        return [found[i] for i in range(len(utterances))]


@pytest.fixture(scope="module")
def decoding(data_bin) -> Decoding:
    return Decoding(data_bin)


UTTERANCES = ["w1 w2 w3 w4 w5 w6 w7", "w8", "w9 w9 w10", "w11 w12 w13 w1 w2 w30 w31 w32 w33"]


class TestInBeamSearch:
    @pytest.mark.parametrize("n", [1, 2, 3])
    @pytest.mark.parametrize("beam", [1, 5])
    def test_no_ngram_twice(self, decoding, n, beam):
        generator = decoding.generator(beam=beam, no_repeat_ngram_size=n)
        assert isinstance(generator.repeat_ngram_blocker, NGramBlock)
        hypotheses = [h for hs in decoding(UTTERANCES, generator) for h in hs]
        assert len(hypotheses) == beam * len(UTTERANCES)
        assert max(map(len, hypotheses)) > 10
        for tokens in hypotheses:
            assert len(set(ngrams(tokens, n))) == len(ngrams(tokens, n))

    def test_the_model_repeats_itself_without(self, decoding):
        """Otherwise the test above would show nothing."""
        generator = decoding.generator(beam=5)
        assert generator.repeat_ngram_blocker is None
        hypotheses = [h for hs in decoding(UTTERANCES, generator) for h in hs]
        assert any(len(set(ngrams(h, 3))) < len(ngrams(h, 3)) for h in hypotheses)

    def test_fairseq_lets_repeats_through(self, decoding):
        """Issue 5206: fairseq's blocker (without its CUDA extension) bans nothing at all."""
        generator = decoding.generator(beam=5, no_repeat_ngram_size=3)
        generator.repeat_ngram_blocker = NGramRepeatBlock(3, use_extension=False)
        unblocked = decoding(UTTERANCES, decoding.generator(beam=5))
        assert decoding(UTTERANCES, generator) == unblocked

    @pytest.mark.parametrize("beam", [1, 5])
    @pytest.mark.parametrize("n", [0, 3])
    def test_batch_size_changes_nothing(self, decoding, beam, n):
        generator = decoding.generator(beam=beam, no_repeat_ngram_size=n)
        together = decoding(UTTERANCES, generator)
        alone = [decoding([text], generator)[0] for text in UTTERANCES]
        assert together == alone
        assert len({str(hypotheses) for hypotheses in together}) > 1

    def test_greedy_repeats_no_trigram_and_keeps_the_prefix(self, decoding):
        """Up to its first repeated trigram, a blocked greedy answer is the unblocked one."""
        free = decoding(UTTERANCES, decoding.generator(beam=1))
        blocked = decoding(UTTERANCES, decoding.generator(beam=1, no_repeat_ngram_size=3))
        for (one,), (other,) in zip(free, blocked, strict=True):
            trigrams = ngrams(one, 3)
            first = next((i for i, t in enumerate(trigrams) if t in trigrams[:i]), len(one))
            assert one[: first + 2] == other[: first + 2]


class TestLength:
    def test_at_most_64_tokens(self, decoding):
        """`<s>` and `</s>` are among the 64."""
        hypotheses = decoding(UTTERANCES, decoding.generator(beam=2, min_len=62))
        assert {len(h) for hs in hypotheses for h in hs} <= {63, 64}
        assert max(len(h) for hs in hypotheses for h in hs) == 64
        assert all(h[-1] == EOS and EOS not in h[:-1] for hs in hypotheses for h in hs)

    def test_max_target_length(self, data_bin):
        decoding = Decoding(data_bin, max_target_length="9")
        hypotheses = decoding(UTTERANCES, decoding.generator(beam=2, min_len=8))
        assert {len(h) for hs in hypotheses for h in hs} == {9}

    def test_max_len_b_can_be_shorter(self, decoding):
        hypotheses = decoding(UTTERANCES, decoding.generator(beam=2, max_len_b=6, min_len=6))
        assert {len(h) for hs in hypotheses for h in hs} == {7}

    def test_vocabulary(self, decoding):
        assert len(decoding.task.target_dictionary) == len(WORDS) + 5


class TestGeneratorOfTheTask:
    def test_blocker_only_where_asked(self, decoding):
        assert decoding.generator(no_repeat_ngram_size=0).repeat_ngram_blocker is None
        blocker = decoding.generator(no_repeat_ngram_size=4).repeat_ngram_blocker
        assert (blocker.n, blocker.pad) == (4, PAD)

    @pytest.mark.parametrize("beam", [1, 5])
    def test_begins_with_bos(self, decoding, beam):
        """`<s>` comes first and never again, as in training; `<mask>` is no word."""
        mask = decoding.task.target_dictionary.index("<mask>")
        for hypotheses in decoding(UTTERANCES, decoding.generator(beam=beam)):
            for tokens in hypotheses:
                assert tokens[0] == BOS
                assert not {BOS, PAD, mask} & set(tokens[1:])

    def test_score_reference(self, decoding):
        """fairseq-generate --score-reference: a scorer, which has no blocker."""
        scorer = decoding.generator(score_reference=True, no_repeat_ngram_size=3)
        assert not hasattr(scorer, "repeat_ngram_blocker")

    def test_sampling(self, decoding):
        generator = decoding.generator(
            beam=1, sampling=True, sampling_topk=10, no_repeat_ngram_size=2, temperature=0.5
        )
        torch.manual_seed(4)
        for (tokens,) in decoding(UTTERANCES, generator):
            assert len(set(ngrams(tokens, 2))) == len(ngrams(tokens, 2))
