"""The last task of a run: red if anything needs attention, after everything that could be done is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from protime_etl.airflow.operators.base import ProtimeOperator, form_text
from protime_etl.airflow.operators.publish import run_number
from protime_etl.counted import counted
from protime_etl.errors import DatabaseError
from protime_etl.postgres.health.verdict import read_health
from protime_etl.postgres.server.statements import text

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy.engine import Connection

    from protime_etl.sync.pipeline import Pipeline

__all__ = ["ProtimeReportOperator"]

NAMED = 20
RED = ("failed", "upstream_failed")


class ProtimeReportOperator(ProtimeOperator):
    """Fail with the list of what needs attention, so that people are notified; nothing waits for this task.

    :param run_id: number of the run in the ledger.
    :param incomplete: how many lists and collections the plan could not read whole.
    :param of_tenant: name everything that `protime-etl status` names. False: only what this run was to read.
    """

    template_fields: Sequence[str] = ("run_id", "incomplete", "collections")

    def __init__(self, *, run_id: int | str, incomplete: int | str = 0, of_tenant: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.incomplete = incomplete
        self.of_tenant = of_tenant

    def carry_out(self, pipeline: Pipeline, context: Context) -> None:
        """Look at the warehouse and at the other tasks of the run."""
        run_id = run_number(self.run_id)
        found = [*(self._of_tenant(pipeline) if self.of_tenant else ())]
        with pipeline.reading() as connection:
            found += [*(() if self.of_tenant else _not_done(connection, run_id)), *_impossible(connection, run_id)]
        if lists := int(form_text(self.incomplete) or 0):
            found.append(
                f"{counted(lists, 'list')} could not be read completely: the log of plan_batches says which and why"
            )
        if red := _red_tasks(context):
            found.append(f"red tasks, whose logs say more: {', '.join(red)}")
        if found:
            raise AirflowFailException("\n".join(found))
        self.log.info("Nothing needs attention.")

    def _of_tenant(self, pipeline: Pipeline) -> Iterator[str]:
        try:
            with pipeline.reading() as connection:
                health = read_health(connection, pipeline.tenant, pipeline.settings.collections)
        except DatabaseError as error:  # too slow, perhaps: no reason to call a good night red
            self.log.warning("The health of %s is not known: %s", pipeline.tenant, error)
            return
        yield from (problem.line for problem in health.problems)


def _not_done(connection: Connection, run_id: int) -> Iterator[str]:
    for row in connection.execute(text("not_done"), {"run_id": run_id}):
        yield f"{counted(row.number, 'unit')} not done: {row.error or 'see the red tasks'}"


def _impossible(connection: Connection, run_id: int) -> Iterator[str]:
    for row in connection.execute(text("impossible_times"), {"run_id": run_id, "most": NAMED}):
        yield f"clocking {row.id} of person {row.person_id} on {row.date} has the impossible minute {row.minute}"


def _red_tasks(context: Context) -> list[str]:
    ti: Any = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    return [name for name, state in states.items() if str(getattr(state, "value", state)) in RED]
