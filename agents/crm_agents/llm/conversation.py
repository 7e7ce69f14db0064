"""A conversation: what has been said in an episode, what is still to be played, and what it has cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from crm_agents.llm.chat import Call, Reply, Result, Results, Said, Turn, User
from crm_agents.llm.prompt import first_turn, is_refused, result_text, result_turn
from crm_gym.evaluation.account import Account, Spend

_ONLY_THE_FIRST = "Only the first call of your reply was made. One object a reply."


class Conversation:
    """The state of an agent with a model, changed in place.

    Args:
        label: What names the episode.
        spend: What the run may still spend.
        native: Whether calls and results go by the provider's own means; else as plain text.

    Attributes:
        turns: What has been said.
        account: What it has cost.
        asked_again: How often in a row the model has been told that its reply will not do.
    """

    def __init__(self, label: str = "", spend: Spend | None = None, *, native: bool = True) -> None:
        self.label, self.spend, self.native = label, spend, native
        self.turns: list[Turn] = []
        self.account = Account()
        self.asked_again = 0
        self._waiting: deque[Call] = deque()
        self._playing: Call | None = None
        self._results: list[Result] = []
        self._aside = ""

    def hear(self, observation: Mapping[str, Any]) -> None:
        """Take in what the environment shows: the request, or what the call came to that was played last."""
        if not self.turns:
            self.turns.append(User(first_turn(observation)))
        elif self._playing is not None:
            self._results.append(Result(self._playing, self._result(observation), is_refused(observation)))
            self._playing = None
        if self._results and not self._waiting:
            self._hand_back()

    def _result(self, observation: Mapping[str, Any]) -> str:
        if self.native or self._playing is None:
            return result_text(observation)
        return result_turn(self._playing.name or "your reply", observation)

    def _hand_back(self) -> None:
        """The results of all calls of a reply as one turn."""
        results, self._results = tuple(self._results), []
        if self.native:
            self.turns.append(Results(results))
        else:
            self.turns.append(User("\n\n".join([*(one.text for one in results), *filter(None, [self._aside])])))
        self._aside = ""

    def answered(self, reply: Reply, calls: tuple[Call, ...], *, only_first: bool = False) -> None:
        """Take in a reply whose calls are to be played.

        Args:
            reply: The reply.
            calls: Its calls.
            only_first: Whether more stood in it that are not played: the model is told so.
        """
        self.turns.append(Said(reply))
        self._waiting.extend(calls)
        self._aside = _ONLY_THE_FIRST if only_first else ""
        self.asked_again = 0

    def next_call(self) -> Call | None:
        """The next call to be played, None if the model must be asked first."""
        self._playing = self._waiting.popleft() if self._waiting else None
        return self._playing

    def object(self, reply: Reply, why: str, *, keep: bool) -> None:
        """Tell the model that its reply will not do.

        Args:
            reply: The reply.
            why: What is wrong, and what is wanted.
            keep: Whether the reply stays in the conversation; an empty one or half of one cannot be handed back, and
                the words are added to the turn before it.
        """
        self.asked_again += 1
        if keep:
            self.turns += [Said(reply), User(why)]
            return
        last = self.turns[-1]
        if isinstance(last, Results):
            self.turns[-1] = Results(last.results, _joined(last.text, why))
        elif isinstance(last, User):
            self.turns[-1] = User(_joined(last.text, why))

    def slip(self, step: int, kinds: tuple[str, ...]) -> None:
        """Note what was wrong with a reply, after so many steps of the episode."""
        self.account.slips += [{"step": step, "kind": kind} for kind in kinds]


def _joined(before: str, after: str) -> str:
    return f"{before}\n\n{after}" if before else after
