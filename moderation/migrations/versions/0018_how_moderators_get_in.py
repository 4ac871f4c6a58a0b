"""Sign-ins that can be ended, second factors, passkeys, and who somebody is at an OpenID provider."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("moderator") as table:
        table.add_column(sa.Column("wrong_passwords", ID, nullable=False, server_default="0"))
        table.add_column(sa.Column("locked_until", AT, nullable=True))
        table.add_column(sa.Column("openid", sa.String(600), nullable=True))
        table.create_unique_constraint(op.f("uq_moderator_openid"), ["openid"])
    _of_moderators(
        "sign_in",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("device", sa.String(200), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("seen_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_token_hash")),
    )
    op.create_table(
        "authenticator",
        sa.Column("moderator_id", ID, nullable=False),
        sa.Column("secret", sa.String(200), nullable=False),
        sa.Column("last_step", ID, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["moderator_id"], ["moderator.id"], name=op.f("fk_authenticator_moderator_id_moderator")
        ),
        sa.PrimaryKeyConstraint("moderator_id", name=op.f("pk_authenticator")),
    )
    _of_moderators("recovery_code", sa.Column("code_hash", sa.String(64), nullable=False))
    _of_moderators(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", ID, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("used_at", AT, nullable=True),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )


def downgrade() -> None:
    """Go back."""
    for name in ("passkey", "recovery_code", "authenticator", "sign_in"):
        op.drop_table(name)
    with op.batch_alter_table("moderator") as table:
        table.drop_constraint(op.f("uq_moderator_openid"), type_="unique")
        for name in ("openid", "locked_until", "wrong_passwords"):
            table.drop_column(name)


def _of_moderators(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", ID, nullable=False),
        sa.Column("moderator_id", ID, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(["moderator_id"], ["moderator.id"], name=op.f(f"fk_{name}_moderator_id_moderator")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_moderator_id"), name, ["moderator_id"])
