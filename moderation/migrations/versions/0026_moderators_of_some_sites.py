"""Moderators may be confined to some sites, with a role at each; a batch says whose comments it decides."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROLE = sa.Enum("moderator", "admin", name="role", native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    """Go forward; nobody is confined yet. Batches of before that decide at several sites belong to none."""
    op.add_column("moderator", sa.Column("confined", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "moderator_site",
        sa.Column("moderator_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("site_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("role", _ROLE, nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_moderator_site_moderator_id_moderator")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_moderator_site_site_id_site")),
        sa.PrimaryKeyConstraint("moderator_id", "site_id", name=op.f("pk_moderator_site")),
    )
    with op.batch_alter_table("batch") as table:
        table.add_column(sa.Column("site_id", NUMBER, nullable=True))
        table.create_foreign_key(op.f("fk_batch_site_id_site"), "site", ["site_id"], ["id"])
    op.create_index(op.f("ix_batch_site_id"), "batch", ["site_id"])
    op.execute(
        "UPDATE batch SET site_id = (SELECT min(comment.site_id) FROM batch_item "
        "JOIN comment ON comment.id = batch_item.comment_id WHERE batch_item.batch_id = batch.id "
        "HAVING min(comment.site_id) = max(comment.site_id))"
    )


def downgrade() -> None:
    """Go back. Whoever was confined is shut out: code of before would let them see everything."""
    op.drop_index(op.f("ix_batch_site_id"), "batch")
    with op.batch_alter_table("batch") as table:
        table.drop_constraint(op.f("fk_batch_site_id_site"), type_="foreignkey")
        table.drop_column("site_id")
    op.drop_table("moderator_site")
    op.execute("UPDATE moderator SET disabled_at = CURRENT_TIMESTAMP WHERE confined AND disabled_at IS NULL")
    with op.batch_alter_table("moderator") as table:
        table.drop_column("confined")
