"""The three DAGs of a tenant, made by one call in a DAG file: `protime_dags`."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk import DAG, Asset

from protime_etl.airflow.factory.backfill import backfill_dag
from protime_etl.airflow.factory.changes import changes_dag
from protime_etl.airflow.factory.names import asset_of, check_name
from protime_etl.airflow.factory.nightly import MOST_LOOKBACK_DAYS, nightly_dag
from protime_etl.airflow.factory.plan import DagPlan
from protime_etl.airflow.notifier import ProtimeNotifier
from protime_etl.errors import SettingsError
from protime_etl.setting_values import check_timezone, choose_collections
from protime_etl.sync.plan.days import OPEN_DAYS

if TYPE_CHECKING:
    from airflow.sdk.bases.notifier import BaseNotifier

__all__ = ["ProtimeDags", "protime_dags"]

KINDS = ("nightly", "changes", "backfill")
TIMEZONE = "Europe/Brussels"
CHANGES = "*/15 * * * *"


class ProtimeDags(NamedTuple):
    """What `protime_dags` makes; DAGs that were not asked for are None."""

    nightly: DAG | None
    changes: DAG | None
    backfill: DAG | None
    clockings: Asset
    """Updated when a night or a backfill is done, or a proof has repaired something."""
    clockings_changes: Asset
    """Updated when a poll of the delta brought something, or an earlier one did that failed."""


def protime_dags(
    name: str = "protime",
    *,
    protime_conn_id: str = "protime_default",
    postgres_conn_id: str = "protime_warehouse",
    timezone: str | None = None,
    nightly: str = "30 4 * * *",
    changes: str | None = None,
    lookback_days: int = 7,
    at_once: int = 16,
    collections: str = "",
    alert: str | BaseNotifier | Sequence[Any] | None = None,
    deadline: dt.timedelta | None = None,
    default_args: Mapping[str, Any] | None = None,
    tags: Collection[str] = (),
    only: Collection[str] = KINDS,
) -> ProtimeDags:
    """Make the DAGs `NAME_clockings_nightly`, `NAME_clockings_changes` and `NAME_clockings_backfill`.

    Call it in a DAG file, which needs nothing else; once for each tenant, with another name and connection.

    :param name: how the ids of the DAGs and assets begin: small letters, digits and `_`.
    :param protime_conn_id: the tenant's connection, of type `protime`.
    :param postgres_conn_id: the warehouse's connection; several tenants may share one.
    :param timezone: where the nightly's schedule holds; left out: `PROTIME_TIMEZONE`, or Europe/Brussels.
    :param nightly: cron expression of the nightly.
    :param changes: cron expression of the delta's polls; left out: `PROTIME_CHANGES_SCHEDULE`, or every 15 minutes.
    :param lookback_days: days before its own that a night reads again; at least 2, as a day can change until the end
        of the next one.
    :param at_once: tasks of a DAG that read at the same time, at most.
    :param collections: what is read instead of the connection's collections, such as `clockings people`; or `all`.
    :param alert: notifications of failed runs: addresses separated by commas, or a notifier of your own, or several.
        Left out: the addresses of the connection (`alert_email`), or of `PROTIME_ALERT_EMAIL`.
    :param deadline: after how long a night that is not done is an alert, too; and how long a task waits for the API.
    :param default_args: for all tasks, on top of ours.
    :param tags: of the DAGs, besides `protime`.
    :param only: kinds of DAGs to make: `nightly`, `changes`, `backfill`.

    Raises:
        SettingsError: one line that says what makes no sense.
    """
    check_name(name)
    zone = timezone or os.environ.get("PROTIME_TIMEZONE") or TIMEZONE
    try:
        check_timezone(zone)
        if collections:
            choose_collections(collections)
    except ValueError as error:
        raise SettingsError(f"protime_dags({name!r}): {error}.") from None
    if unknown := sorted({*only} - {*KINDS}):
        raise SettingsError(f"protime_dags({name!r}): there is no DAG {unknown[0]!r}, only {', '.join(KINDS)}.")
    if not OPEN_DAYS <= lookback_days <= MOST_LOOKBACK_DAYS:
        raise SettingsError(
            f"protime_dags({name!r}): lookback_days {lookback_days} is not from {OPEN_DAYS} to {MOST_LOOKBACK_DAYS};"
            " with fewer, no night reads a finished day."
        )
    plan = DagPlan(
        name=name,
        protime_conn_id=protime_conn_id,
        postgres_conn_id=postgres_conn_id,
        timezone=zone,
        nightly=nightly,
        changes=changes or os.environ.get("PROTIME_CHANGES_SCHEDULE") or CHANGES,
        lookback_days=lookback_days,
        at_once=at_once,
        collections=collections,
        callbacks=_callbacks(name, alert, protime_conn_id, postgres_conn_id, collections),
        deadline=deadline,
        default_args=dict(default_args or {}),
        tags=("protime", *tags),
        clockings=asset_of(name),
        clockings_changes=asset_of(name, "changes"),
    )
    return ProtimeDags(
        nightly_dag(plan) if "nightly" in only else None,
        changes_dag(plan) if "changes" in only else None,
        backfill_dag(plan) if "backfill" in only else None,
        plan.clockings,
        plan.clockings_changes,
    )


def _callbacks(name: str, alert: object, protime_conn_id: str, postgres_conn_id: str, collections: str) -> list[Any]:
    """What Airflow calls when a run fails; addresses become one notifier of ours."""
    given = [alert] if alert is None or isinstance(alert, str) or not isinstance(alert, Sequence) else [*alert]
    addresses = [one for one in given if isinstance(one, str)]
    others = [one for one in given if one is not None and not isinstance(one, str)]
    for one in others:
        if not callable(one):
            raise SettingsError(f"protime_dags({name!r}): alert is neither addresses nor a notifier: {one!r}.")
    if others and not addresses:
        return others
    ours = ProtimeNotifier(
        to=",".join(addresses),
        protime_conn_id=protime_conn_id,
        postgres_conn_id=postgres_conn_id,
        collections=collections,
    )
    return [ours, *others]
