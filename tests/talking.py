"""Agents for tests of the harness: one that talks to a model that is not there, one that falters, one at the door."""

import asyncio
from dataclasses import dataclass, field

from crm_gym import AgentError, InfraError, ToolCall
from crm_gym.baselines import OracleAgent, RandomAgent
from crm_gym.evaluation.account import Account, Tokens


@dataclass
class Talk:
    label: str
    spend: object = None
    account: Account = field(default_factory=Account)


class Talker:
    """Looks for a client as often as its label says, then finishes; every call costs one model call."""

    model, prompt = "talker-1", "0123456789abcdef"

    def __init__(self, cost=0.25, wait=asyncio.sleep):
        self.cost, self.wait = cost, wait
        self.labels, self.open, self.most = [], 0, 0

    def describe(self):
        return {"cost": self.cost}

    def start(self, label, spend=None):
        self.labels.append(label)
        return Talk(label, spend)

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        state.spend.before_call()
        return self.reply(observation, state)

    async def apredict(self, observation, state=None, episode_start=None, deterministic=False):
        state.spend.before_call()
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.wait(0)
        finally:
            self.open -= 1
        return self.reply(observation, state)

    def reply(self, observation, state):
        tokens = Tokens(input=10, output=2)
        state.account.add(tokens, self.cost, 0.5)
        state.account.said = f"call {state.account.calls}"
        state.spend.after_call(tokens, self.cost)
        if observation["steps"] < self.searches(state.label):
            return ToolCall("client_search", {"limit": 1}), state
        return ToolCall("finish"), state

    @staticmethod
    def searches(label):
        return sum(map(ord, label)) % 4


class Faltering(Talker):
    """Cannot go on with some episodes, by a word in their labels: an error, or an outage that may pass."""

    def __init__(self, faults, times=1):
        super().__init__()
        self.faults, self.times = faults, dict.fromkeys(faults, times)

    def reply(self, observation, state):
        made = super().reply(observation, state)
        for word, fault in self.faults.items():
            if word in state.label and self.times[word]:
                self.times[word] -= 1
                raise fault
        return made


class Outage(InfraError):
    kind = "overloaded"


def refusal():
    return AgentError("refusal", "the model will not")


def oracle(env, seed):
    return OracleAgent(env, demonstrate=True)


def chance(env, seed):
    return RandomAgent(seed)


class Sleepy(OracleAgent):
    """Knows the way, and others may play between its calls."""

    async def apredict(self, observation, state=None, episode_start=None, deterministic=False):
        await asyncio.sleep(0)
        return self.predict(observation, state, episode_start)


def sleepy(env, seed):
    return Sleepy(env, demonstrate=True)


def talker(env, seed):
    return Talker()
