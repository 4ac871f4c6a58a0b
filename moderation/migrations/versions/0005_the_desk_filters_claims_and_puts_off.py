"""The desk filters by rule, orders by article, says who has a comment open, and puts comments off."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PENDING = sa.text("status = 'pending'")
OPEN = sa.text("ended_at IS NULL")
FIRST_RULE = {
    "postgresql": "(reasons -> 0 ->> 'rule_id')::bigint",
    "sqlite": "json_extract(reasons, '$[0].rule_id')",
}


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "claim",
        sa.Column("comment_id", ID, autoincrement=False, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_claim_comment_id_comment")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_claim_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_claim")),
    )
    op.create_index(op.f("ix_claim_moderator_id"), "claim", ["moderator_id"])
    op.create_index(op.f("ix_claim_expires_at"), "claim", ["expires_at"])
    op.create_table(
        "deferral",
        sa.Column("id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("deferred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_deferral_comment_id_comment")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_deferral_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deferral")),
    )
    op.create_index(op.f("ix_deferral_comment_id"), "deferral", ["comment_id"])
    op.create_index(op.f("ix_deferral_moderator_id"), "deferral", ["moderator_id"])
    op.create_index(
        "uq_deferral_open", "deferral", ["comment_id"], unique=True, postgresql_where=OPEN, sqlite_where=OPEN
    )
    with op.batch_alter_table("moderator") as batch:
        batch.add_column(sa.Column("keys", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("moderator") as batch:
        batch.alter_column("keys", server_default=None)
    with op.batch_alter_table("assessment") as batch:
        batch.add_column(sa.Column("rule_id", ID, nullable=True))
        batch.create_foreign_key(op.f("fk_assessment_rule_id_house_rule"), "house_rule", ["rule_id"], ["id"])
    op.execute(f"UPDATE assessment SET rule_id = {FIRST_RULE[op.get_bind().dialect.name]}")  # noqa: S608 - our own words
    for name, columns in (
        ("ix_comment_by_article", ["article_id", "id"]),
        ("ix_comment_worst_of_site", ["site_id", "concern", "id"]),
    ):
        op.create_index(name, "comment", columns, postgresql_where=PENDING, sqlite_where=PENDING)
    op.create_index(op.f("ix_decision_decided_at"), "decision", ["decided_at"])
    # What is not judged yet used to count as harmless; it counts as "cannot tell" now.
    op.execute("UPDATE comment SET concern = 0.4 WHERE status = 'pending' AND due_at IS NOT NULL")


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_decision_decided_at"), "decision")
    op.drop_index("ix_comment_worst_of_site", "comment")
    op.drop_index("ix_comment_by_article", "comment")
    with op.batch_alter_table("assessment") as batch:
        batch.drop_constraint(op.f("fk_assessment_rule_id_house_rule"), type_="foreignkey")
        batch.drop_column("rule_id")
    with op.batch_alter_table("moderator") as batch:
        batch.drop_column("keys")
    op.drop_table("deferral")
    op.drop_table("claim")
