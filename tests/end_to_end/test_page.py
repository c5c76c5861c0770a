"""Airflow's user interface in a browser: the form of each DAG, and the page with a hole that a button fills."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as seen
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy.engine import URL

from protime_etl.postgres.book.promises import enter_promise
from protime_etl.postgres.server.connection import create_engine
from protime_etl.simulator.options import Options
from protime_etl.simulator.server import SimulatedTenant
from protime_etl.simulator.state import Tenant
from protime_etl.standalone.local_airflow import LocalAirflow, local_airflow
from protime_etl.sync.pipeline import Pipeline, open_pipeline
from protime_etl.sync.pull.lists import read_people
from protime_etl.sync.pull.runs import sync
from protime_etl.sync.verify.rolling import prove
from tests.support.browser import browser
from tests.support.databases import execute
from tests.support.tenant import present_day, settings_for
from tests.support.truth import table_rows, tenant_rows

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(800)]
NIGHTLY, BACKFILL = "protime_clockings_nightly", "protime_clockings_backfill"
DAGS = (NIGHTLY, "protime_clockings_changes", BACKFILL)
WIDTHS = (400, 1440)
ZONE = "Europe/Brussels"
TODAY = present_day()
SECONDS = 90


def days_ago(number: int) -> dt.date:
    return TODAY - dt.timedelta(days=number)


def open_page(driver: Chrome, airflow: LocalAirflow) -> None:
    """By the navigation of Airflow, as a user would."""
    driver.get(airflow.url)
    wait = WebDriverWait(driver, SECONDS)
    wait.until(seen.element_to_be_clickable((By.CSS_SELECTOR, "a[href$='/plugin/protime']"))).click()
    wait.until(seen.frame_to_be_available_and_switch_to_it((By.TAG_NAME, "iframe")))
    wait.until(seen.presence_of_element_located((By.ID, "simulated")))


def number_of(driver: Chrome, kind: str) -> int:
    return len(driver.find_elements(By.CSS_SELECTOR, f"main > section .scroll rect.{kind}"))


def press(driver: Chrome, test_id: str) -> None:
    button = (By.CSS_SELECTOR, f"button[data-testid='{test_id}']")
    WebDriverWait(driver, SECONDS).until(seen.element_to_be_clickable(button)).click()


def trigger_by_the_form(driver: Chrome, airflow: LocalAirflow, dag_id: str) -> str:
    """Press Trigger with the form as it opens; returns the id of the run that comes of it."""
    path = f"/dags/{dag_id}/dagRuns?run_type=manual"
    before = {run["dag_run_id"] for run in airflow.request("GET", path)["dag_runs"]}
    driver.get(f"{airflow.url}/dags/{dag_id}")
    press(driver, "trigger-dag-button")
    press(driver, "trigger-dag-submit")
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        for run in airflow.request("GET", path)["dag_runs"]:
            if run["dag_run_id"] not in before:
                return str(run["dag_run_id"])
        time.sleep(0.5)
    raise AssertionError(f"{dag_id}: {text_of(driver)}")


def look_at_widths(driver: Chrome, airflow: LocalAirflow) -> None:
    """The frame alone: in no window is anything wider but what scrolls by itself, and the newest week shows."""
    driver.get(airflow.url)  # logs in
    WebDriverWait(driver, SECONDS).until(seen.element_to_be_clickable((By.CSS_SELECTOR, "a[href$='/plugin/protime']")))
    for width in WIDTHS:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(f"{airflow.url}/protime/")
        WebDriverWait(driver, SECONDS).until(seen.presence_of_element_located((By.ID, "simulated")))
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth"), width
        newest = driver.find_elements(By.CSS_SELECTOR, ".newest rect")[-1]
        assert 0 < driver.execute_script("return arguments[0].getBoundingClientRect().right", newest) <= width
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def follow_light_and_dark(driver: Chrome) -> None:
    """The frame follows Airflow's light and dark; leads back into the frame."""
    for name, class_name in (("add", "dark"), ("remove", "")):
        driver.execute_script(f"document.documentElement.classList.{name}('dark')")
        driver.switch_to.frame(driver.find_element(By.TAG_NAME, "iframe"))
        WebDriverWait(driver, SECONDS).until(has_class(class_name))
        driver.switch_to.default_content()
    driver.switch_to.frame(driver.find_element(By.TAG_NAME, "iframe"))


def text_of(driver: Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "body").text


def has_class(name: str) -> Callable[[Chrome], bool]:
    return lambda driver: (driver.find_element(By.TAG_NAME, "html").get_attribute("class") or "") == name


def leave_a_hole(pipeline: Pipeline) -> None:
    """As a backfill leaves it that was killed: days in the middle are due, and not read."""
    read_people(pipeline)
    sync(pipeline, days_ago(300), days_ago(121))
    sync(pipeline, days_ago(105), days_ago(6))
    with pipeline.transaction() as connection:
        enter_promise(connection, pipeline.tenant, ["clockings"], (days_ago(300), days_ago(6)))


@pytest.mark.long
def test_a_hole_is_seen_and_filled(airflow_server: URL, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    execute(airflow_server, "CREATE DATABASE seen TEMPLATE template_alone")
    warehouse = airflow_server.set(database="seen")
    tenant = Tenant(seed=4, people=40, first_day=days_ago(300), last_day=TODAY)
    with ExitStack() as stack:
        driver = stack.enter_context(browser(tmp_path / "browser"))
        simulated = stack.enter_context(SimulatedTenant(tenant, Options(page_size=5000)))
        settings = settings_for(simulated, timezone=ZONE)
        engine = create_engine(warehouse)
        stack.callback(engine.dispose)
        with open_pipeline(settings, warehouse) as pipeline:
            leave_a_hole(pipeline)
            execute(warehouse, f"DELETE FROM protime.clockings WHERE date = '{days_ago(40)}'")
            assert prove(pipeline, before=days_ago(6), requests=20).differences > 0
        (tmp_path / "airflow").mkdir()
        airflow = stack.enter_context(local_airflow(tmp_path / "airflow", airflow_server, warehouse, settings))
        airflow.wait_for_dag(NIGHTLY)
        airflow.wait_for_dag(BACKFILL)
        night = airflow.trigger(NIGHTLY, {"lookback_days": 5})
        assert airflow.wait_for_run(NIGHTLY, night) == "failed", "its report names the hole"

        look_at_widths(driver, airflow)
        open_page(driver, airflow)
        assert driver.find_element(By.CSS_SELECTOR, ".badge").text == "Needs attention"
        assert number_of(driver, "hole") == 15
        assert number_of(driver, "differed") == 1
        assert f"clockings not read: 40 people, {days_ago(120)}..{days_ago(106)}" in text_of(driver)
        driver.find_element(By.TAG_NAME, "summary").click()
        assert f"{days_ago(120)}..{days_ago(106)}: not read for 40 of 40 people" in text_of(driver)
        assert re.search(
            r"Last night \d{4}-\d\d-\d\d \d\d:\d\d: 40 people, [\d,]+ clockings\. Next: \d{4}-", text_of(driver)
        )
        driver.switch_to.default_content()
        if (picture := request.config.getoption("--picture")) is not None:
            driver.save_screenshot(str(picture))

        follow_light_and_dark(driver)
        # The DAG is paused, as it is delivered: a run of it would wait for ever.
        assert airflow.request("GET", f"/dags/{BACKFILL}")["is_paused"]
        (button,) = driver.find_elements(By.CSS_SELECTOR, "button[data-dag]")
        assert button.text == "Unpause and fill"
        button.click()
        WebDriverWait(driver, 4 * SECONDS, ignored_exceptions=[Exception]).until(
            lambda page: number_of(page, "hole") == 0 and number_of(page, "complete") >= 15
        )
        assert not driver.find_elements(By.CSS_SELECTOR, "button[data-dag]")
        assert driver.find_element(By.CSS_SELECTOR, ".ended").text.startswith(f"Filled: {BACKFILL}")
        assert table_rows(engine) == tenant_rows(tenant)

        assert not airflow.request("GET", f"/dags/{BACKFILL}")["is_paused"]
        assert driver.find_element(By.CSS_SELECTOR, ".badge").text == "OK"

        # From a run to Airflow's own page of it, in the whole window.
        driver.find_element(By.LINK_TEXT, BACKFILL).click()
        WebDriverWait(driver, SECONDS).until(lambda page: f"/dags/{BACKFILL}/runs/" in page.current_url)
        log: list[dict[str, str]] = driver.get_log("browser")  # type: ignore[no-untyped-call]
        refused = [one for one in log if "Content Security Policy" in one["message"]]
        assert refused == []

        for dag_id in DAGS:  # each from its form as it opens
            run_id = trigger_by_the_form(driver, airflow, dag_id)
            assert airflow.wait_for_run(dag_id, run_id) == "success", dag_id
