"""The line under a recommended query: what is behind it, in true words."""

from collections.abc import Sequence

from catalog.models import Profile
from search.query_candidates import Candidate

MAX_HINT_CHARACTERS = 120


def hint(candidate: Candidate, titles: Sequence[str], profile: Profile) -> str:
    """One line that says what the query leads to."""
    count = candidate.answers
    noun = profile.item_noun if count == 1 else profile.item_noun_plural
    example = titles[0] if titles else ""
    such_as = f", such as {example}" if example else ""
    year = candidate.year
    wordings = {
        "recent": "You searched for this",
        "like": f"Near {example} in subject and style",
        "searched": f"Searched by {candidate.people} people{such_as}",
        "creator": f"{count:,} {noun} by this {profile.creator_noun}{such_as}",
    }
    if candidate.rule == "item_title" and count == 1:
        return profile.item_noun.capitalize() + (f", {year}" if year else "")
    return _cut(wordings.get(candidate.rule, f"{count:,} {noun}{such_as}"))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_HINT_CHARACTERS else text[: MAX_HINT_CHARACTERS - 1] + "…"
