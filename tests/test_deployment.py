"""Hold docker-compose.yml to what Airflow and protime-etl really accept, without a Docker engine."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from dotenv import dotenv_values

from protime_etl.cli.psql import _find_psql
from protime_etl.config import Settings, load_settings
from protime_etl.postgres.server.embedded import embedded_postgres
from protime_etl.simulator.options import Options
from tests.support.databases import connect

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
HEADER = [line.removeprefix("#") for line in TEXT.split("\nname:")[0].splitlines()]
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^{}]*))?\}|(?P<wrong>))")
SECRETS = {
    "POSTGRES_PASSWORD": "postgres-example",
    "PROTIME_WAREHOUSE_PASSWORD": "warehouse-example",
    "AIRFLOW_ADMIN_PASSWORD": "admin-example",
    "AIRFLOW__API__SECRET_KEY": "api-example",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwt-example-that-is-long-enough-for-it",
    "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
    "PROTIME_CLIENT_SECRET": "client-example",
}
TENANT = {"PROTIME_TENANT": "acme", "PROTIME_CLIENT_ID": "client"}
REQUIRED = SECRETS | TENANT
REDIS_PASSWORD = "${REDIS_PASSWORD:-}"
"""The one secret that may be missing: redis, which runs with its profile only, refuses to start without it."""


def strings(node: object) -> list[str]:
    if isinstance(node, dict):
        return [text for item in node.items() for part in item for text in strings(part)]
    if isinstance(node, list):
        return [text for part in node for text in strings(part)]
    return [node] if isinstance(node, str) else []


def uses() -> list[re.Match[str]]:
    return [use for text in strings(COMPOSE) for use in VARIABLE.finditer(text)]


def substitute(text: str, variables: dict[str, str]) -> str:
    """What Compose makes of a value: the forms that this file uses of its interpolation."""

    def value(use: re.Match[str]) -> str:
        assert use["wrong"] is None, f"Compose refuses or misreads {text!r}"
        if use["name"] is None:
            return "$"
        given = variables.get(use["name"], "")
        if not given and use["kind"] == "?":
            raise LookupError(use["name"])
        return given or (use["rest"] or "" if use["kind"] == "-" else "")

    return VARIABLE.sub(value, text)


def environment(service: str, variables: dict[str, str]) -> dict[str, str]:
    return {name: substitute(value, variables) for name, value in SERVICES[service]["environment"].items()}


def commands() -> list[tuple[str, list[str]]]:
    """Every command of Airflow's and ours that a service runs or is checked with, and those of the header."""
    found: list[tuple[str, list[str]]] = []
    for name, service in SERVICES.items():
        command = service.get("command", [])
        if command[:1] == ["bash"]:
            assert command[1] == "-euc", "the first step that fails ends it"
            lines = [shlex.split(line.removeprefix("exec ")) for line in command[2].splitlines()]
        else:
            lines = [command]
        lines.append(service.get("healthcheck", {}).get("test", ["CMD"])[1:])
        found += [(name, line) for line in lines if line and line[0] in ("airflow", "protime-etl")]
    for line in HEADER:
        if line.strip().startswith("docker compose exec "):
            words = shlex.split(line)[3:]
            found.append((words[0], words[1:]))
    return found


def run(*command: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PROTIME_"))}
    own = {"AIRFLOW_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "200"}
    return subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]],
        env=inherited | own | variables,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


# Structure


def test_has_the_services_and_no_version_key() -> None:
    assert set(SERVICES) == {"init", *AIRFLOW, "redis", "postgres", "simulator"}
    assert "version" not in COMPOSE
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"simulator": ["simulated"], "worker": ["celery"], "redis": ["celery"]}
    assert SERVICES["postgres"]["image"] == "${POSTGRES_IMAGE:-postgres:18}"


def test_one_service_builds_the_image_that_the_others_run() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["init"]
    images = {service["image"] for name, service in SERVICES.items() if name not in ("postgres", "redis")}
    assert images == {SERVICES["init"]["image"]}
    # A registry may have an image of this name, too, of another owner.
    used = [service for service in SERVICES.values() if service["image"] in images]
    assert {service["pull_policy"] for service in used} == {"never"}


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_starts_after_both_schemas_are_there(name: str) -> None:
    assert SERVICES[name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}
    assert SERVICES["init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert [command for service, command in commands() if service == "init"] == [
        ["airflow", "db", "migrate"],
        ["protime-etl", "db", "upgrade"],
        ["airflow", "connections", "import", "--overwrite", "/tmp/connections.json"],
    ]


def test_depends_on_services_that_can_meet_the_condition() -> None:
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed]
            assert SERVICES[needed].get("profiles") in (None, service.get("profiles"))


@pytest.mark.parametrize("name", [*AIRFLOW, "postgres", "redis", "simulator"])
def test_a_service_that_stays_is_checked_and_restarted(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert SERVICES["init"]["restart"] == "no"


def test_ports_are_bound_to_this_machine() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"api-server", "postgres"}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)


def test_data_and_logs_are_in_named_volumes() -> None:
    assert set(COMPOSE["volumes"]) == {"postgres", "logs", "redis"}
    # The image of PostgreSQL 18 keeps its data in a folder below; a volume at .../data would stay empty.
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert all(SERVICES[name]["volumes"][0] == "logs:/opt/airflow/logs" for name in AIRFLOW)


def test_warehouse_is_a_database_and_a_role_of_its_own() -> None:
    assert SERVICES["postgres"]["configs"] == [
        {"source": "warehouse", "target": "/docker-entrypoint-initdb.d/warehouse.sql"}
    ]
    script = COMPOSE["configs"]["warehouse"]["content"]
    name, variable = re.findall(r"^\\getenv (\w+) (\w+)$", script, re.MULTILINE)[0]
    assert variable in SERVICES["postgres"]["environment"]
    assert f"PASSWORD :'{name}'" in script
    assert "CREATE DATABASE protime OWNER protime;" in script


def test_neither_role_is_a_superuser_or_reaches_the_database_of_the_other(tmp_path: Path) -> None:
    """The script of the volume, run by psql on a server of its own."""
    script = COMPOSE["configs"]["warehouse"]["content"].replace("$$", "$")
    with embedded_postgres(tmp_path / "home") as server:
        done = subprocess.run(
            [_find_psql(), "-v", "ON_ERROR_STOP=1", "-h", str(server.query["host"]), "-U", "postgres"],
            input=script,
            env={**os.environ, **{name: SECRETS[name] for name in ("POSTGRES_PASSWORD", "PROTIME_WAREHOUSE_PASSWORD")}},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for role, other in (("airflow", "protime"), ("protime", "airflow")):
            with connect(server.set(username=role, database=role)) as session:
                row = session.execute("SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = user")
                assert row.fetchone() == (False, False, False)
                session.execute("CREATE TABLE own (n int)")
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connect(server.set(username=role, database=other))
        with connect(server) as session:
            without = session.execute("SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolpassword IS NULL")
            assert without.fetchall() == [("postgres",)], "it logs in inside of its container only"
    metadata = environment("init", REQUIRED)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert metadata.endswith(f"://airflow:{SECRETS['POSTGRES_PASSWORD']}@postgres:5432/airflow")
    assert not {"POSTGRES_USER", "POSTGRES_DB"} & set(SERVICES["postgres"]["environment"])


def test_simulator_does_not_pass_through_the_entrypoint_of_airflow() -> None:
    # /entrypoint would run `airflow protime-etl simulate`, after waiting for a database that it has not.
    assert SERVICES["simulator"]["entrypoint"] == ["dumb-init", "--"]
    assert SERVICES["simulator"]["command"] == ["protime-etl", "simulate", "--host", "0.0.0.0", "--port", "8400"]
    for name in ("init", *AIRFLOW):
        assert "entrypoint" not in SERVICES[name]
        assert SERVICES[name]["command"][0] in ("airflow", "bash")


# Variables and secrets


def test_every_secret_is_required_and_says_what_to_do() -> None:
    for use in uses():
        if use["name"] in REQUIRED:
            assert use["kind"] == "?", use[0]
            assert re.fullmatch(r"[\w .]{20,}", use["rest"]), f"{use[0]}: some readers take -, + and ? for an operator"
        else:
            assert use["name"] is None or use["kind"] == "-", use[0]
    assert {use["name"] for use in uses() if use["kind"] == "?"} == set(REQUIRED)


def test_no_secret_is_written_into_the_file() -> None:
    secret = re.compile(r"PASSWORD$|SECRET|_KEY$|FERNET")
    for service in SERVICES.values():
        for name, written in service.get("environment", {}).items():
            value = written.replace(REDIS_PASSWORD, "${REDIS_PASSWORD:?}")
            assert not secret.search(name) or re.fullmatch(r"\$\{\w+:\?[^{}]+\}", value), name
            assert not re.search(r"://[^/@:]*:(?!\$\{\w+:\?)[^/]*@", value), f"{name} has a password in a URL"
            assert not re.search(r'"password": "(?!\$\{\w+:\?)', value), f"{name} has a password"


@pytest.mark.parametrize("missing", REQUIRED)
def test_refuses_to_start_without(missing: str) -> None:
    with pytest.raises(LookupError, match=missing):
        substitute(json.dumps(COMPOSE), {name: value for name, value in REQUIRED.items() if name != missing})


def test_the_header_names_every_variable() -> None:
    header = "\n".join(HEADER)
    for name in {use["name"] for use in uses()} - {None}:
        assert re.search(rf"\b{name}\b", header), f"{name} is not explained"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the recipe uses openssl")
def test_the_recipe_of_the_header_makes_all_secrets(tmp_path: Path) -> None:
    start = next(index for index, line in enumerate(HEADER) if "umask 077" in line)
    end = next(index for index, line in enumerate(HEADER) if line.strip() == ")")
    recipe = "\n".join(line.removeprefix("   ") for line in HEADER[start : end + 1])
    subprocess.run(["/bin/sh", "-euc", recipe], cwd=tmp_path, check=True, timeout=30)
    made = dotenv_values(tmp_path / "compose.env")
    assert set(made) == set(SECRETS) - {"PROTIME_CLIENT_SECRET"} | {"REDIS_PASSWORD"}
    assert all(re.fullmatch(r"[A-Za-z0-9_=-]{24,}", value or "") for value in made.values())
    assert len(base64.urlsafe_b64decode(made["AIRFLOW__CORE__FERNET_KEY"] or "")) == 32
    assert (tmp_path / "compose.env").stat().st_mode & 0o077 == 0


def simulated() -> dict[str, str]:
    start = next(index for index, line in enumerate(HEADER) if "COMPOSE_PROFILES=" in line)
    block = "\n".join(line.strip() for line in HEADER[start : HEADER.index("", start)])
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(block)).items()}


# Airflow and protime-etl accept it


@pytest.mark.long
def test_every_command_and_its_options_exist(tmp_path: Path) -> None:
    found = commands()
    assert {name for name, _ in found} == set(SERVICES) - {"postgres", "redis"}
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda item: run(*item[1], "--help", home=tmp_path), found))
    for (name, command), result in zip(found, results, strict=True):
        assert result.returncode == 0, f"{name}: {shlex.join(command)}\n{result.stderr}"
        for option in (word for word in command if word.startswith("--")):
            # With --help neither command line looks at options that it does not know.
            assert re.search(rf"{option}\b", result.stdout), f"{name}: {shlex.join(command)}"


def connections(home: Path, given: dict[str, str]) -> dict[str, Any]:
    """The connections as `airflow connections import` reads them from what the first service writes."""
    from airflow.secrets.local_filesystem import load_connections_dict

    assert "python -m protime_etl.airflow.connections > /tmp/connections.json" in SERVICES["init"]["command"][2]
    result = run("python", "-m", "protime_etl.airflow.connections", home=home, **given)
    assert result.returncode == 0, result.stderr
    (home / "connections.json").write_text(result.stdout)
    found: dict[str, Any] = load_connections_dict(str(home / "connections.json"))
    return found


LOOK_AT_AIRFLOW = """
import json
from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager
from protime_etl.airflow import ProtimeHook
from protime_etl.airflow.hook import warehouse_url
settings = ProtimeHook().get_settings()
options = {section: list(described["options"]) for section, described in conf.configuration_description.items()}
print("\\n" + json.dumps({
    "options": options,
    "executor": conf.get("core", "executor"),
    "all_admins": conf.getboolean("core", "simple_auth_manager_all_admins"),
    "execution_api": conf.get("core", "execution_api_server_url"),
    "api_port": conf.getint("api", "port"),
    "health_port": conf.getint("scheduler", "scheduler_health_check_server_port"),
    "api_base": settings.api_base,
    "token_endpoint": settings.token_endpoint,
    "secret": settings.client_secret.get_secret_value(),
    "timezone": settings.timezone,
    "warehouse": warehouse_url("protime_warehouse").render_as_string(hide_password=False),
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow itself reads from the environment of its services, with the simulated tenant."""
    home = tmp_path_factory.mktemp("airflow")
    given = environment("api-server", REQUIRED | simulated())
    given["AIRFLOW_CONFIG"] = str(ROOT / "deploy" / "airflow" / "config" / "airflow.cfg")
    for name, connection in connections(home, given).items():
        given[f"AIRFLOW_CONN_{name.upper()}"] = connection.as_json()
    result = run("python", "-c", LOOK_AT_AIRFLOW, home=home, **given)
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def test_every_airflow_option_exists(seen: dict[str, Any]) -> None:
    names = {name for service in SERVICES.values() for name in service.get("environment", {})}
    options = [name for name in names if name.startswith("AIRFLOW__")]
    assert len(options) > 10
    for name in options:
        _, section, option = name.lower().split("__")
        assert option in seen["options"].get(section, []), name


def test_airflow_reads_what_was_meant(seen: dict[str, Any]) -> None:
    assert seen["executor"] == "LocalExecutor"
    assert seen["all_admins"] is False
    assert seen["execution_api"] == f"http://api-server:{seen['api_port']}/execution/"
    assert SERVICES["api-server"]["ports"][0].endswith(f":{seen['api_port']}")
    assert f":{seen['api_port']}/" in SERVICES["api-server"]["healthcheck"]["test"][-1]
    assert f":{seen['health_port']}/" in SERVICES["scheduler"]["healthcheck"]["test"][-1]


def test_airflow_services_share_one_environment() -> None:
    everywhere = SERVICES["init"]["environment"].items()
    assert all(everywhere <= SERVICES[name]["environment"].items() for name in AIRFLOW)


def test_connections_lead_to_the_simulated_tenant_and_the_warehouse(seen: dict[str, Any]) -> None:
    assert seen["api_base"] == "http://simulator:8400"
    assert seen["token_endpoint"].startswith("http://simulator:8400/tenants/simulated/")
    assert seen["secret"] == Options().client_secret
    assert seen["timezone"] == "Europe/Brussels"
    assert seen["warehouse"] == "postgresql+psycopg://protime:warehouse-example@postgres:5432/protime"
    database = environment("init", REQUIRED)["PROTIME_DATABASE_URL"]
    assert seen["warehouse"] == database.replace("postgresql:", "postgresql+psycopg:")


def test_the_simulated_lines_of_the_header_are_the_simulators_own() -> None:
    lines = simulated()
    assert lines["COMPOSE_PROFILES"] == SERVICES["simulator"]["profiles"][0]
    options = Options()
    given = (lines["PROTIME_TENANT"], lines["PROTIME_CLIENT_ID"], lines["PROTIME_CLIENT_SECRET"])
    assert given == (options.tenant_name, options.client_id, options.client_secret)


@pytest.mark.parametrize(
    ("variables", "api", "allow_http"),
    [
        ({}, "https://acme.myprotime.eu", False),
        ({"PROTIME_ENVIRONMENT": "sandbox"}, "https://acme.myprotimesandbox.eu", False),
        (simulated(), "http://simulator:8400", True),
    ],
)
def test_connection_of_the_tenant_makes_settings(
    tmp_path: Path, variables: dict[str, str], api: str, *, allow_http: bool
) -> None:
    given = environment("init", REQUIRED | variables)
    connection = connections(tmp_path, given)["protime_default"]
    extra = json.loads(connection.extra)
    settings = load_settings(
        from_environment=False,
        client_id=connection.login,
        client_secret=connection.password,
        **{name: value for name, value in extra.items() if value not in (None, "")},
    )
    assert (settings.api_base, settings.allow_http) == (api, allow_http)
    # The command line in the container has the same ones.
    own = {name: given.get(f"PROTIME_{name.upper()}") for name in ("client_id", "client_secret", *extra)}
    assert settings == load_settings(from_environment=False, **{name: value for name, value in own.items() if value})


def test_a_secret_of_any_characters_and_every_setting_reach_the_connection(tmp_path: Path) -> None:
    secret = """a"b\\c'd$e%f {g} é"""
    given = environment("init", REQUIRED)
    passed = {f"PROTIME_{name.upper()}" for name in Settings.model_fields} - {"PROTIME_HOME"}
    assert passed <= set(given), "compose.env cannot say it"
    budget = {"PROTIME_REQUESTS_PER_SECOND": "5", "PROTIME_MAX_WAIT_IN_TASK": "7", "PROTIME_MAX_VANISHED": "9"}
    for name, value in budget.items():
        assert environment("init", REQUIRED | {name: value})[name] == value
    connection = connections(tmp_path, given | budget | {"PROTIME_CLIENT_SECRET": secret})["protime_default"]
    assert connection.password == secret
    extra = json.loads(connection.extra)
    assert (extra["requests_per_second"], extra["max_wait_in_task"], extra["max_vanished"]) == (5, 7, 9)


def test_a_wrong_setting_ends_the_start_with_one_line(tmp_path: Path) -> None:
    given = environment("init", REQUIRED | {"PROTIME_TIMEZONE": "Brussels"})
    result = run("python", "-m", "protime_etl.airflow.connections", home=tmp_path, **given)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "PROTIME_TIMEZONE" in result.stderr


def test_the_api_server_writes_the_password_file_that_airflow_reads(tmp_path: Path) -> None:
    given = environment("api-server", REQUIRED)
    file = given["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"]
    script = SERVICES["api-server"]["command"][2]
    assert script.count(file) == 1
    assert script.endswith("exec airflow api-server\n")
    local = script.replace(file, str(tmp_path / "passwords.json")).replace("exec airflow", "echo airflow")
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "AIRFLOW_ADMIN_PASSWORD": given["AIRFLOW_ADMIN_PASSWORD"]}
    subprocess.run(["bash", "-euc", local], env=own, cwd=tmp_path, check=True, timeout=30)
    user = given["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"].split(":")[0]
    assert json.loads((tmp_path / "passwords.json").read_text()) == {user: SECRETS["AIRFLOW_ADMIN_PASSWORD"]}
    assert (tmp_path / "passwords.json").stat().st_mode & 0o077 == 0
