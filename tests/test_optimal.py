"""What is best without shaping is best with it: small tasks are solved exactly, the sets of best choices compared."""

import itertools
import random
from typing import NamedTuple

import pytest
from solved import CASES, NEAR, best, by_config, explored, lasting, solved

from crm_gym import RewardConfig
from crm_gym.rewards import Reward
from crm_gym.verify import Verdict

COSTS = {
    "success alone": {},
    "costs": {"failure": -0.5, "step": -0.05, "refused": -0.1},
    "hardly worth it": {"success": 0.3, "failure": 0.1, "step": -0.2},
}
SHAPINGS = {
    "progress": {"progress": 0.5},
    "collateral": {"collateral": 0.3},
    "both": {"progress": 2, "collateral": 0.7},
    "upside down": {"progress": -1, "collateral": -0.4},
}
EVERY_CASE = pytest.mark.parametrize("case", CASES)
EVERY_END = pytest.mark.parametrize("ends_on", ["success", "finish"])


# What is best, in every state of small tasks


@EVERY_CASE
@EVERY_END
@pytest.mark.parametrize("discount", [1, 0.9, 0.5])
def test_with_nothing_kept_what_is_best_stays_best_in_every_state(case, ends_on, discount):
    task = explored(case, ends_on)
    for costs, shaping in itertools.product(COSTS.values(), SHAPINGS.values()):
        plain = RewardConfig(**costs)
        shaped = RewardConfig(**costs, **shaping, discount=discount, kept=0)
        without = solved(task, by_config(plain), discount)
        assert best(solved(task, by_config(shaped), discount)) == best(without)
        assert len(without) >= 20


@EVERY_CASE
@EVERY_END
@pytest.mark.parametrize("shaping", ["progress", "collateral", "both"])
@pytest.mark.parametrize("costs", ["success alone", "costs"])
def test_with_everything_kept_what_is_best_stays_best_where_solving_pays(case, ends_on, costs, shaping):
    task, plain = explored(case, ends_on), RewardConfig(**COSTS[costs])
    pay = by_config(plain)
    without = solved(task, pay, 1)
    failing = solved(task, lambda move: pay(move) - 1e6 * (move.over and move.after.success), 1)
    pays = [at for at, worth in without.items() if max(worth.values()) > max(failing[at].values()) + NEAR]
    first, shaped = best(without), best(solved(task, by_config(plain.model_copy(update=SHAPINGS[shaping])), 1))
    assert (task.start, 5) in pays
    assert {at: shaped[at] for at in pays} == {at: first[at] for at in pays}


@pytest.mark.parametrize("discount", [0.95, 0.5])
def test_where_episodes_may_go_on_for_ever_what_is_best_stays_best(discount):
    task = explored("two changes")
    for costs, shaping in itertools.product(COSTS.values(), SHAPINGS.values()):
        shaped = RewardConfig(**costs, **shaping, discount=discount, kept=0)
        without = best(lasting(task.moves, by_config(RewardConfig(**costs)), discount))
        assert best(lasting(task.moves, by_config(shaped), discount)) == without


def test_the_search_finds_what_a_task_asks_for():
    task = explored("two changes")
    found = best(solved(task, by_config(RewardConfig(step=-0.1)), 1))
    assert found[task.start, 5] == {"right", "other"}
    after = task.moves[task.start]["right"].to
    assert found[after, 4] == {"other"}
    assert found[after, 1] == {"finish"}


@pytest.mark.parametrize(
    ("discount", "pay"),
    [
        (1, lambda move: move.after.success * move.over + 2 * max(0, move.after.progress - move.before.progress)),
        (1, lambda move: move.after.success * move.over + move.after.progress),
        (0.5, by_config(RewardConfig(progress=2, kept=1, discount=0.5))),
        (0.5, by_config(RewardConfig(progress=2, kept=0, discount=1))),
    ],
    ids=["no price for undoing", "paid for being there", "kept under a discount", "another discount"],
)
def test_the_search_notices_what_is_not_harmless(discount, pay):
    task = explored("two changes", "finish")
    plain = solved(task, by_config(RewardConfig()), discount)
    assert best(solved(task, pay, discount)) != best(plain)


# Forms: calls that take several steps


class Step(NamedTuple):
    """A step of a form: before the call it makes, if it submits one."""

    move: object
    filled: tuple[float, float]
    verdict: Verdict
    over: bool
    to: tuple


def as_forms(task):
    """The task at a door where a call is chosen, filled in twice, and submitted; or taken back a step at any time."""
    steps, verdicts = {}, {at: next(iter(moves.values())).before for at, moves in task.moves.items()}
    for at, moves in task.moves.items():
        steps[at, None, 0] = {name: Step(None, (0, 1 / 3), verdicts[at], False, (at, name, 1)) for name in moves}
        for name, move in moves.items():
            for level in (1, 2, 3):
                down = (at, name, level - 1) if level > 1 else (at, None, 0)
                back = Step(None, (level / 3, (level - 1) / 3), verdicts[at], False, down)
                up = Step(None, (level / 3, (level + 1) / 3), verdicts[at], False, (at, name, level + 1))
                submit = Step(move, (1, 0), verdicts[at], move.over, (move.to, None, 0))
                steps[at, name, level] = {"back": back, **({"submit": submit} if level == 3 else {"on": up})}
    return steps


def by_form(config):
    """A config as a function that pays for a step of a form."""
    reward = Reward(config)

    def pay(step):
        if step.move is None:
            return reward.fill(step.verdict, *step.filled)[1]
        move = step.move
        return reward.pay(move.before, move.after, move.refused, move.over, step.filled[0])[1]

    return pay


@pytest.mark.parametrize("discount", [0.95, 0.5])
@pytest.mark.parametrize("kept", [0, 1])
def test_filling_in_pays_what_it_takes_back(discount, kept):
    """Over a walk through forms the discounted sum is what the states come to; `filled` leaves nothing behind."""
    config = RewardConfig(success=0, progress=0.7, collateral=0.3, filled=0.9, discount=discount, kept=kept)
    task, rng = explored("two changes"), random.Random(4)
    steps, pay = as_forms(task), by_form(config)
    ended = 0
    for _ in range(200):
        at, total, worth, fade = (task.start, None, 0), 0.0, 0.0, 1.0
        for _ in range(40):
            step = steps[at][rng.choice(sorted(steps[at]))]
            total += fade * pay(step)
            fade *= discount
            after = step.verdict if step.move is None else step.move.after
            worth = 0.7 * after.progress - 0.3 * after.excess + 0.9 * (step.filled[1])
            at = step.to
            if step.over:
                worth *= kept
                ended += 1
                break
        assert abs(total - fade * worth) <= NEAR
    assert ended > 20


@pytest.mark.parametrize("weights", [{"filled": 0.4}, {"filled": 3, "progress": 1, "collateral": 0.2}, {"filled": -1}])
@pytest.mark.parametrize("costs", [{}, {"form": -0.01, "step": -0.02, "refused": -0.1}])
def test_forms_too_are_best_filled_in_as_they_were(weights, costs):
    steps = as_forms(explored("two changes"))
    shaped = RewardConfig(**costs, **weights, discount=0.9, kept=0)
    assert best(lasting(steps, by_form(shaped), 0.9)) == best(lasting(steps, by_form(RewardConfig(**costs)), 0.9))
