"""What can go wrong with a language model, by what is to be done about it."""

from catalog.errors import ProjectError


class LlmError(ProjectError):
    """Asking again would not help."""

    code = "llm"


class Fault(LlmError):
    """It may work another time. `after`: seconds that the provider asks to wait, 0 for none."""

    code = "llm_fault"

    def __init__(self, detail: str, *, after: float = 0.0) -> None:
        super().__init__(detail)
        self.after = after


class RateLimited(Fault):
    """Too many calls or tokens in a minute."""


class ProviderAway(Fault):
    """Down, or not reached."""


class TooSlow(Fault):
    """No answer in time."""


class KeyRefused(LlmError):
    """The key is wrong or was revoked: a job stops."""

    code = "llm_key"


class NotConfigured(LlmError):
    """There is no language model here."""

    code = "llm_missing"


class BadAnswer(LlmError):
    """The answer is not what the schema says, and was not after one repair either."""

    code = "llm_answer"


class OverLimit(LlmError):
    """A limit of the day is reached: a job stops, and can be gone on with tomorrow."""

    code = "llm_limit"


class Stopped(OverLimit):
    """Somebody stopped it."""

    code = "llm_stopped"


# Going on with the next item would meet the same.
ENDS_A_JOB = (KeyRefused, NotConfigured, OverLimit)
