"""Errors of recs that a caller can act on."""

from catalog.errors import Unavailable


class NoLiveVersion(Unavailable):
    """Nothing was learned yet: no version of vectors answers requests."""

    code = "no_live_version"


class UnusableVersion(Unavailable):
    """The live version was made by another encoder than the one that is installed."""

    code = "unusable_version"
