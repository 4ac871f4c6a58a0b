"""Entries of the audit log are sealed one after the other, each with the seal of the one before."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward; what was noted so far is sealed with the next sweep."""
    with op.batch_alter_table("audit_entry") as table:
        table.add_column(sa.Column("seal_number", NUMBER, nullable=True))
        table.add_column(sa.Column("seal", sa.String(64), nullable=True))
        table.create_unique_constraint(op.f("uq_audit_entry_seal_number"), ["seal_number"])


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("audit_entry") as table:
        table.drop_constraint(op.f("uq_audit_entry_seal_number"), type_="unique")
        table.drop_column("seal")
        table.drop_column("seal_number")
