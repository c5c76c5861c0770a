"""The documents as a site: a broken link fails, the search finds, and a reader's browser asks no other server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import browser

ROOT = Path(__file__).parents[1]
NEEDED = ("docs", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile", "mkdocs.yml")

DIALOG = "[...document.querySelectorAll('div')].find(one => one.shadowRoot)"
FOUND = f"[...{DIALOG}.shadowRoot.querySelectorAll('a[role=option]')].map(one => one.href)"
"""The search is in a shadow of its own, where no locator of WebDriver looks."""


def checkout(folder: Path) -> Path:
    for name in NEEDED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    return folder


def make_docs(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--old-file", ".venv/.installed", "docs"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = checkout(tmp_path_factory.mktemp("site"))
    done = make_docs(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder / "build" / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("link", ["nowhere.md", "backfill.md#nowhere"])
def test_a_broken_link_fails_the_build(tmp_path: Path, link: str) -> None:
    folder = checkout(tmp_path)
    with (folder / "docs" / "delta.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[there]({link})\n")
    done = make_docs(folder)
    assert done.returncode != 0
    assert "does not exist" in done.stdout + done.stderr


def test_every_page_is_in_the_navigation(site: str, tmp_path: Path) -> None:
    with browser(tmp_path / "home") as chrome:
        chrome.get(f"{site}/index.html")
        linked = {str(one.get_attribute("href")) for one in chrome.find_elements(By.CSS_SELECTOR, "nav a")}
    pages = {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    assert {f"{site}/{page}" for page in pages | {"CHANGELOG.html", "CONTRIBUTING.html", "SECURITY.html"}} <= linked


def test_the_search_finds_and_asks_no_other_server(site: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with browser(tmp_path / "home") as chrome:
        chrome.execute_cdp_cmd("Network.enable", {})
        for page in ("docs/airflow.html", "index.html"):
            chrome.get(f"{site}/{page}")
        chrome.find_element(By.CSS_SELECTOR, ".md-search__button").click()
        WebDriverWait(chrome, 15).until(lambda _: chrome.execute_script(f"return {DIALOG} !== undefined"))
        chrome.switch_to.active_element.send_keys("deletion limit")
        found = WebDriverWait(chrome, 15).until(lambda _: chrome.execute_script(f"return {FOUND}"))
        assert any(str(link).startswith(f"{site}/docs/") for link in found)
        if picture := request.config.getoption("--picture"):
            chrome.save_screenshot(picture)
        asked = chrome.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")
        logged = [json.loads(one["message"])["message"] for one in chrome.get_log("performance")]  # type: ignore[no-untyped-call]
    requests = [one["params"]["request"]["url"] for one in logged if one["method"] == "Network.requestWillBeSent"]
    assert any("search.json" in url for url in requests)
    assert [url for url in {*asked, *requests} if not url.startswith((site, "data:", "blob:", "chrome:"))] == []
