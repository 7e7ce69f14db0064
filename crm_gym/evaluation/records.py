"""What a log holds: one JSON object a line, first the run, then an episode each, and what was spent on others. Shapes
and words, nothing else.
"""

from __future__ import annotations

from typing import Any, Final, NotRequired, TypedDict

SCHEMA: Final = 1
"""Version of the shapes below; a reader refuses what is newer."""

OUTCOMES: Final = ("success", "failure", "model_error", "infra_error")
"""How an episode came out. Success and failure: the state of the CRM decided. model_error: the agent could not go on
(see `ENDS`); it counts, and is no success. infra_error: a database or a model was out of reach; it does not count, and
every headline says how many there are."""

FAILURES: Final = (
    "wrong_tool",
    "wrong_record",
    "wrong_value",
    "extra_write",
    "gave_up",
    "over_refusal",
    "malformed",
    "budget",
)
"""Why an episode with outcome failure failed: the record's `reason`.

wrong_tool: no write with the tools the task needs, or the answer or refusal given where a write was due.
wrong_record: the right kind of change, on another record. wrong_value: on the right record (or a new one), with another
value; or another answer, or another reason for turning down. extra_write: all that was asked for, and more.
gave_up: ended with nothing (or a part) done and nothing wrong. over_refusal: turned down what can be done.
malformed: nothing but calls that cannot be read. budget: a limit of steps, calls or tokens ended it.
"""

ENDS: Final = ("refusal", "cut_off", "no_call", "empty", "context_too_long", "bad_reply", "budget")
"""Why an agent could not go on: `AgentError.reason`. With "budget" the outcome is failure, else model_error, and the
record's `reason` is this word."""

SLIPS: Final = (
    "refusal",
    "cut_off",
    "no_call",
    "unknown_tool",
    "bad_arguments",
    "several_calls",
    "empty",
    "text_around",
    "paused",
    "context_too_long",
)
"""What can be wrong with a model's reply, whether or not the episode went on."""

TOKENS: Final = ("input", "output", "cache_read", "cache_write")
"""Kinds of tokens. They exclude one another: `input` are those neither read from nor written to a cache."""


class Run(TypedDict):
    """The first line.

    Everything that decides what is played and by whom; two runs with the same line but `run` are the same run.

    Attributes:
        kind: "run".
        schema: `SCHEMA`.
        run: 16 hexadecimal digits, of a hash of all the rest.
        agent: Name of the agent.
        settings: What the agent says of itself (`describe()`), without secrets.
        model: Name of its model, None for none.
        prompt: 16 hexadecimal digits of the hash of its prompt and tools, None for none.
        env_id: The registered id.
        env: Keywords of the environment.
        seed: Seed of the first episode.
        trials: How often each task is played.
        count: Number of episodes (tasks times trials).
        tasks: 16 hexadecimal digits of the hash of the set of tasks: ids, requests and worlds.
        code: Version of this package, and 12 hexadecimal digits of the hash of its files.
    """

    kind: str
    schema: int
    run: str
    agent: str
    settings: dict[str, Any]
    model: str | None
    prompt: str | None
    env_id: str
    env: dict[str, Any]
    seed: int
    trials: int
    count: int
    tasks: str
    code: str


class ChangeRecord(TypedDict):
    """A change of one record of the CRM.

    Attributes:
        table: The entity.
        id: The record.
        before: Its fields as plain JSON, None if it is new.
        after: Its fields, None if it is gone.
    """

    table: str
    id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class StepRecord(TypedDict):
    """A step.

    Attributes:
        tool: Name of the tool; None if the action could not be read.
        arguments: Its arguments; the action as text if it could not be read.
        result: The observation's `result`: JSON text of the value or of the refusal, cut where that is cut.
        error: Code, field and message of a refusal, None without.
        reward: The reward's terms that are not 0.
        hash: State hash of the CRM afterwards, its first 16 hexadecimal digits.
        diff: Changes that the step made.
        said: What the agent's model said beside the call, if anything.
    """

    tool: str | None
    arguments: Any
    result: str
    error: dict[str, str] | None
    reward: dict[str, float]
    hash: str
    diff: list[ChangeRecord]
    said: NotRequired[str]


class SlipRecord(TypedDict):
    """Something wrong with a reply: after how many steps of the episode, and what (one of `SLIPS`)."""

    step: int
    kind: str


class EpisodeRecord(TypedDict):
    """An episode. Nothing in it is of the task's reference: no solution, no expected value.

    Attributes:
        kind: "episode".
        schema, run, agent, model, prompt, tasks, code: As in `Run`.
        index: Place in the run, from 0: number of the task times trials, plus the trial.
        task: Id of the task.
        family: The tool, or the kind of work, it is about.
        level: Difficulty, from 1.
        polarity: "accepted", or "refused" for a task to be turned down.
        seed: Seed of the reset.
        trial: From 0.
        request: What was asked.
        today: The CRM's own day.
        steps: The steps.
        total: Sum of the rewards.
        verdict: success, progress, missing, unexpected, as in info.
        diff: Net changes of the episode, but for those the task began with.
        terminated: Whether the episode came to its own end.
        truncated: Whether a limit, an outage or the agent's failing ended it.
        outcome: One of `OUTCOMES`.
        reason: With failure one of `FAILURES`; with model_error one of `ENDS`; with infra_error what was out of reach.
        note: The sentence that goes with an error, if there was one.
        said: The agent's last words to the user: the text beside or after its last call, if any.
        slips: What was wrong with replies.
        calls: Model calls that came to a reply, 0 without a model. These four are those of all attempts together: what
            came before an outage was paid for, too.
        tokens: By kind, None without a model.
        cost: In US dollars, None if a price is not known (or there is no model).
        latency: Seconds spent waiting for the model, None without one.
        attempt: From 1; more for an episode played again after an outage.
        check: 16 hexadecimal digits: hash of the line without this.
    """

    kind: str
    schema: int
    run: str
    agent: str
    model: str | None
    prompt: str | None
    tasks: str
    code: str
    index: int
    task: str
    family: str
    level: int
    polarity: str
    seed: int
    trial: int
    request: str
    today: str
    steps: list[StepRecord]
    total: float
    verdict: dict[str, Any]
    diff: list[ChangeRecord]
    terminated: bool
    truncated: bool
    outcome: str
    reason: str | None
    note: str | None
    said: str | None
    slips: list[SlipRecord]
    calls: int
    tokens: dict[str, int] | None
    cost: float | None
    latency: float | None
    attempt: int
    check: NotRequired[str]


class SpentRecord(TypedDict):
    """What a run has spent on episodes that it did not finish, written when it is stopped, if it has spent anything.

    By a spent budget, Ctrl-C or a fault: a program that is killed does not come to write it. What an episode of the log
    has cost is never in it.

    Attributes:
        kind: "spent".
        schema, run: As in `Run`.
        calls: Requests to the model, tries that came to no reply among them.
        tokens: By kind.
        cost: In US dollars, None if a price is not known.
        check: As in `EpisodeRecord`.
    """

    kind: str
    schema: int
    run: str
    calls: int
    tokens: dict[str, int]
    cost: float | None
    check: NotRequired[str]
