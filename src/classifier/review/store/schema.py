"""The tables of the review store, for SQLite and PostgreSQL alike; instants are seconds since 1970, UTC."""

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

from classifier.taxonomy import CATEGORIES

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_DIGEST = String(64)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(256), nullable=False),
    Column("language", String(2), nullable=False, default="vi"),
    Column("blurred", Boolean, nullable=False, default=False),  # posts stay blurred until asked for
    Column("active", Boolean, nullable=False, default=True),
    Column("created_at", Float, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", _DIGEST, primary_key=True),  # of the identifier in the cookie: the store alone opens no session
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("csrf_token", _DIGEST, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Index("ix_login_failures_name_at", "name", "at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("label", String(64), nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", _DIGEST, nullable=False, unique=True),  # of its texts in order and the model's version
    Column("name", String(255), nullable=False),
    Column("model_version", String(64), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("summary", JSON, nullable=False),  # counts by decision and route, histograms of probabilities
    Column("created_at", Float, nullable=False),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", _DIGEST, nullable=False, unique=True),  # of the normal form: the same post is never asked twice
    Column("text", Text, nullable=False),  # personal data masked
    Column("model_version", String(64), nullable=False),
    Column("decision", String(8), nullable=False),  # of the model
    *(Column(f"p_{category}", Float, nullable=False) for category in CATEGORIES),
    *(Column(f"route_{category}", String(8), nullable=False) for category in CATEGORIES),
    Column("weight", Float, nullable=False),  # of sampling: how many such posts of the batch this one stands for
    Column("copies", Integer, nullable=False),  # near-duplicates that its decision serves, itself included
    Column("needed", Integer, nullable=False),  # people who are to decide
    Column("answers", Integer, nullable=False, default=0),  # people who have decided, undone answers not counted
    Column("rank", Float, nullable=False),  # of the queue: the larger the earlier
    Column("state", String(8), nullable=False, default="open"),
    Column("known", String(64)),  # the right categories of a gold item, joined by ;
    Column("created_at", Float, nullable=False),
    Column("settled_at", Float),
    CheckConstraint("state IN ('open', 'disputed', 'settled', 'gold')", name="state"),
    Index("ix_items_state_rank", "state", "rank", "id"),
)

members = Table(
    "members",
    metadata,
    Column("batch_id", ForeignKey("batches.id"), primary_key=True),
    Column("row", Integer, primary_key=True),  # in the batch, from 1
    Column("item_id", ForeignKey("items.id"), nullable=False, index=True),
    Column("post_id", Text, nullable=False, default=""),  # as the file has it, however long
)

leases = Table(
    "leases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("adjudicates", Boolean, nullable=False, default=False),  # of a disputed item, with both answers in view
    Column("taken_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("outcome", String(8)),  # empty while it runs; `answered` for as long as the answer isn't undone
    CheckConstraint("outcome IN ('answered', 'undone', 'skipped', 'released')", name="outcome"),
    Index("ix_leases_item_user", "item_id", "user_id", "outcome"),
    Index("ix_leases_user_outcome", "user_id", "outcome"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("item_id", ForeignKey("items.id"), nullable=False, index=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("lease_id", ForeignKey("leases.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("categories", String(64), nullable=False),  # joined by ;, empty for no violation
    Column("slice", String(32), nullable=False, default=""),
    Column("confidence", Integer, nullable=False),  # 1 unsure, 2 rather sure, 3 sure
    Column("rationale", Text, nullable=False, default=""),  # personal data masked
    Column("informed", Boolean, nullable=False),  # whether the model's suggestion had been seen
    Column("supersedes", ForeignKey("decisions.id")),
    Column("at", Float, nullable=False),
    CheckConstraint("kind IN ('answer', 'revision', 'undo', 'adjudication')", name="kind"),
    UniqueConstraint("lease_id", "kind", name="uq_decisions_lease_kind"),  # a double submit is refused by the database
    Index("ix_decisions_user_at", "user_id", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 … without gaps
    Column("at", Float, nullable=False),
    Column("user_id", Integer),
    Column("action", String(32), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("content", _DIGEST, nullable=False),  # of the row that the action wrote
    Column("previous", _DIGEST, nullable=False),
    Column("hash", _DIGEST, nullable=False, unique=True),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("state", String(8), nullable=False),
    Column("done", Integer, nullable=False, default=0),  # rows scored so far
    Column("message", Text, nullable=False, default=""),
    Column("queued", Boolean, nullable=False),  # whether its uncertain posts go into the queue
    Column("created_at", Float, nullable=False),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
)

APPEND_ONLY = ("decisions", "audit")
"""Tables in which triggers refuse every change and removal."""
