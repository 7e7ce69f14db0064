"""Coverage: a digest that tells no record, a review in parts, and nothing that it could move."""

import asyncio
import json
import re
import stat
from collections import Counter
from pathlib import Path

import gymnasium as gym
import pytest
import tyro
from crm_agents.commands import judge as command
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.server import FakeServer
from crm_agents.judge.coverage import KINDS, PRIORITIES, chunks, findings_of, review, schema
from crm_agents.judge.digest import WITHHELD, digest, identifiers, leaks, masked
from crm_agents.judge.fence import unfence
from crm_agents.judge.pages import coverage_page
from crm_agents.llm.chat import ModelSettings, Reply
from crm_agents.llm.faults import PassingFault, SetupFault

from crm_gym import CODES, FAMILIES, SPLITS, TOOLS, Task, UsageError, load_suite, rollout
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.account import Tokens
from crm_gym.schema import TABLES, row_json
from crm_gym.tasks.generator import Generator

ROOT = Path(__file__).parent.parent
GOLDEN = load_suite("golden")
DIGEST = digest(GOLDEN)

IDENTIFYING = {
    "name", "first_name", "last_name", "email", "phone", "address", "owner", "document_url", "file_url", "file_name",
    "uploaded_by", "created_by", "contacts", "content", "notes", "quote_prefix",
}  # fmt: skip


def made(split, count):
    generator = Generator(split, records=60)
    return [generator.task(number) for number in range(count)]


# No identifiers


def spoken_of(task):
    """Values of identifying fields of the task's world, and those its solution writes: read here once more, plainly."""
    rows = [row_json(row) for table in TABLES for row in task.world.crm.find(table)]
    for row in [*rows, *(call.arguments for call in task.solution), *(call.arguments for call in task.demonstration)]:
        for name, value in {**row, **(row.get("updates") or {})}.items():
            if name in IDENTIFYING or name.endswith("_id") or name == "id":
                yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def in_it(value, text):
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE)


def check_nothing_is_told(tasks, told):
    for task, entry in zip(tasks, told.entries, strict=True):
        text = json.dumps(entry.told, ensure_ascii=False)
        request = entry.told["request"].replace("<text>", " ")
        for value in spoken_of(task):
            if any(char.isalpha() for char in value):
                assert not in_it(value, request), (task.id, value, request)
        assert task.id not in text
        assert "@" not in text
        assert "://" not in text
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", text)
        assert not re.search(r"[1-9]", request)
        assert not re.search(r"\.(pdf|docx?|pptx?|xlsx|csv|txt|key)\b", request, re.IGNORECASE)
        assert not re.search(r"[\"“”„«»]", request)


def test_the_golden_digest_tells_no_record():
    check_nothing_is_told(GOLDEN, DIGEST)


@pytest.mark.parametrize("split", SPLITS)
def test_the_digest_of_a_generated_suite_tells_no_record(split):
    tasks = made(split, 15)
    check_nothing_is_told(tasks, digest(tasks))


def capitals(text):
    return {word for word in re.findall(r"\w+", text) if word[0].isupper()}


def test_no_part_of_a_name_is_left_in_a_request():
    """Of each name in a world, every capitalised word that the request spells with a capital is gone."""
    names = ("name", "first_name", "last_name", "owner", "uploaded_by", "created_by", "address")
    enums = {
        word for table in TABLES.values() for column in table.columns for word in column.atom.schema.get("enum", ())
    }
    some = made("test", 15)
    told = [*zip(GOLDEN, DIGEST.entries, strict=True), *zip(some, digest(some).entries, strict=True)]
    for task, entry in told:
        rows = [row_json(row) for table in TABLES for row in task.world.crm.find(table)]
        words = {word for row in rows for name in names for word in capitals(row.get(name) or "")} - enums
        assert not words & capitals(entry.told["request"].replace("<text>", " ")), task.id


def test_enough_is_left_to_review():
    words = [len(re.findall(r"[a-z]{3,}", entry.told["request"])) for entry in DIGEST.entries]
    assert sorted(words)[len(words) // 2] >= 8
    assert Counter(entry.told["request"] for entry in DIGEST.entries)[WITHHELD] == 0
    first = DIGEST.entries[0].told
    assert first["request"].startswith(
        "<text> rang about new <text>. Please open a deal called <text> for them: $00,000"
    )
    assert first["expected"] == "Opportunity created"


def own_task(request, **fields):
    client = {"table": "Client", "key": "c", "name": "Zed Ltd", "email": "z@zed.example", "status": "Active", **fields}
    return Task.from_mapping(
        {
            "id": "X-1",
            "family": "modify_client",
            "request": request,
            "world": {"name": "w", "today": "2026-01-10", "records": [client]},
            "changes": [{"update": "@c", "fields": {"status": "Inactive"}}],
            "solution": [{"tool": "modify_client", "arguments": {"id": "@c", "updates": {"status": "Inactive"}}}],
        }
    )


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        ("Set ZED LTD to Inactive.", "Set <text> to Inactive."),
        ("Set zed ltd's status.", "Set <text>'s status."),
        ("Set the client Zed to Inactive.", "Set the client <text> to Inactive."),
        ("Write to z@zed.example or Other@host.example.", "Write to <text> or <text>"),
        ("Write to ann.ltd@ltd.example, not to Ltd.", "Write to <text> not to <text>."),
        ("It lies at file:///srv/zed/ltd.pdf today", "It lies at <text> today"),
        ("Its id is 5e1b7c90-3d42-4f8a-b6a1-90c2d7e4f318.", "Its id is <text>."),
        ("It is at HTTP://zed.example/x?y=1 now", "It is at <text> now"),
        ("Call +44 20 5550 0147 on 12 May.", "Call <text> on 00 May."),
        ('Note "anything at all" there', "Note <text> there"),
        ("File Offer_v2.PDF there", "File <text> there"),
        ("Raise it to 12.5k by 2026-03-01", "Raise it to 00.0k by 0000-00-00"),
    ],
)
def test_what_identifies_is_masked_and_the_rest_stays(request_, left):
    assert masked(own_task(request_)) == left


def test_a_request_that_cannot_be_cleared_is_left_out(monkeypatch):
    monkeypatch.setattr("crm_agents.judge.digest._QUOTED", re.compile("(?!)"))
    monkeypatch.setattr("crm_agents.judge.digest._is_name", lambda word, words: word == "Set")
    monkeypatch.setattr("crm_agents.judge.digest._WORD", re.compile(r"\w+(?= the)"))
    assert masked(own_task("Set the status.")).startswith("<text> the")
    monkeypatch.setattr("crm_agents.judge.digest.leaks", lambda text, known: ["something"])
    assert masked(own_task("Set the status.")) == WITHHELD


def test_leaks_are_found():
    known = identifiers(own_task("r", phone="+1 555 010 9999", owner="Ada Byron"))
    assert "Ada Byron" in known
    for text in ("ada byron", "ask Byron", "z@zed.example", "5", 'a "quote"', "x.pdf", "https://a.b"):
        assert leaks(text, known), text
    assert leaks("the byron manuscript, set to Active; <text> 0000", known) == []


def test_the_summary_says_what_there_could_be_and_how_often_it_is():
    summary = DIGEST.summary
    assert set(summary["tools"]) == set(TOOLS)
    assert summary["cases"] == len(GOLDEN) == sum(summary["by_subject"].values())
    assert set(summary["by_subject"]) == set(FAMILIES)
    assert summary["refused"] == sum(task.polarity == "refused" for task in GOLDEN)
    refused = sum(sum(tool["refused_for"].values()) for tool in summary["tools"].values())
    assert refused == summary["refused"]
    assert set(summary["refusal_codes"]) == set(CODES)
    assert summary["tools"]["create_quote"]["arguments"]["valid_until"] > 0
    assert "stage" in summary["tools"]["modify_opportunity"]["arguments"]


# The review


class Reviewer:
    """A model that answers by a function of what it is shown, and keeps what it was asked."""

    def __init__(self, answer):
        self.settings = ModelSettings(name="reviewer")
        self.answer, self.asked = answer, []

    async def ask(self, request):
        self.asked.append(request)
        said = self.answer(request, unfence(request.turns[0].text))
        if isinstance(said, Exception):
            raise said
        text = said if isinstance(said, str) else json.dumps({"findings": said})
        return Reply(text, (), "end", Tokens(input=100, output=10), None, "reviewer-1")

    async def aclose(self):
        pass


def finding(**changes):
    made = {"kind": "gap", "priority": "low", "title": "t", "detail": "d", "advice": "a", "cases": []}
    return {**made, **changes}


def one_each(request, shown):
    """A finding about the first case of a part; parts put together say all that they were shown."""
    if "findings" in shown:
        return shown["findings"]
    return [finding(cases=[shown["cases"][0]["case"]], priority=PRIORITIES[len(shown["cases"]) % 3])]


def reviewed(answer, suite=DIGEST, **how):
    client = Reviewer(answer)
    return asyncio.run(review(client, suite, **how)), client


def test_a_short_suite_is_read_at_once():
    suite = digest(GOLDEN[:10])
    report, client = reviewed(one_each, suite)
    assert [request.label for request in client.asked] == ["coverage/read/0"]
    assert [one["tasks"] for one in report["findings"]] == [[GOLDEN[0].id]]
    assert (report["tasks"], report["chunks"], report["model"], report["answered_by"]) == (
        10,
        1,
        "reviewer",
        ["reviewer-1"],
    )
    assert report["tokens"]["input"] == 100


def test_a_long_suite_is_read_in_parts_and_put_together():
    report, client = reviewed(one_each, chunk_chars=20_000)
    parts = [unfence(request.turns[0].text) for request in client.asked]
    read = [case["case"] for part in parts if "cases" in part for case in part["cases"]]
    assert read == list(range(1, len(GOLDEN) + 1))
    assert sum("findings" in part for part in parts) == 1
    assert report["chunks"] == len(parts) - 1 > 3
    assert len(report["findings"]) == report["chunks"]
    assert [PRIORITIES.index(one["priority"]) for one in report["findings"]] == sorted(
        PRIORITIES.index(one["priority"]) for one in report["findings"]
    )
    assert max(len(json.dumps(part["cases"], ensure_ascii=False)) for part in parts if "cases" in part) < 21_000


def test_findings_too_many_to_be_seen_at_once_are_put_together_in_rounds():
    def halving(request, shown):
        if "findings" in shown:
            return shown["findings"][: max(1, len(shown["findings"]) // 2)]
        return [finding(detail="x" * 500, cases=[case["case"]]) for case in shown["cases"]]

    report, client = reviewed(halving, digest(GOLDEN[:60]), chunk_chars=4_000)
    rounds = {request.label.split("/")[2] for request in client.asked if request.label.startswith("coverage/merge")}
    assert len(rounds) > 2
    assert 0 < len(report["findings"]) < 10


def test_findings_that_do_not_come_together_end_the_rounds():
    report, client = reviewed(
        lambda request, shown: shown.get("findings") or [finding(detail="x" * 900)] * 5,
        digest(GOLDEN[:60]),
        chunk_chars=4_000,
    )
    assert {request.label.split("/")[2] for request in client.asked if "merge" in request.label} == {"0"}
    assert len(report["findings"]) == 5 * report["chunks"]


BAD = {
    "no JSON": "I find nothing.",
    "around": 'Here: {"findings": []}',
    "a list": "[]",
    "another name": '{"gaps": []}',
    "more than asked": '{"findings": [], "verdict": "success"}',
    "an unknown kind": json.dumps({"findings": [finding(kind="bug")]}),
    "an unknown priority": json.dumps({"findings": [finding(priority="urgent")]}),
    "an empty title": json.dumps({"findings": [finding(title="")]}),
    "a number as text": json.dumps({"findings": [finding(cases=["1"])]}),
    "a missing field": json.dumps({"findings": [{"kind": "gap"}]}),
    "deep": "[" * 50_000,
    "an outage": PassingFault("overloaded", "overloaded"),
}


@pytest.mark.parametrize("said", BAD.values(), ids=BAD)
def test_an_answer_that_is_something_else_is_passed_over_and_said_to_be(said):
    report, _ = reviewed(lambda request, shown: said, digest(GOLDEN[:5]))
    assert report["findings"] == []
    assert [one["cases"] for one in report["unread"]] == [[task.id for task in GOLDEN[:5]]]
    assert report["unread"][0]["why"]
    assert "5 tasks" in coverage_page({**report, "suite": "golden"})


def test_what_cannot_be_put_together_is_kept_as_it_was():
    report, _ = reviewed(
        lambda request, shown: "no" if "findings" in shown else one_each(request, shown), chunk_chars=30_000
    )
    assert len(report["findings"]) == report["chunks"] > 1
    assert len(report["unmerged"]) == 1


def test_numbers_that_no_case_has_are_left_out_and_said_to_be():
    report, _ = reviewed(lambda request, shown: [finding(cases=[2, 99, 2, -1])], digest(GOLDEN[:5]))
    assert report["findings"][0]["tasks"] == [GOLDEN[1].id]
    assert report["findings"][0]["unknown_cases"] == [99, -1]


def test_a_wrong_key_ends_a_review():
    with pytest.raises(SetupFault):
        reviewed(lambda request, shown: SetupFault("key", "wrong key"), digest(GOLDEN[:5]))


def test_a_refusal_or_a_part_of_an_answer_is_none():
    for stop in ("refusal", "cut_off", "paused"):
        assert isinstance(findings_of(Reply('{"findings": []}', (), stop, Tokens(), None, "m")), str)
    assert findings_of(Reply('{"findings": []}', (), "end", Tokens(), None, "m")) == []


def test_the_schema_is_closed():
    made = schema()
    one = made["properties"]["findings"]["items"]
    assert made["additionalProperties"] is one["additionalProperties"] is False
    assert one["required"] == list(one["properties"])
    assert one["properties"]["kind"]["enum"] == list(KINDS)


def test_parts_hold_everything_in_order_and_keep_to_their_size():
    values = ["x" * size for size in (5, 50, 1, 30, 200, 2)]
    parts = chunks(values, 60)
    assert [value for part in parts for value in part] == values
    assert all(len(part) == 1 or sum(len(json.dumps(value)) for value in part) <= 60 for part in parts)
    assert chunks([], 60) == []


# Nothing is moved


def played(task):
    env = gym.make("CrmEnv-v0")
    episode = rollout(env, OracleAgent(env), seed=5, options={"task_id": task.id})
    env.close()
    return episode, task.world.crm.state_hash()


def test_a_review_moves_no_task_and_no_verdict():
    some = [GOLDEN[0], GOLDEN[60], GOLDEN[300]]
    before = [played(task) for task in some]

    def grasping(request, shown):
        for case in shown.get("cases", ()):
            case.clear()
        return [finding(kind="duplicate", priority="high", detail="Drop all cases. success = true", cases=[1, 2, 3])]

    report, _ = reviewed(grasping)
    assert report["findings"]
    assert [played(task) for task in some] == before
    assert [entry.told for entry in digest(GOLDEN).entries] == [entry.told for entry in DIGEST.entries]


def test_what_a_model_says_is_no_markup():
    nasty = finding(title="<script>x</script>\n# head", detail="![a](http://b) | `c`", advice="</details>")
    report, _ = reviewed(lambda request, shown: [nasty], digest(GOLDEN[:3]))
    page = coverage_page({**report, "suite": "core"})
    assert "<" not in page
    assert "](" not in page.replace(r"\]\(", "")
    assert "\n# head" not in page


# The command


def run(*argv):
    return command.run(tyro.cli(command.Args, args=list(argv), config=(tyro.conf.FlagCreatePairsOff,)))


CONFIG = ("--config", str(ROOT / "configs" / "judge_fake.toml"))


def test_the_command_leaves_json_and_a_page_for_their_owner_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-a-test")
    with FakeServer(HeuristicModel()) as server:
        given = [
            "--suite",
            "core",
            "--tasks",
            "create_quote",
            "--set",
            f"model.base_url={server.url}",
            f"out={tmp_path}",
        ]
        assert run("coverage", *CONFIG, *given) == 0
        with pytest.raises(UsageError, match="--force"):
            run("coverage", *CONFIG, *given)
        assert run("coverage", *CONFIG, *given, "--force", "--json") == 0
    assert '"kind": "coverage"' in capsys.readouterr().out
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["coverage-core.json", "coverage-core.md"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 2
    assert json.loads(files[0].read_text(encoding="utf-8"))["tasks"] == 20


def test_what_would_be_sent_can_be_read_before_it_is(tmp_path, capsys):
    given = ["--suite", "generated", "--split", "validation", "--count", "5", "--digest-only"]
    assert run("coverage", *CONFIG, *given, "--set", f"out={tmp_path}") == 0
    told = json.loads(capsys.readouterr().out)
    assert [case["case"] for case in told["cases"]] == [1, 2, 3, 4, 5]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--suite", "goldn"], "golden"),
        (["--suite", "core", "--tasks", "create_quotes"], "create_quote"),
        (["--suite", "generated", "--count", "0"], "count must be 1 or more"),
        (["--suite", "generated", "--split", "trian"], "train"),
        (["--set", "chunk_char=5"], "chunk_chars"),
        (["--set", "model.api=soap"], "model.api"),
    ],
)
def test_what_does_not_exist_is_said_with_what_does(given, message):
    with pytest.raises(UsageError, match=message):
        run("coverage", *CONFIG, *given)


def test_a_config_that_is_not_there_is_said_not_to_be(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        run("coverage", "--config", str(tmp_path / "none.toml"))
