"""What the demo shows: the numbers of the model, and every text as text."""

import base64
import re
from html.parser import HTMLParser

from emo_mtl.demo.html import SHOWN_LABELS, bar, chart, conversation, save_link
from emo_mtl.inference.conversation import Turn, dialogue_line

HOSTILE = "<script>alert(1)</script><img src=x onerror='alert(2)'> \"&amp;"


class Tags(HTMLParser):
    """Collects the tags and the text of HTML."""

    def __init__(self, html: str):
        super().__init__()
        self.names: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


class TestConversation:
    def test_every_text_is_escaped(self):
        turn = Turn(HOSTILE, {HOSTILE: {HOSTILE: 0.75, "b": 0.25}}, HOSTILE)
        tags = Tags(conversation([turn], {HOSTILE: HOSTILE}))
        assert set(tags.names) == {"div", "span"}
        assert tags.text.count(HOSTILE) == 5  # twice said, head, best label, bar

    def test_order(self):
        turns = [Turn("first", {}, "one"), Turn("second", {}, "two")]
        assert re.findall("first|one|second|two", conversation(turns, {})) == [
            *("first", "one", "second", "two")
        ]

    def test_waiting_and_welcome(self):
        assert "dots" in conversation([Turn("first", {}, "")], {})
        assert "dots" not in conversation([Turn("first", {}, "one")], {})
        assert "Type something" in conversation([], {})

    def test_names_for_people(self):
        shown = conversation([Turn("hi", {"e6": {"joy": 1.0}}, "ho")], {"e6": "Emotion"})
        assert "Emotion" in shown
        assert "e6" not in shown

    def test_no_meaning_hangs_on_a_symbol(self):
        """A symbol for which the visitor has no font is a box; letters, digits and the like are there."""
        scores = {"joy": 0.9, "positive": 0.1}
        for turns in ([], [Turn("a", {"e6": scores}, "b"), Turn("c", {}, "")]):
            seen = re.sub(r'<[^>]*aria-hidden="true">[^<]*', "", conversation(turns, {"e6": "E"}))
            assert seen.isascii()

    def test_screen_readers(self):
        """What is new is read out, but for the bars; who speaks is said and not shown."""
        shown = conversation([Turn("a", {"e6": {"joy": 1.0}}, "b")], {"e6": "Emotion"})
        assert re.match(r'<div class="log" role="log" aria-live="polite" aria-label="\w+"', shown)
        assert '<span class="unseen">You: </span>a<' in shown
        assert '<span class="unseen">Answer: </span>b<' in shown
        assert shown.count('aria-live="off"') == shown.count('class="bars"') == 1


class TestSaveLink:
    def test_holds_the_conversation(self):
        turns = [Turn(HOSTILE, {"e6": {"joy": 1.0}}, "ho 😀"), Turn("hi", {}, "ho")]
        link = save_link(turns)
        (data,) = re.findall(r'href="data:application/jsonl;base64,([^"]+)"', link)
        assert base64.b64decode(data).decode() == dialogue_line(turns)
        assert 'download="conversation.jsonl"' in link
        assert Tags(link).text == "Save"

    def test_nothing_to_save(self):
        assert save_link([]) == ""


class TestChart:
    def test_probability_is_width(self):
        assert "width:38%" in bar("joy", 0.3751, best=False)
        assert "width:0%" in bar("joy", 0.001, best=False)

    def test_only_the_first_is_best(self):
        html = chart("e2", {"positive": 0.9, "negative": 0.1}, ["positive"])
        assert html.count('class="bar best"') == html.count('class="bar"') == 1
        assert html.index("positive") < html.index("90%") < html.index("10%")

    def test_several_are_best(self):
        """Those of a head that may give several labels."""
        scores = {"joy": 0.9, "relief": 0.6, "anger": 0.2}
        turn = Turn("a", {"moods": scores, "e2": scores}, "b", multi_label=["moods"])
        shown = conversation([turn], {"moods": "Moods", "e2": "Mood"})
        assert re.findall('class="head-best">([^<]*)<', shown) == ["joy, relief", "joy"]
        assert shown.count('class="bar best"') == 3

    def test_many_labels_unfold(self):
        few = {f"label{i}": 0.1 for i in range(SHOWN_LABELS)}
        assert "<details>" not in chart("e6", few, list(few)[:1])
        many = chart("e12", {**few, "one": 0.2, "two": 0.2}, list(few)[:1])
        assert "2 more" in many
        assert many.index("label5") < many.index("<details>") < many.index("one")
