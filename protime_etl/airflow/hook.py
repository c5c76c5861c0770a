"""`ProtimeHook`: an Airflow connection of type `protime` as settings, and the pipeline to a warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from sqlalchemy.engine import URL

from protime_etl.airflow.provider_info import field_labels
from protime_etl.airflow.wording import speak_of_connections
from protime_etl.collections.registry import COLLECTIONS
from protime_etl.config import Settings, load_settings
from protime_etl.errors import ProtimeError, ProtocolError, SettingsError
from protime_etl.postgres.server.address import url_of
from protime_etl.protime.filters import Condition
from protime_etl.protime.token_requests import request_token
from protime_etl.protime.transport import new_session
from protime_etl.setting_values import choose_collections, is_loopback
from protime_etl.sync.pipeline import Pipeline, open_pipeline

__all__ = ["ProtimeHook", "warehouse_url"]


def warehouse_url(postgres_conn_id: str) -> URL:
    """The SQLAlchemy URL of a connection of type `postgres`, with the parameters of its extra (sslmode and others).

    Raises:
        SettingsError: it has parameters that PostgreSQL does not know, hosts and ports that cannot be, or asks for a
            login by IAM.
    """
    try:
        connection = PostgresHook(postgres_conn_id=postgres_conn_id).get_connection(postgres_conn_id)
    except AirflowNotFoundException:  # as Airflow also says of an address that it cannot read
        raise SettingsError(
            f"The connection {postgres_conn_id} does not exist, or Airflow cannot read its address.",
            guidance="Airflow takes several hosts as postgresql://user:password@host1,host2/database?port=5432%2C5432.",
        ) from None
    extra: dict[str, Any] = connection.extra_dejson
    where = f"The connection {postgres_conn_id}"
    if extra.get("iam"):
        raise SettingsError(
            f"{where} logs in by IAM, whose passwords last for minutes only.",
            guidance="Give it a database user with a password, and remove iam from its extra.",
        )
    hook_only = {*PostgresHook.ignored_extra_options, "enable_log_db_messages"}
    fields = {
        "host": connection.host,
        "port": connection.port,
        "user": connection.login,
        "password": connection.password,
        "dbname": connection.schema,
    }
    given = fields | {name: value for name, value in extra.items() if name not in hook_only}
    return url_of({name: str(value) for name, value in given.items() if value is not None}, where)


def _require_hosts(settings: Settings, hosts: str, *, tested: bool) -> None:
    """Make sure that the URLs lead to the hosts of the connection's own field.

    Airflow tests submitted values with the stored secret if host and port are the stored ones. It does not compare the
    extra. A task reads what is stored, so it takes URLs without hosts.

    Raises:
        SettingsError: a URL leads elsewhere.
    """
    known = hosts.lower().replace(",", " ").split()
    for name in ("api_url", "auth_url"):
        url = urlsplit(getattr(settings, name))
        if (known or tested) and url.netloc.lower() not in ("", *known):
            raise SettingsError(f"{name} points to {url.netloc}, which is not among Hosts.")
        if tested and url.scheme == "http" and not is_loopback(url.hostname or ""):
            raise SettingsError(f"{name} does not use https: Test never sends the client secret unencrypted.")


def _decoded(body: bytes, path: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise ProtocolError(f"The answer of {path[:80]} is not JSON, or is nested too deeply.") from None


class ProtimeHook(BaseHook):
    """Interact with a Protime tenant.

    :param protime_conn_id: connection of type `protime`: login is the client id, password the client secret, and the
        extra holds tenant, environment, collections, scopes, user_agent, timezone, api_url, auth_url,
        max_wait_in_task, max_pause, max_vanished, requests_per_second, proof_requests, history_from and planned_days.
        Host repeats the hosts of api_url and auth_url, if there are any.
    """

    conn_name_attr = "protime_conn_id"
    default_conn_name = "protime_default"
    conn_type = "protime"
    hook_name = "Protime"

    def __init__(self, protime_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.protime_conn_id = protime_conn_id

    def get_settings(self, collections: str = "") -> Settings:
        """The connection as the settings object that the whole engine uses; PROTIME_* variables play no part.

        `collections` takes the place of those of the connection, and their scopes that of its scopes, if it is given.

        Raises:
            SettingsError: a field is missing or wrong.
        """
        return self._settings(collections, tested=False)

    def _settings(self, collections: str, *, tested: bool) -> Settings:
        connection = self.get_connection(self.protime_conn_id)
        extra: dict[str, Any] = connection.extra_dejson
        fields = {**extra, "client_id": connection.login, "client_secret": connection.password}
        given = {name: fields[name] for name in field_labels() if fields.get(name) not in (None, "")}
        if collections:
            try:
                choose_collections(collections)
            except ValueError as error:
                raise SettingsError(
                    f"The parameter collections: {error}.",
                    guidance="Trigger the DAG again with other collections, or leave the field empty.",
                ) from None
            given = {name: value for name, value in given.items() if name != "scopes"} | {"collections": collections}
        try:
            settings = load_settings(from_environment=False, **given)
            _require_hosts(settings, connection.host or "", tested=tested)
        except SettingsError as error:
            error.guidance = "Edit it under Admin, Connections, or where your Airflow keeps its connections."
            speak_of_connections(error, self.protime_conn_id, "")
            raise
        return settings

    @contextmanager
    def get_conn(self, postgres_conn_id: str = "protime_warehouse", collections: str = "") -> Iterator[Pipeline]:
        """The pipeline from this tenant to that warehouse, closed again at the end of the `with`.

        `collections` as for `get_settings`.

        Raises:
            SettingsError, DatabaseError: it cannot be opened.
        """
        with open_pipeline(self.get_settings(collections), warehouse_url(postgres_conn_id)) as pipeline:
            yield pipeline

    def get(self, path: str, postgres_conn_id: str = "protime_warehouse") -> Any:
        """What the API says at a path below it, such as `people/100001`, decoded; for a task of your own.

        With the token, the pause and the budget that all tasks share through the warehouse. The connection needs
        the scopes.

        Raises:
            UntrustedLinkError: the path leads elsewhere.
            ApiError, UnreachableError, ProtocolError: no usable answer; `RateLimited` for a pause that is too long.
        """
        with self.get_conn(postgres_conn_id) as pipeline:
            body = pipeline.sitting_out(lambda: pipeline.client.read(path))
        return _decoded(body, path)

    def pages(
        self,
        collection: str,
        filter: str = "",  # noqa: A002 - the word of the API
        postgres_conn_id: str = "protime_warehouse",
    ) -> Iterator[list[dict[str, Any]]]:
        """The records of a list as the API gives them, page by page; for a task of your own. As `get`.

        `collection` is its path, such as `absences`; `filter` is in the API's words, such as `date ge '2026-01-01'`.

        Raises:
            SettingsError: there is no such collection.
            ApiError, UnreachableError, ProtocolError: as `get`.
        """
        if collection not in COLLECTIONS:
            raise SettingsError(
                f"There is no collection {collection[:80]!r}.", guidance=f"There are {', '.join(COLLECTIONS)}."
            )
        condition = Condition(filter) if filter else None
        with self.get_conn(postgres_conn_id) as pipeline:
            for body in pipeline.client.answers(COLLECTIONS[collection], condition):
                yield _decoded(body, collection).get("value") or []

    def test_connection(self) -> tuple[bool, str]:
        """Ask for a token, as the button `Test` of the connection form does."""
        session = new_session()
        try:
            settings = self._settings("", tested=True)
            token = request_token(settings, session)
        except ProtimeError as error:
            speak_of_connections(error, self.protime_conn_id, "")
            return False, str(error)
        finally:
            session.close()
        return True, f"{settings.tenant} gives a token for {token.lifetime:.0f} seconds with all requested scopes."
