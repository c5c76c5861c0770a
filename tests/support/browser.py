"""A real browser without a window, for what Airflow's user interface does with a page of ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver

__all__ = ["browser"]

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # as root, whom tests in containers are
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # What it would ask of the internet.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


@contextmanager
def browser(home: Path) -> Iterator[webdriver.Chrome]:
    """Chromium as Debian has it (packages chromium and chromium-driver); the test is skipped where it is missing."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("there is no Chromium here (chromium and chromedriver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (*ARGUMENTS, f"--user-data-dir={home}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()
