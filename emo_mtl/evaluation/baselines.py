"""Responses and emotions without a neural network, as pure functions: what a model has to beat.

Needs scikit-learn (extra `eval`), with its default settings unless a function says otherwise. Everything
is deterministic; of equally good answers the first in the training data is taken.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

BLOCK_MIB = 64  # of one block of distances, utterances x training utterances


def constant(train: Sequence[tuple[str, str]], utterances: Sequence[str]) -> list[str]:
    """The most frequent response of the training pairs, always."""
    return [_most_frequent(response for _, response in train)] * len(utterances)


def copy(train: Sequence[tuple[str, str]], utterances: Sequence[str]) -> list[str]:
    """The utterance itself."""
    return list(utterances)


def exact_match(train: Sequence[tuple[str, str]], utterances: Sequence[str]) -> list[str]:
    """The training data's most frequent response to the same utterance; else the constant one."""
    known: dict[str, list[str]] = {}
    for utterance, response in train:
        known.setdefault(utterance, []).append(response)
    replies = {
        utterance: _most_frequent(known[utterance]) for utterance in set(utterances) & known.keys()
    }
    default = _most_frequent(response for _, response in train)
    return [replies.get(utterance, default) for utterance in utterances]


def nearest(train: Sequence[tuple[str, str]], utterances: Sequence[str]) -> list[str]:
    """The response to the training utterance with the most similar TF-IDF vector (cosine).

    Where no word is shared, the constant one. Distances are taken in blocks of `BLOCK_MIB`.

    Raises:
        ValueError: the training utterances hold no words
    """
    from sklearn import config_context
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import pairwise_distances_argmin_min

    vectorizer = TfidfVectorizer()
    train_vectors = vectorizer.fit_transform(utterance for utterance, _ in train)
    vectors = vectorizer.transform(utterances)
    with config_context(working_memory=BLOCK_MIB):
        positions, distances = pairwise_distances_argmin_min(
            vectors, train_vectors, metric="cosine"
        )
    default = _most_frequent(response for _, response in train)
    return [
        train[position][1] if distance < 1 else default
        for position, distance in zip(positions, distances, strict=True)
    ]


def majority() -> "ClassifierMixin":
    """A classifier that knows nothing but how frequent each label is."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def tfidf_logistic(longest: int = 1, class_weight: str | None = None) -> "ClassifierMixin":
    """Logistic regression over TF-IDF vectors, trained until it has converged.

    Args:
        longest: words of the longest n-gram
        class_weight: `balanced` for labels of equal weight
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, longest)),
        LogisticRegression(max_iter=1000, class_weight=class_weight),
    )


def probabilities(
    classifier: "ClassifierMixin",
    train: Sequence[tuple[str, str]],
    texts: Sequence[str],
    labels: Sequence[str],
) -> NDArray[np.float64]:
    """Train a classifier and apply it.

    Args:
        train: texts with their labels
        texts: N texts
        labels: C labels, of which the training data may lack some

    Returns:
        probabilities of shape (N, C)

    Raises:
        ValueError: scikit-learn cannot learn from the training data
    """
    classifier.fit(*map(list, zip(*train, strict=True)))
    columns = [labels.index(label) for label in classifier.classes_]
    result = np.zeros((len(texts), len(labels)))
    result[:, columns] = classifier.predict_proba(texts)
    return result


def label_probabilities(
    make: Callable[[], "ClassifierMixin"],
    train: Sequence[tuple[str, str]],
    texts: Sequence[str],
    labels: Sequence[str],
) -> NDArray[np.float64]:
    """Train a classifier for each label, against the rest, where a text may have several, and apply them.

    Args:
        make: a classifier
        train: texts with their labels, spaces between
        texts: N texts
        labels: C labels, of which the training data may lack some

    Returns:
        the probability of each label, N x C

    Raises:
        ValueError: scikit-learn cannot learn from the training data
    """
    found = np.zeros((len(texts), len(labels)))
    for column, label in enumerate(labels):
        has_label = [(text, str(label in given.split(" "))) for text, given in train]
        if len({given for _, given in has_label}) > 1:
            found[:, column] = probabilities(make(), has_label, texts, ["False", "True"])[:, 1]
    return found


def _most_frequent(texts: Iterable[str]) -> str:
    return Counter(texts).most_common(1)[0][0]
