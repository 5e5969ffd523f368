"""`emo-mtl side-by-side` through its entry point."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from emo_mtl.cli.main import main
from emo_mtl.errors import UserError

pytest.importorskip("sklearn")

SOURCES = ["Hi . __eou__ so happy <b>today</b>", "what an awful day", "happy | happy"]
TARGETS = ["happy for you", "awful", "happy too"]
REPLIES = ["<script>x</script> awful", "", "happy *happy*"]


@pytest.fixture
def data(tmp_path) -> Path:
    files = {
        "data/text/response/test.source": SOURCES,
        "data/text/response/test.target": TARGETS,
        "data/text/e6/train.input": ["happy time", "happy end", "awful time", "awful end"],
        "data/text/e6/train.label": ["joy", "joy", "anger", "anger"],
        "a.txt": REPLIES,
        "b.txt": ["happy"] * 3,
    }
    for name, lines in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tmp_path


def pages(folder: Path, *flags: object) -> tuple[str, str]:
    argv = ["--data", folder / "data", "--hypotheses", folder / "a.txt", folder / "b.txt"]
    main(["side-by-side", *map(str, [*argv, "--out", folder / "page", *flags])])
    return tuple((folder / f"page.{kind}").read_text("utf-8") for kind in ("md", "html"))


class Cells(HTMLParser):
    """The texts of a page's cells and quotations, and the names of its tags."""

    def __init__(self, text: str):
        super().__init__()
        self.texts, self.tags, self.is_inside = [], set(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag in ("td", "blockquote"):
            self.texts.append("")
            self.is_inside = True

    def handle_endtag(self, tag):
        self.is_inside = self.is_inside and tag not in ("td", "blockquote")

    def handle_data(self, data):
        if self.is_inside:
            self.texts[-1] += data


def test_all_of_it(data):
    markdown, html = pages(data)
    cells = Cells(html)
    a, b = (str(data / name) for name in ("a.txt", "b.txt"))
    assert cells.texts[:11] == [
        *("Hi .", "so happy <b>today</b> [joy]"),
        *("(the response in the data)", "happy for you", "joy"),
        *(a, "<script>x</script> awful", "anger"),
        *(b, "happy", "joy"),
    ]
    assert not cells.tags & {"script", "b"}  # texts are no markup
    assert "> Hi .\n>\n> so happy &lt;b&gt;today&lt;/b&gt; \\[joy\\]" in markdown
    assert "happy \\*happy\\*" in markdown
    assert [line for line in markdown.splitlines() if line.startswith("## ")] == [
        "## 1",
        "## 2",
        "## 3",
    ]


def test_drawn_by_a_seed(data):
    first = pages(data, "--utterances", 1, "--seed", 3)
    again = pages(data, "--utterances", 1, "--seed", 3, "--overwrite")
    others = [pages(data, "--utterances", 1, "--seed", s, "--overwrite") for s in range(6)]
    assert first == again
    assert len({page for page, _ in others}) > 1
    assert first[0].count("\n## ") == 1


def test_only_what_was_not_seen(data):
    overlap = {"response": {"test": {"examples": 3, "clean": [1]}}}
    (data / "overlap.json").write_text(json.dumps(overlap), encoding="utf-8")
    markdown, _ = pages(data, "--overlap", data / "overlap.json")
    assert "## 2" in markdown
    assert "## 1" not in markdown
    assert "none stands in the training data" in markdown


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--utterances", 0], "expected 1 or more utterances"),
        (["--seed", -1], "a seed of 0 or more"),
        (["--task", "e9"], "e9"),
    ],
)
def test_refused(data, flags, message):
    with pytest.raises(UserError, match=message):
        pages(data, *flags)
    assert not list(data.glob("page*"))


def test_another_number_of_responses(data):
    (data / "a.txt").write_text("one\n", encoding="utf-8")
    with pytest.raises(UserError, match="found 1 hypotheses, expected 3"):
        pages(data)


def test_nothing_is_overwritten_unasked(data):
    (data / "page.html").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="exists already"):
        pages(data)
    assert not (data / "page.md").exists()
