"""What the filters of the queue are called."""

from moderation.wording.say import gettext


def filter_name(name: str) -> str:
    """Return the name of a filter in words, or as it stands in the address where there is no such filter."""
    known = {
        "site": gettext("Site"),
        "section": gettext("Section"),
        "article": gettext("Article"),
        "rule": gettext("Rule in doubt"),
        "language": gettext("Language"),
        "older": gettext("Older than (minutes)"),
        "younger": gettext("Younger than (minutes)"),
        "relevance_from": gettext("Fits the article at least (0–1)"),
        "relevance_to": gettext("Fits the article at most (0–1)"),
        "disrespect_from": gettext("Disrespect at least (0–1)"),
        "disrespect_to": gettext("Disrespect at most (0–1)"),
        "words": gettext("Words"),
        "scored": gettext("Judged"),
        "replies": gettext("Answers"),
        "deferred": gettext("Put off"),
    }
    return known.get(name, name)
