"""`make run` and `make up` as processes: what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(200)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_it_ends_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "a home"
    process = subprocess.Popen(
        [sys.executable, "-m", "protime_etl.standalone", "run"],
        cwd=tmp_path,
        env={**os.environ, "PROTIME_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdout is not None
    while "Airflow: ready" not in (line := process.stdout.readline()):
        assert line, "it ended by itself"
    started = psutil.Process(process.pid).children(recursive=True)
    assert len(started) > 4

    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode in (130, 143)
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []
    assert not (home / "postgres" / "postmaster.pid").exists()


def test_wrong_usage_ends_with_2() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "protime_etl.standalone", "down"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "run | up" in result.stderr
