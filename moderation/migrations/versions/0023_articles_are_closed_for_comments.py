"""Articles are closed for comments and opened again, and the site is told."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
_DOOR = sa.Enum("close", "open", "undo", name="door", native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    """Go forward; code of before sends decisions on comments as it did."""
    op.add_column("article", sa.Column("closed_at", AT, nullable=True))
    op.create_table(
        "closing",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("article_id", NUMBER, nullable=False),
        sa.Column("outcome", _DOOR, nullable=False),
        sa.Column("moderator_id", NUMBER, nullable=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("decided_at", AT, nullable=False),
        sa.CheckConstraint("outcome <> 'undo' OR moderator_id IS NOT NULL", name=op.f("ck_closing_undone_by_somebody")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_closing_article_id_article")),
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f("fk_closing_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closing")),
    )
    op.create_index(op.f("ix_closing_article_id"), "closing", ["article_id"])
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("closing_id", NUMBER, nullable=True))
        table.alter_column("decision_id", existing_type=NUMBER, nullable=True)
        table.create_foreign_key(op.f("fk_delivery_closing_id_closing"), "closing", ["closing_id"], ["id"])
        table.create_unique_constraint(op.f("uq_delivery_closing_id"), ["closing_id"])
        table.create_check_constraint("one_thing", "(decision_id IS NULL) <> (closing_id IS NULL)")


def downgrade() -> None:
    """Go back; what the site has not heard of closed articles it never will."""
    op.execute("DELETE FROM delivery WHERE closing_id IS NOT NULL")
    with op.batch_alter_table("delivery") as table:
        table.drop_constraint(op.f("ck_delivery_one_thing"), type_="check")
        table.drop_constraint(op.f("uq_delivery_closing_id"), type_="unique")
        table.drop_constraint(op.f("fk_delivery_closing_id_closing"), type_="foreignkey")
        table.drop_column("closing_id")
        table.alter_column("decision_id", existing_type=NUMBER, nullable=False)
    op.drop_table("closing")
    with op.batch_alter_table("article") as table:
        table.drop_column("closed_at")
