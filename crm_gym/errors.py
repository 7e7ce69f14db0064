"""What can go wrong, in one tree.

CrmGymError
├── ToolError (also a ValueError)    the CRM refused a tool call; shown to the agent, changes nothing
├── TaskError (also a ValueError)    a task or a suite is not what it should be; stops the run
├── UsageError (also a ValueError)   a keyword, a name or an option is wrong; stops the run
│   └── RenderModeError (also a TypeError) a render mode does not exist
├── StaleSnapshot (also a ValueError) a snapshot points at changes that have been undone since
├── AgentError                       the agent cannot go on: its model refused, was cut off, called nothing
├── BudgetSpent                      a run has used up what it may; stops it, to be resumed
└── InfraError                       the database or the model is out of reach; ends the episode, unrewarded
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

CODES: dict[str, str] = {
    "unknown_tool": "the call names no tool of the CRM",
    "invalid_json": "the call or its arguments are no strict JSON, or too large or too deep",
    "unknown_field": "an argument the tool does not have",
    "immutable_field": "an id, a foreign key that may not move, a created or uploaded time",
    "missing_field": "a required argument is missing",
    "wrong_type": "a value of another JSON type: text for a number, a number for text, true for a number",
    "blank": "a required text that is empty or only white space",
    "text_invalid": "control characters, NUL or lone surrogates",
    "text_too_long": "longer than the field's published limit",
    "enum_value": "not one of the listed values, exactly as written",
    "email_format": "not a plain e-mail address",
    "url_format": "not an http or https address",
    "amount_not_positive": "an amount of 0 or less",
    "amount_above_ceiling": "an amount over 10,000,000",
    "amount_precision": "an amount with more than two decimals",
    "probability_not_whole": "a probability with a fraction",
    "probability_range": "a probability outside 1..99",
    "number_range": "a limit, an offset or a number of list items outside its bounds",
    "date_format": "not a calendar date written YYYY-MM-DD",
    "file_name_characters": "a file name with other than letters, digits, dot, underscore, hyphen",
    "file_extension_missing": "a file name without an extension",
    "file_extension_unsupported": "a file extension the CRM does not keep",
    "no_change": "a modify call with no updates",
    "not_found": "the id is no record of that entity",
    "still_referenced": "a record others depend on cannot be deleted",
    "duplicate_email": "another client has that e-mail",
    "closed_deal_locked": "terms of a deal that is closed",
    "date_in_past": "a close date before the CRM's own today",
    "date_order": "a contract that ends before it starts",
}
"""Every refusal code and its meaning.

They stand in the order of the stages of a check: the call itself; its names, known ones before missing ones; the type
and form of each value, argument by argument; references; law that looks at the state.
"""


FIELD_CHARS, MESSAGE_CHARS = 100, 1_000


class CrmGymError(Exception):
    """Root of every error of this package."""


class ToolError(CrmGymError, ValueError):
    """The CRM refused a tool call; nothing was changed.

    Attributes:
        code: One of `CODES`; stable.
        field: The argument at fault, or "" when the call itself is.
        message: One sentence: what was wrong and what would be accepted.
    """

    def __init__(self, code: str, field: str, message: str) -> None:
        # What an agent sent may stand in here: whatever it was, infos and logs stay small.
        self.code = code
        self.field = field[:FIELD_CHARS]
        self.message = message if len(message) <= MESSAGE_CHARS else message[: MESSAGE_CHARS - 3] + "..."
        super().__init__(self.code, self.field, self.message)

    def __str__(self) -> str:
        return self.message

    def as_json(self) -> dict[str, str]:
        """The error as the agent sees it: code, field and message."""
        return {"code": self.code, "field": self.field, "message": self.message}


class TaskError(CrmGymError, ValueError):
    """A task, a task file or a suite is not what it should be."""


class UsageError(CrmGymError, ValueError):
    """A keyword, a name or an option is wrong."""


class RenderModeError(UsageError, TypeError):
    """A render mode does not exist.

    A TypeError too, as of an environment without render modes: programs that would like "rgb_array", such as
    Stable-Baselines3, take that as a sign to do without.
    """


class StaleSnapshot(CrmGymError, ValueError):
    """A snapshot points at changes that have been undone since, or belongs to another Crm."""


class AgentError(CrmGymError):
    """The agent cannot go on with the episode. Its own doing: the episode counts, and is no success.

    Attributes:
        reason: Why, in one word: one of the ends in `crm_gym.evaluation.records.ENDS`.
        message: Why, in a sentence.
    """

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(reason, message)

    def __str__(self) -> str:
        return self.message


class BudgetSpent(CrmGymError):
    """A run has used up the calls, tokens, money or time it may use: it stops, and can go on under a larger budget."""


class InfraError(CrmGymError):
    """The database or the model's server is gone, too slow, or out of reach.

    Not the agent's doing: never rewarded, never held against it.
    """


_COMPARED, _LISTED = 100, 40  # characters compared (the work grows with them), names listed


def near_miss(word: object, known: Iterable[str]) -> str:
    """A sentence's tail that offers the closest known word, or lists what is known."""
    return _near_miss(str(word)[:_COMPARED].casefold(), tuple(map(str, known)))


@functools.lru_cache(maxsize=512)  # the same slips are made again and again, and difflib takes its time
def _near_miss(word: str, known: tuple[str, ...]) -> str:
    names = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {names[close[0]]!r}?"
    shown = list(names.values())
    more = f" and {len(shown) - _LISTED} more." if len(shown) > _LISTED else "."
    return "known are " + ", ".join(shown[:_LISTED]) + more if shown else "none is known."
