"""Compares what the judge said with what people say: figures and a page that shows them. Knows no database, no web."""

from moderation.evaluation.examples import Labels, Outcome
from moderation.evaluation.page import render
from moderation.evaluation.summary import summarise

__all__ = ["Labels", "Outcome", "render", "summarise"]
