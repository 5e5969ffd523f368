"""The numbers of the paper's tables, as pure functions.

Table 2 (responses): BLEU, distinct-1, distinct-2 and average length, over words.
Table 4 (emotions): accuracy and macro-F1, over a confusion matrix, which can be summed over
batches and ranks before it is scored.

Every score is in percent, as in the paper; only the average length is in words.
"""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emo_mtl.errors import UserError

WORD_TOKENIZERS = ("nltk", "13a", "space", "simple")

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def word_tokenizer(name: str) -> tuple[Callable[[str], list[str]], str]:
    """Return a function from a line to its words, and a description that pins what it does.

    - ``nltk``: the paper's words. NLTK's ``word_tokenize`` cuts a line into sentences with a
      trained model (punkt) that has to be downloaded, then each sentence into words. Here a
      sentence ends at ``.``, ``!`` or ``?`` before white space, so that nothing is downloaded;
      only abbreviations such as ``Mr. Smith`` come out differently (``Mr`` ``.`` ``Smith``).
      DailyDialog puts white space around punctuation, and there the words are the same.
    - ``13a``: sacreBLEU's default. Comparable with other papers' sacreBLEU.
    - ``space``: split at white space only, for text that is already tokenised.
    - ``simple``: words in lower case and single marks, ``’`` as ``'``: for references that are written in
      other ways than the responses.

    Raises:
        UserError: ``nltk`` without NLTK, which comes with the extra ``eval``.
    """
    if name == "nltk":
        try:
            import nltk
        except ImportError as error:
            raise UserError(
                "the word tokenizer nltk needs NLTK, which is not installed; "
                "run: pip install 'emo-mtl[eval]', or use --word-tokenizer 13a "
                "(whose numbers differ slightly from the paper's)"
            ) from error
        tokenize = nltk.tokenize.NLTKWordTokenizer().tokenize

        def words(line: str) -> list[str]:
            return [word for part in _SENTENCE_END.split(line) for word in tokenize(part)]

        return words, f"NLTKWordTokenizer, nltk {nltk.__version__}"
    if name == "13a":
        import sacrebleu
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

        tokenize_13a = Tokenizer13a()
        return lambda line: tokenize_13a(line).split(), f"13a, sacrebleu {sacrebleu.__version__}"
    if name == "space":
        return str.split, "white space"
    if name == "simple":
        simple = re.compile(r"\w+|[^\w\s]")
        return lambda line: simple.findall(
            line.lower().replace("’", "'")
        ), "lower case, words and marks"
    raise UserError(f"unknown word tokenizer {name!r}; choose one of {', '.join(WORD_TOKENIZERS)}")


def bleu(
    hypotheses: Sequence[str],
    *references: Sequence[str],
    tokenize: str = "13a",
    smooth_method: str = "exp",
) -> tuple[float, str]:
    """Return sacreBLEU in percent and its signature: the number to report.

    The lines are raw text; sacreBLEU tokenises them. Case counts.

    Args:
        references: one reference of each hypothesis; or several such sequences

    Raises:
        ValueError: there are no hypotheses, or not as many references.
    """
    from sacrebleu.metrics import BLEU

    _check_parallel(hypotheses, references)
    # force: no warning about text that looks tokenised; DailyDialog is, and it changes no number
    metric = BLEU(tokenize=tokenize, smooth_method=smooth_method, force=True)
    score = metric.corpus_score(hypotheses, references).score
    return score, metric.get_signature().format()


def paper_bleu(
    hypothesis_words: Sequence[Sequence[str]], *reference_words: Sequence[Sequence[str]]
) -> float:
    """Return the BLEU of the paper's Table 2 in percent, to compare with the paper only.

    It is unsmoothed corpus BLEU-4 over words as NLTK's ``corpus_bleu`` computes it. sacreBLEU
    counts the n-grams; what NLTK does otherwise is that a hypothesis of fewer than n words,
    which has no n-gram, still counts as one in the denominator of the n-gram precision.

    Args:
        reference_words: of one reference of each hypothesis; or several such sequences

    Raises:
        ValueError: there are no hypotheses, or not as many references.
    """
    from sacrebleu.metrics import BLEU

    _check_parallel(hypothesis_words, reference_words)
    counted = BLEU(tokenize="none", smooth_method="none", force=True).corpus_score(
        [" ".join(words) for words in hypothesis_words],
        [[" ".join(words) for words in references] for references in reference_words],
    )
    totals = [
        total + sum(len(words) < n for words in hypothesis_words)
        for n, total in enumerate(counted.totals, start=1)
    ]
    return BLEU.compute_bleu(counted.counts, totals, counted.sys_len, counted.ref_len).score


def distinct_n(token_lists: Sequence[Sequence[str]], n: int) -> float:
    """Return distinct-n of Table 2 in percent: distinct n-grams / all tokens (Li et al. 2016).

    The denominator is the number of tokens for every n, not the number of n-grams. Without any
    token the result is 0.
    """
    ngrams = {
        tuple(tokens[start : start + n])
        for tokens in token_lists
        for start in range(len(tokens) - n + 1)
    }
    return 100 * len(ngrams) / max(1, sum(map(len, token_lists)))


def average_length(token_lists: Sequence[Sequence[str]]) -> float:
    """Return the "Avg Len" of Table 2: tokens a line, where empty lines count as lines.

    Raises:
        ValueError: there are no lines.
    """
    if not token_lists:
        raise ValueError("no lines to average over")
    return sum(map(len, token_lists)) / len(token_lists)


def different(lines: Sequence[str]) -> int:
    """Return how many lines there are that are not equal."""
    return len(set(lines))


def most_frequent_share(lines: Sequence[str]) -> float:
    """Return the share of the most frequent line, in percent; nan without lines."""
    if not lines:
        return float("nan")
    return 100 * Counter(lines).most_common(1)[0][1] / len(lines)


def compression_ratio(lines: Sequence[str]) -> float:
    """Return how many times smaller zlib makes the lines: the larger, the more they repeat each other.

    It depends on the number of lines (Shaib et al. 2024, "Standardizing the Measurement of Text Diversity").
    """
    text = "\n".join(lines).encode()
    return len(text) / len(zlib.compress(text, level=9))


def confusion_matrix(gold: ArrayLike, predicted: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """Count how often each gold class was predicted as each class.

    Args:
        gold: class indices, shape (examples,)
        predicted: class indices, shape (examples,)
        num_classes: C

    Returns:
        counts of shape (C, C); rows are gold classes, columns are predicted classes

    Raises:
        ValueError: the shapes differ, or an index is not in [0, C).
    """
    gold = np.asarray(gold, dtype=np.int64)
    predicted = np.asarray(predicted, dtype=np.int64)
    if gold.ndim != 1 or gold.shape != predicted.shape:
        raise ValueError(f"gold has shape {gold.shape}, predicted has shape {predicted.shape}")
    for name, classes in (("gold", gold), ("predicted", predicted)):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(
                f"{name} classes run from {classes.min()} to {classes.max()}, "
                f"expected 0 to {num_classes - 1}"
            )
    pairs = np.bincount(gold * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def accuracy(confusion: ArrayLike) -> float:
    """Return the accuracy of Table 4 in percent; nan for a matrix of zeros.

    Args:
        confusion: counts of shape (C, C), summed over as many batches and ranks as wanted
    """
    hits, gold, _ = class_counts(confusion)
    return accuracy_of_counts(hits, gold)


def scores_by_class(hits: NDArray, gold: NDArray, predicted: NDArray) -> dict[str, list]:
    """Return `precision`, `recall` and `f1` of each class in percent, and its `support`, lists of C.

    As scikit-learn's ``precision_recall_fscore_support(labels=range(C), zero_division=0)``.

    Args:
        hits, gold, predicted: counts a class, shape (C,) each
    """
    totals = {"precision": predicted, "recall": gold, "f1": (gold + predicted) / 2}
    # a class without any has 0 hits, hence 0 / 1
    shares = {name: hits / np.where(total, total, 1) for name, total in totals.items()}
    return {
        **{name: (100 * share).tolist() for name, share in shares.items()},
        "support": gold.astype(int).tolist(),
    }


def class_counts(confusion: ArrayLike) -> tuple[NDArray, NDArray, NDArray]:
    """Return the hits, gold labels and predictions of each class, shape (C,) each, of a C x C matrix."""
    confusion = np.asarray(confusion, dtype=np.float64)
    return np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)


def label_counts(gold: NDArray, predicted: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Return the hits, gold labels and predictions of each label, shape (C,) each, of several an example.

    Args:
        gold, predicted: truth values, N x C
    """
    return (gold & predicted).sum(axis=0), gold.sum(axis=0), predicted.sum(axis=0)


def accuracy_of_counts(hits: NDArray, gold: NDArray) -> float:
    """Return the accuracy in percent of counts a class, shape (C,); nan where there are none."""
    total = gold.sum()
    return float(100 * hits.sum() / total) if total else float("nan")


def macro_f1_of_counts(hits: NDArray, gold: NDArray, predicted: NDArray) -> float:
    """Return the F1 of Table 4 in percent of counts a class, shape (C,) each: the plain mean of the C F1.

    All C classes count: one that is neither in the gold labels nor predicted has an F1 of 0, as in
    scikit-learn's ``f1_score(labels=range(C), average="macro", zero_division=0)``. nan without gold labels.
    """
    if not gold.any():
        return float("nan")
    # F1 = 2 * hits / (gold + predicted); a class with neither has 0 hits, hence 0 / 1
    return float(100 * np.mean(2 * hits / np.maximum(1, gold + predicted)))


def micro_f1_of_counts(hits: NDArray, gold: NDArray, predicted: NDArray) -> float:
    """Return the F1 in percent of the summed counts of classes, shape (C,) each; nan without gold labels.

    As scikit-learn's ``f1_score(labels=..., average="micro")``.
    """
    if not gold.any():
        return float("nan")
    return float(100 * 2 * hits.sum() / (gold.sum() + predicted.sum()))


def _check_parallel(hypotheses: Sequence, references: Sequence[Sequence]) -> None:
    lengths = [len(hypotheses), *map(len, references)]
    if len(lengths) == 1 or 0 in lengths or len(set(lengths)) > 1:
        raise ValueError(
            f"{lengths[0]} hypotheses and {lengths[1:]} references, expected the same number and at least 1"
        )
