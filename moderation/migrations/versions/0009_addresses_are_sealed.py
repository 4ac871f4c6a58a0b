"""Addresses of commenters are sealed unless their site wants them readable."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward; a site that has been here keeps the addresses it has readable."""
    with op.batch_alter_table("site") as batch:
        batch.add_column(sa.Column("pepper", sa.String(64), nullable=False, server_default=""))
        batch.add_column(sa.Column("keeps_addresses", sa.Boolean(), nullable=False, server_default=sa.true()))
    site = sa.table("site", sa.column("id"), sa.column("pepper"))
    for (id_,) in op.get_bind().execute(sa.select(site.c.id)).all():
        op.get_bind().execute(sa.update(site).where(site.c.id == id_).values(pepper=secrets.token_hex(32)))
    with op.batch_alter_table("site") as batch:
        batch.alter_column("pepper", server_default=None)
        batch.alter_column("keeps_addresses", server_default=None)


def downgrade() -> None:
    """Go back; sealed addresses stay sealed."""
    with op.batch_alter_table("site") as batch:
        batch.drop_column("keeps_addresses")
        batch.drop_column("pepper")
