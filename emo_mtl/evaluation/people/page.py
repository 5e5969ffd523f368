"""The page that a worker sees: an HTML template for Amazon Mechanical Turk."""

from collections.abc import Mapping
from string import Template

from emo_mtl.evaluation.people.study import HIGHEST, LOWEST, QUESTIONS, Question

# A plain form, as in AWS's guide "Defining an HTML form", and not <crowd-form>: it sends one flat
# field a question (column Answer.emotion), the browser itself demands the answers, and the page
# needs nothing from the network. Mechanical Turk adds assignmentId and turkSubmitTo to the address
# of the page. Where a site puts the page into a form of its own, the browser ignores ours: so the
# script asks the button which form it belongs to. No "$" but in variables: ${points} and ${questions}
# are filled in here, the others by Mechanical Turk.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Rate a response in a conversation</title>
<style>
  body { margin: 0 auto; max-width: 44rem; padding: 1rem; color: #1b1b1f; background: #fff;
    font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
  h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.25; }
  .notice { padding: .6rem .9rem; border-left: 4px solid #b45309; background: #fef3c7; }
  .dialogue { margin: 1.25rem 0; padding: .75rem 1rem; border-radius: .75rem; background: #f1f2f6; }
  .dialogue dt { font-size: .875rem; font-weight: 600; color: #4a4b57; }
  .dialogue dd { margin: 0 0 .75rem; font-size: 1.125rem; overflow-wrap: anywhere; }
  .dialogue dd:last-child { margin-bottom: 0; }
  fieldset { min-width: 0; margin: 0 0 1.25rem; padding: 0; border: 0; }
  legend { margin-bottom: .5rem; padding: 0; font-weight: 600; }
  .scale { display: grid; grid-template-columns: repeat(${points}, minmax(0, 1fr)); gap: .4rem; }
  .scale label { display: flex; flex-direction: column; align-items: center; gap: .2rem;
    min-height: 4.75rem; box-sizing: border-box; padding: .5rem .1rem; border: 1px solid #8b8c99;
    border-radius: .5rem; text-align: center; cursor: pointer; }
  .scale label:hover { background: #f1f2f6; }
  .scale label:has(:checked) { border-color: #1d4ed8; background: #dbe5ff; }
  .scale label:has(:focus-visible) { outline: 3px solid #1d4ed8; outline-offset: 1px; }
  .scale label:has(:focus-visible) input { outline: none; }
  .scale input { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: #1d4ed8; }
  .scale small { font-size: .8125rem; line-height: 1.15; color: #4a4b57; }
  #submitButton { padding: .7rem 1.6rem; border: 0; border-radius: .5rem; font: inherit;
    font-weight: 600; color: #fff; background: #1d4ed8; cursor: pointer; }
  #submitButton:focus-visible { outline: 3px solid #1b1b1f; outline-offset: 2px; }
  #submitButton:disabled { background: #73747f; cursor: not-allowed; }
  .item { font-size: .8125rem; color: #5d5e6a; }
</style>
</head>
<body>
<form method="post" action="https://www.mturk.com/mturk/externalSubmit">
<h1>Rate a response in a conversation</h1>
<p id="preview" class="notice" role="note" hidden>This is a preview: accept the task before you answer.</p>
<p>Person A says something, and person B responds. Read both, then rate <strong>the response of
person B</strong> in every question. Judge each question by itself: a response may be correct English and
still not fit. Spaces before punctuation and missing capital letters are not mistakes.</p>
<dl class="dialogue">
<dt>Person A</dt><dd dir="auto">${utterance}</dd>
<dt>Response of person B</dt><dd dir="auto">${response}</dd>
</dl>
${questions}
<p><input type="submit" id="submitButton" value="Submit"></p>
<p class="item">Item ${item_id}</p>
</form>
<script>
(function () {
  var query = new URLSearchParams(window.location.search);
  var assignment = query.get("assignmentId");
  var button = document.getElementById("submitButton");
  var form = button.form;
  if (!assignment || assignment === "ASSIGNMENT_ID_NOT_AVAILABLE") {
    button.disabled = true;
    document.getElementById("preview").hidden = false;
    return;
  }
  if ((query.get("turkSubmitTo") || "").startsWith("https://workersandbox.mturk.com")) {
    form.action = "https://workersandbox.mturk.com/mturk/externalSubmit";
  }
  var field = form.elements.assignmentId;
  if (!field) {
    field = document.createElement("input");
    field.type = "hidden";
    field.name = "assignmentId";
    form.appendChild(field);
  }
  field.value = assignment;
})();
</script>
</body>
</html>
"""


def template() -> str:
    """The page with the variables ${utterance}, ${response} and ${item_id} left open."""
    return Template(_PAGE).safe_substitute(
        points=HIGHEST - LOWEST + 1,
        questions="\n".join(_fieldset(number, q) for number, q in enumerate(QUESTIONS, start=1)),
    )


def fill(page: str, row: Mapping[str, str]) -> str:
    """The page of one HIT, as Mechanical Turk makes it of the template and a row of the batch file."""
    return Template(page).substitute(row)


def _fieldset(number: int, question: Question) -> str:
    ends = {LOWEST: question.lowest, HIGHEST: question.highest}
    buttons = "\n".join(
        f'<label><input type="radio" name="{question.name}" value="{rating}" required>{rating}'
        + (f" <small>{ends[rating]}</small>" if rating in ends else "")
        + "</label>"
        for rating in range(LOWEST, HIGHEST + 1)
    )
    return (
        f"<fieldset>\n<legend>{number}. {question.text}</legend>\n"
        f'<div class="scale">\n{buttons}\n</div>\n</fieldset>'
    )
