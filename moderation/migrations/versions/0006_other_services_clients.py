"""Keys, quotas and memory for the doors to other services' clients."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward."""
    _let_keys_be("'signing', 'token', 'akismet', 'coral'")
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("coral_rejects", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("site") as batch:
        batch.alter_column("coral_rejects", server_default=None)
    op.create_table(
        "quota",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("minute_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("key", "minute_at", name=op.f("pk_quota")),
    )
    op.create_index(op.f("ix_quota_minute_at"), "quota", ["minute_at"])
    op.create_table(
        "akismet_use",
        sa.Column("site_id", NUMBER, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("blog", sa.String(255), nullable=False),
        *(
            sa.Column(name, NUMBER, nullable=False)
            for name in ("calls", "spam", "ham", "missed_spam", "false_positives")
        ),
        sa.CheckConstraint("calls >= 0", name=op.f("ck_akismet_use_calls")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_akismet_use_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "month", "blog", name=op.f("pk_akismet_use")),
    )
    op.create_table(
        "coral_comment",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("site_id", NUMBER, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("story_id", sa.String(255), nullable=False),
        sa.Column("article_id", NUMBER, nullable=True),
        sa.Column("commenter_id", sa.String(255), nullable=True),
        sa.Column("parent_id", sa.String(255), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("coral_id", sa.String(255), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_coral_comment_site_id_site")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_coral_comment_article_id_article")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coral_comment")),
    )
    op.create_index("ix_coral_comment_site_id_digest", "coral_comment", ["site_id", "digest"], unique=True)
    op.create_index("ix_coral_comment_site_id_coral_id", "coral_comment", ["site_id", "coral_id"])
    op.create_index("ix_coral_comment_site_id_story_id", "coral_comment", ["site_id", "story_id"])
    op.create_index(op.f("ix_coral_comment_asked_at"), "coral_comment", ["asked_at"])


def downgrade() -> None:
    """Go back; keys of the new kinds are lost."""
    for table in ("coral_comment", "akismet_use", "quota"):
        op.drop_table(table)
    with op.batch_alter_table("site") as batch:
        batch.drop_column("coral_rejects")
    key = sa.table("site_key", sa.column("kind"))
    op.execute(sa.delete(key).where(key.c.kind.in_(["akismet", "coral"])))
    _let_keys_be("'signing', 'token'")


def _let_keys_be(kinds: str) -> None:
    with op.batch_alter_table("site_key") as batch:
        batch.drop_constraint(op.f("ck_site_key_kind"), type_="check")
        batch.create_check_constraint(op.f("ck_site_key_kind"), f"kind IN ({kinds})")
