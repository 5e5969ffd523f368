"""What mkdocs does to the pages of docs/ beside its own: named in mkdocs.yml."""

import re

OUTSIDE = re.compile(r"\[([^]]+)\]\(\.\./[^)]+\)")  # to a file of the repository


def on_page_markdown(markdown: str, **kwargs: object) -> str:
    """Leave the name of a file that is not on the site without the link, which would lead nowhere."""
    return OUTSIDE.sub(r"\1", markdown)
