"""A commenter's record as a site's model hears of it, where the site wants that: one word, in few steps. Pure."""

FEWEST = 3
"""Decisions below which there is no record to speak of."""

STEPS = ((0.0, "clean"), (0.2, "seldom"), (0.5, "often"), (1.0, "mostly"))
"""Shares of deletions up to which a record is called so; n-grams tell no digits apart."""


def word(approved: int | None, deleted: int | None) -> str | None:
    """Return the word for how many earlier comments were approved and deleted; None where too few, or nobody knows."""
    if approved is None or deleted is None or approved + deleted < FEWEST:
        return None
    share = deleted / (approved + deleted)
    return next(f"record {name}" for step, name in STEPS if share <= step)


class Records:
    """The records of a site's commenters as decisions come in, oldest first: each sees only those before it."""

    def __init__(self) -> None:
        """Begin with no decision."""
        self._counted: dict[str, list[int]] = {}

    def before(self, commenter: str | None, *, deleted: bool) -> str | None:
        """Return the commenter's record before this decision, and count it in."""
        if commenter is None:
            return None
        counted = self._counted.setdefault(commenter, [0, 0])
        found = word(*counted)
        counted[deleted] += 1
        return found
