"""Objections, notices of illegal content, and letters."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTCOME = sa.Enum("approve", "delete", "undo", native_enum=False, create_constraint=True, length=20, name="outcome")


def _closable(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("email", sa.String(320), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", OUTCOME, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("moderator_id", NUMBER, nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (outcome IS NULL)", name=op.f(f"ck_{table}_closed")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f(f"fk_{table}_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def _index_where(name: str, table: str, *columns: str, where: str) -> None:
    op.create_index(name, table, list(columns), postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("mails_reasons", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("site") as batch:
        batch.alter_column("mails_reasons", server_default=None)
    op.create_table(
        "appeal",
        *_closable("appeal"),
        sa.Column("decision_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_appeal_decision_id_decision")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_appeal_decision_id")),
    )
    _index_where("ix_appeal_open", "appeal", "received_at", "id", where="closed_at IS NULL")
    op.create_table(
        "notice",
        *_closable("notice"),
        sa.Column("site_id", NUMBER, nullable=False),
        sa.Column("comment_id", NUMBER, nullable=True),
        sa.Column("address", sa.String(2000), nullable=False),
        sa.Column("name", sa.String(255), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_notice_site_id_site")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_notice_comment_id_comment")),
    )
    _index_where("ix_notice_open", "notice", "received_at", "id", where="closed_at IS NULL")
    op.create_index("ix_notice_site_id", "notice", ["site_id", "received_at"])
    op.create_table(
        "letter",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("address", sa.String(320), nullable=True),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("decision_id", NUMBER, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(300), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_letter_decision_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_letter_decision_id")),
    )
    _index_where("ix_letter_due", "letter", "due_at", where="due_at IS NOT NULL")


def downgrade() -> None:
    """Go back."""
    for table in ("letter", "notice", "appeal"):
        op.drop_table(table)
    with op.batch_alter_table("site") as batch:
        batch.drop_column("mails_reasons")
