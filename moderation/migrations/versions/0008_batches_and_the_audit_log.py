"""Many decisions in one step, a log of who did what, and moderators' preferences."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
_OUTCOME = sa.Enum("approve", "delete", "undo", name="outcome", native_enum=False, create_constraint=True, length=20)
_STATUS = sa.Enum(
    "pending", "approved", "deleted", "withdrawn", name="status", native_enum=False, create_constraint=True, length=20
)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "batch",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("outcome", _OUTCOME, nullable=False),
        sa.Column("rule_id", ID, nullable=True),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("finished_at", AT, nullable=True),
        sa.Column("undo_at", AT, nullable=True),
        sa.Column("undone_at", AT, nullable=True),
        sa.Column("id", ID, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.CheckConstraint("outcome <> 'undo'", name=op.f("ck_batch_final")),
        sa.ForeignKeyConstraint(["rule_id"], ["house_rule.id"], name=op.f("fk_batch_rule_id_house_rule")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_batch_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    op.create_index(op.f("ix_batch_moderator_id"), "batch", ["moderator_id"])
    with op.batch_alter_table("decision") as table:
        table.add_column(sa.Column("batch_id", ID, nullable=True))
        table.create_foreign_key(op.f("fk_decision_batch_id_batch"), "batch", ["batch_id"], ["id"])
        table.create_index(op.f("ix_decision_batch_id"), ["batch_id"])
    op.create_table(
        "batch_item",
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("status", _STATUS, nullable=False),
        sa.Column("decision_id", ID, nullable=True),
        sa.Column("skipped", sa.String(20), nullable=True),
        sa.Column("taken_back", sa.String(20), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_batch_item_batch_id_batch")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_batch_item_comment_id_comment")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_batch_item_decision_id_decision")),
        sa.PrimaryKeyConstraint("batch_id", "comment_id", name=op.f("pk_batch_item")),
    )
    op.create_index(op.f("ix_batch_item_comment_id"), "batch_item", ["comment_id"])
    op.create_index(op.f("ix_batch_item_batch_id_skipped"), "batch_item", ["batch_id", "skipped"])
    op.create_table(
        "audit_entry",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("moderator_id", ID, nullable=True),
        sa.Column("deed", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_audit_entry_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_moderator_id"), "audit_entry", ["moderator_id"])
    op.create_index(op.f("ix_audit_entry_deed"), "audit_entry", ["deed"])
    with op.batch_alter_table("moderator") as table:
        table.add_column(sa.Column("preferences", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("moderator") as table:
        table.alter_column("preferences", server_default=None)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("moderator") as table:
        table.drop_column("preferences")
    op.drop_table("audit_entry")
    op.drop_table("batch_item")
    with op.batch_alter_table("decision") as table:
        table.drop_index(op.f("ix_decision_batch_id"))
        table.drop_constraint(op.f("fk_decision_batch_id_batch"), type_="foreignkey")
        table.drop_column("batch_id")
    op.drop_table("batch")
