"""The look of `emo-mtl demo`: a conversation as HTML, every text escaped."""

import base64
import html

from emo_mtl.inference.conversation import Turn, dialogue_line, notes

SHOWN_LABELS = 6  # bars of a head that are shown at once; the rest unfolds

# Runs in the page. The newest turn comes into view: from its top if it is taller than the place for it,
# and with its answer in any case.
FOLLOW = """
new MutationObserver(() => {
  const log = element.querySelector('.log');
  const turn = log.querySelector('.turn:last-child');
  if (!turn) return;
  log.scrollTop += turn.getBoundingClientRect().top - log.getBoundingClientRect().top;
  turn.querySelector('.bot').scrollIntoView({ block: 'nearest' });
}).observe(element, { childList: true, characterData: true, subtree: true });
"""

CSS = """
.gradio-container { width: 100% !important; max-width: 1180px !important; margin: 0 auto !important; }
#title { flex-wrap: nowrap; align-items: center; }
#title > * { flex: none; width: auto; min-width: 0 !important; }
#title > :first-child { flex: 1; }
.html-container { padding: 0 !important; }
.save { display: block; line-height: 1.2; padding: var(--button-small-padding);
  border-radius: var(--button-small-radius); font-size: var(--button-small-text-size);
  color: var(--button-secondary-text-color) !important; text-decoration: none !important;
  background: var(--button-secondary-background-fill); box-shadow: var(--button-secondary-shadow); }
.log { height: calc(100dvh - 300px); min-height: 300px; overflow-y: auto; padding: 4px 24px;
  background: var(--block-background-fill); border: 1px solid var(--border-color-primary);
  border-radius: 16px; }
#text textarea, #text input { border: 1px solid var(--border-color-primary); border-radius: 12px;
  font-size: 16px; padding: 10px 14px; }
#emotion .wrap { border: 1px solid var(--border-color-primary); border-radius: 12px; }
.welcome { text-align: center; padding-top: 16vh; }
.welcome b { display: block; font-size: 22px; margin-bottom: 6px; }
.turn { display: grid; grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); gap: 32px;
  padding: 18px 0; border-bottom: 1px dashed var(--border-color-primary); }
.turn:last-child { border-bottom: none; }
.said { display: flex; flex-direction: column; gap: 10px; }
.bubble { position: relative; max-width: 92%; padding: 10px 15px; border-radius: 18px;
  line-height: 1.45; font-size: 16px; white-space: pre-wrap; overflow-wrap: anywhere; }
.you { align-self: flex-end; border-bottom-right-radius: 5px; color: white; background: #5b5bd6; }
.bot { align-self: flex-start; border-bottom-left-radius: 5px; color: var(--body-text-color);
  background: var(--background-fill-secondary); border: 1px solid var(--border-color-primary); }
.about { font-size: 12px; padding-left: 15px; color: var(--body-text-color-subdued); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 24px; }
.head-name { font-size: 12px; letter-spacing: .04em; }
.head-best { font-size: 15px; font-weight: 600; margin-bottom: 6px; }
.bar { display: grid; grid-template-columns: 74px 1fr 38px; gap: 5px; align-items: center;
  font-size: 12px; line-height: 17px; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.track { height: 7px; border-radius: 4px; background: var(--border-color-primary); overflow: hidden; }
.fill { height: 100%; border-radius: 4px; background: #a9a9ec; }
.best { font-weight: 600; }
.best .fill { background: #5b5bd6; }
.heads summary { font-size: 12px; cursor: pointer; }
.dots { animation: dots 1s infinite alternate; letter-spacing: 3px; }
@keyframes dots { from { opacity: .25; } to { opacity: 1; } }
.examples { gap: 8px !important; flex-wrap: wrap !important; }
.examples button { border-radius: 999px !important; font-weight: 400 !important;
  min-width: 170px !important; }
@media (max-width: 720px) {
  .turn { grid-template-columns: minmax(0, 1fr); gap: 16px; }
  .heads { gap: 12px; }
  .log { height: calc(100dvh - 345px); padding: 0 14px; }
  .examples { flex-wrap: nowrap !important; overflow-x: auto; contain: inline-size; padding-bottom: 6px; }
  .examples button { flex-shrink: 0 !important; }
}
"""


def conversation(turns: list[Turn], titles: dict[str, str]) -> str:
    """All turns, or a welcome where there are none; a screen reader reads out what is new in it.

    Args:
        titles: head -> its name for people
    """
    shown = "".join(turn(item, titles) for item in turns) or (
        '<div class="welcome"><b>How are you today?</b>'
        "Type something, or choose an example below.</div>"
    )
    return (
        '<div class="log" role="log" aria-live="polite" aria-label="Conversation" tabindex="0">'
        f"{shown}</div>"
    )


def save_link(turns: list[Turn]) -> str:
    """A link that saves the conversation from within the page; nothing where nothing was said."""
    if not turns:
        return ""
    data = base64.b64encode(dialogue_line(turns).encode()).decode()
    return (
        '<a class="save" download="conversation.jsonl" '
        f'href="data:application/jsonl;base64,{data}" aria-label="Save the conversation">Save</a>'
    )


def turn(item: Turn, titles: dict[str, str]) -> str:
    """Both bubbles, and the charts beside them; dots while there is no response yet."""
    dots = '<span class="dots" aria-hidden="true">•••</span>'
    answer = html.escape(item.response) or dots
    about = " · ".join(map(html.escape, notes(item)))
    about = f'<div class="about">{about}</div>' if about else ""
    shown = item.shown()
    charts = "".join(
        chart(titles[head], scores, list(shown[head])) for head, scores in item.emotions.items()
    )
    return (
        '<div class="turn"><div class="said">'
        f'<div class="bubble you" dir="auto">{unseen("You: ")}{html.escape(item.text)}</div>'
        f'<div class="bubble bot" dir="auto">{unseen("Answer: ")}{answer}</div>{about}'
        f'</div><div class="heads">{charts}</div></div>'
    )


def unseen(text: str) -> str:
    """Text for screen readers only."""
    return f'<span class="unseen">{text}</span>'


def chart(title: str, scores: dict[str, float], best: list[str]) -> str:
    """The bars of one head, the most probable label first; the best are named above them."""
    bars = [bar(label, scores[label], label in best) for label in scores]
    shown, rest = "".join(bars[:SHOWN_LABELS]), "".join(bars[SHOWN_LABELS:])
    if rest:
        more = len(bars) - SHOWN_LABELS
        rest = f"<details><summary>{more} more</summary>{rest}</details>"
    return (
        f'<div><div class="head-name">{html.escape(title)}</div>'
        f'<div class="head-best">{html.escape(", ".join(best))}</div>'
        f'<div class="bars" aria-live="off">{shown}{rest}</div></div>'
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
