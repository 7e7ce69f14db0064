"""Why a model gave no reply, in one tree, whoever the provider is.

ModelFault
├── PassingFault      may pass by itself: 408, 409, 429, 5xx, 529, time-outs, connections; retried
├── SetupFault        will not pass and is ours to mend: key, model name, permission (401, 403, 404); stops the run
├── TooLong           the conversation is longer than the model can read (or 413)
└── BadRequest        the provider calls the request wrong: 400, 422 and whatever else
"""

from __future__ import annotations

from crm_gym import InfraError
from crm_gym.evaluation.account import Tokens


class ModelFault(Exception):
    """A model gave no reply.

    Attributes:
        kind: One word for logs: rate_limited, overloaded, server_error, timeout, connection, key, not_found, ...
        message: A sentence, with no secret in it.
        status: The HTTP status, None without one.
        retry_after: Seconds that the provider asks us to wait, None if it does not say.
        tokens: What a reply took that could not be read, as it is billed; None if nothing came that would be billed.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        status: int | None = None,
        retry_after: float | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self.kind, self.message, self.status, self.retry_after = kind, message, status, retry_after
        self.tokens = tokens
        super().__init__(kind, message)

    def __str__(self) -> str:
        return self.message


class PassingFault(ModelFault):
    """May pass by itself; `crm_agents.llm.retry` asks again."""


class SetupFault(ModelFault):
    """Will not pass, and concerns the whole run: the key, the model's name, a permission."""


class TooLong(ModelFault):
    """The conversation is longer than the model can read."""


class BadRequest(ModelFault):
    """The provider calls the request wrong."""


class ModelOutage(InfraError):
    """A model stayed out of reach after all retries: nobody's failure.

    Attributes:
        kind: One word, as in `ModelFault`.
    """

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)
