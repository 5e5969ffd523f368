"""The look of `emo-mtl demo`: a conversation as HTML, every text escaped."""

import html
from dataclasses import dataclass

# Labels that have a face; any other label goes without.
FACES = {
    "anger": "😠", "boredom": "🥱", "disgust": "🤢", "enthusiasm": "🤩", "fear": "😨", "fun": "😄",
    "happiness": "😊", "hate": "😡", "joy": "😊", "love": "🥰", "negative": "👎", "neutral": "😐",
    "positive": "👍", "relief": "😌", "sadness": "😢", "surprise": "😮", "worry": "😟",
}  # fmt: skip
SHOWN_LABELS = 6  # bars of a head that are shown at once; the rest unfolds

CSS = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
#title { align-items: center; }
#conversation { height: 58vh; min-height: 320px; overflow-y: auto !important; padding: 4px 24px;
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary);
  border-radius: 16px; }
#text textarea, #text input { border: 1px solid var(--border-color-primary); border-radius: 12px;
  font-size: 16px; padding: 10px 14px; }
.welcome { text-align: center; color: var(--body-text-color-subdued); padding-top: 16vh; }
.welcome b { display: block; font-size: 22px; color: var(--body-text-color); margin-bottom: 6px; }
.turn { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 32px;
  padding: 18px 0; border-bottom: 1px dashed var(--border-color-primary); }
.turn:last-child { border-bottom: none; }
.said { display: flex; flex-direction: column; gap: 10px; }
.bubble { max-width: 92%; padding: 10px 15px; border-radius: 18px; line-height: 1.45; font-size: 16px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.you { align-self: flex-end; border-bottom-right-radius: 5px; color: white; background: #5b5bd6; }
.bot { align-self: flex-start; border-bottom-left-radius: 5px; color: var(--body-text-color);
  background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 24px; }
.head-name { font-size: 12px; letter-spacing: .04em; color: var(--body-text-color-subdued); }
.head-best { font-size: 15px; font-weight: 600; color: var(--body-text-color); margin-bottom: 6px; }
.bar { display: grid; grid-template-columns: 74px 1fr 38px; gap: 5px; align-items: center;
  font-size: 12px; line-height: 17px; color: var(--body-text-color-subdued); }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.track { height: 7px; border-radius: 4px; background: var(--border-color-primary); overflow: hidden; }
.fill { height: 100%; border-radius: 4px; background: #a9a9ec; }
.best { color: var(--body-text-color); font-weight: 600; }
.best .fill { background: #5b5bd6; }
.heads summary { font-size: 12px; color: var(--body-text-color-subdued); cursor: pointer; }
.dots { animation: dots 1s infinite alternate; letter-spacing: 3px; }
@keyframes dots { from { opacity: .25; } to { opacity: 1; } }
.examples { gap: 8px !important; flex-wrap: wrap !important; }
.examples button { border-radius: 999px !important; font-weight: 400 !important;
  min-width: 170px !important; }
@media (max-width: 720px) {
  .turn { grid-template-columns: minmax(0, 1fr); }
  #title { flex-direction: column; align-items: start; }
}
"""


@dataclass(frozen=True)
class Turn:
    """An utterance; what was recognised in it and answered, both empty until they are there."""

    text: str
    emotions: dict[str, dict[str, float]]  # head -> label -> probability, the most probable first
    response: str


def conversation(turns: list[Turn]) -> str:
    """All turns, or a welcome where there are none."""
    if not turns:
        return (
            '<div class="welcome"><b>How are you today?</b>'
            "Type something, or choose an example below.</div>"
        )
    return "".join(turn(item) for item in turns)


def turn(item: Turn) -> str:
    """Both bubbles, and the charts beside them; dots while there is no response yet."""
    answer = html.escape(item.response) if item.response else '<span class="dots">•••</span>'
    charts = "".join(chart(head, scores) for head, scores in item.emotions.items())
    return (
        '<div class="turn"><div class="said">'
        f'<div class="bubble you" dir="auto">{html.escape(item.text)}</div>'
        f'<div class="bubble bot" dir="auto">{answer}</div>'
        f'</div><div class="heads">{charts}</div></div>'
    )


def chart(head: str, scores: dict[str, float]) -> str:
    """The bars of one head, the most probable label first and named above them."""
    best = next(iter(scores))
    bars = [bar(label, scores[label], label == best) for label in scores]
    shown, rest = "".join(bars[:SHOWN_LABELS]), "".join(bars[SHOWN_LABELS:])
    if rest:
        more = len(bars) - SHOWN_LABELS
        rest = f"<details><summary>{more} more</summary>{rest}</details>"
    face = FACES.get(best, "")
    return (
        f'<div><div class="head-name">{html.escape(head)}</div>'
        f'<div class="head-best">{face} {html.escape(best)}</div>{shown}{rest}</div>'
    )


def bar(label: str, probability: float, best: bool) -> str:
    """One label: its name, a bar and the probability in percent."""
    percent = f"{100 * probability:.0f}%"
    name = html.escape(label)
    return (
        f'<div class="bar{" best" if best else ""}" title="{name}: {percent}"><span>{name}</span>'
        f'<div class="track"><div class="fill" style="width:{percent}"></div></div>'
        f"<span>{percent}</span></div>"
    )
