"""Modes of house rules; where newsrooms are told of alarms, from when on; letters at the beginning of shifts."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _index_where(name: str, table: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], postgresql_where=condition, sqlite_where=condition)


def _modes() -> None:
    with op.batch_alter_table("rule_set") as batch:
        batch.add_column(sa.Column("modes", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("assessment") as batch:
        batch.add_column(sa.Column("mode", sa.String(60), nullable=True))
    op.create_index(op.f("ix_comment_site_id_received_at"), "comment", ["site_id", "received_at"])


def upgrade() -> None:
    """Go forward."""
    _modes()
    op.create_table(
        "channel",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.String(1000), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("quotes", sa.Boolean(), nullable=False),
        sa.Column("minutes_apart", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("told_at", AT, nullable=True),
        sa.Column("last_error", sa.String(300), nullable=True),
        sa.Column("id", ID, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.CheckConstraint("minutes_apart >= 0", name=op.f("ck_channel_minutes_apart")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_channel_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel")),
    )
    op.create_index(op.f("ix_channel_site_id"), "channel", ["site_id"])
    _index_where("ix_channel_due", "channel", "due_at", "due_at IS NOT NULL")
    op.create_table(
        "news",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("over", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("comment_id", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("told_at", AT, nullable=True),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel.id"], name=op.f("fk_news_channel_id_channel"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_news_comment_id_comment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index(op.f("ix_news_channel_id_told_at_id"), "news", ["channel_id", "told_at", "id"])
    op.create_table(
        "shift",
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("begins", sa.String(5), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_shift_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
        sa.UniqueConstraint("moderator_id", name=op.f("uq_shift_moderator_id")),
    )
    op.create_table(
        "shift_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("opened_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_shift_link_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_link")),
    )
    op.create_index(op.f("ix_shift_link_expires_at"), "shift_link", ["expires_at"])
    with op.batch_alter_table("site") as table:
        table.add_column(sa.Column("alarms", sa.JSON(), nullable=False, server_default="{}"))
    _index_where("ix_delivery_failed", "delivery", "site_id", "failed_at IS NOT NULL")


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_delivery_failed", "delivery")
    with op.batch_alter_table("site") as table:
        table.drop_column("alarms")
    for table_name in ("shift_link", "shift", "news", "channel"):
        op.drop_table(table_name)
    op.drop_index(op.f("ix_comment_site_id_received_at"), "comment")
    with op.batch_alter_table("assessment") as batch:
        batch.drop_column("mode")
    with op.batch_alter_table("rule_set") as batch:
        batch.drop_column("modes")
