"""The log: what is written is read again, what is damaged is said, and nothing that was finished is lost."""

import copy
import dataclasses
import errno
import hashlib
import json
import math
import os
import stat
import subprocess
import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym import UsageError
from crm_gym.evaluation import log as log_module
from crm_gym.evaluation.lines import DEEPEST, Damaged, from_line, to_line
from crm_gym.evaluation.log import LogError, LogWarning, LogWriter, read_log
from crm_gym.evaluation.log_file import write_whole
from crm_gym.evaluation.redact import Redactor

NO_SECRETS = Redactor({})
STEP = {"tool": "finish", "arguments": {}, "result": "{}", "error": None, "reward": {}, "hash": "0" * 16, "diff": []}


def run_line(**changed):
    return {
        "kind": "run",
        "schema": 1,
        "run": "00000000000000aa",
        "agent": "NullAgent",
        "settings": {},
        "model": None,
        "prompt": None,
        "env_id": "CrmEnv-v0",
        "env": {"suite": "golden"},
        "seed": 0,
        "trials": 1,
        "count": 9,
        "tasks": "00000000000000bb",
        "code": "0.1.0 00000000000c",
    } | changed


def episode(number=0, **changed):
    return {
        "kind": "episode",
        "schema": 1,
        "run": "00000000000000aa",
        "agent": "NullAgent",
        "model": None,
        "prompt": None,
        "tasks": "00000000000000bb",
        "code": "0.1.0 00000000000c",
        "index": number,
        "task": f"CNC-{number:03d}",
        "family": "create_new_client",
        "level": 1,
        "polarity": "accepted",
        "seed": number,
        "trial": 0,
        "request": "Create a client named Zoë.",
        "today": "2025-01-01",
        "steps": [copy.deepcopy(STEP)],
        "total": 0.0,
        "verdict": {"success": False, "progress": 0.0, "missing": 1, "unexpected": 0},
        "diff": [],
        "terminated": True,
        "truncated": False,
        "outcome": "failure",
        "reason": "gave_up",
        "note": None,
        "said": None,
        "slips": [],
        "calls": 0,
        "tokens": None,
        "cost": None,
        "latency": None,
        "attempt": 1,
    } | changed


def writer(path, **keywords):
    return LogWriter(path, keywords.pop("run", run_line()), redact=NO_SECRETS, **keywords)


def written(path, *records):
    with writer(path) as log:
        for record in records:
            log.add(record)
    return path


def test_what_is_written_is_read(tmp_path):
    records = [episode(2), episode(0), episode(1)]
    path = written(tmp_path / "new" / "log.jsonl", *records)
    log = read_log(path)
    assert (log.path, log.run, log.faults) == (path, run_line(), ())
    assert list(log.episodes) == [episode(0), episode(1), episode(2)]


def test_lines_are_strict_ascii_json_with_a_check_at_the_end(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0), episode(1))
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert len(lines) == 3
    for line in lines:
        assert line.isascii()
        assert list(json.loads(line))[-1] == "check"


def test_it_is_its_owners_alone(tmp_path):
    loose = tmp_path / "loose.jsonl"
    loose.touch(0o644)
    writer(loose, resume=True).close()
    path = written(tmp_path / "log.jsonl")
    for each in (path, loose):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_a_line_is_there_as_soon_as_it_is_added(tmp_path):
    """Whoever kills the program now loses nothing."""
    with writer(tmp_path / "log.jsonl") as log:
        log.add(episode(0))
        assert len(read_log(log.path).episodes) == 1


def test_lines_come_to_the_disk_without_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "SYNC_SECONDS", 0.001)
    synced = []
    real = os.fsync
    monkeypatch.setattr(log_module.os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size) or real(fd))
    with writer(tmp_path / "log.jsonl") as log:
        log.add(episode(0))
        size = log.path.stat().st_size
        for _ in range(10_000):
            if size in synced:
                break
            log._stop.wait(0.001)
        assert size in synced
        count = len(synced)
        log._stop.wait(0.01)
        assert len(synced) == count, "nothing new, nothing to bring to the disk"


def test_sync_and_close_bring_everything_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(log_module, "SYNC_SECONDS", 3600)
    sizes = []
    real = os.fsync
    monkeypatch.setattr(log_module.os, "fsync", lambda fd: sizes.append(os.fstat(fd).st_size) or real(fd))
    log = writer(tmp_path / "log.jsonl")
    log.add(episode(0))
    log.sync()
    assert sizes[-1] == log.path.stat().st_size
    log.add(episode(1))
    log.close()
    assert sizes[-1] == log.path.stat().st_size
    log.close()


def test_the_folder_of_a_new_log_comes_to_the_disk(tmp_path, monkeypatch):
    folders = []
    real = os.fsync
    monkeypatch.setattr(
        log_module.os, "fsync", lambda fd: folders.append(stat.S_ISDIR(os.fstat(fd).st_mode)) or real(fd)
    )
    writer(tmp_path / "log.jsonl").close()
    assert True in folders


def test_a_log_that_is_there_is_not_written_over(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0))
    before = path.read_bytes()
    with pytest.raises(LogError, match="--resume goes on with it, --force replaces it"):
        writer(path)
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="say one of them"):
        writer(path, resume=True, force=True)
    assert path.read_bytes() == before


def test_force_replaces(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0))
    with writer(path, force=True, run=run_line(run="00000000000000ff", agent="Other")) as log:
        assert log.done == {}
    assert read_log(path).run["agent"] == "Other"
    assert read_log(path).episodes == ()


@pytest.mark.parametrize("text", [b"dear diary\n", b'{"kind": "diary"}\n', b"\x00\x01"])
def test_what_is_no_log_is_neither_replaced_nor_gone_on_with(tmp_path, text):
    path = tmp_path / "diary.txt"
    path.write_bytes(text)
    for how in ({"force": True}, {"resume": True}):
        with pytest.raises(LogError, match="is no log"):
            writer(path, **how)
        assert path.read_bytes() == text


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.touch()
    link = tmp_path / "log.jsonl"
    link.symlink_to(target)
    for how in ({}, {"resume": True}, {"force": True}):
        with pytest.raises(LogError):
            writer(link, **how)
    assert target.read_bytes() == b""


def test_only_files_are_logs(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(LogError):
            writer(path, resume=True)


def test_there_is_one_writer_at_a_time(tmp_path):
    with writer(tmp_path / "log.jsonl") as first:
        first.add(episode(0))
        for how in ({"resume": True}, {"force": True}):
            with pytest.raises(LogError, match="another run writes"):
                writer(first.path, **how)
        assert len(read_log(first.path).episodes) == 1
    writer(first.path, resume=True).close()


def test_there_is_one_writer_among_processes(tmp_path):
    path = tmp_path / "log.jsonl"
    code = f"""
from crm_gym.evaluation.log import LogError, LogWriter, read_log
try:
    LogWriter({str(path)!r}, read_log({str(path)!r}).run, resume=True)
except LogError as fault:
    print("another run writes" in str(fault))
"""
    with writer(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_resume_goes_on(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0), episode(1))
    with writer(path, resume=True) as log:
        assert log.done == {(0, 0): episode(0), (1, 0): episode(1)}
        log.add(episode(2))
    assert [record["index"] for record in read_log(path).episodes] == [0, 1, 2]
    assert path.read_bytes() == written(tmp_path / "whole.jsonl", *map(episode, range(3))).read_bytes()


@pytest.mark.parametrize("before", [None, b""])
def test_resume_begins_where_there_is_nothing(tmp_path, before):
    path = tmp_path / "log.jsonl"
    if before is not None:
        path.write_bytes(before)
    writer(path, resume=True).close()
    assert read_log(path).run == run_line()


def test_resume_wants_the_same_run(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0))
    before = path.read_bytes()
    other = run_line(run="00000000000000ff", seed=7, env={"suite": "core"})
    with pytest.raises(LogError) as caught:
        writer(path, resume=True, run=other)
    said = str(caught.value)
    assert "seed was 0, is 7" in said
    assert "env.suite was 'golden', is 'core'" in said
    assert "run was" not in said
    assert "--force" in said
    assert path.read_bytes() == before
    writer(path, resume=True).close()


def test_the_later_of_two_records_counts(tmp_path):
    down = episode(0, outcome="infra_error", reason="timeout")
    again = episode(0, attempt=2)
    path = written(tmp_path / "log.jsonl", down, again)
    assert read_log(path).episodes == (again,)
    assert len(path.read_bytes().splitlines()) == 3


@pytest.mark.parametrize("outcome", ["success", "failure", "model_error"])
def test_what_is_finished_is_not_written_twice(tmp_path, outcome):
    path = written(tmp_path / "log.jsonl", episode(3, outcome=outcome))
    with writer(path, resume=True) as log, pytest.raises(LogError, match="seed 3, trial 0 already"):
        log.add(episode(3, attempt=2))
    with writer(path, resume=True) as log:
        log.add(episode(3, trial=1))


def test_a_torn_line_at_the_end_is_dropped(tmp_path):
    """Wherever the program died within the line, also within the run's."""
    whole = written(tmp_path / "whole.jsonl", episode(0), episode(1)).read_bytes()
    first, second = (len(b"".join(whole.splitlines(True)[:count])) for count in (1, 2))
    path = tmp_path / "log.jsonl"
    for size in [*range(1, 40), *range(first - 30, first), *range(second + 1, second + 30), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.warns(LogWarning, match="torn"):
            log = writer(path, resume=True)
        assert [fault.what.partition(":")[0] for fault in log.faults] == ["torn"]
        for number in (0, 1):
            if (number, 0) not in log.done:
                log.add(episode(number))
        log.close()
        assert path.read_bytes() == whole


def test_a_reader_says_what_is_torn_and_leaves_it(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0), episode(1))
    os.truncate(path, path.stat().st_size - 9)
    torn = path.read_bytes()
    log = read_log(path)
    assert [record["index"] for record in log.episodes] == [0]
    assert [fault.line for fault in log.faults] == [3]
    assert "torn" in str(log.faults[0])
    assert path.read_bytes() == torn


def test_every_flipped_bit_is_found(tmp_path):
    """In an episode's line: one fault, that line's, and the others are as they were."""
    whole = written(tmp_path / "whole.jsonl", episode(0), episode(1), episode(2)).read_bytes()
    lines = whole.splitlines(True)
    path = tmp_path / "log.jsonl"
    for place in range(0, len(lines[2]) - 1, 7):
        bent = bytearray(lines[2])
        bent[place] ^= 1 << place % 7
        if bent[place] == ord("\n"):
            continue
        path.write_bytes(b"".join([*lines[:2], bytes(bent), lines[3]]))
        log = read_log(path)
        assert [record["index"] for record in log.episodes] == [0, 2]
        assert [fault.line for fault in log.faults] == [3]


@pytest.mark.parametrize("number", [b"1e+999", b"1" + 400 * b"0"], ids=["infinite", "no float"])
@pytest.mark.parametrize("name", ["total", "cost", "latency"])
def test_numbers_are_finite(tmp_path, name, number):
    path = written(tmp_path / "log.jsonl", episode(0), episode(1, **{name: 1e300}))
    line = to_line(episode(2, **{name: 1e300}), NO_SECRETS)[0]
    body = line[: line.index(b',"check"')].replace(b"1e+300", number) + b"}"
    check = hashlib.sha256(body).hexdigest()[:16]
    path.write_bytes(path.read_bytes() + body[:-1] + f',"check":"{check}"}}\n'.encode())
    log = read_log(path)
    assert len(log.episodes) == 2
    assert log.faults[0].what == f"damaged: its '{name}' is no finite number; its episode counts as not played"


def test_a_damaged_line_is_reported_kept_and_played_again(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0), episode(1))
    bent = path.read_bytes().replace(b'"seed":0,"trial"', b'"seed":8,"trial"')
    path.write_bytes(bent)
    with pytest.warns(LogWarning, match="line 2: damaged: its check does not match"):
        log = writer(path, resume=True)
    with log:
        assert list(log.done) == [(1, 0)]
        log.add(episode(0))
    assert path.read_bytes().startswith(bent)
    assert read_log(path).episodes == (episode(0), episode(1))


def test_a_damaged_first_line_is_no_log(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0))
    path.write_bytes(path.read_bytes().replace(b"NullAgent", b"EvilAgent", 1))
    for action in (read_log, lambda path: writer(path, resume=True)):
        with pytest.raises(LogError, match="first line is damaged: its check does not match"):
            action(path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "00000000000000dd"}, "another run"),
        ({"outcome": "triumph"}, "outcome"),
        ({"schema": 2}, "newer"),
        ({"steps": [{"tool": "finish"}]}, "step 1"),
        ({"steps": [STEP | {"error": {"code": "blank"}}]}, "the error of its step 1"),
        ({"steps": [STEP, STEP | {"diff": [1]}]}, "a change of its step 2"),
        ({"steps": [STEP | {"said": 7}]}, "step 1"),
        ({"steps": [STEP | {"reward": {"success": "much"}}]}, "step 1"),
        ({"steps": [STEP | {"hash": None}]}, "'hash'"),
        ({"diff": [{"table": "Client"}]}, "a change"),
        ({"verdict": {"success": 1, "progress": 0, "missing": 0, "unexpected": 0}}, "'success'"),
        ({"verdict": {}}, "verdict"),
        ({"tokens": {"input": 1}}, "tokens"),
        ({"tokens": {"input": 1, "output": 1.5, "cache_read": 0, "cache_write": 0}}, "'output'"),
        ({"slips": [{"step": 1}]}, "slip"),
        ({"slips": [{"step": 1, "kind": "of the pen"}]}, "'of the pen'"),
        ({"steps": [7]}, "step 1"),
        ({"seed": "0"}, "'seed'"),
        ({"seed": True}, "'seed'"),
        ({"cost": "much"}, "'cost'"),
        ({"kind": "run"}, "no episode"),
    ],
)
def test_a_sound_line_may_still_be_no_episode(tmp_path, changed, said):
    path = written(tmp_path / "log.jsonl", episode(0))
    line, _ = to_line(episode(1) | changed, NO_SECRETS)
    path.write_bytes(path.read_bytes() + line)
    log = read_log(path)
    assert len(log.episodes) == 1
    assert said in log.faults[0].what


@pytest.mark.parametrize("name", list(episode()))
def test_an_episode_has_all_its_fields(tmp_path, name):
    path = written(tmp_path / "log.jsonl")
    lacking = {key: value for key, value in episode(1).items() if key != name}
    path.write_bytes(path.read_bytes() + to_line(lacking, NO_SECRETS)[0])
    assert f"'{name}'" in read_log(path).faults[0].what


def test_the_writer_knows_what_reading_would_give(tmp_path):
    """Also of a log with damage, a torn line, an outage, secrets, and text that no JSON can say."""
    path = written(tmp_path / "log.jsonl", episode(0), episode(1), episode(2, outcome="infra_error"))
    path.write_bytes(path.read_bytes().replace(b'"seed":0,"trial"', b'"seed":8,"trial"') + b'{"torn')
    with pytest.warns(LogWarning):
        log = LogWriter(path, run_line(), redact=Redactor({}, more=["hunter2"]), resume=True)
    with log:
        assert len(log.faults) == 2
        log.add(episode(2, attempt=2))
        log.add(episode(4, note="hunter2", said="\ud800"))
        log.add(episode(3, steps=[STEP | {"arguments": {"a": math.nan}}]))
        told = log.log()
    found = read_log(path)
    assert dataclasses.replace(told, faults=found.faults[:1]) == dataclasses.replace(found, faults=found.faults[:1])
    assert told.faults == found.faults[:1]


def test_a_newer_schema_is_refused(tmp_path):
    with writer(tmp_path / "log.jsonl", run=run_line(schema=2)):
        pass
    with pytest.raises(LogError, match="newer crm_gym"):
        read_log(tmp_path / "log.jsonl")


def test_reading_what_is_not_there(tmp_path):
    with pytest.raises(LogError, match="cannot be read"):
        read_log(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(LogError, match="it is empty"):
        read_log(tmp_path / "empty.jsonl")


@pytest.mark.parametrize("taken", [0, 1, 100])
def test_a_full_disk_leaves_the_log_as_it_was(tmp_path, monkeypatch, taken):
    path = tmp_path / "log.jsonl"
    log = writer(path)
    log.add(episode(0))
    before = path.read_bytes()
    real = os.write
    left = [taken]

    def full(fd, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = real(fd, data[: left[0]])
        left[0] -= count
        return count

    with monkeypatch.context() as patch:
        patch.setattr(log_module.os, "write", full)
        with pytest.raises(LogError, match=r"No space left on device.*--resume"):
            log.add(episode(1))
    assert path.read_bytes() == before
    assert (1, 0) not in log.done
    log.add(episode(1))
    log.close()
    assert len(read_log(path).episodes) == 2


def test_a_real_full_disk():
    """The kernel's own, where it has one."""
    fd = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            write_whole(fd, b"line\n")
    finally:
        os.close(fd)


def test_a_kernel_that_takes_a_few_bytes_at_a_time(tmp_path, monkeypatch):
    whole = written(tmp_path / "whole.jsonl", episode(0)).read_bytes()
    real = os.write
    monkeypatch.setattr(log_module.os, "write", lambda fd, data: real(fd, data[:7]))
    assert written(tmp_path / "log.jsonl", episode(0)).read_bytes() == whole


def test_a_disk_that_does_not_keep_what_it_takes(tmp_path, monkeypatch):
    """What the thread beside the run finds out is said at the next episode."""
    monkeypatch.setattr(log_module, "SYNC_SECONDS", 0.001)
    log = writer(tmp_path / "log.jsonl")

    def broken(fd):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(log_module.os, "fsync", broken)
        log.add(episode(0))
        log._thread.join(10)
        assert not log._thread.is_alive()
        with pytest.raises(LogError, match="Input/output error"):
            log.add(episode(1))
    log.close()


def test_what_is_closed_takes_no_more(tmp_path):
    log = writer(tmp_path / "log.jsonl")
    log.close()
    with pytest.raises(LogError, match="closed"):
        log.add(episode(0))


def test_a_log_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LogError, match="cannot be written"):
        writer(tmp_path / "file" / "log.jsonl")


HOSTILE = {
    "nan": math.nan,
    "inf": [math.inf, -math.inf],
    "lone": "a\ud800b",
    "name\udfff": "x",
    "pair": "\ud83d\ude00",
    "emoji": "😀",
    "huge": 10**5000,
    "bytes": b"\xff",
    "lines": "\n\r\u2028\x00\x7f",
    "tuple": (1, 2),
    7: "seven",
}
HARMLESS = {
    "nan": "nan",
    "inf": ["inf", "-inf"],
    "lone": "a\\ud800b",
    "name\\udfff": "x",
    "pair": "😀",
    "emoji": "😀",
    "huge": hex(10**5000)[:100],
    "bytes": "bytes b'\\xff'",
    "lines": "\n\r\u2028\x00\x7f",
    "tuple": [1, 2],
    "7": "seven",
}


def test_what_an_agent_sends_is_made_harmless(tmp_path):
    hostile = episode(0, steps=[STEP | {"arguments": HOSTILE}])
    with writer(tmp_path / "log.jsonl") as log:
        kept = log.add(hostile)
    data = log.path.read_bytes()
    assert data.isascii()
    assert len(data.splitlines()) == 2
    assert read_log(log.path).episodes[0]["steps"][0]["arguments"] == HARMLESS
    assert kept["steps"][0]["arguments"] == HARMLESS
    assert log.done[0, 0] == kept
    for line in data.splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_a_depth_bomb_is_cut(tmp_path):
    bomb = []
    for _ in range(100_000):
        bomb = [bomb]
    with writer(tmp_path / "log.jsonl") as log:
        log.add(episode(0, steps=[STEP | {"arguments": bomb}]))
    found = read_log(log.path).episodes[0]["steps"][0]["arguments"]
    depth = 0
    while isinstance(found, list):
        found, depth = found[0], depth + 1
    assert found == "nested too deep"
    assert depth < DEEPEST
    while bomb:
        bomb = bomb.pop()  # letting go of it at once would nest as deep


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_value_makes_a_line_that_reads_back(value):
    line, kept = to_line(episode(0, note=value), NO_SECRETS)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert from_line(line) == kept
    assert to_line(kept, NO_SECRETS)[0] == line


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    with pytest.raises(Damaged):
        from_line(data)


def test_secrets_do_not_come_into_it(tmp_path):
    redact = Redactor({"MY_API_KEY": "correct-horse-battery"})
    with LogWriter(tmp_path / "log.jsonl", run_line(settings={"key": "correct-horse-battery"}), redact=redact) as log:
        kept = log.add(episode(0, note='it says "correct-horse-battery"'))
    assert b"horse" not in log.path.read_bytes()
    assert kept["note"] == 'it says "[redacted]"'
    again = LogWriter(log.path, run_line(settings={"key": "correct-horse-battery"}), redact=redact, resume=True)
    again.close()


def test_the_environment_of_the_process_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", "correct-horse-battery")
    with LogWriter(tmp_path / "log.jsonl", run_line()) as log:
        log.add(episode(0, said="correct-horse-battery"))
    assert b"horse" not in log.path.read_bytes()


def test_ctrl_c_within_a_write_leaves_whole_lines(tmp_path, monkeypatch):
    log = writer(tmp_path / "log.jsonl")
    real = os.write

    def stopped(fd, data):
        real(fd, data[:50])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(log_module.os, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            log.add(episode(0))
    log.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer(log.path, resume=True).close()


def spent(**changed):
    tokens = {"input": 10, "output": 2, "cache_read": 0, "cache_write": 0}
    record = {"kind": "spent", "schema": 1, "run": "00000000000000aa", "calls": 3, "tokens": tokens, "cost": 0.5}
    return record | changed


def test_what_was_spent_beside_episodes_is_read_back(tmp_path):
    path = written(tmp_path / "log.jsonl", episode(0))
    for each in (spent(), spent(cost=None)):
        with writer(path, resume=True) as log:
            log.add_spent(each)
    assert log.log() == read_log(path)
    assert read_log(path).spent == (spent(), spent(cost=None))
    assert read_log(path).faults == ()
    assert len(read_log(path).episodes) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "00000000000000dd"}, "another run"),
        ({"schema": 2}, "newer"),
        ({"calls": -1}, "'calls' is below 0"),
        ({"calls": "3"}, "'calls'"),
        ({"tokens": None}, "'tokens'"),
        ({"tokens": {}}, "its tokens"),
        ({"cost": -0.5}, "'cost' is below 0"),
    ],
)
def test_a_sound_line_may_not_say_what_was_spent(tmp_path, changed, said):
    path = written(tmp_path / "log.jsonl", episode(0))
    path.write_bytes(path.read_bytes() + to_line(spent(**changed), NO_SECRETS)[0])
    log = read_log(path)
    assert log.spent == ()
    assert said in log.faults[0].what


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"calls": -1}, "'calls' is below 0"),
        ({"cost": -0.01}, "'cost' is below 0"),
        ({"latency": -1}, "'latency' is below 0"),
        ({"tokens": {"input": 1, "output": -5, "cache_read": 0, "cache_write": 0}}, "'output' is below 0"),
        ({"attempt": 0}, "'attempt' is below 1"),
        ({"index": -1}, "foreign: index -1 is none of the run's, which are 0 to 8"),
        ({"index": 9, "seed": 9}, "foreign: index 9 is none"),
        ({"index": 2}, "foreign: index 2 does not go with seed 1 and trial 0"),
        ({"seed": 4}, "foreign: index 1 does not go with seed 4"),
        ({"trial": 1}, "foreign: trial 1 is none of the run's, which are 0 to 0"),
        ({"trial": -1, "index": 0}, "foreign: trial -1"),
    ],
)
def test_what_cannot_be_of_the_run_is_left_out(tmp_path, changed, said):
    path = written(tmp_path / "log.jsonl", episode(0))
    path.write_bytes(path.read_bytes() + to_line(episode(1) | changed, NO_SECRETS)[0])
    log = read_log(path)
    assert log.episodes == (episode(0),)
    ((line, what),) = [(fault.line, fault.what) for fault in log.faults]
    assert line == 3
    assert said in what


def test_trials_count_into_the_index(tmp_path):
    run = run_line(seed=5, trials=3, count=9)
    with writer(tmp_path / "log.jsonl", run=run) as log:
        log.add(episode(7, seed=7, trial=1))
        log.add(episode(8, seed=7, trial=2))
    assert read_log(log.path).faults == ()


DOWN = {"outcome": "infra_error", "reason": "timeout"}


@pytest.mark.parametrize(
    ("records", "counts", "doubled"),
    [
        ([{"note": "a"}, {"note": "b"}], 0, [3]),
        ([{"attempt": 1}, {"attempt": 2}], 1, [3]),
        ([{"attempt": 2}, {"attempt": 1}, {"attempt": 3}], 2, [3, 4]),
        ([{"attempt": 1}, {"attempt": 2} | DOWN], 0, []),
        ([{"attempt": 2} | DOWN, {"attempt": 1}], 1, []),
        ([{"attempt": 3} | DOWN, {"attempt": 2} | DOWN], 0, []),
    ],
)
def test_of_several_records_of_an_episode_the_one_that_says_most_counts(tmp_path, records, counts, doubled):
    path = written(tmp_path / "log.jsonl")
    lines = [to_line(episode(0, **record), NO_SECRETS)[0] for record in records]
    path.write_bytes(path.read_bytes() + b"".join(lines))
    log = read_log(path)
    assert log.episodes == (episode(0, **records[counts]),)
    assert [fault.line for fault in log.faults if fault.cause == "doubled"] == doubled
    assert len(log.faults) == len(doubled)


def test_damage_is_told_of_otherwise_when_all_episodes_are_there(tmp_path):
    run = run_line(count=2)
    with writer(tmp_path / "log.jsonl", run=run) as log:
        log.add(episode(0))
        log.add(episode(1))
    path = log.path
    path.write_bytes(path.read_bytes().replace(b'"seed":0,"trial"', b'"seed":8,"trial"'))
    assert read_log(path).faults[0].what.endswith("its episode counts as not played")
    with pytest.warns(LogWarning, match="counts as not played"):
        log = writer(path, run=run, resume=True)
    with log:
        log.add(episode(0))
    assert read_log(path).faults[0].what.endswith("its episode has been played since")
    assert log.log() == read_log(path)


def test_a_refusal_names_what_differs_within_long_settings(tmp_path):
    long = {"prompt": "x" * 5_000, "model": {"name": "a", "sampling": {"temperature": 0.5}, "top": [1]}}
    path = tmp_path / "log.jsonl"
    writer(path, run=run_line(settings=long | {"max_calls": 80})).close()
    other = copy.deepcopy(long) | {"max_calls": 3, "mode": "text"}
    other["model"]["sampling"]["temperature"] = 0.75
    with pytest.raises(LogError) as caught:
        writer(path, run=run_line(settings=other), resume=True)
    said = str(caught.value)
    assert "settings.max_calls was 80, is 3" in said
    assert "settings.model.sampling.temperature was 0.5, is 0.75" in said
    assert "settings.mode was not there, is 'text'" in said
    assert "prompt" not in said
    assert "model.name" not in said
    other = long | {"max_calls": 80, "prompt": "x" * 4_000 + "y" + "x" * 999}
    with pytest.raises(LogError, match=r"settings.prompt was \.\.\.x+\.\.\., is \.\.\.x{40}yx+\.\.\.;"):
        writer(path, run=run_line(settings=other), resume=True)


def test_a_refusal_stays_short(tmp_path):
    path = tmp_path / "log.jsonl"
    writer(path, run=run_line(settings=dict.fromkeys(map(str, range(50)), 0))).close()
    with pytest.raises(LogError, match=r"settings\.11 was 0, is 1; and 38 more; give"):
        writer(path, run=run_line(settings=dict.fromkeys(map(str, range(50)), 1)), resume=True)
