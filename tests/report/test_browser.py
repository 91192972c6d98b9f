"""The report in a headless Chromium: no console error, hover and sort work, numbers agree.

Run by ``make test-browser``; needs ``chromium`` and ``chromedriver`` on PATH.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.results.factory import gpt2_xl_like, tiny, too_large
from wse_emulator.report.folder import write_report

pytestmark = pytest.mark.browser

CASES = {"tiny": tiny, "large": gpt2_xl_like, "not": too_large}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--window-size=1300,1000")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, make in CASES.items():
        made[name] = tmp_path_factory.mktemp(name)
        write_report(make(), made[name], views=["timeline", "wafer", "memory"])
    return made


def opened(browser: Any, folder: Path) -> dict[str, Any]:
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"file://{folder / 'report.html'}")
    WebDriverWait(browser, 30).until(
        lambda b: b.execute_script("return document.body.dataset.map") == "ready"
    )
    document: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return document


def text(browser: Any, key: str) -> str:
    return str(
        browser.execute_script("return document.getElementById(arguments[0]).textContent", key)
    )


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [1300, 420])
def test_no_console_error_no_request_and_no_sideways_scrolling(
    browser: Any, folders: dict[str, Path], case: str, width: int
) -> None:
    browser.set_window_size(width, 1000)
    opened(browser, folders[case])
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    requested = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requested)
    overflow = "return document.documentElement.scrollWidth - window.innerWidth"
    assert browser.execute_script(overflow) <= 0
    browser.set_window_size(1300, 1000)


@pytest.mark.parametrize("case", CASES)
def test_numbers_on_the_page_are_those_of_run_json(
    browser: Any, folders: dict[str, Path], case: str
) -> None:
    document = opened(browser, folders[case])
    assert text(browser, "value-parameters").startswith(f"{document['model']['parameters']:,} ")
    assert text(browser, "value-peak-bytes").startswith(f"{document['memory']['peak_bytes']:,} ")
    if document["fits"]:
        assert text(browser, "value-cycles") == f"{document['steps'][-1]['cycles']:,} cycles"
        assert text(browser, "verdict").startswith("Fits")
    else:
        assert text(browser, "verdict").startswith("Does not fit")
        assert document["levers"][0]["what"] in text(browser, "levers")
    values = browser.execute_script(
        "return [...document.querySelectorAll('#tensors tbody tr')]"
        ".map(r => [r.cells[0].textContent, ...[3, 4, 6].map(i => +r.cells[i].dataset.value)])"
    )
    assert values == [
        [t["name"], t["start_cycle"], t["end_cycle"], t["pe_cycles"]] for t in document["tensors"]
    ]


def test_a_click_on_a_heading_sorts(browser: Any, folders: dict[str, Path]) -> None:
    opened(browser, folders["large"])
    column = (
        "return [...document.querySelectorAll('#tensors tbody tr')]"
        ".map(r => +r.cells[6].dataset.value)"
    )
    before = browser.execute_script(column)
    click = "document.querySelectorAll('#tensors th button')[6].click()"
    browser.execute_script(click)
    assert browser.execute_script(column) == sorted(before, reverse=True) != before
    browser.execute_script(click)
    assert browser.execute_script(column) == sorted(before)


@pytest.mark.parametrize("case", ["tiny", "large", "not"])
def test_pointing_at_a_pe_reads_its_bytes_and_cycles(
    browser: Any, folders: dict[str, Path], case: str
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    opened(browser, folders[case])
    result = CASES[case]()
    canvas = browser.find_element("id", "map-canvas")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    ActionChains(browser).move_to_element_with_offset(canvas, 7, -9).perform()
    words = text(browser, "map-readout")
    place = re.match(r"Row (\d+), column (\d+): (\S+);", words)
    assert place is not None, words
    row, col = int(place[1]), int(place[2])
    assert f"peak SRAM {result.arrays.sram_peak[row, col]:,} bytes" in words
    if result.fits:
        assert f"busy {result.arrays.pe_busy[row, col]:,} cycles" in words
    (layer,) = [
        name for name, (r, c, h, w) in result.layers if r <= row < r + h and c <= col < c + w
    ]
    assert place[3] == layer


def test_the_timeline_zooms_and_reads(browser: Any, folders: dict[str, Path]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    document = opened(browser, folders["large"])
    canvas = browser.find_element("id", "zoom-canvas")
    span = "const d = document.getElementById('zoom-canvas').dataset; return [+d.from, +d.to]"
    cycles = document["steps"][-1]["cycles"]
    assert browser.execute_script(span) == [0, cycles]
    browser.execute_script("document.getElementById('zoom-in').click()")
    low, high = browser.execute_script(span)
    assert high - low == pytest.approx(cycles / 2)
    assert low == pytest.approx(cycles / 4)
    browser.execute_script("document.getElementById('zoom-all').click()")
    browser.execute_script("arguments[0].scrollIntoView()", canvas)
    browser.execute_script(
        "const c = document.getElementById('zoom-canvas'), b = c.getBoundingClientRect();"
        "c.dispatchEvent(new PointerEvent('pointermove',"
        " {clientX: b.left + 0.4 * b.width, clientY: b.top + 8}))"
    )
    words = text(browser, "zoom-readout")
    tensor = next(t for t in document["tensors"] if words.startswith(f"{t['name']} ("))
    assert f"cycle {tensor['start_cycle']:,} to {tensor['end_cycle']:,}" in words
    ActionChains(browser).double_click(canvas).perform()
    assert browser.execute_script(span) == [0, cycles]
