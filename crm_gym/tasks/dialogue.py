"""The scripted user: a finite machine that answers `ask_user` from the topic and the state of the CRM.

A script is a row of phases. In each the user knows some things and tells one when asked about it; asked for the
next step, they look at the CRM: they object to what must not have changed, wait for what they wanted so far, and only
then go on to the next phase. Every answer costs patience; when it is used up the user is gone, so that every dialogue
ends. All they may ever say is written down beforehand: nothing is drawn while they speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crm_gym.errors import TaskError, near_miss
from crm_gym.journal import Journal
from crm_gym.tasks.goal import Expected
from crm_gym.tools.asking import SILENT, TOPICS

DONE = "next_step"
"""The topic by which an agent says that it has done what was asked."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What the user wants and knows for a while.

    Attributes:
        says: What they say as the phase begins; the first one's is the request itself and is not said again.
        told: Topic to what they tell when asked about it. The same question gets the same answer.
        until: Net changes that must stand in the CRM before the user goes on; without any, asking is enough.
        wrong: Records that must be as they were before the user goes on, each with what they say if asked for the
            next step while it is changed: "No, the other one."
        waits: What they say when asked for the next step too early.
    """

    says: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    until: tuple[Expected, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)
    waits: str = "I do not see that in the CRM yet."

    def __post_init__(self) -> None:
        for topic in self.told:
            if topic not in TOPICS or topic == DONE:
                known = [each for each in TOPICS if each != DONE]
                raise TaskError(f"a user tells nothing about {topic!r}; {near_miss(topic, known)}")

    def objection(self, journal: Journal) -> str | None:
        """Why the user does not go on yet, None if the CRM shows what they want."""
        net = journal.net
        for record, says in self.wrong.items():
            if record in net:
                return says
        reached = all(any(one.met_by(change) for change in net.values()) for one in self.until)
        return None if reached else self.waits


@dataclass(frozen=True, slots=True)
class Script:
    """A user, as data.

    Attributes:
        phases: What they want, one after the other.
        patience: How many answers they give in all.
        thanks: What they say when nothing is left to be done.
        leaves: What they say when their patience is used up, and from then on.
    """

    phases: tuple[Phase, ...]
    patience: int = 12
    thanks: str = "That is all, thank you."
    leaves: str = "I have to go now. Please work with what I have told you."

    def __post_init__(self) -> None:
        if not self.phases or self.patience < 1:
            raise TaskError(f"a user has phases and patience; got {len(self.phases)} and {self.patience}")


class User:
    """A script at work, for one episode.

    Attributes:
        script: The script.
        phase: Place of the current phase.
        answers: How many answers have been given, up to one more than the user has patience for.
    """

    __slots__ = ("answers", "phase", "script")

    def __init__(self, script: Script) -> None:
        self.script = script
        self.phase = self.answers = 0

    def answer(self, about: str, journal: Journal) -> str:
        """What the user says.

        Args:
            about: One of `TOPICS`.
            journal: What has been done in the CRM so far; what they want to see is looked for there.
        """
        script = self.script
        self.answers = min(self.answers, script.patience) + 1  # a finite machine: it does not count for ever
        if self.answers > script.patience:
            return script.leaves
        phase = script.phases[self.phase]
        if about != DONE:
            return phase.told.get(about, SILENT)
        objection = phase.objection(journal)
        if objection is not None:
            return objection
        if self.phase + 1 == len(script.phases):
            return script.thanks
        self.phase += 1
        return script.phases[self.phase].says
