"""Scripts in processes of their own with a bare Airflow."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["bare_environment", "ready_process", "run_forked", "run_python"]

READY = "ready to fork"
FORKS = f"""
import json, os, shutil, sys, traceback
import airflow.dag_processing.bundles.manager, airflow.dag_processing.dagbag, airflow.providers_manager, airflow.sdk
import protime_etl.airflow, protime_etl.airflow.hook
protime_etl.airflow.protime_dags, protime_etl.airflow.ProtimeHook, protime_etl.airflow.ProtimeVerifyOperator
answers = os.fdopen(os.dup(1), "w")
print("{READY}", file=answers, flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if (child := os.fork()) == 0:
        status = 1
        try:
            os.environ.clear()
            os.environ.update(asked["environment"])
            for number, stream in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(asked[stream], os.O_WRONLY | os.O_CREAT), number)
            exec(asked["script"], {{"__name__": "__main__"}})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=answers, flush=True)
shutil.rmtree(os.environ["AIRFLOW_HOME"])
"""


def run_python(script: str, home: Path, **environment: str) -> Any:
    """Run a script in a process that has imported nothing; returns the JSON it prints last."""
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=bare_environment(home) | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return _printed(result.returncode, result.stdout, result.stderr)


def run_forked(script: str, **environment: str) -> Any:
    """The same in a process forked from one that has imported Airflow and our package, which takes most of the time.

    It has no database, and Airflow's settings are of its environment.
    """
    process = _forks()
    assert process.stdin is not None
    assert process.stdout is not None
    with tempfile.TemporaryDirectory(prefix="protime-etl-test-") as name:
        streams = {stream: Path(name) / stream for stream in ("stdout", "stderr")}
        asked = {"script": script, "environment": bare_environment(Path(name)) | environment}
        process.stdin.write(json.dumps(asked | {stream: str(path) for stream, path in streams.items()}) + "\n")
        process.stdin.flush()
        status = int(process.stdout.readline())
        return _printed(status, *(path.read_text() for path in streams.values()))


@cache
def _forks() -> subprocess.Popen[str]:
    """The process that they are forked from."""
    return ready_process(FORKS, READY)


def ready_process(code: str, ready: str) -> subprocess.Popen[str]:
    """A process that has imported Airflow and printed `ready`; it ends with its standard input, which is this one's."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=bare_environment(Path(tempfile.mkdtemp(prefix="protime-etl-test-"))),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    atexit.register(process.communicate, timeout=60)
    assert process.stdout is not None
    assert any(line.strip() == ready for line in iter(process.stdout.readline, ""))
    return process


def bare_environment(home: Path) -> dict[str, str]:
    """The environment of an Airflow that lies in that folder alone."""
    return {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "NO_COLOR": "1",
    }


def _printed(status: int, stdout: str, stderr: str) -> Any:
    assert status == 0, stderr[-3000:]
    for line in reversed(stdout.splitlines()):
        with contextlib.suppress(json.JSONDecodeError):  # what threads of Airflow log may come after it
            return json.loads(line)
    raise AssertionError(stdout[-3000:])
