"""Somebody is told: what is missing, since when, and the one command or button that repairs it."""

from __future__ import annotations

import asyncio
import html
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.configuration import conf

from protime_etl.airflow.hook import ProtimeHook
from protime_etl.errors import ProtimeError
from protime_etl.postgres.health import Health, read_health

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["ProtimeNotifier"]

SETTING = "PROTIME_ALERT_EMAIL"
FIELD = "alert_email"
MOST_CHARACTERS = 200


class ProtimeNotifier(BaseNotifier):
    """Send a mail about a run that failed or is late: what the warehouse says of itself, and what to do.

    A callback of Airflow: `on_failure_callback=ProtimeNotifier()` of a DAG, as the DAGs of `protime_dags` have it. It
    sends by Airflow's connection of type `smtp`, with the provider `apache-airflow-providers-smtp`. If it cannot, the
    log says why, and nothing else happens.

    :param to: addresses, separated by commas. Empty: those of the connection's field `alert_email`, or of the setting
        `PROTIME_ALERT_EMAIL`; if there are none, nobody is told.
    :param protime_conn_id: the tenant's connection.
    :param postgres_conn_id: the warehouse's connection.
    :param smtp_conn_id: the mail server's connection; its field `from_email` is the sender.
    :param collections: of which it tells; empty: those of the connection.
    :param late: after how long the run was to be done, if that is what is told.
    :param dag_id: the DAG, where the context does not tell it.
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
        """Tell; never raises."""
        try:
            to = self._recipients()
            if not to:
                self.log.warning(
                    "Nobody is told of this run: there are no addresses. Fill in %s of the connection %s, or %s.",
                    FIELD,
                    self.protime_conn_id,
                    SETTING,
                )
                return
            subject, text = self.message(context)
            self._send(to, subject, text)
        except Exception as error:  # noqa: BLE001 - what tells of failures must not fail
            self.log.error("The mail about this run was not sent (%s): %s", type(error).__name__, error)  # noqa: TRY400
        else:
            self.log.info("Told %s: %s", ", ".join(to), subject)

    async def async_notify(self, context: Context) -> None:
        """Tell, without holding up what else the triggerer does."""
        await asyncio.to_thread(self.notify, context)

    def message(self, context: Context) -> tuple[str, str]:
        """Subject and text."""
        given: Any = context
        run: Any = given.get("dag_run")
        if isinstance(run, dict):  # as the callback of a deadline is given it
            dag_id, run_id = str(run.get("dag_id", self.dag_id)), str(run.get("dag_run_id") or run.get("run_id") or "")
        else:
            dag_id, run_id = str(getattr(run, "dag_id", self.dag_id)), str(getattr(run, "run_id", ""))
        what = f"not done after {self.late}" if self.late else "failed"
        lines = [f"{dag_id}: the run {run_id} {'is ' if self.late else ''}{what}."]
        failed = given.get("task_instance")
        if not self.late and failed is not None and hasattr(failed, "task_id"):
            lines.append(f"Its task {failed.task_id} is red; the last lines of its log say why.")
        link = f"{conf.get('api', 'base_url', fallback='').rstrip('/')}/dags/{dag_id}/runs/{run_id}"
        lines += ["", "Look at it, and clear what is red with Downstream when the cause is gone:", f"  {link}", ""]
        name, health = self._health()
        subject = f"[Protime {name}] {dag_id} {what}"
        if isinstance(health, Health):
            lines += health.lines
            subject += f": {health.problems[0].what}" if health.problems else ""
        else:
            lines.append(health)
        return subject[:MOST_CHARACTERS], "\n".join(lines)

    def _health(self) -> tuple[str, Health | str]:
        """The tenant's name, and what its warehouse says; or why it says nothing."""
        hook = ProtimeHook(self.protime_conn_id)
        try:
            name = hook.get_settings().tenant
        except ProtimeError as error:
            return self.protime_conn_id, str(error)
        try:
            with hook.get_conn(self.postgres_conn_id, self.collections) as pipeline, pipeline.reading() as connection:
                return name, read_health(connection, pipeline.tenant, pipeline.settings.collections)
        except ProtimeError as error:
            return name, f"The warehouse cannot be asked: {error}"

    def _recipients(self) -> list[str]:
        given = self.to
        if not given:
            extra: dict[str, Any] = BaseHook.get_connection(self.protime_conn_id).extra_dejson
            given = str(extra.get(FIELD) or "") or os.environ.get(SETTING, "")
        return [one.strip() for one in given.split(",") if one.strip()]

    def _send(self, to: list[str], subject: str, text: str) -> None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook  # noqa: PLC0415 - who is told otherwise needs it not

        with SmtpHook(smtp_conn_id=self.smtp_conn_id) as smtp:
            body = f"<pre>{html.escape(text)}</pre>"
            smtp.send_email_smtp(to=to, subject=" ".join(subject.split()), html_content=body)
