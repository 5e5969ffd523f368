"""What is known of published corpora by their names in manifests: for manifests and model cards."""

from typing import NamedTuple


class Published(NamedTuple):
    """A corpus that others published."""

    description: str
    terms: str


PUBLISHED = {
    "DailyDialog": Published(
        "DailyDialog (Li et al. 2017), dialogues for learners of English", "CC BY-NC-SA 4.0"
    ),
    "EmpatheticDialogues": Published(
        "EmpatheticDialogues (Rashkin et al. 2019), crowd workers on emotional situations",
        "CC BY-NC 4.0",
    ),
    "TEC": Published(
        "Twitter Emotion Corpus (Mohammad 2012), labels are the writers' hashtags", "research use"
    ),
    "SST-2": Published("SST-2 (Socher et al. 2013), film reviews", "terms of GLUE"),
    "CrowdFlower": Published(
        "CrowdFlower Sentiment Analysis in Text, tweets", "public, no licence stated"
    ),
    "GoEmotions": Published(
        "GoEmotions (Demszky et al. 2020), comments from Reddit labelled by readers", "Apache-2.0"
    ),
}
UNKNOWN = "not known"


def terms_of(name: str) -> str:
    """Under which terms a corpus can be had; :data:`UNKNOWN` of one that is not published."""
    return PUBLISHED[name].terms if name in PUBLISHED else UNKNOWN
