"""`emo-mtl human-eval`: the folder for the raters, their page in a browser, the scores of their answers."""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from emo_mtl.cli.main import main
from emo_mtl.evaluation.people.page import fill, template
from emo_mtl.evaluation.people.study import QUESTIONS, escape

NAMES = [question.name for question in QUESTIONS]

HOSTILE = """ "x", <b>b</b> & &amp; ${response} $HOME {{1}} 'é' 😀 \u2028 שלום <script>alert(1)</script>"""


def run(*arguments) -> None:
    main(["human-eval", *map(str, arguments)])


@pytest.fixture
def make(tmp_path):
    """Write a study of systems -> responses, to utterances of the form 'u0', and return its folder."""

    def make_study(systems: dict[str, list[str]], flags=(), utterances=None) -> Path:
        lines = len(next(iter(systems.values())))
        utterances = utterances or [f"u{number}" for number in range(lines)]
        files = {"test.source": utterances} | systems
        for name, content in files.items():
            (tmp_path / f"{name}.txt").write_text(
                "".join(f"{line}\n" for line in content), encoding="utf-8", newline=""
            )
        out = tmp_path / "study"
        named = [part for name in systems for part in ("--system", f"{name}={tmp_path / name}.txt")]
        size = [] if "--items" in flags else ["--items", lines]
        run(
            *("make", "--utterances", tmp_path / "test.source.txt", "--out", out),
            *(*named, *size, *flags),
        )
        return out

    return make_study


HIT = "https://hit.example/"

SANDBOX = "https://workersandbox.mturk.com"

ROW = {"item_id": "h12", "utterance": escape(HOSTILE), "response": escape("It 's fine .")}


@pytest.fixture
def visit(browser):
    """Opens a page as Mechanical Turk shows it; no network; keeps what it sends: (address, fields)."""
    context = browser.new_context(viewport={"width": 375, "height": 700})

    def open_page(content: str, query: str = ""):
        page = context.new_page()
        page.sent = []
        page.fetched = []

        def answer(route):
            request = route.request
            page.fetched.append(request.url)
            if request.method == "POST":
                page.sent.append((request.url, parse_qsl(request.post_data)))
                route.fulfill(body="Thank you")
            else:
                route.fulfill(body=content, content_type="text/html; charset=utf-8")

        page.route("**/*", answer)
        page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        page.goto(HIT + query)
        return page

    yield open_page
    context.close()


ACCEPTED = f"?assignmentId=A1&hitId=H1&workerId=W1&turkSubmitTo={SANDBOX}"

KEYS = {"emotion": 4, "fluency": 5, "informativeness": 1, "relevance": 2}


def answer_by_keyboard(page, ratings: dict[str, int]) -> None:
    """Tab to each group, Space takes its first button, the arrow the next ones; then Submit."""
    for rating in ratings.values():
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        for _ in range(rating - 1):
            page.keyboard.press("ArrowRight")
    page.focus("#submitButton")
    page.keyboard.press("Enter")


class TestPage:
    def test_keyboard(self, visit):
        page = visit(fill(template(), ROW), ACCEPTED)
        answer_by_keyboard(page, KEYS)
        page.wait_for_selector("text=Thank you")
        ((address, fields),) = page.sent
        assert address == f"{SANDBOX}/mturk/externalSubmit"
        expected = {name: str(rating) for name, rating in KEYS.items()} | {"assignmentId": "A1"}
        assert dict(fields) == expected
        assert len(fields) == len(expected)

    def test_mouse_and_production(self, visit):
        query = "?assignmentId=A2&turkSubmitTo=https://www.mturk.com"
        page = visit(fill(template(), ROW), query)
        for name in NAMES:
            group = page.locator("fieldset", has=page.locator(f"[name={name}]"))
            group.get_by_text("3", exact=True).click()  # the label
        page.get_by_role("button", name="Submit").click()
        page.wait_for_selector("text=Thank you")
        ((address, fields),) = page.sent
        assert address == "https://www.mturk.com/mturk/externalSubmit"
        assert dict(fields) == dict.fromkeys(NAMES, "3") | {"assignmentId": "A2"}

    def test_all_answers_are_required(self, visit):
        page = visit(fill(template(), ROW), ACCEPTED)
        answer_by_keyboard(page, {"emotion": 4, "fluency": 5, "informativeness": 1})
        assert page.evaluate("document.activeElement.name") == "relevance"
        assert page.sent == []
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=Thank you")
        assert len(page.sent) == 1

    @pytest.mark.parametrize("query", ["", "?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE"])
    def test_preview(self, query, visit):
        page = visit(fill(template(), ROW), query)
        assert page.get_by_text("accept the task before you answer").is_visible()
        assert page.locator("#submitButton").is_disabled()
        page = visit(fill(template(), ROW), ACCEPTED)
        assert not page.get_by_text("accept the task before you answer").is_visible()

    def test_inside_of_another_form(self, visit):
        """As where a site puts the template into its own form, which already has an assignmentId."""
        own = '<input type="hidden" name="assignmentId">'
        form = '<form method="post" action="https://www.mturk.com/mturk/externalSubmit">'
        page = visit(f"<body>{form}{own}{fill(template(), ROW)}</form>", ACCEPTED)
        answer_by_keyboard(page, KEYS)
        page.wait_for_selector("text=Thank you")
        ((address, fields),) = page.sent
        assert address == f"{SANDBOX}/mturk/externalSubmit"
        assert fields.count(("assignmentId", "A1")) == 1
        assert len(fields) == len(KEYS) + 1

    def test_texts_are_shown_as_they_are(self, visit):
        page = visit(fill(template(), ROW))
        utterance, response = page.locator("dd").all_inner_texts()
        assert utterance.split() == HOSTILE.split()
        assert response == "It 's fine ."
        assert page.locator(".dialogue :is(b, script)").count() == 0
        assert page.fetched == [HIT]  # nothing else is needed

    def test_accessible(self, visit):
        page = visit(fill(template(), ROW))
        groups = page.get_by_role("group")
        assert groups.count() == len(QUESTIONS)
        for question in QUESTIONS:
            group = page.get_by_role("group", name=question.text)
            named = group.get_by_role("radio")
            assert named.count() == 5
            for end in (f"1 {question.lowest}", f"5 {question.highest}"):
                assert group.get_by_role("radio", name=end, exact=True).count() == 1
        assert page.get_by_role("button", name="Submit").count() == 1
        assert page.locator("html").get_attribute("lang") == "en"

    def test_fits_a_phone(self, visit):
        long = fill(template(), ROW | {"response": "x" * 300})
        page = visit(long)
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        boxes = page.locator(".scale label").all()
        assert all(box.bounding_box()["width"] > 48 for box in boxes)  # CSS px, for a finger
        small = page.locator(".scale small").all()
        assert all(text.evaluate("e => e.scrollWidth <= e.clientWidth + 1") for text in small)

    def test_preview_file(self, make, visit):
        study = make({"one": ["hello there"]})
        page = visit((study / "preview.html").read_text(encoding="utf-8"))
        assert page.locator("dd").all_inner_texts() == ["u0", "hello there"]
        assert "$" not in page.content()
