"""What the tests of the form door share: walks that keep to the mask, and ways to look at what came of them."""

from __future__ import annotations

import numpy as np

from crm_gym.form.columns import FORM_COLUMNS, places
from crm_gym.form.desk import Desk
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.layout import layout

PLAN = layout()
FORM = places(FORM_COLUMNS)
SOURCES = {
    "golden": {},
    "single": {"suite": "generated", "split": "train", "families": ["single"]},
    "declined": {"suite": "generated", "split": "test", "families": ["declined"]},
    "workflow": {"suite": "generated", "split": "train", "families": ["workflow"]},
    "composition": {"suite": "generated", "split": "test", "families": ["composition"]},
    "dialogue": {"suite": "generated", "split": "train", "families": ["dialogue"]},
}
"""Keywords of environments that play tasks of every kind."""

_GROUPS = (PLAN.tools, PLAN.literals, PLAN.fields, PLAN.values, PLAN.rows)
_READERS = [n for n, form in enumerate(PLAN.forms) if "search" in form.tool or "details" in form.tool]
_ENDS = [n for n, form in enumerate(PLAN.forms) if form.tool in ("respond", "decline", "finish")]


def plain(value):
    """Observations and infos in a form that == compares."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def kinds_of(mask):
    """The actions that a mask allows, by what they do."""
    allowed = np.flatnonzero(mask)
    groups = [[a for a in allowed if a in group] for group in _GROUPS]
    groups += [[a] for a in (PLAN.go, PLAN.submit, PLAN.back, PLAN.empty) if mask[a]]
    return [[int(action) for action in group] for group in groups if group]


def choose(rng, mask, back=0.1):
    """A random action: every kind alike, but searches before other tools, BACK seldom, and an end hardly ever."""
    groups = kinds_of(mask)
    if len(groups) > 1 and rng.random() > back:
        groups = [group for group in groups if group != [PLAN.back]]
    group = groups[rng.integers(len(groups))]
    if group[0] in PLAN.tools:
        group = [tool for tool in group if tool not in _ENDS or rng.random() < 0.1] or group
        if rng.random() < 0.5:
            group = [tool for tool in group if tool in _READERS] or group
    return group[rng.integers(len(group))]


def make(source="golden", **keywords):
    return CrmFormEnv(**(SOURCES[source] | keywords))


def walk(env, rng, steps, seed=None):
    """A random walk that keeps to the mask, over as many episodes as it takes; yields what each step gave."""
    observation, info = env.reset(seed=seed)
    yield observation, 0.0, False, False, info
    for _ in range(steps):
        came = env.step(choose(rng, env.action_masks()))
        yield came
        if came[2] or came[3]:
            observation, info = env.reset()
            yield observation, 0.0, False, False, info


def twin(desk):
    """A desk of its own with the same form on it, over the same sheet."""
    other = Desk(desk.sheet)
    other.tool, other.line, other.pending, other.focus = desk.tool, desk.line, desk.pending, desk.focus
    other.picks = [list(picks) for picks in desk.picks]
    other.states = list(desk.states)
    return other
