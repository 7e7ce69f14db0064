"""crm_gym: a synthetic CRM as a Gymnasium environment. Importing it registers `CrmEnv-v0` and its family."""

from crm_gym.crm import Crm, Snapshot, diff
from crm_gym.entities import (
    ENTITIES,
    Client,
    Company,
    Contact,
    Contract,
    Document,
    Note,
    Opportunity,
    Quote,
)
from crm_gym.env import CrmEnv
from crm_gym.errors import (
    CODES,
    AgentError,
    BudgetSpent,
    CrmGymError,
    InfraError,
    StaleSnapshot,
    TaskError,
    ToolError,
    UsageError,
    near_miss,
)
from crm_gym.evaluation.rollout import Agent, Episode, rollout
from crm_gym.registration import IDS, make_vec, register_all
from crm_gym.rewards import RewardConfig
from crm_gym.sandbox import MockCrmApi
from crm_gym.tasks.catalogue import FAMILIES, SUITES, find_task, load_suite
from crm_gym.tasks.splits import SPLITS
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, TOOLS, Tool, ToolCall, ToolResult
from crm_gym.verify import Verdict, verify

__version__ = "0.1.0"

register_all()

__all__ = [
    "CODES",
    "ENTITIES",
    "FAMILIES",
    "IDS",
    "SPLITS",
    "SUITES",
    "TOOLS",
    "TOOL_NAMES",
    "Agent",
    "AgentError",
    "BudgetSpent",
    "Client",
    "Company",
    "Contact",
    "Contract",
    "Crm",
    "CrmEnv",
    "CrmGymError",
    "Document",
    "Episode",
    "InfraError",
    "MockCrmApi",
    "Note",
    "Opportunity",
    "Quote",
    "RewardConfig",
    "Snapshot",
    "StaleSnapshot",
    "Task",
    "TaskError",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "UsageError",
    "Verdict",
    "diff",
    "find_task",
    "load_suite",
    "make_vec",
    "near_miss",
    "rollout",
    "verify",
]
