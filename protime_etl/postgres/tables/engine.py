"""The engine's own tables: the ledger, coverage, deltas, and what processes share."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import DATEMULTIRANGE, INT8MULTIRANGE

from protime_etl.postgres.tables.metadata import MOMENT, STARTED_BY, key, metadata, started_by_columns

__all__ = [
    "acts",
    "collection_state",
    "coverage",
    "pauses",
    "promises",
    "rejected_record",
    "reported_days",
    "runs",
    "tenants",
    "tokens",
    "units",
    "views",
    "written_days",
    "wrong",
]

tenants = Table(
    "tenants",
    metadata,
    key("tenant", Text(), "Tenant: sub-domain of the myProtime URL."),
    Column("timezone", Text, nullable=False, comment="IANA time zone in which the tenant's minutes are read."),
    Column("environment", Text, comment="production or sandbox, where its rows come from; null: set by the next read."),
    Column("api_host", Text, comment="Host of the API that its rows come from; null: set by the next read."),
    # PostgreSQL takes +02 and UTC+99:00 for zones, too, which nothing else does; of one unknown to it this is an error.
    CheckConstraint(
        "timezone ~ '^([A-Za-z_]+/[A-Za-z0-9_/+-]+|UTC)$' AND (timestamptz 'epoch' AT TIME ZONE timezone) IS NOT NULL",
        name="timezone",
    ),
    schema="protime_etl",
    comment="Tenants that were read, with what SQL needs to know about each.",
)

acts = Table(
    "acts",
    metadata,
    key("tenant", Text(), "Tenant."),
    Column("number", BigInteger, nullable=False, comment="Increases with each act."),
    Column("what", Text, nullable=False, comment="What the last one did to the tenant, in words."),
    Column("noted_at", MOMENT, nullable=False, comment="When that was noted."),
    schema="protime_etl",
    comment="The last act on all that was held of a tenant, such as forget: a command that began before it ends.",
)

collection_state = Table(
    "collection_state",
    metadata,
    key("tenant", Text(), "Tenant that is read."),
    key("collection", Text(), "Collection that is read."),
    Column("page_size", Integer, comment="The most records that ever came in one answer; null before the first."),
    Column("read_at", MOMENT, comment="When it was last read whole; null if it never was, or is read by days."),
    schema="protime_etl",
    comment="What is known of each collection of a tenant.",
)

COUNT_COMMENTS = {
    "requests": "API requests sent, repeated ones included.",
    "rows_read": "Records read.",
    "inserted": "Rows that are new.",
    "updated": "Rows that changed.",
    "deleted": "Rows that are deleted now and were not before.",
    "unchanged": "Records that were equal to their row or older.",
    "rejected": "Records that could not be understood; see rejected_record.",
}


def _counts() -> list[Column[object]]:
    return [
        Column(name, BigInteger, nullable=False, server_default=text("0"), comment=comment)
        for name, comment in COUNT_COMMENTS.items()
    ]


runs = Table(
    "runs",
    metadata,
    Column("run_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the run."),
    Column("tenant", Text, nullable=False, comment="Tenant that was read."),
    *started_by_columns(),
    Column(
        "collections",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{clockings}'"),
        comment="Collections requested.",
    ),
    Column("date_from", Date, nullable=False, comment="First day requested."),
    Column("date_to", Date, nullable=False, comment="Last day requested."),
    Column("person_ids", ARRAY(BigInteger), comment="People requested; null: all that were known."),
    Column("circles", ARRAY(BigInteger), comment="Circles requested instead of people; null: none."),
    Column(
        "only_missing",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Only what had not been covered was requested.",
    ),
    Column("started_at", MOMENT, nullable=False, server_default=func.now(), comment="When it was planned."),
    Column("finished_at", MOMENT, comment="When its last unit was done or gave up; null before."),
    Column("status", Text, nullable=False, server_default="running", comment="running, done or failed."),
    Column("error", Text, comment="What went wrong, in one line."),
    CheckConstraint("status IN ('running', 'done', 'failed')", name="status"),
    CheckConstraint("date_from <= date_to", name="dates"),
    CheckConstraint(STARTED_BY, name="started_by"),
    schema="protime_etl",
    comment="Ledger: each requested run.",
)

units = Table(
    "units",
    metadata,
    Column("unit_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the unit."),
    Column(
        "run_id",
        ForeignKey("protime_etl.runs.run_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
        comment="Run that it belongs to.",
    ),
    Column("collection", Text, nullable=False, server_default="clockings", comment="Collection that it is read from."),
    Column("date_from", Date, nullable=False, comment="First day of the window."),
    Column("date_to", Date, nullable=False, comment="Last day of the window, at most a year later."),
    Column("person_ids", ARRAY(BigInteger), nullable=False, comment="The batch: people that one URI names."),
    Column(
        "circles",
        ARRAY(BigInteger),
        comment="Circles that the URI names instead; who is in them is not known, so nothing is covered.",
    ),
    Column("seconds", Double, comment="How long it took, waits included."),
    Column(
        "status",
        Text,
        nullable=False,
        server_default="planned",
        comment="planned, done, failed, or cut: it could not be read whole, and its parts are read instead.",
    ),
    Column("finished_at", MOMENT, comment="When it was committed or gave up."),
    Column("error", Text, comment="What went wrong, in one line; of one that was cut, why."),
    *_counts(),
    Column(
        "vanished",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="Of those deleted, rows that a complete reading lacked.",
    ),
    Column(
        "part_of",
        ForeignKey("protime_etl.units.unit_id", ondelete="CASCADE"),
        index=True,
        comment="The unit that was planned, if this is a part of one that was cut.",
    ),
    CheckConstraint("status IN ('planned', 'done', 'failed', 'cut')", name="status"),
    Index(None, "finished_at"),
    schema="protime_etl",
    comment="Ledger: units of work, each people x dates, committed whole or not at all.",
)

# Its fillfactor, which the baseline sets, leaves room for the next version of a row: each unit writes one per person.
coverage = Table(
    "coverage",
    metadata,
    key("tenant", Text(), "Tenant that was read."),
    key("collection", Text(), "Collection that was read."),
    key(
        "person_id",
        BigInteger(),
        "Protime's internal id of the person; -1: all people where the collection is read by days, and otherwise people"
        " who have no row yet.",
    ),
    Column("dates", DATEMULTIRANGE, nullable=False, comment="Days that were completely read after they were over."),
    Column(
        "proven",
        DATEMULTIRANGE,
        nullable=False,
        server_default=text("'{}'"),
        comment="Days of which the last complete reading found nothing to change, and that were not written since.",
    ),
    Column("read_at", MOMENT, nullable=False, comment="When dates last grew or were read again."),
    Column(
        "written_at",
        MOMENT,
        comment="When a record of the person was last written: a comparison that began before proves nothing.",
    ),
    Column(
        "ahead",
        DATEMULTIRANGE,
        nullable=False,
        server_default=text("'{}'"),
        comment="Days that were not over when they were read, of a collection that holds plans: as of ahead_at.",
    ),
    Column("ahead_at", MOMENT, comment="When the first of these was read."),
    Column(
        "ahead_before",
        DATEMULTIRANGE,
        nullable=False,
        server_default=text("'{}'"),
        comment="The same of the readings before these, as of ahead_before_at.",
    ),
    Column("ahead_before_at", MOMENT, comment="When the first of those was read."),
    schema="protime_etl",
    comment="The book: which days of which person were completely read, and which are proven equal to the tenant.",
)

wrong = Table(
    "wrong",
    metadata,
    Column("wrong_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the entry."),
    Column("tenant", Text, nullable=False, comment="Tenant."),
    Column("collection", Text, nullable=False, comment="Collection."),
    Column("people", INT8MULTIRANGE, nullable=False, comment="Whose days; (,) is all people."),
    Column("dates", DATEMULTIRANGE, nullable=False, comment="Days; (,) is a list that is read whole."),
    Column("since", MOMENT, nullable=False, comment="When that was found."),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="failed (a reading failed), unreadable (the API cannot answer), withheld (too many deletions), differs"
        " (a comparison differed and nothing was repaired) or older (the tenant has older versions than were stored).",
    ),
    Column("why", Text, nullable=False, comment="The reason, in one line."),
    Column("run_id", BigInteger, comment="Run that failed; null: a comparison or a list."),
    CheckConstraint("kind IN ('failed', 'unreadable', 'withheld', 'differs', 'older')", name="kind"),
    Index(None, "tenant", "collection"),
    schema="protime_etl",
    comment="The book: days of people that are known not to be as the tenant has them, until a complete reading or a"
    " comparison finds them right.",
)

promises = Table(
    "promises",
    metadata,
    key("tenant", Text(), "Tenant."),
    key("collection", Text(), "Collection."),
    Column("by_people", Boolean, nullable=False, comment="Whether it is read by people, or by days for all people."),
    Column("dates", DATEMULTIRANGE, nullable=False, comment="Days that runs for all people requested."),
    Column("follows_from", Date, comment="From this day on each day that ends is due, too; null: no run was for all."),
    Column(
        "planned_days",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How many days from today on are due, too, of a collection that holds plans; each night again.",
    ),
    schema="protime_etl",
    comment="What is read, and which days of it were requested for all people; days that are not read are missing.",
)

rejected_record = Table(
    "rejected_record",
    metadata,
    key("tenant", Text(), "Tenant that sent it."),
    key("collection", Text(), "Collection that it came in."),
    key("fingerprint", Text(), "SHA-256 of the record, so that one that comes again is counted, not repeated."),
    Column("record_id", BigInteger, comment="Its id, when at least that could be read."),
    Column("person_id", BigInteger, comment="Its person, when that could be read."),
    Column("date", Date, comment="Its day, when that could be read."),
    Column("reason", Text, nullable=False, comment="Why it could not be stored."),
    Column("record", Text, nullable=False, comment="The record as JSON; of people only the fields stored anyway."),
    Column("first_seen_at", MOMENT, nullable=False, server_default=func.now(), comment="When it first came."),
    Column("last_seen_at", MOMENT, nullable=False, server_default=func.now(), comment="When it last came."),
    schema="protime_etl",
    comment="Records that could not be understood, kept so that nothing is lost.",
)

tokens = Table(
    "tokens",
    metadata,
    key("client", Text(), "SHA-256 of token endpoint, client id and scopes."),
    Column(
        "sealed",
        LargeBinary,
        nullable=False,
        comment="Token, encrypted with a key derived from the client secret.",
    ),
    Column("lifetime", Double, nullable=False, comment="Seconds that the token endpoint gave it."),
    Column("expires_at", MOMENT, nullable=False, comment="When it expires, by this database's clock."),
    schema="protime_etl",
    comment="The access token that all processes share.",
)

pauses = Table(
    "pauses",
    metadata,
    key("tenant", Text(), "Tenant that asked to wait."),
    Column("until", MOMENT, nullable=False, comment="No request is sent before then, by this database's clock."),
    Column("next_slot", MOMENT, comment="When the next request may be sent, if there is a budget of requests."),
    Column("asked_until", MOMENT, comment="Until when the API asked us to wait: later than until, where that was cut."),
    schema="protime_etl",
    comment="Retry-After and the budget of requests, shared by all processes.",
)

written_days = Table(
    "written_days",
    metadata,
    Column("note_id", BigInteger, Identity(always=True), primary_key=True, comment="Number of the note."),
    Column("tenant", Text, nullable=False, index=True, comment="Tenant of the rows."),
    Column("by_delta", Boolean, nullable=False, comment="Whether the delta brought them."),
    Column("days", ARRAY(Date), nullable=False, comment="Days on which something was written."),
    Column("all_days", Boolean, nullable=False, comment="Whether these are all."),
    Column("written_at", MOMENT, nullable=False, server_default=func.now(), comment="When it was written."),
    schema="protime_etl",
    comment="On which days something was written in the last year, for the events of assets.",
)

reported_days = Table(
    "reported_days",
    metadata,
    Column(
        "note_id",
        ForeignKey("protime_etl.written_days.note_id", ondelete="CASCADE"),
        primary_key=True,
        comment="Note that is reported.",
    ),
    key("asset", Text(), "Name of the asset whose event reports it."),
    Column("task", Text, nullable=False, comment="Task that sends the event; a further try of it reports the same."),
    Column("reported_at", MOMENT, nullable=False, server_default=func.now(), comment="When the task took it."),
    Index(None, "asset", "task"),
    schema="protime_etl",
    comment="Which asset's event has reported what was written.",
)

views = Table(
    "views",
    metadata,
    key("name", Text(), "Name of the view or function, with its schema."),
    Column("sha256", Text, nullable=False, comment="SHA-256 of the file that it was last made from."),
    schema="protime_etl",
    comment="Which version of each view and function is in place.",
)
