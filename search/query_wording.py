"""The line under a recommended query: what is behind it, in true words."""

from collections.abc import Sequence

from catalog.models import Profile
from search.query_candidates import Candidate

MAX_HINT_CHARACTERS = 120


def hint(candidate: Candidate, titles: Sequence[str], profile: Profile) -> str:
    """One line that says what the query leads to."""
    count = candidate.answers
    noun = profile.item_noun if count == 1 else profile.item_noun_plural
    rule = candidate.rule
    if candidate.source == "recent":
        return "You searched for this"
    if rule == "like":
        return _cut(f"Near {titles[0]} in subject and style")
    if rule == "item_title" and count == 1:
        year = candidate.provenance.get("year")
        return f"{profile.item_noun.capitalize()}, {year}" if year else profile.item_noun.capitalize()
    examples = f", such as {titles[0]}" if titles else ""
    if candidate.source == "log" and candidate.people:
        return _cut(f"Searched by {candidate.people} people{examples}")
    if rule == "creator":
        return _cut(f"{count:,} {noun} by this {profile.creator_noun}{examples}")
    return _cut(f"{count:,} {noun}{examples}")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_HINT_CHARACTERS else text[: MAX_HINT_CHARACTERS - 1] + "…"
