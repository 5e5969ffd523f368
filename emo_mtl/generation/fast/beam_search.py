"""Beam search with one `emo_bart` model: the hypotheses of fairseq's `SequenceGenerator`, sooner."""

import math
from collections.abc import Mapping
from itertools import repeat
from operator import itemgetter
from typing import Any, NamedTuple

import torch
from fairseq.search import BeamSearch
from fairseq.sequence_generator import SequenceGenerator
from torch import Tensor

from emo_mtl.generation.fast.incremental_decoder import IncrementalDecoder, is_plain
from emo_mtl.generation.fast.vocabulary import best_continuations, logits_buffer, project
from emo_mtl.generation.mmi import WithoutUtterance
from emo_mtl.generation.ngram_block import NGramBlock

# Steps after which the host looks for hypotheses that have ended. Each look waits for a GPU; a sentence that
# has ended meanwhile is searched for a few steps in vain.
LOOK = {"cpu": 1, "cuda": 4}


class Step(NamedTuple):
    """What a step of the search chose: B sentences of K rows, which hold t tokens after the start symbol."""

    tokens: Tensor  # BK x (t + 1)
    scores: Tensor  # BK x t: sums of log p, nats
    rows: Tensor  # B x candidates: the row that each goes on from
    total: Tensor  # B x candidates: log p with the new token, nats
    ends: Tensor  # B x candidates: whether that token is </s>


class BeamSearchGenerator(SequenceGenerator):
    """fairseq's generator with a shorter way to the same hypotheses where plain beam search is asked for.

    All else (sampling, ensembles, constraints, a language model, longer prefixes and so on) is left to
    fairseq. With `--mmi-weight` w, log p is log p(T | S) - w log p(T) throughout. Attention weights are not
    computed: `attention` of a hypothesis is empty.
    """

    def _generate(
        self,
        sample: Mapping[str, Any],
        prefix_tokens: Tensor | None = None,
        constraints: Tensor | None = None,
        bos_token: int | None = None,
    ) -> list[list[dict[str, Tensor]]]:
        """The finished hypotheses of each sentence, best first, as `SequenceGenerator` returns them."""
        source_length = sample["net_input"]["src_tokens"].size(1)
        max_len = min(int(self.max_len_a * source_length + self.max_len_b), self.max_len - 1)
        if (
            constraints is not None
            or prefix_tokens is None
            or prefix_tokens.size(1) != 1
            or prefix_tokens.eq(self.pad).logical_or(prefix_tokens.eq(self.eos)).any()
            or max_len < max(1, self.min_len)
            or not self.is_plain()
        ):
            return super()._generate(sample, prefix_tokens, constraints, bos_token)
        start = torch.full_like(prefix_tokens, self.eos if bos_token is None else bos_token)
        return self.search_beams(sample, torch.cat([start, prefix_tokens], dim=1), max_len)

    def is_plain(self) -> bool:
        """Whether nothing but beam search with one model is asked for, and perhaps `--mmi-weight`."""
        return (
            type(self.search) is BeamSearch
            and isinstance(self.repeat_ngram_blocker, NGramBlock | None)
            and self.model.models_size == 1
            and isinstance(self.lm_model, WithoutUtterance | None)
            and self.unk_penalty == 0
            and self.temperature == 1
            and not self.match_source_len
            and 2 * self.beam_size < self.vocab_size
            and is_plain(self.model.single_model.decoder)
        )

    def search_beams(
        self, sample: Mapping[str, Any], tokens: Tensor, max_len: int
    ) -> list[list[dict[str, Tensor]]]:
        """Beam search from two given tokens.

        A row is a hypothesis; B sentences are not finished and have K rows each: 1 at first, then the
        beam size. Step t chooses token t after the start symbol. A sentence leaves the batch with as
        many finished hypotheses as the beam size.

        Args:
            tokens: start symbol and first token of each sentence, shape (sentences, 2)
            max_len: longest hypothesis without `</s>`, tokens

        Raises:
            FloatingPointError: no hypothesis has a finite score
        """
        model = self.model.single_model
        weight = model.decoder.output_projection.weight
        encoder_out = model.encoder.forward_torchscript(sample["net_input"])
        decoders = [IncrementalDecoder(model.decoder, encoder_out, max_len + 1)]
        if self.lm_model is not None:
            nothing = self.lm_model.encode(model, tokens)
            decoders.append(IncrementalDecoder(model.decoder, nothing, max_len + 1))
        size = len(tokens) * self.beam_size, self.vocab_size
        buffers = [logits_buffer(*size, tokens.device) for _ in decoders]

        def next_logits(features: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
            """As :func:`project`, with the share of what is said after nothing taken off the logits."""
            found = [project(*each) for each in zip(features, repeat(weight), buffers)]
            for logits, maximum, log_sum in found[1:]:
                lprobs = (logits - maximum - log_sum)[:, : self.vocab_size]
                found[0][0][:, : self.vocab_size].add_(lprobs, alpha=self.lm_weight)
            return found[0]

        if self.token_indices_to_suppress is not None:  # fairseq leaves it on the CPU
            self.token_indices_to_suppress = self.token_indices_to_suppress.to(tokens.device)

        features = [decoder(tokens) for decoder in decoders]  # B x 2 x C each
        logits, maximum, log_sum = next_logits([each[:, 0] for each in features])
        scores = logits.gather(1, tokens[:, 1:]) - maximum - log_sum  # BK x t, sums of log p
        hypotheses: list[list[dict[str, Tensor]]] = [[] for _ in tokens]
        open_ = list(range(len(tokens)))  # the sentence of each K rows
        look = LOOK.get(tokens.device.type, LOOK["cuda"])
        unseen: list[Step] = []
        for step in range(1, max_len + 1):
            logits, maximum, log_sum = next_logits([each[:, -1] for each in features])
            self.ban(logits, tokens, len(open_), step, max_len)
            last = scores[:, -1].view(len(open_), -1)  # B x K
            total, chosen, beam = best_continuations(
                logits, maximum, log_sum, last, 2 * self.beam_size
            )  # B x 2 beam size
            first_row = torch.arange(0, len(tokens), last.size(1), device=tokens.device)
            rows = beam + first_row.unsqueeze(1)

            ends = chosen.eq(self.eos) & total.ne(-math.inf)
            unseen.append(Step(tokens, scores, rows, total, ends))
            if step % look == 0 or step == max_len:
                self.collect(unseen, [hypotheses[sentence] for sentence in open_])
                unseen = []
            left = [i for i, s in enumerate(open_) if len(hypotheses[s]) < self.beam_size]
            if not left or step == max_len:
                break
            # Of twice as many candidates as the beam size at most half end here.
            active = ends.int().argsort(dim=1, stable=True)[:, : self.beam_size]
            if len(left) < len(open_):
                kept = torch.tensor(left).to(tokens.device, non_blocking=True)
                for decoder in decoders:
                    decoder.select_sentences(kept)
                total, chosen, rows, active = (x[kept] for x in (total, chosen, rows, active))
                open_ = [open_[i] for i in left]
            rows, chosen, total = (x.gather(1, active).view(-1) for x in (rows, chosen, total))
            tokens = torch.cat([tokens[rows], chosen.unsqueeze(1)], dim=1)
            scores = torch.cat([scores[rows], total.unsqueeze(1)], dim=1)
            for decoder in decoders:
                decoder.select_rows(rows)
            features = [decoder(tokens[:, -1:]) for decoder in decoders]
        if not all(hypotheses):
            raise FloatingPointError(
                "no hypothesis has a finite score: the weights hold NaN or infinity"
            )
        # All scores at once: asking a GPU for each one would be as many waits.
        numbers = iter(torch.stack([h["score"] for found in hypotheses for h in found]).tolist())
        scored = [[(next(numbers), h) for h in found] for found in hypotheses]
        return [[h for _, h in sorted(found, key=itemgetter(0), reverse=True)] for found in scored]

    def collect(self, steps: list[Step], hypotheses: list[list[dict[str, Tensor]]]) -> None:
        """Add the hypotheses that ended in some steps to those of each sentence, up to the beam size.

        Only a `</s>` among the best candidates, as many as the beam size, ends one.
        """
        all_ends = torch.stack([step.ends[:, : self.beam_size] for step in steps]).cpu()
        for step, ends in zip(steps, all_ends, strict=True):
            ended = ends.nonzero()
            if not len(ended):
                continue
            at = tuple(ended.to(step.tokens.device, non_blocking=True).unbind(1))
            rows = step.rows[at]
            found = self.finish(step.tokens[rows], step.scores[rows], step.total[at])
            for sentence, hypothesis in zip(ended[:, 0].tolist(), found, strict=True):
                if len(hypotheses[sentence]) < self.beam_size:
                    hypotheses[sentence].append(hypothesis)

    def ban(self, logits: Tensor, tokens: Tensor, sentences: int, step: int, max_len: int) -> None:
        """Set the logits of tokens that may not follow to minus infinity; at `max_len` only `</s>` may."""
        if step == max_len:
            end = logits[:, self.eos].clone()
            logits.fill_(-math.inf)
            logits[:, self.eos] = end
            return
        logits[:, self.pad] = -math.inf
        if self.token_indices_to_suppress is not None:
            logits[:, self.token_indices_to_suppress] = -math.inf
        if step < self.min_len:
            logits[:, self.eos] = -math.inf
        if self.repeat_ngram_blocker is not None:
            beams = len(tokens) // sentences
            self.repeat_ngram_blocker(tokens, logits, sentences, beams, step)

    def finish(self, tokens: Tensor, scores: Tensor, total: Tensor) -> list[dict[str, Tensor]]:
        """Hypotheses that end with `</s>`, as fairseq returns them.

        Args:
            tokens: with the start symbol, without `</s>`, shape (n, t + 1)
            scores: sums of log-probabilities up to each token, nats, shape (n, t)
            total: the sum with that of `</s>`, nats, shape (n)
        """
        tokens = torch.cat([tokens[:, 1:], torch.full_like(tokens[:, :1], self.eos)], dim=1)
        sums = torch.cat([scores, total.unsqueeze(1)], dim=1)
        positional = torch.cat([sums[:, :1], sums.diff(dim=1)], dim=1)
        score = total / tokens.size(1) ** self.len_penalty if self.normalize_scores else total
        empty = torch.empty(0)
        return [
            {
                "tokens": t,
                "score": s,
                "attention": empty,
                "alignment": empty,
                "positional_scores": p,
            }
            for t, s, p in zip(tokens, score, positional, strict=True)
        ]
