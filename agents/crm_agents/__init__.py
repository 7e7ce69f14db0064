"""crm_agents: policies for crm_gym. The agents here need no model; see `crm-agents eval`."""

from crm_agents.constant import ConstantAgent
from crm_agents.scripted import DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

__all__ = ["ConstantAgent", "DeclineAgent", "EchoAgent", "NullAgent", "OracleAgent", "RandomAgent"]
