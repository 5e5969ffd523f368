"""Training pairs without the many of frequent emotions."""

import json
from collections import Counter

import pytest
from balance import at_most, main

from emo_mtl.errors import UserError

LABELS = ["none"] * 30 + ["joy"] * 5 + ["none"] * 30 + ["fear"] * 2


def test_at_most():
    kept = at_most(LABELS, 5, seed=1)
    assert Counter(LABELS[i] for i in kept) == {"none": 5, "joy": 5, "fear": 2}
    assert kept == sorted(set(kept))
    assert at_most(LABELS, 5, seed=1) == kept != at_most(LABELS, 5, seed=2)
    assert at_most(LABELS, 60, seed=1) == list(range(len(LABELS)))


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_folder(tmp_path, split):
    """A reply keeps its utterance, without what was said before, and its emotion; `train` is thinned."""
    data, out = tmp_path / "data", tmp_path / "out"
    columns = {
        "response": {
            "source": [f"before {i} __eou__ utterance {i}" for i in range(67)],
            "target": [f"réponse {i}" for i in range(67)],
        },
        "next": {"input": [f"utterance {i}" for i in range(67)], "label": LABELS},
    }
    for task, files in columns.items():
        (data / "text" / task).mkdir(parents=True)
        for suffix, lines in files.items():
            for name in ("train", "valid", "test"):
                path = data / "text" / task / f"{name}.{suffix}"
                path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    main([str(data), "next", str(out), "--most", "5"])
    with pytest.raises(UserError, match="exists already"):
        main([str(data), "next", str(out)])
    lines = (out / f"{split}.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == (12 if split == "train" else 67)
    for line in lines:
        utterance, reply = json.loads(line)["turns"]
        number = int(reply["text"].removeprefix("réponse "))
        assert utterance == {"text": f"utterance {number}"}
        assert reply["emotion"] == LABELS[number]
