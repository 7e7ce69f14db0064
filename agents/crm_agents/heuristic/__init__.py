"""An agent of rules, without a model: a floor that models can be measured against."""

from crm_agents.heuristic.agent import HeuristicAgent

__all__ = ["HeuristicAgent"]
