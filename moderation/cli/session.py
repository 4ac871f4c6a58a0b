"""What every command that talks to the database begins with."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import auth
from moderation.config import load_settings
from moderation.db import Database
from moderation.errors import BadInput
from moderation.models import Site


@contextmanager
def open_session(*, read_only: bool = False) -> Iterator[Session]:
    """A session with the configured database, closed for good afterwards."""
    database = Database(load_settings().database_url)
    try:
        with database.session(read_only=read_only) as session:
            yield session
    finally:
        database.dispose()


def the_site(session: Session, slug: str | None) -> Site:
    """Return the site of that slug, or the only one there is; BadInput says what to do."""
    if slug is not None:
        return auth.site_by_slug(session, slug)
    found = session.scalars(select(Site).order_by(Site.slug).limit(2)).all()
    if len(found) != 1:
        there = "There are several sites" if found else "There is no site yet"
        raise BadInput(f"{there}; say which with --site (`moderation site list`).", field="site")
    return found[0]
