"""Secrets go, ordinary content stays."""

import html
import io
import json
import subprocess
import sys
from urllib.parse import quote

import gymnasium as gym
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym import load_suite
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.lines import from_line, to_line
from crm_gym.evaluation.redact import GONE, RedactedStream, Redactor, redacted_output

TAIL = "Zq7Xw9Lk2Vb4Nm6Tr8Yp1"  # of no service, and nobody's
OF_ENV = {
    "ANTHROPIC_API_KEY": "ant-" + TAIL,
    "OPENAI_API_KEY": "oai " + TAIL[::-1],
    "MY_SERVICE_TOKEN": "plain-words-only",
    "app_secret": "lower-case-name",
    "PGPASSWORD": 'quo"te\\back/slash',
    "SENTRY_DSN": "sentry dsn value",
    "MYSQL_PWD": "pässwörd-ümlaut",
    "AWS_SECRET_ACCESS_KEY": "abc/def+ghi=jkl",
    "GPG_PASSPHRASE": "correct horse battery staple",
    "GIT_CREDENTIALS": "someone:something",
    "SESSION_COOKIE": "crumbs-and-more",
    "GITHUB_PAT": "pat-of-somebody",
}
ORDINARY_ENV = {
    "PATH": "/usr/local/bin:/usr/bin",
    "PWD": "/srv/crm/folder",
    "OLDPWD": "/srv/crm/before",
    "KEYBOARD_LAYOUT": "en-latin1",
    "SSH_AUTH_SOCK": "/run/agent/socket",
    "TOKENIZERS_PARALLELISM": "disabled",
    "API_KEY_FILE": "/etc/service/key",
    "MAX_TOKENS": "4096",
    "SHORT_KEY": "abc",
    "AUTH_MODE": "everybody",
    "API_KEY": "required",
    "EDITOR": "visual-editor",
    "BASE_URL": "http://127.0.0.1:8000/v1",
}
SHAPES = [
    f"sk-ant-api03-{TAIL}",
    f"sk-proj-{TAIL}",
    f"sk-{TAIL}",
    "AKIA" + "ABCDEFGHIJ234567",
    *(f"gh{kind}_{TAIL}" for kind in "oprsu"),
    f"github_pat_{TAIL}",
    f"glpat-{TAIL}",
    f"xoxb-1234-{TAIL}",
    f"AIza{TAIL}{TAIL}",
    f"hf_{TAIL}",
    f"gsk_{TAIL}",
    f"xai-{TAIL}",
    f"eyJhbGciOi{TAIL}.eyJzdWIi{TAIL}.{TAIL}",
]


@pytest.mark.parametrize("name", OF_ENV)
def test_values_of_the_environment_go(name):
    redact = Redactor(OF_ENV | ORDINARY_ENV)
    value = OF_ENV[name]
    once = json.dumps({"said": value})
    for text in (value, once, json.dumps({"result": once}), json.dumps(value, ensure_ascii=False)):
        assert redact.finds(f"before {text} after")
        assert redact(text) == text.replace(text.strip('"'), GONE) or GONE in redact(text)
        assert value not in redact(text)
    assert redact(f"q={quote(value, safe='')}&n=1") == f"q={GONE}&n=1"
    assert json.loads(redact(once)) == {"said": GONE}


@pytest.mark.parametrize("name", ORDINARY_ENV)
def test_ordinary_variables_stay(name):
    text = f"it says {ORDINARY_ENV[name]} here"
    redact = Redactor(ORDINARY_ENV)
    assert redact(text) == text
    assert not redact.finds(text)


@pytest.mark.parametrize("key", SHAPES)
@pytest.mark.parametrize("around", ["{}", "the key is {}, thanks", "key={}", '{{"key":"{}"}}', "({})", "\n{}\n"])
def test_keys_of_providers_go(key, around):
    text = around.format(key)
    redact = Redactor({})
    assert redact.finds(text)
    assert TAIL not in redact(text)
    assert "AKIA" not in redact(text)
    assert len(redact(text)) <= len(around) + len(GONE)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgresql://crm:hunter2@db.example:5432/crm", "postgresql://crm:[redacted]@db.example:5432/crm"),
        ("http://:hunter2@proxy.example", "http://:[redacted]@proxy.example"),
        ("Authorization: Bearer abc123def456", "Authorization: Bearer [redacted]"),
        ("authorization: basic dXNlcjpwYXNzMTIz", "authorization: basic [redacted]"),
        ("{'x-api-key': 'abc123def456'}", "{'x-api-key': '[redacted]'}"),
        ('{\\"X-Api-Key\\": \\"abc123def456\\"}', '{\\"X-Api-Key\\": \\"[redacted]\\"}'),
        ("GET /v1?api_key=abcdef&x=1", "GET /v1?api_key=[redacted]&x=1"),
        ("host=db user=crm password=hunter2 port=1", "host=db user=crm password=[redacted] port=1"),
        ("curl -H 'BEARER   abc.def-123'", "curl -H 'BEARER   [redacted]'"),
    ],
)
def test_passwords_and_headers_go_and_the_rest_stays(text, left):
    redact = Redactor({})
    assert redact.finds(text)
    assert redact(text) == left
    assert redact(left) == left
    assert not redact.finds(left)


def test_private_keys_go():
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{TAIL}\n{TAIL}\n-----END RSA PRIVATE KEY-----"
    assert Redactor({})(f"a\n{key}\nb") == f"a\n{GONE}\nb"
    assert TAIL not in Redactor({})(key[:-40])  # cut off
    assert json.loads(Redactor({})(json.dumps({"a": key[:-40], "b": [key, 1]}))) == {"a": GONE, "b": [GONE, 1]}


def test_passwords_of_urls_in_the_environment_go_wherever_they_stand():
    redact = Redactor({"DATABASE_URL": "postgresql://crm:s3cr%40t-word@db.example/crm"})
    assert redact("it tried s3cr@t-word, then s3cr%40t-word") == f"it tried {GONE}, then {GONE}"
    assert redact("crm at db.example") == "crm at db.example"


def test_a_password_that_is_the_users_name_is_none():
    redact = Redactor({"DATABASE_URL": "postgresql://postgres:postgres@127.0.0.1/postgres"})
    assert redact("a postgres server") == "a postgres server"


def test_more_secrets_may_be_given():
    assert Redactor({}, more=["abc", ""])("abcd, abc") == f"{GONE}d, {GONE}"


@pytest.mark.parametrize("secret", ["p\\ä'ß", 'a"b\\c', "<ü&>", "a b/c", "it's", 'ü"\\x'])
def test_however_it_is_written(secret):
    """By Python, JSON, HTML, URLs, and by one within the other."""
    redact = Redactor({}, more=[secret])
    twice = json.dumps(json.dumps(secret))
    for text in (repr(secret), ascii(secret), json.dumps(secret), twice, html.escape(secret), quote(secret)):
        assert GONE in redact(text)


def test_a_longer_secret_goes_before_its_part():
    redact = Redactor({}, more=["secret", "secret-and-more"])
    assert redact("secret-and-more") == GONE


@pytest.mark.parametrize(
    "text",
    [
        "The bearer of this note is a client; bearer instruments, bearer certificates",
        "Authorization: required before the 2nd of May",
        "The risk-adjusted task-based desk-research costs 12,500.00",
        "Mail zoe.o'neill+crm@example.com or see https://example.com/a?b=c#d",
        "http://127.0.0.1:8000/v1 and https://example.com:443/@someone",
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "Password reset for the portal; the secret of success; key account; token of thanks",
        "stage=Proposal&amount=12500",
        "basic understanding of authorizations",
        "eyJ and sk- and ghp_ alone",
    ],
)
def test_ordinary_text_stays(text):
    assert Redactor(OF_ENV)(text) == text


def test_every_golden_episode_stays():
    """Requests, calls, results: nothing a CRM holds looks like a secret."""
    redact = Redactor(OF_ENV | ORDINARY_ENV)
    env = gym.make("CrmEnv-v0", disable_env_checker=True)
    for task in load_suite("golden"):
        agent = OracleAgent(env, demonstrate=True)
        observation, info = env.reset(seed=1, options={"task_id": task.id})
        texts, over, state, start = [task.request], False, None, True
        while not over:
            action, state = agent.predict(observation, state, start)
            observation, _, ended, cut, info = env.step(action)
            texts += [action["arguments"], observation["result"], json.dumps(info["error"])]
            over, start = ended or cut, False
        text = "\n".join(texts)
        assert redact(text) == text
        assert not redact.finds(text)
    assert not redact.finds(env.reset()[1]["tools"])
    env.close()


def test_generated_episodes_stay():
    redact = Redactor(OF_ENV | ORDINARY_ENV)
    env = gym.make("CrmEnv-Train-v0", disable_env_checker=True)
    for seed in range(60):
        observation, _ = env.reset(seed=seed)
        assert redact(observation["request"]) == observation["request"]
        for table in ("Client", "Contact", "Opportunity", "Note", "Document", "Company"):
            for row in env.unwrapped.crm.find(table):
                assert not redact.finds(json.dumps([str(value) for value in row]))
    env.close()


def test_the_quick_look_and_the_thorough_one_agree():
    for text in SHAPES:
        for said in (text, text.upper(), text.lower(), text.swapcase(), f"x{text}", text[1:], text[:-1], text[:9]):
            assert Redactor({}).finds(said) == (Redactor({})(said) != said)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30), st.sampled_from([*SHAPES, *OF_ENV.values()]), st.text(max_size=30))
def test_any_line_with_a_secret_stays_a_line(before, secret, after):
    """Whatever surrounds it, also where an escape of JSON ends at the secret."""
    redact = Redactor(OF_ENV)
    line, kept = to_line({"note": f"{before} {secret} {after}", secret: [secret, 1, None]}, redact)
    assert from_line(line) == kept
    assert secret not in json.dumps(kept, ensure_ascii=False)
    assert list(kept)[1] == GONE


def test_an_escape_before_a_secret_is_no_part_of_it():
    line, kept = to_line({"note": "\nnext-secret\\next-secret", "n": 1}, Redactor({}, more=["next-secret"]))
    assert from_line(line) == kept == {"note": f"\n{GONE}\\{GONE}", "n": 1}


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        ({"limit": 12345678}, {"limit": GONE}),
        ({"a": [[-12345678, 1]]}, {"a": [["-" + GONE, 1]]}),
        ({"limit": 12345678.0}, {"limit": f"{GONE}.0"}),
        ({"tokens": 12345678, "seed": 87654321}, {"tokens": GONE, "seed": 87654321}),
        ({"n": int("12345678" * 4)}, {"n": GONE * 4}),
        ({"12345678": 10**5000}, {GONE: hex(10**5000)[:100]}),
        (12345678, GONE),
    ],
)
def test_a_secret_sent_as_a_number_goes(sent, left):
    step = {"tool": "client_search", "arguments": sent, "reward": {"step": 0.12345678}}
    own = {"seed": 12345678, "cost": 0.12345678, "tokens": {"input": 12345678}, "verdict": {"missing": 12345678}}
    line, kept = to_line({**own, "steps": [step], "note": "12345678"}, Redactor({"DOOR_PASSWORD": "12345678"}))
    assert from_line(line) == kept == {**own, "steps": [{**step, "arguments": left}], "note": GONE}


def test_what_stands_under_the_name_of_a_header_goes():
    sent = {
        "authorization": 1234567890123,
        "headers": {"X-Api-Key": "abc123def456", "Authorization": "Bearer a1b2c3d4"},
    }
    left = {"authorization": GONE, "headers": {"X-Api-Key": GONE, "Authorization": f"Bearer {GONE}"}}
    assert to_line({"arguments": sent | {"n": 1}}, Redactor({}))[1] == {"arguments": left | {"n": 1}}
    kept = {"authorization": "required", "api-key": None, "key": 1234567890123, "reauthorization": 1234567890123}
    assert to_line({"note": f"ghp_{TAIL}", "arguments": kept}, Redactor({}))[1] == {"note": GONE, "arguments": kept}


@pytest.mark.parametrize(
    "secret",
    [
        *SHAPES,
        "Authorization: Bearer abc123def456",
        "bearer\tabc123def456",
        "x-api-key:\nabc123def456",
        "password=hunter2",
        'password="hunter2"',
        "api_key='abc1'",
        "http://u:pw12@h/x",
    ],
)
@pytest.mark.parametrize("before", ["", "\n", "\t", "\u00e9", "\x07", "\\", '"', "'", "/", "\u2028", "\U0001f600", "<"])
def test_nothing_hides_a_secret_in_what_is_written(before, secret):
    """Behind an escape a secret looks like the end of a longer word."""
    redact = Redactor({})
    text = before + secret
    assert redact(text) != text
    for written in (json.dumps(text), json.dumps(json.dumps({"a": text})), repr(text), html.escape(text)):
        assert redact.finds(written)
    assert to_line({"note": text}, redact)[1] == {"note": redact(text)}


def test_streams():
    out = io.StringIO()
    stream = RedactedStream(out, Redactor({}, more=["hunter2"]))
    assert stream.write("it is hun") == 9
    assert out.getvalue() == ""
    stream.write("ter2\nand ")
    assert out.getvalue() == f"it is {GONE}\n"
    stream.writelines(["hun", "ter2\n", "x"])
    stream.flush()
    assert out.getvalue() == f"it is {GONE}\nand {GONE}\nx"
    assert stream.getvalue() == out.getvalue()
    print("hunter2", "hunter2", file=stream)
    assert out.getvalue().endswith(f"x{GONE} {GONE}\n")


def test_output_is_as_before_afterwards(capsys):
    before = sys.stdout, sys.stderr, sys.excepthook
    with redacted_output(Redactor({}, more=["hunter2"])):
        print("hunter2")
        print("hunter2", end="", file=sys.stderr)
    assert (sys.stdout, sys.stderr, sys.excepthook) == before
    assert capsys.readouterr() == (f"{GONE}\n", GONE)


PROGRAM = """
import threading
import warnings
from crm_gym.evaluation.redact import redacted_output

def deep(key):
    raise RuntimeError(f"the server said: key {key} is not known")

with redacted_output():
    import os
    key = os.environ["MY_API_KEY"]
    print("with", key)
    warnings.warn(f"with {key}")
    beside = threading.Thread(target=deep, args=(key,))
    beside.start()
    beside.join()
    try:
        deep(key)
    except RuntimeError as fault:
        raise ValueError("sk-ant-abcdefgh12345678ijkl") from fault
"""


def test_tracebacks_have_no_secrets():
    """Of this thread, of others, of causes; and they are tracebacks still."""
    environment = {"MY_API_KEY": "correct-horse-battery"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stdout == f"with {GONE}\n"
    for secret in ("correct-horse-battery", "sk-ant-abcdefgh"):
        assert secret not in done.stderr
    assert f"ValueError: {GONE}" in done.stderr
    assert done.stderr.count(f"key {GONE} is not known") == 2
    assert f"with {GONE}" in done.stderr
