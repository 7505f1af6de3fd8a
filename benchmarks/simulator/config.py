"""Every assumption about simulated people, in one place, each with where it comes from."""

from dataclasses import dataclass, fields
from typing import Any

ON_THE_HOME_PAGE = "sessions begin on the home page"
CURIOUS = "anything clicked five times as often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """How simulated people behave. Nobody fitted these numbers to Foray, and nobody may.

    What people want and type is real; how they look, click and give up is assumed:

    depth: after a hit the next one is looked at with this probability. A list is read from the top
        (the cascade of Craswell et al., WSDM 2008) with the persistence of a patient reader
        (Moffat and Zobel, "Rank-biased precision", TOIS 2008: 0.8 to 0.95).
    recognise: the very item that one came for is clicked when it is looked at. Guess.
    recognise_other: another of the items that the person really went on to want. Guess: half.
    near: an item by a creator (or with a name) of a later want is clicked, and not taken. Guess.
    stray: any other item is clicked, and not taken. Guess.
    pill_attention: the recommended queries are looked at before one asks again. Guess.
    pill_depth: after a recommended query the next one is looked at. As `depth`.
    pill_right, pill_wrong: a query is picked when its own first ten hits hold a later want, and
        when they do not. Guess; a person sees only words and a hint.
    pill_noise: the two are mistaken for each other. Guess.
    pill_first: they are looked at before one decides to ask again or to leave, as they stand above
        the hits; where it is False, only by who goes on anyway, in place of asking again. Guess,
        and the one that decides most: both are always told.
    after_success, after_failure: one goes on searching after a list that gave something, or did
        not (patience). Guess.
    home: a session begins on the home page, whose places to start are looked at as other
        recommended queries are; else with a query that is typed at once. Guess, the one that
        recommends least; the other end is told beside it.
    title, typed: shares of intents that are a title one knows, and a tag that one really typed
        later; the rest is a vague wish in words of the catalog. Guess.
    """

    depth: float = 0.85
    recognise: float = 0.9
    recognise_other: float = 0.5
    near: float = 0.05
    stray: float = 0.01
    pill_attention: float = 0.4
    pill_depth: float = 0.8
    pill_right: float = 0.5
    pill_wrong: float = 0.05
    pill_noise: float = 0.15
    pill_first: bool = True
    after_success: float = 0.5
    after_failure: float = 0.7
    title: float = 0.35
    typed: float = 0.4
    home: float = 0.0
    sessions: int = 2
    most_searches: int = 6

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is float and not 0 <= value <= 1:
                raise ValueError(f"{field.name} is a probability, not {value}")
        if self.title + self.typed > 1:
            raise ValueError("title and typed are shares of one whole")


def scaled(persistence: float, factor: float) -> float:
    """The persistence with which the expected number of things looked at is `factor` times it."""
    return max(0.0, 1 - (1 - persistence) / factor)


def variants(base: Assumptions) -> dict[str, dict[str, Any]]:
    """What the sensitivity table changes: when pills are seen; depth, attention, patience by two.

    Depth and patience are numbers of things in the mean (1 / (1 - p)), so those are halved.
    """
    found: dict[str, dict[str, Any]] = {
        "pills in place of asking again": {"pill_first": not base.pill_first},
        ON_THE_HOME_PAGE: {"home": 1.0},
        CURIOUS: {"stray": min(1.0, 5 * base.stray)},
    }
    for word, factor in (("halved", 0.5), ("doubled", 2.0)):
        found[f"depth {word}"] = {"depth": scaled(base.depth, factor)}
        found[f"attention to pills {word}"] = {
            "pill_attention": min(1.0, base.pill_attention * factor)
        }
        found[f"patience {word}"] = {
            "after_success": scaled(base.after_success, factor),
            "after_failure": scaled(base.after_failure, factor),
        }
    return found
