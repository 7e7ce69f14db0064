"""crm_agents: policies for crm_gym. The agents here need no model; see `crm-agents eval`."""

from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

__all__ = ["ConstantAgent", "DeclineAgent", "EchoAgent", "NullAgent", "OracleAgent", "RandomAgent"]
