"""Every assumption about people who are sent lists, in one place, each with where it comes from."""

from dataclasses import dataclass, replace

NEUTRAL, BAD, BY_LOT = "neutral", "bad", "by lot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How simulated people take lists. Nobody fitted these numbers to the filter, and nobody may.

    Which items are a good and which a bad match for a person is real (what they rated later); how
    they look, take and tire is assumed:

    depth: after an item the next one is looked at with this probability, as in the simulator of
        searches (benchmarks/simulator/config.py): a list is read from the top.
    take: a good match that is looked at is taken (watched, applied for). Guess. Nothing else is.
    bad: what each bad match that is looked at adds to the annoyance. The unit.
    good: what each good one takes away; annoyance is never below 0. Guess: half.
    list: what each list adds that is not empty, whatever stands in it. Guess.
    keeps: of the annoyance so much is left at the next list. Guess.
    fatigue: who has the annoyance a leaves after a list with the chance 1 - exp(-fatigue * a), and
        is sent nothing more. Guess: two bad matches in one list cost some 8 of 100 people.
    unknown: what an item is that the person never rated: neutral, bad, or, by lot, good or bad as
        often as what the person rated later is. Guess; told with all three.
    runs: how often each person's period is lived, with other random numbers for looks, for takes
        and for what a random filter drops; sums are means of it.
    """

    depth: float = 0.85
    take: float = 0.5
    bad: float = 1.0
    good: float = 0.5
    list: float = 0.1
    keeps: float = 0.7
    fatigue: float = 0.04
    unknown: str = NEUTRAL
    runs: int = 20

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        for name in ("depth", "take", "keeps"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, not {getattr(self, name)}")
        if min(self.bad, self.good, self.list, self.fatigue) < 0 or self.runs < 1:
            raise ValueError("What adds up is not below 0, and a period is lived at least once.")
        if self.unknown not in (NEUTRAL, BAD, BY_LOT):
            raise ValueError(f"unknown is {NEUTRAL}, {BAD} or {BY_LOT}, not {self.unknown}")


def variants(base: Assumptions) -> dict[str, Assumptions]:
    """What the sensitivity table changes, one thing at a time."""
    return {
        "as assumed": base,
        "fatigue halved": replace(base, fatigue=base.fatigue / 2),
        "fatigue doubled": replace(base, fatigue=base.fatigue * 2),
        "good ones do not calm": replace(base, good=0.0),
        "a list alone does not tire": replace(base, list=0.0),
        "all is forgotten by the next list": replace(base, keeps=0.0),
        "nothing is forgotten": replace(base, keeps=1.0),
        "half as deep a look": replace(base, depth=max(0.0, 1 - 2 * (1 - base.depth))),
    }


def unknowns(base: Assumptions) -> dict[str, Assumptions]:
    """What else an item may be that was never rated."""
    return {
        "unrated ones are bad": replace(base, unknown=BAD),
        "unrated ones are good or bad by lot": replace(base, unknown=BY_LOT),
    }
