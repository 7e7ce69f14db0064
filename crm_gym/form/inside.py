"""What lies behind the numeric door, for those who look into it: not for policies."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.env import CrmEnv
from crm_gym.tasks.task import Task
from crm_gym.verify import Verdict


class Inside:
    """What has an episode at the CRM.

    Attributes:
        crm_env: That episode.
    """

    __slots__ = ()

    crm_env: CrmEnv

    @property
    def task(self) -> Task:
        """The task being played, with its solution."""
        return self.crm_env.task

    @property
    def verdict(self) -> Verdict:
        """What the state says of the episode so far."""
        return self.crm_env.verdict

    @property
    def crm(self) -> Crm:
        """The CRM being played on."""
        return self.crm_env.crm

    @property
    def sampler(self) -> Any:
        """What draws the tasks."""
        return self.crm_env.sampler
