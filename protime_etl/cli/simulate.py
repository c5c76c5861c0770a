"""`protime-etl simulate`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from protime_etl.cli import console
from protime_etl.errors import SettingsError
from protime_etl.trial import HOW_TO_INSTALL

__all__ = ["simulate"]

PLANNED_DAYS = 120
"""Days to come that have plans."""


def simulate(  # noqa: PLR0917 - one parameter an option
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")] = 8400,
    people: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="How many people.")] = 50,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=3660, help="How many days, up to today.")] = 30,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same tenant.")] = 1,
    page_size: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="Records a page.")] = 1000,
    latency: Annotated[float, typer.Option(metavar="N", min=0, max=60, help="Seconds that every answer takes.")] = 0.0,
    token_lifetime: Annotated[int, typer.Option(metavar="N", min=1, help="Seconds that a token is good for.")] = 1800,
    faults: Annotated[Path | None, typer.Option(metavar="FILE", help="What goes wrong (docs/reliability.md).")] = None,
    irregular: Annotated[
        bool, typer.Option("--irregular", help="With double punches, forgotten clockings and the like.")
    ] = False,
    changes: Annotated[float, typer.Option(metavar="N", min=0, max=10_000, help="Random changes a second.")] = 0.0,
) -> None:
    """Serve a simulated tenant until Ctrl-C. The documented API, with made-up people."""
    try:
        from protime_etl.simulator.day import passing, wall_clock  # noqa: PLC0415
        from protime_etl.simulator.faults import FaultError, FaultPlan, read_plan  # noqa: PLC0415
        from protime_etl.simulator.mutations import Changes  # noqa: PLC0415
        from protime_etl.simulator.options import Options  # noqa: PLC0415 - an optional dependency
        from protime_etl.simulator.server import changing, serve  # noqa: PLC0415
        from protime_etl.simulator.state import Tenant  # noqa: PLC0415
    except ImportError:
        raise SettingsError("The simulated tenant is not installed.", guidance=HOW_TO_INSTALL) from None
    now = wall_clock()
    first_day = now.date() - dt.timedelta(days=days - 1)
    tenant = Tenant(
        seed=seed,
        people=people,
        first_day=first_day,
        last_day=now.date(),
        until=now,
        irregular=irregular,
        planned_days=PLANNED_DAYS,
    )
    try:
        plan = FaultPlan() if faults is None else read_plan(faults)
    except (FaultError, OSError) as error:
        raise SettingsError(f"{faults}: {error}", guidance="docs/reliability.md shows one.") from None
    options = Options(page_size=page_size, latency=latency, expires_in=token_lifetime, faults=plan)

    def announce(url: str) -> None:
        console.print_line(f"A simulated tenant with {people} people and {len(tenant.truth())} clockings. To use it:")
        for name, value in (
            ("TENANT", options.tenant_name),
            ("CLIENT_ID", options.client_id),
            ("CLIENT_SECRET", options.client_secret),
            ("API_URL", url),
            ("AUTH_URL", url),
        ):
            console.print_line(f"export PROTIME_{name}={value}")

    try:
        with passing(tenant), changing(Changes(tenant, seed), changes):
            serve(tenant, options, host=host, port=port, on_ready=announce)
    except OSError as error:
        raise SettingsError(f"Cannot listen on {host}:{port} ({error.strerror}).", guidance="Try --port 0.") from None
