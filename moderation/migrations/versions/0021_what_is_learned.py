"""Models learned from a site's decisions, what they look at, bursts that nothing is learned from, and open outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
_STATE = sa.Enum(
    "candidate", "shadow", "active", "retired", name="modelstate", native_enum=False, create_constraint=True, length=20
)


def _some(name: str, table: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), postgresql_where=condition, sqlite_where=condition)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "traits",
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("revision", ID, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_traits_comment_id_comment")),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_traits")),
    )
    op.create_table(
        "learned_model",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=True),
        sa.Column("version", ID, nullable=False),
        sa.Column("state", _STATE, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("engine", sa.String(80), nullable=False),
        sa.Column("decisions", ID, nullable=False),
        sa.Column("positives", ID, nullable=False),
        sa.Column("from_at", AT, nullable=False),
        sa.Column("until_at", AT, nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("fitted_at", AT, nullable=False),
        sa.Column("switched_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_learned_model_site_id_site")),
        sa.ForeignKeyConstraint(["rule_id"], ["house_rule.id"], name=op.f("fk_learned_model_rule_id_house_rule")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_model")),
        sa.UniqueConstraint("site_id", "version", name=op.f("uq_learned_model_site_id_version")),
    )
    _some("ix_learned_model_used", "learned_model", "site_id", "state", where="state IN ('active', 'shadow')")
    op.create_table(
        "learner",
        sa.Column("site_id", ID, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("shadowing", sa.Boolean(), nullable=False),
        sa.Column("decisions", ID, nullable=False),
        sa.Column("last_id", ID, nullable=False),
        sa.Column("lacking", ID, nullable=False),
        sa.Column("learned_at", AT, nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("id", ID, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("attempts", ID, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_learner_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learner")),
        sa.UniqueConstraint("site_id", name=op.f("uq_learner_site_id")),
    )
    op.create_table(
        "burst",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("first_id", ID, nullable=False),
        sa.Column("last_id", ID, nullable=False),
        sa.Column("decisions", ID, nullable=False),
        sa.Column("began_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=False),
        sa.Column("ruled_at", AT, nullable=True),
        sa.Column("ruled_by_id", ID, nullable=True),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_burst_site_id_site")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_burst_moderator_id_moderator")),
        sa.ForeignKeyConstraint(["ruled_by_id"], ["moderator.id"], name=op.f("fk_burst_ruled_by_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_burst")),
        sa.UniqueConstraint("site_id", "first_id", name=op.f("uq_burst_site_id_first_id")),
    )
    op.create_index(op.f("ix_burst_site_id_ruled_at"), "burst", ["site_id", "ruled_at"])
    with op.batch_alter_table("assessment") as table:
        table.add_column(sa.Column("deletion", sa.Double(), nullable=True))
        table.add_column(sa.Column("learned", sa.JSON(none_as_null=True), nullable=True))
        table.create_check_constraint(op.f("ck_assessment_deletion"), "deletion BETWEEN 0 AND 1")
    with op.batch_alter_table("comment") as table:
        table.add_column(sa.Column("uncertainty", sa.Double(), nullable=False, server_default="1"))
        table.create_check_constraint(op.f("ck_comment_uncertainty"), "uncertainty BETWEEN 0 AND 1")
    op.execute("UPDATE comment SET uncertainty = 4 * concern * (1 - concern) WHERE status = 'pending'")
    _some("ix_comment_open", "comment", "uncertainty", "id", where="status = 'pending'")


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_comment_open", "comment")
    with op.batch_alter_table("comment") as table:
        table.drop_constraint(op.f("ck_comment_uncertainty"), type_="check")
        table.drop_column("uncertainty")
    with op.batch_alter_table("assessment") as table:
        table.drop_constraint(op.f("ck_assessment_deletion"), type_="check")
        table.drop_column("learned")
        table.drop_column("deletion")
    op.drop_table("burst")
    op.drop_table("learner")
    op.drop_table("learned_model")
    op.drop_table("traits")
