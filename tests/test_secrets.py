"""Twelve secrets are laid out where a run may pick them up; none comes out anywhere."""

import base64
import html
import json
import os
import re
import subprocess
import sys
import urllib.parse
import zlib

import pytest

CANARIES = {
    # The environment: keys that are sent, keys of others, passwords in URLs, awkward characters.
    "ANTHROPIC_API_KEY": "canary-one-Kq7Xw9Lk2Vb4Nm6Tr8Yp",
    "OPENAI_API_KEY": "canary-two-Kq7Xw9Lk2Vb4Nm6Tr8Yp",
    "CRM_SERVICE_TOKEN": "canary three with spaces",
    "CRM_DB_PASSWORD": 'canary"four\\with/escapes<&>',
    "SENTRY_DSN": "canary-five-ümlaut-☃",
    "DATABASE_URL": "canary-six%21of-a-url",
    "PROXY_FOR_CRM": "canary-seven-of-a-proxy",
    # Shapes: no environment knows them.
    "said by the model": "sk-ant-canary-eight-Kq7Xw9Lk2Vb4",
    "in a call": "AKIACANARYNINE234567",
    "in a result": "ghp_canaryTenKq7Xw9Lk2Vb4Nm6Tr8Yp",
    "in an exception": "canary11elevenKq7Xw9Lk2Vb4Nm6Tr8Yp",
    "in the settings": "canary-twelve",
}
SHAPED = [name for name in CANARIES if " " in name]

ENVIRONMENT = {name: value for name, value in CANARIES.items() if name not in SHAPED} | {
    "DATABASE_URL": f"postgresql://crm:{CANARIES['DATABASE_URL']}@db.example/crm",
    "PROXY_FOR_CRM": f"http://proxy:{CANARIES['PROXY_FOR_CRM']}@proxy.example:3128",
}

PROGRAM = r"""
import json, os, sys
from pathlib import Path
from crm_agents.commands import regrade, verify_log
from crm_agents.fake.faults import Fault
from crm_agents.fake.models import Answer, FunctionModel, call, said_so_far
from crm_agents.fake.server import FakeServer
from crm_agents.llm.agent import ClaudeAgent, OpenAIAgent
from crm_agents.llm.retry import RetryPolicy
from crm_gym.baselines.scripted import ScriptedAgent
from crm_gym import ToolCall
from crm_gym.evaluation.callbacks import JsonlCallback
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.redact import redacted_output
from crm_gym.evaluation.report import report

shaped, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
secrets = [os.environ[name] for name in json.loads(sys.argv[3])]

def reply(request):
    # Whatever the model gets hold of it repeats, in words, in calls, and in what the CRM then shows.
    number = said_so_far(request)
    aloud = f"I was told {shaped['said by the model']} and {secrets} and {json.dumps(secrets)}"
    if number == 0:
        content = f"{shaped['in a call']} {shaped['in a result']} {secrets[3]}"
        client = {"name": content, "email": "a@example.com", "status": "Active"}
        return Answer(aloud, (call("create_new_client", client),))
    if number == 1:
        return Answer(aloud, (call("client_search", {"name": "AKIA"}),))
    return Answer(aloud, (call("decline", {"code": "not_found", "field": secrets[2], "reason": aloud}),))

class Told(ScriptedAgent):
    def __init__(self, words):
        self.words = words

    def describe(self):
        return {"url": f"http://user:{shaped['in the settings']}@127.0.0.1/v1", "header": self.words}

    model, prompt = None, None

    def act(self, observation):
        from crm_gym import InfraError
        if observation["steps"]:
            raise InfraError(f"the server said: Authorization: Bearer {shaped['in an exception']} is unknown")
        return ToolCall("respond", {"answer": secrets, "why": self.words})

def play(name, agent, **keywords):
    log = folder / f"{name}.jsonl"
    plan = {"tasks": ("MOP-001", "OPS-001", "MOP-101")}
    BaselineHarness(agent, log, plan, callbacks=[JsonlCallback(folder / f"{name}-moments.jsonl")], **keywords).run()
    return log

with redacted_output():
    logs = []
    for name, made in (("claude", ClaudeAgent), ("openai", OpenAIAgent)):
        faults = [Fault("key_in_error", episode=1, call=None, times=None)]
        with FakeServer(FunctionModel(reply), faults) as server:
            url = server.url if made is ClaudeAgent else server.v1
            env = "ANTHROPIC_API_KEY" if made is ClaudeAgent else "OPENAI_API_KEY"
            agent = made("fake", base_url=url, api_key_env=env, retry=RetryPolicy(tries=1))
            logs.append(play(name, agent))
    logs.append(play("told", Told(secrets)))
    for log in logs:
        print(log.read_text())
        for as_json in (False, True):
            verify_log.run(verify_log.Args(log, json=as_json))
            regrade.run(regrade.Args(log, json=as_json))
    print(secrets, json.dumps(secrets), file=sys.stderr)
    report(logs, folder / "report.html")
    try:
        raise LookupError(shaped["said by the model"])
    except LookupError as fault:
        said = f"{secrets} {json.dumps(secrets)}"
        raise ValueError(f"{said} Authorization: Bearer {shaped['in an exception']}") from fault
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Everything that a run with secrets all around leaves, by name."""
    folder = tmp_path_factory.mktemp("secrets")
    names = [name for name in CANARIES if name not in SHAPED]
    arguments = [json.dumps({name: CANARIES[name] for name in SHAPED}), str(folder), json.dumps(names)]
    environment = {name: value for name, value in os.environ.items() if "KEY" not in name} | ENVIRONMENT
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stderr.rstrip().endswith("Authorization: Bearer [redacted]"), done.stderr
    assert done.returncode == 1
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}
    return files | {"stdout": done.stdout, "stderr": done.stderr, "page": unpacked(files["report.html"])}


def unpacked(page):
    """What is compressed in a report."""
    blocks = re.findall(r'<script type="text/plain" id="\w+">([A-Za-z0-9+/=]+)</script>', page)
    assert blocks
    return "\n".join(zlib.decompress(base64.b64decode(block)).decode("utf-8") for block in blocks)


def forms(secret):
    """A secret as it may be written."""
    once = json.dumps(secret)[1:-1]
    yield from (secret, once, json.dumps(once)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False))
    yield from (urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.unquote(secret))
    yield base64.b64encode(secret.encode()).decode()


@pytest.mark.parametrize("name", CANARIES)
def test_no_canary_comes_out(left, name):
    assert len(CANARIES) == 12
    for where, text in left.items():
        for form in forms(CANARIES[name]):
            assert form not in text, f"{name} in {where}"


def test_something_did_come_out(left):
    """The canaries were in the air: what stands in their place is there, and logs are whole."""
    assert set(left) >= {"claude.jsonl", "openai.jsonl", "told.jsonl", "report.html", "told-moments.jsonl"}
    for where in ("claude.jsonl", "openai.jsonl", "told.jsonl", "stdout", "stderr", "page"):
        assert left[where].count("[redacted]") >= 3, where
    for name in ("claude.jsonl", "openai.jsonl"):
        run, *records = [json.loads(line) for line in left[name].splitlines()]
        assert [record["outcome"] for record in records].count("infra_error") == 1
        assert len(records) == 3 == run["count"]
        note = next(record for record in records if record["outcome"] == "infra_error")["note"]
        assert note.endswith("while serving the key [key]")
        calls = [step for record in records for step in record["steps"]]
        assert any("[redacted]" in json.dumps(step["arguments"]) for step in calls)
        assert any("[redacted]" in step["result"] for step in calls)
        assert any("[redacted]" in step.get("said", "") for step in calls)
    assert "[redacted]" in json.dumps(json.loads(left["told.jsonl"].splitlines()[0])["settings"])
    assert "Traceback" in left["stderr"]
