"""The short form of `make warehouses`."""

from __future__ import annotations

import pytest

from tests.warehouses import COLUMNS, results


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.timeout(900)
def test_the_commands_work_on_other_warehouses() -> None:
    missing: list[str] = []
    found = dict(results(missing.append, short=True))
    assert len(found) + len(missing) >= 3
    assert found == {name: dict.fromkeys(COLUMNS, "ok") for name in found}
