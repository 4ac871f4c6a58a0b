"""What a moderator sees: the queue and the decided comments, in order, with counts and everything beside a comment."""

from moderation.queue.card import Context, context, find
from moderation.queue.filters import Filters
from moderation.queue.pages import Order, Page, count, decided, page, pending, waiting_to_be_judged

__all__ = [
    "Context",
    "Filters",
    "Order",
    "Page",
    "context",
    "count",
    "decided",
    "find",
    "page",
    "pending",
    "waiting_to_be_judged",
]
