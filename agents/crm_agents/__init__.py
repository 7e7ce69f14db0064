"""crm_agents: policies for crm_gym, the harness that measures them, and a judge. See `crm-agents --help`."""

from crm_agents.heuristic import HeuristicAgent
from crm_agents.human import HumanAgent
from crm_agents.judge.callback import JudgeCallback
from crm_agents.judge.judge import Judge
from crm_agents.llm.agent import ClaudeAgent, LlmAgent, OpenAIAgent
from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.metrics import summarize
from crm_gym.evaluation.plan import Plan

__all__ = [
    "BaselineHarness",
    "Budget",
    "ClaudeAgent",
    "ConstantAgent",
    "DeclineAgent",
    "EchoAgent",
    "EpisodeCallback",
    "HeuristicAgent",
    "HumanAgent",
    "Judge",
    "JudgeCallback",
    "LlmAgent",
    "NullAgent",
    "OpenAIAgent",
    "OracleAgent",
    "Plan",
    "RandomAgent",
    "read_log",
    "summarize",
]
