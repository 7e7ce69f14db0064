"""Asking the person whose request it is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic.fields import FieldInfo

from crm_gym import atoms
from crm_gym.atom import Wire, short
from crm_gym.crm import Crm
from crm_gym.errors import ToolError, near_miss
from crm_gym.tools.arguments import model
from crm_gym.tools.base import tool

TOPICS = (
    "which_record",
    "next_step",
    "name",
    "email",
    "phone",
    "address",
    "industry",
    "status",
    "owner",
    "title",
    "amount",
    "stage",
    "probability",
    "close_date",
    "valid_until",
    "start_date",
    "end_date",
    "version",
    "file_name",
    "content",
    "reason",
)
"""What can be asked about. which_record: which of several records is meant. next_step: says that what was asked for is
done, and asks what comes next. The others: the value of a field, or why."""

SILENT = "I have nothing to add to my request."
"""What people say who have no more to tell."""

_WORDS = Annotated[Any, Wire(atoms.text(atoms.NOTE_CHARS, blank=True, lines=True))]
_QUESTION = model(
    "Question",
    about=(_WORDS, FieldInfo(description="what the question is about", json_schema_extra={"enum": list(TOPICS)})),
    question=(_WORDS | None, FieldInfo(default=None, description="the question, in your own words")),
)


@tool("asking", "ask", 0, _QUESTION)
def ask_user(crm: Crm, arguments: Any) -> dict[str, Any]:
    """Ask the person whose request it is: about a value the request leaves out (by its field), about which of several
    records is meant (which_record), or, when all that was asked for is done, for what comes next (next_step). The
    answer depends on the topic; the words of the question are free."""
    if arguments.about not in TOPICS:
        raise ToolError(
            "enum_value",
            "about",
            f"about must be one of the topics; got {short(arguments.about)}: " + near_miss(arguments.about, TOPICS),
        )
    return {"user": SILENT}
