"""The three ways to end an episode: answer, turn down, or say that it is done."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic.fields import FieldInfo

from crm_gym import atoms
from crm_gym.atom import Wire, short
from crm_gym.crm import Crm
from crm_gym.errors import CODES, ToolError, near_miss
from crm_gym.tools.arguments import Arguments, model
from crm_gym.tools.base import tool

_WORDS = Annotated[Any, Wire(atoms.text(atoms.NOTE_CHARS, blank=True, lines=True))]
_ANSWER = model(
    "Answer",
    answer=(Any, FieldInfo(description="the answer: a number, a text, a record's id or name, a list or an object")),
)
_REFUSAL = model(
    "Refusal",
    code=(_WORDS, FieldInfo(description="why the CRM must not do it", json_schema_extra={"enum": list(CODES)})),
    field=(_WORDS | None, FieldInfo(default=None, description="the argument at fault, by its name")),
    reason=(_WORDS | None, FieldInfo(default=None, description="one sentence for the person who asked")),
)


@tool("ending", "end", 0, _ANSWER)
def respond(crm: Crm, arguments: Any) -> dict[str, Any]:
    """End the episode with the answer to the request. Give numbers as numbers, several records as a list of their
    ids or names, one value as itself."""
    return {"ended": "respond"}


@tool("ending", "end", 0, _REFUSAL)
def decline(crm: Crm, arguments: Any) -> dict[str, Any]:
    """End the episode by turning the request down because the CRM must refuse it: give the code of the refusal and
    the argument at fault."""
    if arguments.code not in CODES:
        raise ToolError(
            "enum_value",
            "code",
            f"code must be one of the refusal codes; got {short(arguments.code)}: " + near_miss(arguments.code, CODES),
        )
    return {"ended": "decline"}


@tool("ending", "end", 0, model("Nothing"))
def finish(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """End the episode: the work is done and nothing has to be answered."""
    return {"ended": "finish"}
