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
from protime_etl.sync.verify.rolling import Proving
from protime_etl.sync.verify.rolling import prove as prove_oldest

__all__ = ["prove"]


def prove(
    requests: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=1_000_000, help="Requests to use; default: a tenth of the last night's, or 20."
        ),
    ] = None,
    collections: Collections = None,
    accept_deletions: AcceptDeletions = False,
    as_json: Json = False,
) -> None:
    """Compare again what was compared longest ago. What differs is repaired.

    Exit status 3 if something could not be compared, 1 if nothing could.
    """
    settings = tenant_settings(collections)
    with interruptible(), warehouse() as url, open_pipeline(settings, url) as pipeline:
        if not pipeline.dated:
            raise SettingsError(
                "None of the chosen collections has days to compare.",
                guidance="Whole lists are read every night; compare them with protime-etl verify.",
            )
        pipeline.accept_deletions(accept_deletions)
        with reading("comparing what was compared longest ago") as page:
            done = prove_oldest(pipeline, requests=requests, on_page=page)
        incomplete = list(pipeline.to_look_at)
    done.failures += incomplete
    print_proving(done, as_json=as_json)
    for place in done.unreadable:
        print_line(f"not compared, the API returned an error: {place}")
    for failure in done.failures:
        print_error(failure)
    if done.is_spent or not done.is_settled:
        raise typer.Exit(1 if done.failures and not done.windows else 3)


def _outcome(done: Proving) -> str:
    """What was found and written, or that all was equal if it was."""
    found = {
        "differed": done.differences,
        "differed and are newer than the last reading": done.pending,
        "changed meanwhile": sum(one.moving for one in done.found),
        "rejected": sum(one.rejected for one in done.found),
    }
    said = [f"{number} {what}" for what, number in found.items() if number]
    if done.repaired.written:
        said.append(f"{counted(done.repaired.written, 'row')} written")
    if done.is_spent:
        said.append("all requests are used up: the next proof continues")
    if said:
        return ", ".join(said)
    return "all equal" if done.is_equal else "not everything is known to be equal"


def print_proving(done: Proving, *, as_json: bool) -> None:
    """What was compared, and what came of it."""
    for path, first, last, people in done.windows:
        whose = "all people" if people is None else "1 person" if people == 1 else f"{people} people"
        print_line(f"{path}, {first} to {last}, {whose}")
    if not done.budget:
        print_line("PROTIME_PROOF_REQUESTS is 0: nothing is compared. To compare now: protime-etl prove --requests N")
    elif not (done.windows or done.found or done.failures or done.is_spent):
        print_line("No finished day has been read yet. Next: protime-etl sync --from DATE --to DATE")
    print_line(f"{counted(done.requests, 'request')}: {_outcome(done)}")
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
