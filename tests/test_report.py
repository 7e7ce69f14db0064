"""The page holds what the logs hold, shows whatever is in them as text, and can reach nothing outside itself."""

import base64
import hashlib
import importlib
import json
import re
import stat
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from records_played import modelled, played, run_line, write_log

from crm_gym import UsageError
from crm_gym.evaluation.log import Log, read_log
from crm_gym.evaluation.metrics import summarize
from crm_gym.evaluation.redact import GONE, Redactor
from crm_gym.evaluation.report import data, figures_of, page, report, said
from crm_gym.evaluation.report.markup import fragment, joined, tag
from crm_gym.evaluation.report.plots import Curve, Part, Point, bar, columns, curves, dots

ROOT = Path(__file__).parent.parent
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&<!--]]>\u202e\u2028{{7*7}}"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, text by the id of the element it is in."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts, self.scripts, self._open = [], [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in ("meta", "input"):
            self._open.append((name, dict(attributes)))

    def handle_startendtag(self, name, attributes):
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name):
        assert self._open.pop()[0] == name, f"</{name}> closes something else"

    def handle_data(self, text):
        name, attributes = self._open[-1] if self._open else ("", {})
        if name == "script":
            self.scripts[attributes.get("id", "code")] = text
        elif name != "style":
            self.texts.append(text)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def packed(self, name):
        return json.loads(zlib.decompress(base64.b64decode(self.scripts[name])))

    def episodes(self):
        meta = json.loads(self.scripts["meta"])
        return [episode for number in range(meta["blocks"]) for episode in self.packed(f"block{number}")]

    def rows(self):
        meta = json.loads(self.scripts["meta"])
        return [dict(zip(meta["columns"], row, strict=True)) for row in self.packed("index")]


def log(line, records, name="a.jsonl", faults=()):
    return Log(Path(name), line, tuple(records), tuple(faults))


@pytest.fixture(scope="module")
def large():
    return log(*modelled(60, 0.7, 1))


@pytest.fixture(scope="module")
def small():
    return log(*modelled(60, 0.5, 2, model="model-small", run="00000000000000ab"), "b.jsonl")


@pytest.fixture(scope="module")
def text(large, small):
    return page([large, small])


def test_every_element_is_closed_and_every_section_is_there(text):
    read = Page(text)
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for name in (
        "overview",
        "success",
        "failures",
        "compare",
        "work",
        "cost",
        "episodes",
        "filters",
        "list",
        "episode",
    ):
        assert name in ids
    assert "trials" not in ids
    assert "opinions" not in ids
    assert not read._open


def test_it_is_ascii_and_the_same_twice(text, large, small):
    assert text.isascii()
    assert text == page([large, small])


def test_it_can_reach_nothing(text):
    read = Page(text)
    for name, attributes in read.elements:
        assert name not in ("link", "img", "iframe", "object", "embed", "base", "video", "audio", "source", "use")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not [key for key in attributes if key.startswith("on") or key == "style"]
    policy = next(a["content"] for n, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "unsafe" not in policy
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    for rule, code in (("script-src", read.scripts["code"]), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_only_its_own_script_can_run(text):
    kinds = [attributes.get("type") for name, attributes in Page(text).elements if name == "script"]
    assert kinds.count(None) == 1
    assert set(kinds) <= {None, "application/json", "text/plain"}
    code = Page(text).scripts["code"]
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "XMLHttp",
    ):
        assert way not in code


def test_every_episode_is_there_as_it_was(text, large, small):
    read = Page(text)
    records = [*large.episodes, *small.episodes]
    rows, episodes = read.rows(), read.episodes()
    assert len(rows) == len(episodes) == len(records) == 120
    for record, row, episode in zip(records, rows, episodes, strict=True):
        assert [row[name] for name in ("task", "family", "seed", "trial", "outcome", "reason", "request")] == [
            record[name] for name in ("task", "family", "seed", "trial", "outcome", "reason", "request")
        ]
        for name in ("steps", "diff", "verdict", "said", "tokens", "cost", "slips", "note", "total", "attempt"):
            assert episode[name] == record[name]
    assert [row["run"] for row in rows] == [0] * 60 + [1] * 60
    assert json.loads(read.scripts["meta"])["blocks"] == 3


def test_search_looks_through_tools_refusals_and_words(text, large):
    row = Page(text).rows()[3]
    record = large.episodes[3]
    for word in (record["steps"][0]["tool"], record["said"]):
        assert word in row["more"]
    refused = next(r for r in large.episodes if any(s["error"] for s in r["steps"]))
    code = next(s["error"]["code"] for s in refused["steps"] if s["error"])
    assert code in Page(text).rows()[refused["index"]]["more"]


def test_headlines_say_the_rate_the_interval_and_what_does_not_count(text, large):
    said = Page(text).text
    result = summarize(large)["success"]
    assert f"{100 * result['rate']:.1f} %" in said
    assert f"95 % interval {100 * result['wilson'][0]:.1f} to {100 * result['wilson'][1]:.1f} %" in said
    assert f"{result['successes']} of {result['count']} episodes that count succeeded." in said
    assert "2 episodes ended by an outage count for nothing." in said
    assert "ClaudeAgent model-large" in said
    assert "McNemar's exact test p" in said


def test_what_is_not_played_yet_and_damaged_lines_stand_in_the_headline():
    line, records = modelled(20, 0.7, 1)
    said = Page(page([log(line | {"count": 50}, records, faults=["line 7: damaged: torn"])])).text
    assert "30 of 50 episodes are not played yet." in said
    assert "a.jsonl line 7: damaged: torn" in said


def test_trials_have_their_curves():
    read = Page(page([log(*modelled(8, 0.6, 4, trials=3))]))
    assert "pass@k" in read.text
    assert "pass^k" in read.text
    assert "trials" in [attributes.get("id") for _, attributes in read.elements]


def test_an_unknown_cost_is_called_unknown():
    line, records = modelled(10, 0.9, 1)
    records[3]["cost"] = None
    said = Page(page([log(line, records)])).text
    assert "cost per success unknown" in said
    assert "The price of 1 episode is not known" in said


@pytest.mark.parametrize("records", [[], [modelled(4, 1.0)[1][0] | {"outcome": "infra_error", "reason": "model"}]])
def test_nothing_that_counts_is_a_page_all_the_same(records):
    read = Page(page([log(run_line(count=3), records)]))
    assert "unknown" in read.text
    assert len(read.episodes()) == len(records)


def test_logs_that_cannot_be_paired_say_so(large):
    line, records = modelled(5, 1.0, suite="golden", run="00000000000000ad")
    assert "They cannot be paired: the logs have no episode in common" in Page(page([large, log(line, records)])).text


def test_logs_of_one_agent_get_names_that_differ(large, small):
    line, records = modelled(60, 0.7, 1)
    labels = list(figures_of([large, log(line | {"seed": 5}, records), log(line, records, "c.jsonl"), large]))
    assert len(set(labels)) == 4
    assert list(figures_of([large, small])) == ["ClaudeAgent model-large", "ClaudeAgent model-small"]


def hostile():
    """A log whose every text is hostile."""
    line, (record, *_) = modelled(4, 1.0, 3)
    line |= {"agent": EVIL, "model": EVIL, "settings": {EVIL: EVIL}, "env": {"suite": EVIL}, "code": EVIL}
    step = record["steps"][0] | {"tool": EVIL, "said": EVIL, "result": EVIL, "arguments": {EVIL: [EVIL, {EVIL: EVIL}]}}
    step |= {"error": {"code": EVIL, "field": EVIL, "message": EVIL}, "reward": {EVIL: 1.0}, "hash": EVIL}
    change = {"table": EVIL, "id": EVIL, "before": {EVIL: EVIL}, "after": {EVIL: EVIL + "!"}}
    record |= {"outcome": "failure", "steps": [step | {"diff": [change]}], "diff": [change]}
    for name in ("task", "family", "polarity", "request", "today", "reason", "note", "said"):
        record[name] = EVIL
    record["slips"] = [{"step": 0, "kind": EVIL}]
    return line, record


def test_hostile_text_is_shown_and_nothing_else():
    line, record = hostile()
    opinion = {"run": record["run"], "seed": record["seed"], "trial": record["trial"], "grade": EVIL, "reason": EVIL}
    logs = [log(line, [record], EVIL, [EVIL]), log(line, [record | {"outcome": "success"}], EVIL)]
    made = page(logs, [opinion])
    read = Page(made)
    assert not read._open
    assert [name for name, _ in read.elements if name in ("img", "script")].count("img") == 0
    assert sum(name == "script" for name, _ in read.elements) == 4  # meta, index, one block, the code
    assert not [key for _, attributes in read.elements for key in attributes if key.startswith("on")]
    assert EVIL.replace("\u202e", "\\u202e") in " ".join(read.texts)
    assert "\u202e" not in " ".join(read.texts)
    assert read.episodes()[0]["steps"][0]["said"] == EVIL
    assert read.rows()[0]["request"] == EVIL
    plain = re.sub(r"<script.*?</script>", "", made, flags=re.DOTALL)
    assert "<img" not in plain
    assert "alert(1)</script>" not in made


def test_links_keep_hostile_names_apart_from_the_filters():
    assert fragment(tool="a&run=1#x", run=0) == "#tool=a%26run%3D1%23x&run=0"
    assert fragment(q="\u017c \ud800") == "#q=%C5%BC%20%3F"


def test_secrets_are_taken_out_of_the_page():
    line, records = modelled(6, 1.0, 3)
    secret, other = "hunter2-canary-0815", "sk-ant-canary-abcdefghijklmnop"
    records[0]["said"] = f"the key is {secret}"
    records[1]["steps"][0]["result"] = f'{{"note":"{other}"}}'
    line["settings"] = {"base_url": f"https://user:{secret}@example.test"}
    made = page([log(line, records)], redact=Redactor({"SOME_API_KEY": secret}))
    read = Page(made)
    whole = made + json.dumps([read.rows(), read.episodes()])
    assert secret not in whole
    assert other not in whole
    assert GONE in read.episodes()[0]["said"]


ONE_BAD = [
    {"authorization": 1234567890123},
    {"api-key": 1234567890123},
    {"a": {"b": {"c": {"d": "password="}}}},
    {"a": ["api_key='"], "b": "Bearer a1b2c3d4e5"},
    {"limit": 7777777777},
    {"7777777777": [7777777777.0]},
    {"name": "-----BEGIN PRIVATE KEY----- a\n"},
]


@pytest.mark.parametrize("sent", ONE_BAD)
def test_one_call_breaks_no_block(sent):
    line, records = modelled(6, 1.0, 3)
    step = records[2]["steps"][0]
    records[2]["steps"][0] = step | {"arguments": sent, "result": json.dumps(sent), "reward": {"step": 0.7777777777}}
    records[2] |= {"said": "password=", "task": "password=", "seed": 7777777777, "cost": 0.7777777777}
    read = Page(page([log(line, records)], redact=Redactor({"APP_PASSWORD": "7777777777"})))
    episodes = read.episodes()
    assert [episode["steps"] for episode in episodes[3:]] == [record["steps"] for record in records[3:]]
    assert episodes[2]["steps"][0]["tool"] == step["tool"]
    assert episodes[2]["steps"][0]["reward"] == {"step": 0.7777777777}
    assert episodes[2]["cost"] == 0.7777777777
    assert read.rows()[2]["seed"] == 7777777777
    assert read.rows()[3]["task"] == records[3]["task"]
    assert "7777777777" not in json.dumps(episodes[2]["steps"][0]["arguments"])


@pytest.mark.parametrize("said", ["password=", "Authorization: 'Bearer ", "-----BEGIN PRIVATE KEY----- a"])
def test_no_name_takes_a_tag_with_it(said):
    """Tools, families, labels and settings stand on the page as they were sent."""
    line, records = modelled(6, 0.5, 3)
    line |= {"agent": said, "model": said, "settings": {said: said}}
    for record in records:
        record |= {"family": said, "steps": [step | {"tool": said} for step in record["steps"]]}
    logs = [log(line, records), log(line, records, "b.jsonl")]
    read = Page(page(logs, redact=Redactor({})))
    plain = Page(page(logs, redact=str))
    assert not read._open
    assert [name for name, _ in read.elements] == [name for name, _ in plain.elements]
    assert json.loads(read.scripts["meta"])["blocks"] == 1
    assert len(read.episodes()) == len(read.rows()) == 12


def test_absurd_usage_is_a_page_all_the_same():
    line, records = modelled(4, 1.0, 3)
    records[0] |= {"tokens": {**records[0]["tokens"], "input": 10**400}, "cost": 1.7e308, "latency": 1.7e308}
    read = Page(page([log(line, records)]))
    assert len(read.episodes()) == 4
    assert "nan" not in read.text.lower().split()


def test_opinions_stand_beside_the_verdict_they_are_about(large):
    record = large.episodes[2]
    about = {"run": record["run"], "seed": record["seed"], "trial": record["trial"], "attempt": 1}
    opinions = [about | {"grade": "sound", "reason": "All of it is so."}, about | {"attempt": 2, "grade": "untrue"}]
    read = Page(page([large], opinions))
    assert read.episodes()[2]["opinions"] == opinions[:1]
    assert not [episode for episode in read.episodes() if "opinions" in episode and episode is not read.episodes()[2]][
        1:
    ]
    assert "It moves no verdict" in read.text


def test_an_opinion_on_other_words_is_not_shown(large):
    """A run played once more has the name it had, and opinions on the first may lie about."""
    record = large.episodes[2]
    about = {"run": record["run"], "seed": record["seed"], "trial": record["trial"], "attempt": 1}
    fitting = about | {"text": said.fingerprint(record), "grade": "sound", "reason": "."}
    stale = about | {"text": said.fingerprint(record | {"said": "All is done!"}), "grade": "untrue", "reason": "."}
    later = about | {"attempt": 2, "grade": "lacking"}
    read = Page(page([large], [stale, fitting, later]))
    assert read.episodes()[2]["opinions"] == [fitting]
    assert "untrue" not in read.texts
    assert "lacking" not in read.texts
    assert "1 left out: on words that the log does not have" in read.text
    read = Page(page([large], [stale]))
    assert not any("opinions" in episode for episode in read.episodes())
    assert "1 left out" in read.text
    assert "left out: on words" not in Page(page([large], [fitting])).text


def test_opinions_know_what_they_are_about(large):
    ends = [("respond", {"answer": "Jan"}), ("respond", {"answer": [1, "\u017c"]}), ("decline", {"reason": "no\ud800"})]
    step = large.episodes[0]["steps"][0] | {"error": None}
    made = [
        large.episodes[0] | {"said": words, "steps": [step | {"tool": tool, "arguments": arguments}]}
        for words in (None, "", "\u200b \n", "Done.")
        for tool, arguments in [*ends, ("decline", "no object"), ("finish", {})]
    ]
    assert {said.words_of(record) for record in made} >= {"", "Done.", "Jan", "Done.\n\nJan", '[1, "\u017c"]'}
    assert len({said.fingerprint(record) for record in made}) == 8


# Size


def test_long_results_are_cut_to_what_a_page_may_hold():
    line, records = modelled(30, 1.0, 3)
    for record in records:
        record["steps"] = [record["steps"][0] | {"result": "x" * 20_000}]
    sources = data.sources_of([log(line, records)])
    assert data.cut_of(sources) == data.CUTS[0]
    cut = data.cut_of(sources, 100_000)
    assert 30 * cut <= 100_000 < 30 * data.CUTS[data.CUTS.index(cut) - 1]
    assert data.cut_of(sources, 10) == data.CUTS[-1]
    episodes = json.loads(zlib.decompress(base64.b64decode(next(data.blocks_of(sources, cut=cut)))))
    assert (len(episodes[0]["steps"][0]["result"]), episodes[0]["steps"][0]["cut"]) == (cut, 20_000)


def test_a_page_of_records_cut_short_is_still_json():
    rows = [{"id": number, "name": "some name"} for number in range(50)]
    result = json.dumps({"total": 50, "offset": 0, "limit": 50, "rows": rows}, separators=(",", ":"))
    short = json.loads(data.shortened(result, 400))
    assert short["rows"] == rows[: len(short["rows"])]
    assert 5 < len(short["rows"]) < 50
    assert data.shortened("{" * 900, 400) == "{" * 400


def test_an_episode_takes_about_a_kilobyte(text):
    """Ten thousand are to fit into twenty megabytes; `scripts/bench_report.py` makes such a page."""
    data_bytes = sum(len(part) for name, part in Page(text).scripts.items() if name.startswith(("block", "index")))
    assert data_bytes / 120 < 1_900


@pytest.mark.slow
def test_ten_thousand_episodes_take_twenty_seconds_and_megabytes_at_most(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    figures = importlib.import_module("bench_report").measure(10_000, played=300)
    for kind in ("careful", "broad"):
        assert figures[kind]["steps_per_episode"] > 4
        assert figures[kind]["seconds"] < 20
        assert figures[kind]["page_megabytes"] < 20


# The file


def test_a_report_is_a_file_of_its_owner(tmp_path, large):
    made = report([write_log(tmp_path / "a.jsonl", large.run, large.episodes)], tmp_path / "new" / "report.html")
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert list(made.parent.iterdir()) == [made]
    assert made.read_text() == page([read_log(tmp_path / "a.jsonl")])


def test_an_older_page_is_replaced_and_nothing_else_is(tmp_path, large):
    source = write_log(tmp_path / "a.jsonl", large.run, large.episodes)
    kept = source.read_bytes()
    with pytest.raises(UsageError, match="no report of ours"):
        report([source], source)
    assert source.read_bytes() == kept
    made = report([source], tmp_path / "report.html")
    made.write_bytes(made.read_bytes() + b"older")
    assert report([source], made).read_bytes().endswith(b"</html>\n")
    with pytest.raises(UsageError, match="is a folder"):
        report([source], tmp_path)


def test_a_link_is_replaced_not_followed(tmp_path, large):
    source = write_log(tmp_path / "a.jsonl", large.run, large.episodes)
    there = report([source], tmp_path / "there.html")
    there.chmod(0o644)
    before = there.read_bytes()
    link = tmp_path / "link.html"
    link.symlink_to(there)
    report([source], link)
    assert not link.is_symlink()
    assert there.read_bytes() == before


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path, large, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crm_gym.evaluation.report.sheet.os.replace", full)
    with pytest.raises(UsageError, match="No space left on device; give another file"):
        report([large], tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_reports_of_nothing_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least one log"):
        report([], tmp_path / "report.html")
    with pytest.raises(UsageError, match="cannot be read"):
        report([tmp_path / "none.jsonl"], tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


# Plots and markup


def numbers(svg, name):
    return [float(value) for value in re.findall(rf'\b{name}="([\d.]+)%?"', svg)]


def test_dots_stand_where_their_figures_are():
    svg = dots([Point(0, 0.25, 0.1, 0.5, "a"), Point(1, 1.0, 0.9, 1.0, "b")], 2)
    assert numbers(svg, "cx") == [25, 100]
    whiskers = re.findall(r'class="whisker" x1="([\d.]+)%" x2="([\d.]+)%"', svg)
    assert whiskers == [("10.00", "50.00"), ("90.00", "100.00")]


def test_the_parts_of_a_bar_make_a_whole():
    svg = bar([Part(0.5, "good", "x"), Part(0.0, "c1", "none"), Part(0.3, "c2", "y"), Part(0.2, "c3", "z")])
    assert sum(numbers(svg, "width")) == pytest.approx(100)
    assert numbers(svg, "x") == [0, 50, 80]
    assert "none" not in svg


def test_columns_and_curves_hold_everything():
    svg = columns([("1", 4), ("2", 0), ("3", 8)])
    heights = re.findall(r'<rect x="[\d.]+%" y="\d+" width="[\d.]+%" height="(\d+)"', svg)
    assert int(heights[2]) == 2 * int(heights[0])
    assert heights[1] == "0"
    drawn = curves([Curve(0, "full", [(1, 0.5, 0.4, 0.6), (2, 0.75, 0.6, 0.9)])], "chances")
    assert len(re.findall("<circle", drawn)) == 2
    assert curves([], "nothing").startswith("<svg")


def test_markup_is_escaped_unless_it_is_markup():
    assert tag("b", "<i>", tag("i", 'a"b'), title='"x"') == '<b title="&quot;x&quot;">&lt;i&gt;<i>a&quot;b</i></b>'
    assert tag("b", "a\u202eb\ud800\x07\n\u017c") == "<b>a\\u202eb\\ud800\\u0007\n\u017c</b>"
    assert joined("a", None, tag("br"), by="-") == "a-<br/>"
    assert (
        tag("option", "x", value="", hidden=True, selected=False, class_=None) == '<option value="" hidden>x</option>'
    )


def test_real_runs_side_by_side(tmp_path):
    logs = [log(run_line(agent=name), played(name, 25)) for name in ("oracle", "random", "null")]
    read = Page(page(logs))
    assert "-100.0 percentage points of success" in read.text
    assert "Cost" not in read.texts
    assert list(figures_of(logs)) == ["oracle", "random", "null"]
