"""A site with a rule that history proves, and the same rule deciding by itself."""

import pytest

from moderation.automation import acting, switch
from moderation.db import Database
from moderation.models import Moderator, Site, Status
from tests.automation.stories import add_past, state


@pytest.fixture
def past(database: Database, site: Site) -> None:
    """Rude comments that people deleted, 60 at 0.85 and one at 0.6; nine at 0.6 they approved. All of last month."""
    with database.session() as session:
        state(session, session.get_one(Site, site.id))
        told = [(0.85, Status.DELETED)] * 60 + [(0.6, Status.DELETED)] + [(0.6, Status.APPROVED)] * 9
        add_past(session, site, told)
        session.commit()


@pytest.fixture
def on(database: Database, site: Site, moderator: Moderator, past: None) -> int:
    """The rule decides by itself; returns its id."""
    with database.session() as session:
        mona = session.get_one(Moderator, moderator.id)
        made = switch.switch_on(session, session.get_one(Site, site.id), "grob", moderator=mona)
        session.commit()
        return made.rule_id


@pytest.fixture
def never_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "lot", lambda comment, rule_id: 0.99)
