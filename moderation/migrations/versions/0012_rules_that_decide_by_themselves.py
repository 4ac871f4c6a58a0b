"""Rules that decide by themselves, what was drawn for a check, and alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
_OUTCOME = sa.Enum("approve", "delete", "undo", name="outcome", native_enum=False, create_constraint=True, length=20)
_FATE = sa.Enum("decided", "checked", "over", name="fate", native_enum=False, create_constraint=True, length=20)


def _only(name: str, table: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), unique=True, postgresql_where=condition, sqlite_where=condition)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "automation",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("outcome", _OUTCOME, nullable=False),
        sa.Column("promise", sa.Double(), nullable=False),
        sa.Column("tries", ID, nullable=False),
        sa.Column("right", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("switched_on_at", AT, nullable=False),
        sa.Column("switched_off_at", AT, nullable=True),
        sa.Column("why_off", sa.String(20), nullable=True),
        sa.CheckConstraint("outcome <> 'undo'", name=op.f("ck_automation_final")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_automation_site_id_site")),
        sa.ForeignKeyConstraint(["rule_id"], ["house_rule.id"], name=op.f("fk_automation_rule_id_house_rule")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_automation_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automation")),
    )
    op.create_index(op.f("ix_automation_site_id"), "automation", ["site_id"])
    op.create_index(op.f("ix_automation_rule_id"), "automation", ["rule_id"])
    _only("uq_automation_on", "automation", "rule_id", where="switched_off_at IS NULL")
    op.create_table(
        "draw",
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("automation_id", ID, nullable=False),
        sa.Column("lot", sa.Double(), nullable=False),
        sa.Column("fate", _FATE, nullable=False),
        sa.Column("decision_id", ID, nullable=True),
        sa.Column("drawn_at", AT, nullable=False),
        sa.CheckConstraint("(fate = 'decided') = (decision_id IS NOT NULL)", name=op.f("ck_draw_decision")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_draw_comment_id_comment")),
        sa.ForeignKeyConstraint(["automation_id"], ["automation.id"], name=op.f("fk_draw_automation_id_automation")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_draw_decision_id_decision")),
        sa.PrimaryKeyConstraint("comment_id", "revision", name=op.f("pk_draw")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_draw_decision_id")),
    )
    op.create_index(op.f("ix_draw_automation_id_fate_drawn_at"), "draw", ["automation_id", "fate", "drawn_at"])
    op.create_table(
        "alarm",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("raised_at", AT, nullable=False),
        sa.Column("over_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alarm_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index("ix_alarm_site_id", "alarm", ["site_id", "raised_at"])
    _only("uq_alarm_open", "alarm", "site_id", "kind", "subject", where="over_at IS NULL")


def downgrade() -> None:
    """Go back."""
    op.drop_table("alarm")
    op.drop_table("draw")
    op.drop_table("automation")
