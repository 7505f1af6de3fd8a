"""Errors of recs that a caller can act on."""

from catalog.errors import Conflict, ProjectError, Unavailable


class NoLiveVersion(Unavailable):
    """Nothing was learned yet: no version of vectors answers requests."""

    code = "no_live_version"


class UnusableVersion(Unavailable):
    """A version whose encoder is not the installed one, or whose artifact is not whole."""

    code = "unusable_version"


class CannotPromote(Conflict):
    """A version cannot go live: refused, pruned, broken, or overtaken by another."""

    code = "cannot_promote"


class CannotRollBack(Conflict):
    """There is no version to go back to, or it cannot be used."""

    code = "cannot_roll_back"


class RunEnded(Conflict):
    """A run of training is over: it cannot be begun, cancelled or ended any more."""

    code = "run_ended"


class AlreadyTraining(Conflict):
    """Another process is training the same kind."""

    code = "already_training"


class NotEnoughEvents(ProjectError):
    """There is nothing to learn from yet."""

    code = "not_enough_events"
    http_status = 409
