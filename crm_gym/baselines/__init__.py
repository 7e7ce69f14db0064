"""Agents that need no model: the floor and the ceiling that every other is measured against."""

from crm_gym.baselines.constant import ConstantAgent
from crm_gym.baselines.scripted import DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

__all__ = ["ConstantAgent", "DeclineAgent", "EchoAgent", "NullAgent", "OracleAgent", "RandomAgent"]
