"""A headless Chromium opens the page from disk, filters, opens episodes, and takes pictures at two widths.

Run by `scripts/test.sh --browser`. The pictures are kept where CRM_GYM_SCREENSHOTS says, to be looked at.
"""

import os
import shutil
from pathlib import Path

import pytest
from chromium import Chromium
from records_played import modelled, write_log
from test_report import EVIL, hostile

from crm_gym.evaluation.report import report

pytestmark = pytest.mark.browser

SHOWN = "[...document.querySelectorAll('#list a')].map(a => a.dataset.id)"
FOUND = "document.getElementById('found').textContent"
SHEET = "document.getElementById('episode').textContent"
OPEN = "document.getElementById('episode').dataset.id"
VISIBLE = "(id => getComputedStyle(document.getElementById(id)).display !== 'none')"


@pytest.fixture(scope="module")
def browser():
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.fail("these tests want Chromium: apt-get install chromium", pytrace=False)
    browser = Chromium(program)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    one = modelled(130, 0.72, 1)
    two = modelled(130, 0.55, 2, model="model-small", run="00000000000000ab")
    paths = [write_log(folder / f"{name}.jsonl", *made) for name, made in (("a", one), ("b", two))]
    return [one[1], two[1]], report(paths, folder / "report.html")


@pytest.fixture
def page(browser, runs):
    browser.events.clear()
    browser.size(1280)
    browser.scheme("light")
    browser.open(runs[1])
    yield browser
    assert browser.troubles() == []


def test_it_opens_and_lists_everything(page, runs):
    assert page.value(FOUND) == "260 of 260 episodes"
    assert page.value(SHOWN)[:2] == ["0.0", "0.1"]
    page.click("#more button")
    assert len(page.value(SHOWN)) == 120
    assert page.value("document.querySelectorAll('svg.dots circle').length") > 50


def test_filters_and_search_show_what_fits(page, runs):
    records = runs[0][1]
    page.value("(s => { s.value = '1'; s.dispatchEvent(new Event('input', {bubbles: true})); })(document.forms[0].run)")
    assert page.value(FOUND) == "130 of 260 episodes"
    page.click("#filters input[type=search]")
    page.write("Sander NOT_FOUND")
    wanted = [
        f"1.{record['index']}"
        for record in records
        if "sander" in (record["request"] + (record["said"] or "")).lower()
        and any(step["error"] and step["error"]["code"] == "not_found" for step in record["steps"])
    ]
    assert page.value(SHOWN) == wanted
    assert page.value("location.hash") == "#run=1&q=Sander+NOT_FOUND"
    page.click("#filters button[type=reset]")
    assert page.value(FOUND) == "260 of 260 episodes"


def test_every_reason_can_be_filtered_from_its_figure(page, runs):
    wrong = sum(record["reason"] == "wrong_value" for record in runs[0][0])
    page.click("#failures a[href='#run=0&outcome=failure&reason=wrong_value']")
    page.until(f"{FOUND}.startsWith('{wrong} of')")
    assert page.value("document.forms[0].reason.value") == "wrong_value"
    assert page.value("document.querySelectorAll('#list .chip.failure').length") == wrong


def test_an_episode_opens_with_all_that_it_has(page, runs):
    place, record = next(
        (place, record)
        for place, record in enumerate(runs[0][0])
        if record["outcome"] == "success" and len(record["steps"]) > 3 and record["diff"]
    )
    page.value(f"location.hash = '#q=' + encodeURIComponent({record['task']!r})")
    page.until(f"{SHOWN}.length === 2")
    page.click("#list a")
    page.until(f"{OPEN} === '0.{place}'")
    sheet = page.value(SHEET)
    for text in (
        record["request"],
        record["task"],
        record["said"],
        record["diff"][0]["id"],
        record["steps"][0]["hash"],
    ):
        assert text in sheet
    assert page.value("document.querySelectorAll('#episode .step').length") == len(record["steps"])
    assert [step["tool"] in sheet for step in record["steps"]] == [True] * len(record["steps"])
    assert "progress: 1" in sheet
    assert "null" not in page.value(
        "[...document.getElementById('episode').childNodes].map(n => n.nodeName === '#text' ? n.data : '')"
    )


def test_a_link_opens_its_episode_and_keys_go_on(page, runs):
    page.open(runs[1], "#outcome=failure&run=1")
    failures = page.value(SHOWN)
    page.open(runs[1], f"#outcome=failure&run=1&open={failures[3]}")
    page.until(f"{OPEN} === '{failures[3]}'")
    assert page.value("document.querySelector('#list a[aria-current]').dataset.id") == failures[3]
    for key, place in (("j", 4), ("j", 5), ("k", 4)):
        page.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        page.until(f"{OPEN} === '{failures[place]}'")
    assert "open=" + failures[4] in page.value("location.hash")


def test_episodes_of_every_block_open(page, runs):
    for number in (0, 49, 50, 99, 129):
        for run in (0, 1):
            page.value(f"location.hash = '#open={run}.{number}'")
            page.until(f"{OPEN} === '{run}.{number}'")
            assert runs[0][run][number]["request"] in page.value(SHEET)


def test_a_phone_shows_list_or_episode(page, runs):
    page.size(390, 800)
    page.open(runs[1])
    assert page.value("document.documentElement.scrollWidth") == 390
    assert page.value(f"[{VISIBLE}('left'), {VISIBLE}('episode')]") == [True, False]
    page.click("#list a", 2)
    page.until(f"{OPEN} === '0.2'")
    assert page.value(f"[{VISIBLE}('left'), {VISIBLE}('episode')]") == [False, True]
    assert page.value("document.documentElement.scrollWidth") == 390
    page.click("#episode .back")
    page.until(f"{VISIBLE}('left')")
    assert not page.value(f"{VISIBLE}('episode')")


def test_light_and_dark(page, runs):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.value(ground)
    page.scheme("dark")
    dark = page.value(ground)
    assert light != dark
    page.click("#theme")
    assert page.value(ground) == light


def test_hostile_text_stays_text(browser, tmp_path):
    browser.events.clear()
    line, record = hostile()
    record |= {"slips": [], "reason": "wrong_value", "polarity": "accepted"}  # words of a log are checked as it is read
    log = write_log(tmp_path / "hostile.jsonl", line, [record])
    browser.size(390)
    browser.open(report([log], tmp_path / "hostile.html"), "#open=0." + str(record["index"]))
    browser.until("document.querySelectorAll('#episode .step').length === 1")
    assert EVIL in browser.value(SHEET)
    assert browser.value("document.querySelectorAll('img, iframe, object, embed').length") == 0
    assert not [event for event in browser.events if event.get("method") == "Page.javascriptDialogOpening"]
    assert browser.value("document.documentElement.scrollWidth") == 390
    assert browser.troubles() == []


def test_what_gets_in_all_the_same_cannot_run(browser, tmp_path, runs):
    """Were markup ever not escaped, the page's policy would stop it: no script of others, no address asked for."""
    made = tmp_path / "broken.html"
    wrong = "<script>window.ran=1</script><img src='https://example.test/x.png' onerror='window.ran=2'>"
    made.write_text(runs[1].read_text().replace("<main>", "<main>" + wrong, 1))
    browser.events.clear()
    browser.open(made)
    assert browser.value("window.ran === undefined")
    assert browser.value(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return false; } catch { return true; } })()"
    )
    troubles = [str(trouble) for trouble in browser.troubles()]
    for said in ("inline script violates", "event handler violates", "Loading the image", "requires 'TrustedHTML'"):
        assert sum(said in trouble for trouble in troubles) == 1
    blocked = [event["params"] for event in browser.events if event.get("method") == "Network.loadingFailed"]
    assert [one["blockedReason"] for one in blocked] == ["csp"]


def test_pictures(page, runs, tmp_path):
    folder = Path(os.environ.get("CRM_GYM_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.size(width)
            page.scheme(scheme)
            for name, fragment in (("top", ""), ("episode", "#outcome=success&open=0.3")):
                page.open(runs[1], fragment)
                if fragment:
                    page.until(f"{OPEN} === '0.3'")
                path = folder / f"report-{name}-{width}-{scheme}.png"
                page.picture(path, whole=not fragment)
                taken.append(path.read_bytes())
    assert len(set(taken)) == 8
    assert min(map(len, taken)) > 20_000
