"""Filters of the queue in words, each with the address of the queue without it; and what there is to choose from."""

from dataclasses import dataclass

from flask import request, url_for
from flask_babel import format_decimal
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation.models import Article, HouseRule, Site
from moderation.queue import Filters
from moderation.views.addresses import with_arguments
from moderation.wording import filter_name, gettext, glimpse, pick


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in words, and where the queue is without it."""

    label: str
    without: str


def of(session: Session, filters: Filters) -> list[Chip]:
    """Return the filters that ask for something, in words."""
    order = {"order": request.args["order"]} if request.args.get("order") else {}
    here = url_for("desk.queue")
    return [
        Chip(_label(session, name, value), with_arguments(here, **order, **filters.without(name).address()))
        for name, value in filters.active().items()
    ]


def _label(session: Session, name: str, value: object) -> str:
    if name == "article":
        article = session.get(Article, value)
        return gettext("Article: %(title)s", title=glimpse(article.title, 40) if article else str(value))
    if name == "rule":
        rule = session.get(HouseRule, value)
        return gettext("Rule: %(title)s", title=pick(rule.title, rule.site.language) if rule else str(value))
    if isinstance(value, bool):
        return _yes_or_no(name, said=value)
    said = format_decimal(value) if isinstance(value, int | float) else str(value)
    return gettext("%(filter)s: %(value)s", filter=filter_name(name), value=said)


def _yes_or_no(name: str, *, said: bool) -> str:
    return {
        ("scored", True): gettext("judged"),
        ("scored", False): gettext("not judged yet"),
        ("replies", True): gettext("answers only"),
        ("replies", False): gettext("no answers"),
        ("deferred", True): gettext("put off"),
        ("deferred", False): gettext("not put off"),
    }[(name, said)]


def choices(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Return, for the filters with few values, these with their words."""
    sites = session.scalars(select(Site).order_by(Site.name)).all()
    rules = [(rule, site) for site in sites for rule in site.house_rules]
    sections = session.scalars(select(Article.section).where(Article.section.is_not(None)).distinct().limit(100))
    yes_or_no = {
        name: [(value, _yes_or_no(name, said=value == "yes")) for value in ("yes", "no")]
        for name in ("scored", "replies", "deferred")
    }
    return {
        "site": [(site.slug, site.name) for site in sites],
        "section": sorted((name, name) for name in sections if name),
        "rule": [
            (str(rule.id), pick(rule.title, site.language) + (f" ({site.name})" if len(sites) > 1 else ""))
            for rule, site in rules
        ],
        **yes_or_no,
    }
