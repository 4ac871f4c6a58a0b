"""What a moderator sees: the queue and the decided comments, in order, with counts and everything beside a comment."""

from moderation.queue.card import Context, context, find, thread
from moderation.queue.claims import claim, held_by_others, release
from moderation.queue.deferrals import defer, take_up
from moderation.queue.filters import Filters
from moderation.queue.finding import search
from moderation.queue.pages import Order, Page, count, count_and_newest, decided, page, pending, waiting_to_be_judged

__all__ = [
    "Context",
    "Filters",
    "Order",
    "Page",
    "claim",
    "context",
    "count",
    "count_and_newest",
    "decided",
    "defer",
    "find",
    "held_by_others",
    "page",
    "pending",
    "release",
    "search",
    "take_up",
    "thread",
    "waiting_to_be_judged",
]
