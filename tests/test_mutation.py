"""Mutation testing: faults are what they say they are, outcomes are told rightly, and the list of survivors holds."""

import ast
import json

import pytest

from crm_gym import mutate_cli
from crm_gym.errors import UsageError
from crm_gym.mutation import runner
from crm_gym.mutation.operators import faults, mutations
from crm_gym.mutation.survivors import SURVIVORS
from crm_gym.mutation.targets import BARS, TARGETS, Target


def changes(source):
    return [mutation.change for mutation in mutations(ast.parse(source), source)]


def sources(source):
    return [ast.unparse(tree) for _, tree in faults(source)]


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a >= b", ["x = a > b", "x = a < b"]),
        ("x = a == b is c", ["x = a != b is c", "x = a == b is not c"]),
        ("x = a in b", ["x = a not in b"]),
        ("x = a and b or c", ["x = (a and b) and c", "x = (a or b) or c"]),
        ("x = not a", ["x = a"]),
        ("x = 3", ["x = 4", "x = 2"]),
        ("x = True", ["x = False"]),
        ("x = ''", ["x = '~'"]),
        ("x = 'a b'", ["x = ''"]),
        ("x = a + b", ["x = a - b"]),
        ("x = a // b", ["x = a * b"]),
        ("x = a | b", ["x = a", "x = b"]),
        ("x += y", ["pass", "x -= y"]),
        ("x = a[b:c]", ["x = a[:c]", "x = a[b:]"]),
        ("x = (a, b)", ["x = (b,)", "x = (a,)"]),
        ("x = {a: b}", ["x = {}"]),
        ("f(x)", ["pass"]),
        ("x.y = z", ["pass"]),
        ("raise x", ["pass"]),
        ("x = [a for a in b if c]", [f"x = [a for a in b if {test}]" for test in ("not c", "True", "False")]),
        ("x = lambda: y", ["x = lambda: None"]),
        ("x = lambda: y is z", ["x = lambda: True", "x = lambda: False", "x = lambda: y is not z"]),
        ("x = a if b else c", [f"x = a if {test} else c" for test in ("not b", "True", "False")]),
        ("if a:\n    b = c", [f"if {test}:\n    b = c" for test in ("not a", "True", "False")]),
        ("while a:\n    break", ["while not a:\n    break", "while False:\n    break", "while a:\n    pass"]),
        ("def f(a=1):\n    return", [f"def f(a={n}):\n    return" for n in (2, 0)] + ["def f(a=1):\n    pass"]),
        ("def f():\n    return a", ["def f():\n    return None"]),
        ("def f():\n    return not a", [f"def f():\n    return {value}" for value in ("True", "False", "a")]),
        ("def f():\n    x = (a, b)", []),
    ],
)
def test_each_operator_makes_what_it_says(source, made):
    assert sources(source) == made


@pytest.mark.parametrize(
    "source",
    [
        '"""Text."""',
        'def f():\n    """Text."""',
        "x: int",
        "x: Literal['a'] = y",
        "X: TypeAlias = list[Literal['a']]",
        "X = Callable[['a'], None]",
        "__all__ = ['a']",
        "__slots__ = ('a', 'b')",
        "import a",
        "x = f'{a + 1} b'",
        "x = field(repr=False)",
        "@dataclass(slots=True)\nclass A:\n    pass",
    ],
)
def test_what_is_silent_stays(source):
    assert changes(source) == []


def test_sentences_of_errors_stay_and_their_codes_do_not():
    assert changes("raise E('blank', 'must not be blank', f'{a} is {b + 1}')") == [
        "statement removed: raise E('blank', 'must not be blank', f'{a} is {b + 1}') -> pass",
        "constant: 'blank' -> ''",
    ]


def test_a_fault_says_where_it_is():
    source = "class A:\n    def f(self):\n        if  self.x <  2:\n            pass\n"
    found = [one for one in mutations(ast.parse(source), source) if one.kind == "comparison"]
    assert [(one.line, one.column, one.scope, one.text) for one in found] == [(3, 12, "A.f", "if  self.x <  2:")] * 2
    assert found[0].change == "comparison: self.x < 2 -> self.x <= 2"


def test_every_fault_of_every_target_compiles_and_differs():
    for target in TARGETS:
        source = runner.source_of(target)
        found = mutations(ast.parse(source), source)
        assert len(found) == len(mutations(ast.parse(source), source)) > 20
        for index in range(0, len(found), 60):
            tree = ast.parse(source)
            mutations(tree, source)[index].plant()
            compile(tree, target.path, "exec")
            assert ast.unparse(tree) != ast.unparse(ast.parse(source)), found[index].change


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one module of three faults, one of which its test does not notice and one that never ends."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "crm_gym").mkdir()
    (tmp_path / "crm_gym" / "__init__.py").write_text("")
    (tmp_path / "crm_gym" / "small.py").write_text(
        "def small(x):\n    while x > 10:\n        x = x - 5\n    return x\n\n\ndef unused(x):\n    return -x\n"
    )
    (tmp_path / "tests" / "test_small.py").write_text(
        "from crm_gym.small import small\n\n\ndef test_small():\n    assert [small(10), small(12)] == [10, 7]\n"
    )
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    return Target("rules", "small", ("tests/test_small.py",))


def test_a_planted_fault_is_noticed_and_one_nobody_tests_is_not(checkout):
    heard = []
    tried = runner.run(runner.mutants_of([checkout]), 2, heard.append)
    assert {mutant.mutation.change: mutant.outcome for mutant in tried} == {
        "condition: x > 10 -> False": "killed",
        "comparison: x > 10 -> x >= 10": "killed",
        "comparison: x > 10 -> x <= 10": "timeout",
        "constant: 10 -> 11": "survived",
        "constant: 10 -> 9": "killed",
        "arithmetic: x - 5 -> x + 5": "timeout",
        "constant: 5 -> 6": "killed",
        "constant: 5 -> 4": "killed",
        "result: x -> None": "killed",
        "result: -x -> None": "survived",
    }
    assert sorted(mutant.index for mutant in heard) == [mutant.index for mutant in tried]


def test_tests_that_fail_by_themselves_are_complained_of(checkout):
    (runner.ROOT / "tests" / "test_small.py").write_text("def test_small():\n    assert False\n")
    with pytest.raises(UsageError, match="fail without any fault"):
        runner.run(runner.mutants_of([checkout]), 1)


def test_without_tests_it_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    with pytest.raises(UsageError, match="clone the repository"):
        runner.check_tests()


# The outcome


def tried(*outcomes):
    target = next(target for target in TARGETS if target.group == "rules")
    mutants = runner.mutants_of([target])[: len(outcomes)]
    return [runner.Mutant(target, m.index, m.mutation, outcome) for m, outcome in zip(mutants, outcomes, strict=True)]


def test_rates_count_timeouts_as_noticed():
    outcome = mutate_cli.summary(tried(*["killed"] * 17, "timeout", "survived", "survived"), whole=True)
    counts = outcome["groups"]["rules"]
    assert (counts["mutants"], counts["killed"], counts["timeouts"], counts["survived"]) == (20, 17, 1, 2)
    assert (counts["rate"], counts["reached"], len(outcome["survivors"])) == (90.0, True, 2)


@pytest.mark.parametrize(("survived", "whole", "reached"), [(1, True, True), (2, True, False), (2, False, True)])
def test_bars_are_for_whole_runs(survived, whole, reached):
    outcome = mutate_cli.summary(tried(*["killed"] * (11 - survived), *["survived"] * survived), whole=whole)
    assert outcome["groups"]["rules"]["reached"] is reached


def test_survivors_need_a_reason(monkeypatch):
    mutants = tried("killed", "survived")
    monkeypatch.setattr(runner, "_REASONS", {})
    outcome = mutate_cli.summary(mutants, whole=False)
    assert not outcome["passed"]
    assert "1 survivors, 1 of them unexplained" in mutate_cli.shown(outcome)
    monkeypatch.setattr(runner, "_REASONS", {runner.key_of(mutants[1]): "it is the same"})
    outcome = mutate_cli.summary(mutants, whole=False)
    assert outcome["passed"]
    assert "it is the same" in mutate_cli.shown(outcome)


@pytest.mark.parametrize(
    ("groups", "options", "words"),
    [(("verfy",), {}, "did you mean 'verify'"), ((), {"jobs": 0}, "--jobs"), ((), {"sample": -1}, "--sample")],
)
def test_usage_errors(groups, options, words):
    with pytest.raises(UsageError, match=words):
        mutate_cli.mutate(groups, **options)


def test_every_group_has_a_bar_and_a_module():
    assert {target.group for target in TARGETS} == set(BARS)
    for target in TARGETS:
        assert (runner.ROOT / target.path).is_file()
        scopes = {mutant.mutation.scope.partition(".")[0] for mutant in runner.mutants_of([target])}
        assert set(target.scopes) <= scopes


def test_the_list_of_survivors_names_mutants_that_there_are_once_and_with_reasons():
    assert runner.stale() == []
    assert len({entry.key for entry in SURVIVORS}) == len(SURVIVORS)
    assert all(len(entry.reason) > 10 for entry in SURVIVORS)


def test_a_sample_is_fixed_by_its_seed():
    mutants = runner.mutants_of(TARGETS)
    assert runner.sampled(mutants, 12, 3) == runner.sampled(mutants, 12, 3)
    assert runner.sampled(mutants, 12, 3) != runner.sampled(mutants, 12, 4)
    assert runner.sampled(mutants, 10**6, 0) == mutants


def test_a_sample_of_verify_and_rules_is_noticed_or_explained(tmp_path, capsys):
    out = tmp_path / "outcome.json"
    code = mutate_cli.mutate(("verify", "rules"), sample=12, seed=5, out=str(out), as_json=True)
    outcome = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == outcome
    assert sum(group["mutants"] for group in outcome["groups"].values()) == 12
    assert [one for one in outcome["survivors"] if not one["reason"]] == []
    assert code == mutate_cli.OK


@pytest.mark.slow
def test_every_group_reaches_its_bar():
    assert mutate_cli.mutate(()) == mutate_cli.OK
