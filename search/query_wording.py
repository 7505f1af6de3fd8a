"""The line under a recommended query: what is behind it, in true words."""

from collections.abc import Sequence

from catalog.models import Profile
from search.query_candidates import Candidate

MAX_HINT_CHARACTERS = 120


def hints(shown: Sequence[tuple[Candidate, Sequence[str]]], profile: Profile) -> list[str]:
    """A line for each query that stands in one list, naming a different item where it can.

    Args:
        shown: the queries, with titles of visible items that answer each, best first.
        profile: how the catalog calls its things.
    """
    named: set[str] = set()
    lines = []
    for candidate, titles in shown:
        fresh = [title for title in titles if title not in named] or titles
        # "films like X" is about X itself.
        example = next(iter(titles if candidate.rule == "like" else fresh), "")
        named.add(example)
        lines.append(_hint(candidate, example, profile))
    return lines


def _hint(candidate: Candidate, example: str, profile: Profile) -> str:
    count = candidate.answers
    noun = profile.item_noun if count == 1 else profile.item_noun_plural
    such_as = f", such as {example}" if example else ""
    year = candidate.year
    wordings = {
        "recent": "You searched for this",
        "like": f"Near {example} in subject and style",
        "creator": f"{count:,} {noun} by this {profile.creator_noun}{such_as}",
    }
    if people := candidate.people_told:
        wordings["searched"] = f"Searched by {people:,} people{such_as}"
    if candidate.rule == "item_title" and count == 1:
        return profile.item_noun.capitalize() + (f", {year}" if year else "")
    return _cut(wordings.get(candidate.rule, f"{count:,} {noun}{such_as}"))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_HINT_CHARACTERS else text[: MAX_HINT_CHARACTERS - 1] + "…"
