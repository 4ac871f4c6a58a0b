"""What a site's own traffic has taught about relevance."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "relevance_adaptation",
        sa.Column("id", ID, nullable=False),
        sa.Column("site_id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("engine", sa.String(length=200), nullable=False),
        sa.Column("comments", ID, nullable=False),
        sa.Column("articles", ID, nullable=False),
        sa.Column("oldest_at", AT, nullable=False),
        sa.Column("newest_at", AT, nullable=False),
        sa.Column("last_comment_id", ID, nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_relevance_adaptation_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relevance_adaptation")),
        sa.UniqueConstraint("site_id", "version", name=op.f("uq_relevance_adaptation_site_id_version")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("relevance_adaptation")
