"""E-mail notification of a run: what is missing and why, since when, and how to repair it."""

from __future__ import annotations

import asyncio
import html
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.configuration import conf

from protime_etl.airflow.hook import ProtimeHook
from protime_etl.airflow.wording import speak_of_connections
from protime_etl.errors import ProtimeError
from protime_etl.postgres.health.problems import Problem
from protime_etl.postgres.health.verdict import Health, read_health

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ProtimeNotifier"]

SETTING = "PROTIME_ALERT_EMAIL"
FIELD = "alert_email"
MOST_CHARACTERS = 200
UTC = ZoneInfo("UTC")


class ProtimeNotifier(BaseNotifier):
    """Send a mail about a run that failed or is late: what is missing and why, and the command that repairs it.

    A callback of Airflow: `on_failure_callback=ProtimeNotifier()` of a DAG, as the DAGs of `protime_dags` have it. It
    sends by Airflow's connection of type `smtp`, with the provider `apache-airflow-providers-smtp`. If it cannot, the
    log says why, and nothing else happens.

    :param to: addresses, separated by commas. Empty: those of the connection's field `alert_email`, or of the setting
        `PROTIME_ALERT_EMAIL`; if there are none, no mail is sent.
    :param protime_conn_id: the tenant's connection.
    :param postgres_conn_id: the warehouse's connection.
    :param smtp_conn_id: the mail server's connection; its field `from_email` is the sender.
    :param collections: those that it judges; empty: those of the connection.
    :param late: after how long the run was to be done, if the mail is about that.
    :param dag_id: the DAG, where the context does not name it.
    :param context: what Airflow gives where it awaits the notifier, as for a deadline.
    """

    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        to: str = "",
        protime_conn_id: str = ProtimeHook.default_conn_name,
        postgres_conn_id: str = "protime_warehouse",
        smtp_conn_id: str = "smtp_default",
        collections: str = "",
        late: str = "",
        dag_id: str = "",
        context: Context | None = None,
    ) -> None:
        super().__init__(context)
        self.to = to
        self.protime_conn_id = protime_conn_id
        self.postgres_conn_id = postgres_conn_id
        self.smtp_conn_id = smtp_conn_id
        self.collections = collections
        self.late = late
        self.dag_id = dag_id

    def notify(self, context: Context) -> None:
        """Send the mail; never raises."""
        try:
            to = self._recipients()
            if not to:
                self.log.warning(
                    "No mail is sent about this run: it has no addresses. Fill in %s of the connection %s, or %s.",
                    FIELD,
                    self.protime_conn_id,
                    SETTING,
                )
                return
            subject, text = self.message(context)
            self._send(to, subject, text)
        except Exception as error:  # noqa: BLE001 - a notification of a failure must not fail
            self.log.error("The mail about this run was not sent (%s): %s", type(error).__name__, error)  # noqa: TRY400
        else:
            self.log.info("Mail to %s: %s", ", ".join(to), subject)

    async def async_notify(self, context: Context) -> None:
        """Send the mail, without holding up what else the triggerer does."""
        await asyncio.to_thread(self.notify, context)

    def message(self, context: Context) -> tuple[str, str]:
        """Subject and text: the problem first, then the command that repairs it, and a link to the run."""
        given: Any = context
        run: Any = given.get("dag_run")
        if isinstance(run, dict):  # as the callback of a deadline is given it
            dag_id, run_id = str(run.get("dag_id", self.dag_id)), str(run.get("dag_run_id") or run.get("run_id") or "")
        else:
            dag_id, run_id = str(getattr(run, "dag_id", self.dag_id)), str(getattr(run, "run_id", ""))
        what = f"{dag_id} {f'not done after {self.late}' if self.late else 'failed'}"
        name, health, zone = self._health()
        lines: list[str] = []
        problems = health.problems if isinstance(health, Health) else []
        for problem in problems:
            lines += [problem.what, *_labelled(problem, zone), ""]
        if isinstance(health, str):
            lines += [health, ""]
        elif not problems:
            lines += ["The warehouse reports no problem: the log of the red task says what failed.", ""]
        subject = what if self.late or not problems else f"{problems[0].what}: {problems[0].why}".rstrip(": .")
        link = f"{conf.get('api', 'base_url', fallback='').rstrip('/')}/dags/{dag_id}/runs/{run_id}"
        return f"[Protime {name}] {subject}"[:MOST_CHARACTERS], "\n".join([*lines, f"{what}: {link}"])

    def _health(self) -> tuple[str, Health | str, ZoneInfo]:
        """The tenant's name, its health or why that is not known, and its time zone."""
        hook = ProtimeHook(self.protime_conn_id)
        try:
            name = hook.get_settings().tenant
        except ProtimeError as error:
            return self.protime_conn_id, str(error), UTC
        try:
            with hook.get_conn(self.postgres_conn_id, self.collections) as pipeline, pipeline.reading() as connection:
                health = read_health(connection, pipeline.tenant, pipeline.settings.collections)
                return name, health, ZoneInfo(pipeline.settings.timezone)
        except ProtimeError as error:
            speak_of_connections(error, self.protime_conn_id, self.postgres_conn_id)
            return name, f"The warehouse cannot be queried: {error}", UTC

    def _recipients(self) -> list[str]:
        given = self.to
        if not given:
            extra: dict[str, Any] = BaseHook.get_connection(self.protime_conn_id).extra_dejson
            given = str(extra.get(FIELD) or "") or os.environ.get(SETTING, "")
        return [one.strip() for one in given.split(",") if one.strip()]

    def _send(self, to: list[str], subject: str, text: str) -> None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415 - other notifiers do not need it

        with SmtpHook(smtp_conn_id=self.smtp_conn_id) as smtp:
            body = f"<pre>{html.escape(text)}</pre>"
            smtp.send_email_smtp(to=to, subject=" ".join(subject.split()), html_content=body)


def _labelled(problem: Problem, zone: ZoneInfo) -> Iterator[str]:
    if problem.why:
        yield f"Why: {problem.why}"
    if problem.since is not None:
        yield f"Since: {problem.since.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if problem.do:
        yield f"Repair: {problem.do}"
