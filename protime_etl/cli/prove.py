"""`protime-etl prove`."""

from __future__ import annotations

from typing import Annotated

import typer

from protime_etl.cli.console import print_error, print_json, print_line, reading
from protime_etl.cli.options import AcceptDeletions, Collections, Json
from protime_etl.cli.place import interruptible, tenant_settings, warehouse
from protime_etl.counted import counted
from protime_etl.errors import SettingsError
from protime_etl.sync.pipeline import open_pipeline
from protime_etl.sync.proving import Proving
from protime_etl.sync.proving import prove as prove_oldest
from protime_etl.sync.verification import HANDFUL

__all__ = ["prove"]


def prove(
    requests: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1_000_000, help="Requests to take; a tenth of the last night's, or 20."),
    ] = None,
    collections: Collections = None,
    accept_deletions: AcceptDeletions = False,
    as_json: Json = False,
) -> None:
    """Compare again what was compared longest ago, and repair it.

    Exit status 3 if something could not be compared, 1 if nothing could.
    """
    settings = tenant_settings(collections)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        if not pipeline.dated:
            raise SettingsError(
                "None of the chosen collections has days, of which some could be compared.",
                guidance="Whole lists are read every night; compare them with protime-etl verify.",
            )
        pipeline.accept_deletions(accept_deletions)
        with reading("comparing what was compared longest ago") as page:
            done = prove_oldest(pipeline, "cli", requests=requests, on_page=page)
        incomplete = list(pipeline.to_look_at)
    for error in incomplete:
        print_error(error)
    print_proving(done, as_json=as_json)
    for place in done.unreadable:
        print_line(f"not compared, as the API cannot tell it: {place}")
    for failure in done.failures:
        print_error(failure)
    for one in done.found:
        if one.rejected or one.moving > HANDFUL:
            left_out = (
                f"{counted(one.rejected, 'rejected record')}, {counted(one.moving, 'record')} that changed meanwhile"
            )
            print_line(f"not compared: {left_out}")
    if incomplete or done.failures or not all(one.is_complete for one in done.found):
        raise typer.Exit(3 if done.windows else 1)


def print_proving(done: Proving, *, as_json: bool) -> None:
    """What was compared, and what came of it."""
    for path, first, last, people in done.windows:
        whose = "everybody" if people is None else "1 person" if people == 1 else f"{people} people"
        print_line(f"{path}, {first} to {last}, {whose}")
    if not done.budget:
        print_line("PROTIME_PROOF_REQUESTS is 0: nothing is compared. At once: protime-etl prove --requests N")
    elif not done.windows and not done.failures:
        print_line("There is no day that is over and was read. Next: protime-etl sync --from DATE --to DATE")
    written = done.repaired.written
    outcome = f"{done.differences} differed, {counted(written, 'row')} written" if done.differences else "all equal"
    print_line(f"{counted(done.requests, 'request')}: {outcome}")
    if as_json:
        print_json(
            {
                "requests": done.requests,
                "differences": done.differences,
                "windows": [
                    {"collection": path, "date_from": first, "date_to": last, "people": people}
                    for path, first, last, people in done.windows
                ],
                "repaired": done.repaired.as_dict(),
            }
        )
