"""A batch remembers who had it taken back, who need not be its maker."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward; who took batches of before back stands in the audit log."""
    with op.batch_alter_table("batch") as table:
        table.add_column(sa.Column("undo_by_id", NUMBER, nullable=True))
        table.create_foreign_key(op.f("fk_batch_undo_by_id_moderator"), "moderator", ["undo_by_id"], ["id"])
    op.execute(
        "UPDATE batch SET undo_by_id = (SELECT moderator_id FROM audit_entry "
        "WHERE deed = 'batch_undo' AND subject = 'batch ' || batch.id ORDER BY id LIMIT 1) WHERE undo_at IS NOT NULL"
    )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("batch") as table:
        table.drop_constraint(op.f("fk_batch_undo_by_id_moderator"), type_="foreignkey")
        table.drop_column("undo_by_id")
