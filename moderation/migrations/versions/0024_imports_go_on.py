"""An import that did not come to its end goes on where it stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "unfinished_import",
        sa.Column("site_id", NUMBER, nullable=False),
        sa.Column("form", sa.String(20), nullable=False),
        sa.Column("read", NUMBER, nullable=False),
        sa.Column("lines", NUMBER, nullable=False),
        sa.Column("items", NUMBER, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_unfinished_import_site_id_site")),
        sa.PrimaryKeyConstraint("site_id", "form", name=op.f("pk_unfinished_import")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("unfinished_import")
