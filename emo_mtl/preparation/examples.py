"""Examples of dialogues: contexts with their replies, or with a label of a turn.

A context is one or more turns that follow each other, joined by `__eou__`, with the utterance last.
"""

from collections.abc import Callable, Iterable, Sequence

from emo_mtl.errors import UserError
from emo_mtl.inference.model_files import JOIN
from emo_mtl.inference.turns import join_turns
from emo_mtl.preparation.corpus import SPLITS, Dataset, Pairs, check_label
from emo_mtl.preparation.custom import check_names
from emo_mtl.preparation.dialogues.dialogue import Dialogue, DialogueCorpus, response_positions


def context(dialogue: Dialogue, end: int, turns: int) -> str:
    """The last `turns` turns before position `end`, as far as there are so many."""
    return join_turns(turn.text for turn in dialogue[max(0, end - turns) : end])


def replies(dialogue: Dialogue, turns: int) -> Pairs:
    """(context, reply) for each turn that is a reply."""
    return [(context(dialogue, i, turns), dialogue[i].text) for i in response_positions(dialogue)]


def utterance_labels(dialogue: Dialogue, column: str, turns: int) -> Pairs:
    """(context, label of its last turn) for each turn that has the label."""
    return [
        (context(dialogue, i + 1, turns), turn.labels[column])
        for i, turn in enumerate(dialogue)
        if column in turn.labels
    ]


def reply_labels(dialogue: Dialogue, column: str, turns: int) -> Pairs:
    """(context, label of its reply) for each reply that has the label; the reply is no part of the input."""
    return [
        (context(dialogue, i, turns), dialogue[i].labels[column])
        for i in response_positions(dialogue)
        if column in dialogue[i].labels
    ]


def collect(
    corpora: Iterable[DialogueCorpus], examples: Callable[[Dialogue], Pairs]
) -> dict[str, Pairs]:
    """The examples of all dialogues, by split: of one corpus after the other."""
    corpora = list(corpora)
    return {
        split: [
            pair
            for corpus in corpora
            for dialogue in corpus.splits[split]
            for pair in examples(dialogue)
        ]
        for split in SPLITS
    }


def responses(corpora: Sequence[DialogueCorpus], turns: int) -> Dataset:
    """The task of answering: contexts of at most so many turns, and their replies."""
    return Dataset(
        name=JOIN.join(corpus.name for corpus in corpora),
        files=tuple(file for corpus in corpora for file in corpus.files),
        splits=collect(corpora, lambda dialogue: replies(dialogue, turns)),
        title="Response",
    )


def labels(
    task: str,
    corpora: Sequence[DialogueCorpus],
    find: Callable[[Dialogue, str, int], Pairs],
    column: str,
    turns: int,
) -> Dataset:
    """A classification task of a column of dialogues; its labels are in alphabetical order.

    Args:
        task: its name, for messages
        find: :func:`utterance_labels` or :func:`reply_labels`
        column: of the labels

    Raises:
        UserError: a split without the label, fewer than two labels, one that cannot be a symbol, or one that
            train does not have
    """
    splits = collect(corpora, lambda dialogue: find(dialogue, column, turns))
    where = f"{task}: {column} of {', '.join(corpus.name for corpus in corpora)}"
    for split, pairs in splits.items():
        if not pairs:
            columns = sorted(
                {
                    name
                    for corpus in corpora
                    for dialogue in corpus.splits[split]
                    for turn in dialogue
                    for name in turn.labels
                }
            )
            if column in columns:
                raise UserError.at(
                    where,
                    found=f"that label in {split}, but of no reply",
                    expected="replies that have it",
                    fix="use --utterance-labels, or add labels",
                )
            raise UserError.at(
                where,
                found=f"no label of that name in {split}, but {', '.join(columns) or 'none'}",
                expected="turns that have it",
                fix="correct the column's name",
            )
    names = tuple(sorted({label for _, label in splits["train"]}))
    check_names(names, where)
    for split in SPLITS[1:]:
        for _, label in splits[split]:
            check_label(label, names, f"{where}, {split}", "move examples with that label to train")
    files = tuple(file for corpus in corpora for file in corpus.files)
    return Dataset(JOIN.join(corpus.name for corpus in corpora), files, splits, labels=names)
