"""The verbs: 28 tools of a CRM team, three ways to end an episode and one to ask the user, in a fixed order."""

from __future__ import annotations

from collections.abc import Mapping

from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.tools import asking, client, company, contact, contract, document, ending, note, opportunity, quote
from crm_gym.tools.arguments import JSON
from crm_gym.tools.base import Outcome, Tool, ToolCall, ToolResult, unknown_tool

_IN_ORDER: tuple[Tool, ...] = (
    opportunity.create_new_opportunity,
    opportunity.modify_opportunity,
    opportunity.opportunity_search,
    opportunity.view_opportunity_details,
    opportunity.opportunity_details,
    opportunity.clone_opportunity,
    opportunity.summarize_opportunities,
    opportunity.delete_opportunity,
    client.create_new_client,
    client.modify_client,
    client.client_search,
    contact.create_new_contact,
    contact.modify_contact,
    contact.contact_search,
    quote.create_quote,
    quote.modify_quote,
    quote.cancel_quote,
    quote.delete_quote,
    quote.quote_search,
    quote.quote_details,
    quote.compare_quotes,
    quote.compare_quote_details,
    quote.quote_prefixes,
    contract.create_contract,
    contract.contract_search,
    company.company_search,
    document.upload_document,
    note.add_note,
    ending.respond,
    ending.decline,
    ending.finish,
    asking.ask_user,
)

TOOLS: dict[str, Tool] = {tool.name: tool for tool in _IN_ORDER}
"""Every tool by name. The place in this dict is the tool's number in the action space: new ones go last."""

TOOL_NAMES: tuple[str, ...] = tuple(TOOLS)
"""Names in the order of the action space."""


def call(crm: Crm, request: ToolCall) -> ToolResult:
    """Run one call through `TOOLS`.

    A refused call changes nothing and comes back as an error; any other error takes its changes back and goes on up.
    """
    raw, error = outcome(crm, request.tool, request.arguments)
    return ToolResult(request, raw, error)


def outcome(crm: Crm, name: str, arguments: Mapping[str, JSON]) -> Outcome:
    """What `call` puts into a ToolResult: the result as the tool gave it, or the refusal."""
    tool = TOOLS.get(name)
    if tool is None:
        return None, unknown_tool(name, TOOLS)
    mark = len(crm.journal.changes)
    try:
        plan = tool.plan  # `Tool.check`, without the call
        checked = None if plan is None else plan.read(arguments)
        return tool.run(crm, tool.judge(arguments) if checked is None else checked), None
    except ToolError as refusal:
        crm.undo(mark)
        return None, refusal
    except BaseException:
        crm.undo(mark)
        raise


__all__ = ["TOOLS", "TOOL_NAMES", "Tool", "ToolCall", "ToolResult", "call"]
