"""Words of comments and articles can be searched; a moderator's own decisions and answers are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ANSWERS = sa.text("parent_external_id IS NOT NULL")
SOURCES = {"comment": "text", "article": "title || ' ' || lead || ' ' || body"}


def upgrade() -> None:
    """Go forward."""
    op.drop_index(op.f("ix_decision_moderator_id"), "decision")
    op.create_index(op.f("ix_decision_moderator_id_id"), "decision", ["moderator_id", "id"])
    op.create_index(
        "ix_comment_answers",
        "comment",
        ["article_id", "parent_external_id"],
        postgresql_where=ANSWERS,
        sqlite_where=ANSWERS,
    )
    for noun, words in SOURCES.items():
        if op.get_bind().dialect.name == "sqlite":
            op.execute(
                f"CREATE VIRTUAL TABLE search_{noun} USING fts5(words, tokenize = 'unicode61 remove_diacritics 0')"
            )
            op.execute(f"INSERT INTO search_{noun} (rowid, words) SELECT id, {words} FROM {noun}")  # noqa: S608 - our own words
        else:
            op.execute(
                f"CREATE TABLE search_{noun} ("
                f"{noun}_id bigint PRIMARY KEY REFERENCES {noun} (id) ON DELETE CASCADE, words tsvector NOT NULL)"
            )
            op.execute(f"INSERT INTO search_{noun} SELECT id, to_tsvector('simple', {words}) FROM {noun}")  # noqa: S608
            op.execute(f"CREATE INDEX ix_search_{noun}_words ON search_{noun} USING gin (words)")


def downgrade() -> None:
    """Go back."""
    for noun in SOURCES:
        op.execute(f"DROP TABLE search_{noun}")
    op.drop_index("ix_comment_answers", "comment")
    op.drop_index(op.f("ix_decision_moderator_id_id"), "decision")
    op.create_index(op.f("ix_decision_moderator_id"), "decision", ["moderator_id"])
