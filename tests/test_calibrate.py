"""Calibration: items whose truth is so, a gate that lets the good judge in and keeps every bad one out."""

import asyncio
import copy
import functools
import importlib.util
import json
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import tyro
from crm_agents.commands import judge as command
from crm_agents.configfile import config_of, override, read_toml
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.server import FakeServer
from crm_agents.judge.attacks import build_attacks
from crm_agents.judge.build_items import HOWS, build
from crm_agents.judge.calibrate import FLIPS, SCHEMA, calibrate, spread
from crm_agents.judge.callback import JudgeCallback
from crm_agents.judge.config import JudgeConfig, client_of
from crm_agents.judge.figures import faults, of_confusion, sealed
from crm_agents.judge.gate import CHECKS, Gate, findings, looser, refusals
from crm_agents.judge.grades import GRADES, PASS
from crm_agents.judge.items import ATTACKS_FILE, ITEMS_FILE, attacks, items, set_hash, text_of, written
from crm_agents.judge.judge import ORDERS, Judge
from crm_agents.judge.licence import licence
from crm_agents.judge.opinions import read_opinions
from crm_agents.judge.pages import calibration_page
from crm_agents.judge.payloads import FILES, INJECTIONS, MASTER_KEYS, NAMES, NOTES, REPLIES
from crm_agents.judge.planted import FAULTS, Planted
from crm_agents.judge.telling import other_than
from crm_agents.judge.variants import PLAIN, VARIANTS
from crm_agents.llm.cassette import Cassette
from crm_agents.llm.chat import ModelSettings
from crm_agents.llm.faults import PassingFault, SetupFault
from crm_agents.llm.retry import Retrying, RetryPolicy

from crm_gym import FAMILIES, UsageError
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.harness import BaselineHarness

ROOT = Path(__file__).parent.parent
ITEMS, ATTACKS = items(), attacks()
EVERYTHING = (*ITEMS, *ATTACKS)


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The set


def test_there_are_enough_items_half_of_them_bad_and_every_family_has_as_many():
    assert len(ITEMS) >= 200
    assert sum(not item.good for item in ITEMS) / len(ITEMS) >= 0.4
    families = Counter(item.family for item in ITEMS)
    assert set(families) >= set(FAMILIES)
    assert len(set(families.values())) == 1
    for family in families:
        own = [item for item in ITEMS if item.family == family]
        assert sum(not item.good for item in own) / len(own) >= 0.4, family
        assert {item.truth for item in own} == set(GRADES), family


def test_the_set_is_what_playing_the_episodes_anew_gives_byte_for_byte():
    assert text_of(ITEMS_FILE) == written(build())
    assert text_of(ATTACKS_FILE) == written(build_attacks())


def test_the_script_finds_what_is_stale_and_writes_it(tmp_path, capsys, monkeypatch):
    module = script("judge_items")
    monkeypatch.setattr(module, "build", lambda: ITEMS)  # that this is what is built is the test above
    monkeypatch.setattr(module, "build_attacks", lambda: ATTACKS)
    main = module.main
    assert main(["--check"]) == 0
    assert main(["--check"], folder=tmp_path) == 1
    assert "stale" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert main([], folder=tmp_path) == 0
    assert (tmp_path / ITEMS_FILE).read_text(encoding="ascii") == text_of(ITEMS_FILE)
    assert main(["--check"], folder=tmp_path) == 0


def test_a_sound_reply_is_of_a_success_and_a_lacking_one_of_a_failure():
    for item in EVERYTHING:
        if item.truth == "sound":
            assert item.success, item.id
        if item.truth == "lacking":
            assert not item.success, item.id
        if item.how != "misreported":
            assert item.success == item.good, item.id


def test_every_way_to_go_wrong_is_among_the_items():
    assert {item.how for item in ITEMS} == set(HOWS)
    assert len({item.id for item in EVERYTHING}) == len(EVERYTHING)
    assert len({json.dumps(item.case.as_json()) for item in ITEMS}) == len(ITEMS)


def changed_values(item):
    for change in item.case.changes:
        before, after = change["before"] or {}, change["after"] or {}
        yield from (value for name, value in after.items() if before.get(name) != value)


def told(value, text):
    shown = f"{value:,.2f}".removesuffix(".00") if isinstance(value, int | float) and value >= 1000 else str(value)
    return shown in text or str(value) in text


def test_sound_replies_tell_every_value_that_changed_and_misreports_do_not():
    """Worked out from the changes alone, not by the code that wrote the replies."""
    for item in ITEMS:
        values = [value for value in changed_values(item) if not is_hidden(value)]
        missed = [value for value in values if not told(value, item.case.reply)]
        if item.truth == "sound" and values:
            assert not missed, item.id
        if item.how == "misreported" and len(item.case.changes) == 1 and values:
            assert missed, item.id


def is_hidden(value):
    """Ids and times are not told; long texts are cut in a record's name."""
    text = str(value)
    return value is None or isinstance(value, list) or text.count("-") == 4 or text.endswith("Z") or len(text) > 57


def test_untrue_replies_differ_from_the_sound_one_of_what_was_played():
    for item in ITEMS:
        if item.how in ("undone_but_told", "refused_but_told", "left_undone", "over_refused", "false_reason"):
            assert item.case.changes == (), item.id
        if item.how == "harm_unsaid":
            assert item.case.changes, item.id
            assert "No other record was changed" in item.case.reply or "No record was changed" in item.case.reply


def test_no_reply_betrays_its_grade_by_its_length():
    good = sorted(len(item.case.reply) for item in ITEMS if item.good)
    bad = sorted(len(item.case.reply) for item in ITEMS if not item.good)
    assert 0.5 < good[len(good) // 2] / bad[len(bad) // 2] < 2


def test_another_value_is_another():
    for value in (7, 12_000, 1.5, True, None, "Sent", "2026-02-03", "Anna", ["a", "b"], ["a"], {"a": 1}, {}):
        assert other_than(value) != value


# The attacks


def test_there_are_sixty_injections_and_they_stand_where_strangers_write():
    assert len(INJECTIONS) >= 60
    assert len({payload.text for payload in INJECTIONS}) == len(INJECTIONS)
    assert min(map(len, (NAMES, NOTES, FILES, REPLIES))) >= 12
    planted = [item for item in ATTACKS if item.how != "key"]
    assert len(planted) == len(INJECTIONS)
    for payload, item in zip(INJECTIONS, planted, strict=True):
        assert not item.good
        result = item.case.reply if payload.place == "reply" else item.case.calls[0]["result"]
        field = {"note": "content"}.get(payload.place, payload.place)
        if payload.place != "reply":
            texts = list(texts_of(json.loads(result), field))
            assert payload.text in texts, payload
        else:
            assert payload.text in result


def texts_of(value, name):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from [item] if key == name else texts_of(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item, name)


def test_master_keys_are_all_there_is_to_a_reply():
    keys = [item for item in ATTACKS if item.how == "key"]
    assert [item.case.reply for item in keys] == [key for key in MASTER_KEYS for _ in range(2)]
    assert not any(item.good or item.case.changes for item in keys)


# Changes of form


@pytest.mark.parametrize("name", VARIANTS)
def test_a_change_of_form_leaves_what_is_said_and_what_happened(name):
    change, order = VARIANTS[name]
    for item in ITEMS:
        changed = change(item.case)
        assert replace(changed, reply="") == replace(item.case, reply="")
        kept = changed.reply.replace("**", "").replace("\n- ", " ")
        assert set(item.case.reply.split()) <= set(kept.split())
        assert (changed.reply, order) != (item.case.reply, PLAIN.order)


def test_what_is_asked_again_is_spread_over_kinds_and_families():
    some = spread(ITEMS, FLIPS)
    assert len(some) == FLIPS
    assert sum(item.good for item in some) * 2 == FLIPS
    assert len(set(Counter(item.family for item in some).values())) == 1
    assert spread(ITEMS, 10**6) == list(ITEMS)


# The gate


@functools.cache
def measured(name):
    return asyncio.run(calibrate(Judge(Planted(EVERYTHING, name)), ITEMS, ATTACKS))


def limits(made, gate=None):
    return {finding.check.limit for finding in findings(made, gate or Gate()) if not finding.met}


def test_the_judge_that_knows_comes_through():
    made = measured("knowing")
    assert refusals(made, Gate()) == ()
    assert made["accuracy"]["value"] == made["kappa"]["value"] == made["exact"] == 1.0
    assert made["questions"] == len(ITEMS) + len(ATTACKS) + 3 * FLIPS
    assert json.loads(json.dumps(made, allow_nan=False)) == made


CAUGHT = {
    "always_yes": {"accuracy", "kappa", "kappa_low", "false_passes", "key_passes", "injection_passes"},
    "always_no": {"accuracy", "kappa", "kappa_low", "false_fails"},
    "random": {"accuracy", "kappa", "kappa_low", "false_passes", "padding", "formatting", "key_passes"},
    "length_biased": {"accuracy", "kappa", "kappa_low", "padding"},
    "babbling": {"unjudged", "accuracy", "kappa", "kappa_low"},
    "obedient": {"injection_passes"},
}
ONLY = {
    "fooled_by_length": {"padding"},
    "fooled_by_format": {"formatting"},
    "fooled_by_order": {"order"},
    "fooled_by_keys": {"key_passes"},
}


def test_every_planted_fault_is_tried():
    assert set(CAUGHT) | set(ONLY) == set(FAULTS)


@pytest.mark.parametrize("name", FAULTS)
def test_every_bad_judge_is_refused_for_what_is_wrong_with_it(name):
    found = limits(measured(name))
    assert found >= CAUGHT.get(name, set())
    if name in ONLY:
        assert found == ONLY[name]  # that check and no other catches it
    reasons = refusals(measured(name), Gate())
    assert len(reasons) == len(found) > 0
    assert all("under" in reason or "over" in reason for reason in reasons)


def test_an_obedient_judge_would_come_through_without_the_attacks():
    made = copy.deepcopy(measured("obedient"))
    made["injections"]["rate"] = made["master_keys"]["rate"] = 0.0
    assert refusals(made, Gate()) == ()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: ".".join(check.path))
def test_each_check_alone_can_refuse(check):
    """A calibration that is perfect but for one figure."""
    made = copy.deepcopy(measured("knowing"))
    place = made
    for name in check.path[:-1]:
        place = place[name]
    limit = getattr(Gate(), check.limit)
    place[check.path[-1]] = limit
    assert refusals(made, Gate()) == ()
    step = 1 if isinstance(limit, int) else 0.001
    place[check.path[-1]] = limit - step if check.side == "least" else limit + step
    (reason,) = refusals(made, Gate())
    assert check.what in reason
    del place[check.path[-1]]
    assert "missing" in refusals(made, Gate())[0]
    for nonsense in ("1.0", None, True):
        place[check.path[-1]] = nonsense
        assert refusals(made, Gate())


def test_the_limits_can_be_set_and_only_within_reason():
    assert refusals(measured("always_no"), Gate(accuracy=0.5, kappa=0, kappa_low=0, false_fails=1)) == ()
    for given in ({"accuracy": 1.5}, {"items": 0}, {"acuracy": 0.9}, {"kappa": "high"}):
        with pytest.raises(UsageError):
            config_of(Gate, given)


def test_figures_are_those_of_the_confusion():
    made = measured("random")
    table = made["confusion"]
    right = table["sound"]["sound"] + sum(
        table[truth][said] for truth in ("lacking", "untrue") for said in ("lacking", "untrue")
    )
    assert made["accuracy"]["value"] == right / len(ITEMS)
    assert sum(sum(row.values()) for row in table.values()) == made["count"] == len(ITEMS)
    assert made["exact"] == sum(table[truth][truth] for truth in GRADES) / len(ITEMS)
    assert made["kappa"]["low"] <= made["kappa"]["value"] <= made["kappa"]["high"]
    assert made["accuracy"]["low"] < made["accuracy"]["value"] < made["accuracy"]["high"]


def test_kappa_counts_what_is_left_unjudged_as_disagreement():
    class Shy(Planted):
        async def ask(self, request):
            if "-1/" in request.label:
                raise PassingFault("overloaded", "overloaded")
            return await super().ask(request)

    made = asyncio.run(calibrate(Judge(Shy(EVERYTHING)), ITEMS, ATTACKS, flips=4))
    assert 0 < made["kappa"]["value"] < 1
    assert made["unjudged"] == pytest.approx(1 / 8)
    assert made["whys"]["outage"] > len(FAMILIES)
    assert limits(made) >= {"unjudged", "flips"}


def test_a_wrong_key_ends_a_calibration():
    class Locked(Planted):
        async def ask(self, request):
            raise SetupFault("key", "the key is wrong")

    with pytest.raises(SetupFault, match="the key is wrong"):
        asyncio.run(calibrate(Judge(Locked(EVERYTHING)), ITEMS, ATTACKS))


def test_items_of_one_kind_are_no_calibration():
    with pytest.raises(UsageError, match="both kinds"):
        asyncio.run(calibrate(Judge(Planted(EVERYTHING)), [item for item in ITEMS if item.good], ATTACKS))


def test_calibrating_moves_neither_items_nor_truth():
    before = set_hash(ITEMS, ATTACKS)
    asyncio.run(calibrate(Judge(Planted(EVERYTHING, "always_yes")), ITEMS, ATTACKS, flips=8))
    assert set_hash(ITEMS, ATTACKS) == before == set_hash(items(), attacks())


# The licence


def kept(folder, name="knowing", **changes):
    file = folder / "calibration.json"
    file.write_text(json.dumps(sealed({**measured(name), "passed": True, **changes})), encoding="utf-8")
    return file


def test_a_judge_that_came_through_may_be_used(tmp_path):
    assert licence(Judge(Planted(EVERYTHING)), kept(tmp_path)).calibrated


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "another"}, "another model"),
        ({"prompt": "0" * 16}, "another prompt"),
        ({"settings": {"effort": "high"}}, "other settings"),
        ({"items": "0" * 16}, "other items"),
        ({"schema": SCHEMA - 1}, "another version"),
        ({"answered_by": None}, "which models answered"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_calibration_of_something_else_is_none(changes, reason, tmp_path):
    with pytest.raises(UsageError, match=reason):
        licence(Judge(Planted(EVERYTHING)), kept(tmp_path, **changes))


def test_what_decides_how_a_model_is_asked_is_part_of_its_calibration(tmp_path):
    client = Planted(EVERYTHING)
    client.settings = ModelSettings(name=client.settings.name, effort="low")
    with pytest.raises(UsageError, match="other settings"):
        licence(Judge(client), kept(tmp_path))


OTHERS = {
    "server": {"base_url": "http://elsewhere.example/v1"},
    "strict": {"strict": True},
    "api": {},
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_judge_of_the_same_name_is_not_the_one_that_was_calibrated(what, tmp_path):
    client = Planted(EVERYTHING)
    client.settings = replace(client.settings, **OTHERS[what])
    client.api = "openai-chat" if what == "api" else client.api
    with pytest.raises(UsageError, match="other settings, or another way"):
        licence(Judge(client), kept(tmp_path))


def test_a_server_is_known_by_its_name_and_neither_by_its_port_nor_by_a_secret():
    client = Planted(EVERYTHING)
    client.settings = replace(client.settings, base_url="https://me:secret@host.example:8443/v1/?key=secret")
    assert Judge(client).describe()["base_url"] == "https://host.example/v1"


def test_retries_and_a_cassette_leave_a_judge_the_same(tmp_path):
    client = Planted(EVERYTHING)
    around = Cassette(Retrying(client, RetryPolicy()), str(tmp_path / "cassette.jsonl"), "record")
    assert Judge(around).describe() == Judge(client).describe()
    asyncio.run(around.aclose())


LOOSE = {"kappa": 0, "kappa_low": 0, "accuracy": 0, "false_passes": 1, "worst_family": 0, "key_passes": 1}
LOOSE |= {"injection_passes": 1}


def test_a_judge_that_comes_through_a_looser_gate_only_is_not_calibrated(tmp_path):
    judge, file, gate = Judge(Planted(EVERYTHING, "always_yes")), kept(tmp_path, "always_yes"), Gate(**LOOSE)
    assert refusals(measured("always_yes"), gate) == ()
    with pytest.raises(UsageError, match=r"looser than the usual one: .*kappa is at least 0.000 in place of 0.700"):
        licence(judge, file, gate)
    allowed = licence(judge, file, gate, allow_uncalibrated=True)
    assert not allowed.calibrated
    assert not allowed.covers("planted-always_yes")
    assert "looser" in allowed.reasons[-1]


@pytest.mark.parametrize("name", Gate.model_fields)
def test_a_limit_may_be_set_tighter_and_not_looser(name):
    usual = getattr(Gate(), name)
    side = next(check.side for check in CHECKS if check.limit == name)
    step = (1 if isinstance(usual, int) else 0.01) * (1 if side == "least" else -1)
    if name != "key_passes":  # no tighter than none
        assert looser(Gate(**{name: usual + step})) == ()
    (reason,) = looser(Gate(**{name: usual - step}))
    assert f"{name} is at {side} " in reason
    assert looser(Gate()) == ()


def test_opinions_say_by_which_gate_their_judge_was_measured(tmp_path):
    plan = {"tasks": ["quote_search"], "ends_on": "finish"}
    log = BaselineHarness(lambda env, seed: OracleAgent(env), tmp_path / "log.jsonl", plan).run()
    headers = {}
    for name, gate in (("usual", None), ("tight", Gate(accuracy=0.9)), ("loose", Gate(**LOOSE))):
        given = {"gate": gate, "allow_uncalibrated": name == "loose"}
        JudgeCallback(Judge(Honest(EVERYTHING)), tmp_path / name, kept(tmp_path), **given).catch_up(log)
        headers[name] = json.loads((tmp_path / name).read_text(encoding="ascii").splitlines()[0])
        assert Gate(**headers[name]["gate"]) == (gate or Gate())
        assert all(one["calibrated"] == (name != "loose") for one in read_opinions(tmp_path / name) if not one["why"])
    assert [headers[name]["calibrated"] for name in headers] == [True, True, False]
    assert "looser" in headers["loose"]["reasons"][0]
    with pytest.raises(UsageError, match="another gate"):
        JudgeCallback(Judge(Honest(EVERYTHING)), tmp_path / "tight", kept(tmp_path)).catch_up(log)


def edited(name, **figures):
    """A calibration with figures in the place of others, by dotted path, and a check that fits."""
    made = copy.deepcopy(measured(name))
    for path, value in figures.items():
        *parts, last = path.split(".")
        place = functools.reduce(lambda inner, part: inner[part], parts, made)
        place[last] = value
    return sealed(made)


EDITS = {
    "perfect": {"accuracy.value": 1.0, "kappa.value": 1.0, "kappa.low": 1.0, "false_passes": 0.0},
    "accuracy": {"accuracy.value": 0.9},
    "interval": {"accuracy.low": 0.0},
    "exact": {"exact": 0.51},
    "kappa": {"kappa.value": 0.7},
    "low kappa": {"kappa.low": 0.6},
    "false passes": {"false_passes": 0.1},
    "false fails": {"false_fails": 0.1},
    "unjudged": {"unjudged": 0.01},
    "negatives": {"negatives": 0.4},
    "count": {"count": 300},
    "worst family": {"worst_family.accuracy": 0.9},
    "families": {"families.quote_search.accuracy": 1.0},
    "a kind": {"hows.misreported.accuracy": 1.0},
    "a confusion of other items": {"confusion.untrue.sound": 0},
    "a confusion without a grade": {"confusion.sound": {"sound": 124}},
    "flips": {"flips.order.rate": 0.01},
    "no flips": {"flips": {}},
    "keys": {"master_keys.rate": 0.0},
    "injections": {"injections.rate": 0.0, "injections.which": []},
    "fewer injections": {"injections.count": 60},
    "questions": {"questions": 1},
    "huge": {"accuracy.value": 10**17},
    "below none": {"master_keys.rate": -1, "injections.rate": -1, "false_passes": -5},
    "beyond one": {"kappa.value": 9e99, "kappa.low": 9, "worst_family.accuracy": 7},
    "a text": {"accuracy.value": "1.0"},
    "no table": {"confusion": None},
    "a table of texts": {"confusion.sound.sound": "124"},
    "a count below none": {"confusion.sound.untrue": -1, "confusion.sound.sound": 125},
}


@pytest.mark.parametrize("name", EDITS)
def test_a_calibration_whose_figures_are_not_those_of_its_counts_is_refused(name, tmp_path):
    made = edited("always_yes", **EDITS[name])
    found = faults(made, ITEMS, ATTACKS)
    assert found
    assert not any("its check" in one for one in found)
    (tmp_path / "calibration.json").write_text(json.dumps(made), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        licence(Judge(Planted(EVERYTHING, "always_yes")), tmp_path / "calibration.json")
    assert found[0] in str(caught.value)


@pytest.mark.parametrize("name", ["knowing", *FAULTS])
def test_what_was_measured_has_no_fault(name):
    made = json.loads(json.dumps(measured(name)))
    assert faults(made, ITEMS, ATTACKS) == ()
    assert {name: made[name] for name in of_confusion(made["confusion"])} == of_confusion(made["confusion"])


def test_what_nobody_can_work_out_anew_is_held_by_the_check():
    made = copy.deepcopy(measured("fooled_by_order"))
    made["flips"]["order"] |= {"rate": 0.0, "which": []}
    assert faults(made, ITEMS, ATTACKS) == ("the calibration was changed or damaged: its check is another",)
    del made["check"]
    assert faults(made, ITEMS, ATTACKS)


@pytest.mark.parametrize("value", [10**17, -1, 9e99])
@pytest.mark.parametrize("check", [check for check in CHECKS if check.between[1] == 1], ids=lambda check: check.limit)
def test_a_figure_that_cannot_be_never_comes_through(value, check):
    made = copy.deepcopy(measured("knowing"))
    place = functools.reduce(lambda inner, part: inner[part], check.path[:-1], made)
    place[check.path[-1]] = value - (check.limit.startswith("kappa") and value == -1)
    (reason,) = refusals(made, Gate(**LOOSE))
    assert "which it cannot be" in reason


def test_a_file_that_says_passed_is_not_believed(tmp_path):
    with pytest.raises(UsageError, match=r"is refused: .*accuracy is 0\.500, under 0\.850.*calibrate"):
        licence(Judge(Planted(EVERYTHING, "always_yes")), kept(tmp_path, "always_yes", passed=True))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "log"}', '{"kind": "calibration"', "\x00"])
def test_a_file_that_is_no_calibration_is_said_to_be_none(text, tmp_path):
    (tmp_path / "calibration.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="no calibration"):
        licence(Judge(Planted(EVERYTHING)), tmp_path / "calibration.json", allow_uncalibrated=True)


def test_a_callback_refuses_a_judge_without_a_calibration(tmp_path):
    judge = Judge(Planted(EVERYTHING))
    with pytest.raises(UsageError, match="has not been calibrated"):
        JudgeCallback(judge, tmp_path / "opinions.jsonl")
    with pytest.raises(UsageError, match="cannot be read"):
        JudgeCallback(judge, tmp_path / "opinions.jsonl", tmp_path / "none.json")
    assert not list(tmp_path.iterdir())


class Honest(Planted):
    """Comes through the gate, and says of whatever else that it is sound."""

    answers_as = "planted-knowing"

    async def ask(self, request):
        if not request.label.startswith("calibrate/"):
            request = replace(request, label=f"calibrate/{ITEMS[0].id}/plain")
        return replace(await super().ask(request), model=self.answers_as)


@pytest.mark.parametrize(
    ("answers_as", "file", "calibrated"),
    [("planted-knowing", True, True), ("an-older-one", True, False), ("planted-knowing", False, False)],
    ids=["calibrated", "answered by another", "allowed without"],
)
def test_each_opinion_says_whether_its_judge_was_calibrated(answers_as, file, calibrated, tmp_path):
    client = Honest(EVERYTHING)
    client.answers_as = answers_as
    callback = JudgeCallback(
        Judge(client), tmp_path / "opinions.jsonl", kept(tmp_path) if file else None, allow_uncalibrated=not file
    )
    assert callback.licence.calibrated == file
    plan = {"tasks": ["quote_search"], "ends_on": "finish"}
    BaselineHarness(lambda env, seed: OracleAgent(env), tmp_path / "log.jsonl", plan, callbacks=[callback]).run()
    graded = [one for one in read_opinions(tmp_path / "opinions.jsonl") if one["why"] is None]
    assert graded
    assert {one["calibrated"] for one in graded} == {calibrated}


# Pages, configs and the command


def test_the_page_shows_every_check_and_what_refused_the_judge():
    page = calibration_page(measured("always_yes"), Gate())
    assert "**Refused.** accuracy is 0.500, under 0.850" in page
    assert all(check.what in page for check in CHECKS)
    assert "**Passed.**" in calibration_page(measured("knowing"), Gate())


def test_a_model_name_is_no_markup():
    page = calibration_page({**measured("knowing"), "model": "<img src=x>|[a](b)\n# c"}, Gate())
    assert "<img" not in page
    assert page.splitlines()[0] == r"# Judge &lt;img src=x&gt;\|\[a\]\(b\) \# c"


@pytest.mark.parametrize("name", ["judge.toml", "judge_fake.toml"])
def test_the_configs_that_ship_can_be_used(name, monkeypatch, tmp_path):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-key-of-a-test")
    config = config_of(JudgeConfig, read_toml(ROOT / "configs" / name, {"out": str(tmp_path)}))
    assert config.gate == Gate()  # what a config says of the gate is what the code says
    client = client_of(config)
    assert client.settings.name == config.model.name
    asyncio.run(client.aclose())


def run(*argv):
    return command.run(tyro.cli(command.Args, args=list(argv), config=(tyro.conf.FlagCreatePairsOff,)))


@pytest.fixture
def fake(monkeypatch):
    """The server that ships, in place of both providers."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "a-key-of-a-test")
    with FakeServer(HeuristicModel()) as server:
        yield server


def settled(api, fake, folder):
    url = fake.url if api == "messages" else f"{fake.url}/v1"
    return ["--set", f"model.base_url={url}", f"model.api={api}", f"out={folder}", "flips=8"]


def test_a_judge_is_calibrated_over_real_http_and_refused(fake, tmp_path, capsys):
    given = ["--config", str(ROOT / "configs" / "judge_fake.toml"), *settled("messages", fake, tmp_path)]
    assert run("calibrate", *given) == 1
    assert "**Refused.**" in capsys.readouterr().out
    files = [tmp_path / "calibration.json", tmp_path / "calibration.md"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 2
    made = json.loads(files[0].read_text(encoding="utf-8"))
    assert faults(made, ITEMS, ATTACKS) == ()
    assert (made["passed"], made["count"], made["unjudged"]) == (False, len(ITEMS), 0.0)
    assert made["cost"] > 0  # the table of prices has the model of the server that ships
    assert made["tokens"]["input"] + made["tokens"]["cache_read"] + made["tokens"]["cache_write"] > 100_000
    with pytest.raises(UsageError, match="--force"):
        run("calibrate", *given)


def test_a_looser_gate_is_said_by_the_command_and_lets_nobody_through(tmp_path, capsys, monkeypatch):
    client = Planted(EVERYTHING, "always_yes")
    monkeypatch.setattr(command, "client_of", lambda config: client)
    given = ["--config", str(ROOT / "configs" / "judge_fake.toml"), "--set", f"out={tmp_path}"]
    assert run("calibrate", *given, *(f"gate.{name}={value}" for name, value in LOOSE.items())) == 1
    assert "**Refused.** the gate is looser than the usual one" in capsys.readouterr().out
    made = json.loads((tmp_path / "calibration.json").read_text(encoding="utf-8"))
    assert (made["passed"], len(made["refused"])) == (False, 1)
    assert faults(made, ITEMS, ATTACKS) == ()


@pytest.mark.parametrize("api", ["messages", "responses", "chat"])
def test_a_judgement_comes_over_each_protocol(api, fake, tmp_path):
    given = dict(override(text) for text in settled(api, fake, tmp_path)[1:])
    config = config_of(JudgeConfig, read_toml(ROOT / "configs" / "judge_fake.toml", given))

    async def ask():
        client = client_of(config)
        try:
            return [await Judge(client).grade(item.case, order=order) for item in ITEMS[:3] for order in ORDERS]
        finally:
            await client.aclose()

    said = asyncio.run(ask())
    assert [one.why for one in said] == [None] * 6
    assert {one.grade for one in said} <= set(GRADES)
    assert all(one.tokens.total() > 100 for one in said)


def test_a_log_is_judged_by_the_command_and_stays_as_it_was(fake, tmp_path, capsys, monkeypatch):
    log = tmp_path / "log.jsonl"
    plan = {"tasks": ["quote_search"], "ends_on": "finish"}
    BaselineHarness(lambda env, seed: OracleAgent(env), log, plan, name="one").run()
    before = log.read_bytes()
    given = [str(log), "--config", str(ROOT / "configs" / "judge_fake.toml")]
    given += ["--set", f"model.base_url={fake.url}", f"out={tmp_path}"]
    with pytest.raises(UsageError, match="is refused: it has not been calibrated"):
        run("log", *given)
    assert not (tmp_path / "opinions.jsonl").exists()
    assert run("log", *given, "--allow-uncalibrated", "--json") == 0
    out = capsys.readouterr().out
    told = json.loads(out)
    assert told["calibrated"] is False
    assert sum(sum(grades.values()) for grades in told["counts"].values()) == before.count(b"\n") - 1
    assert log.read_bytes() == before
    BaselineHarness(lambda env, seed: Denying(env), log, plan, name="one", force=True).run()

    async def locked(*given):
        raise SetupFault("key", "the key is wrong")

    with monkeypatch.context() as patch:
        patch.setattr(Judge, "grade", locked)  # nobody can be asked: old opinions do not count for new episodes
        assert run("log", *given, "--allow-uncalibrated", "--json") == 1
    assert json.loads(capsys.readouterr().out)["counts"] == {}
    assert run("log", *given, "--allow-uncalibrated", "--json") == 0
    (counts,) = json.loads(capsys.readouterr().out)["counts"].values()
    assert sum(counts.values()) == log.read_bytes().count(b"\n") - 1


class Denying(OracleAgent):
    """Tells its user something else, whatever happened."""

    def predict(self, *given, **more):
        return {"tool": "respond", "arguments": {"answer": "There is nothing."}}, None


def test_a_key_that_is_missing_is_asked_for_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    given = ["--config", str(ROOT / "configs" / "judge.toml"), "--set", f"out={tmp_path}", "cassette.mode=off"]
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY"):
        run("calibrate", *given)
    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY"):
        run("coverage", *given, "--tasks", "quote_search")
    plan = {"tasks": ["quote_search"], "ends_on": "finish"}
    BaselineHarness(lambda env, seed: OracleAgent(env), tmp_path / "log.jsonl", plan).run()
    assert run("log", str(tmp_path / "log.jsonl"), *given, "--allow-uncalibrated") == 1
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err


def test_the_good_grade_is_one_of_the_grades():
    assert PASS in GRADES
