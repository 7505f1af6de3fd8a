"""Why a recommended query is here, in a few true sentences.

Nothing is looked up: they are made of the facts that search.query_evidence kept.
"""

from catalog.models import Profile
from catalog.types import QueryEvidence, QueryRecommendation

# What each group of features is in plain words; `source` and `context` say nothing to a visitor.
GROUPS = {
    "match": "how it takes up your words",
    "statistics": "how much it leads to",
    "retrieval": "how well it fits what was found",
    "vectors": "how near it lies to what is asked",
    "person": "what you searched for and wanted before",
}
# Of the viewer, in part or as a whole.
PERSONAL = ("person", "vectors")
# Rules of queries that speak of nothing by name: what they share with a list is their answers.
BY_ANSWERS = ("searched", "recent")
# Log-odds below which a group hardly spoke for anything.
LEAST_TOLD = 0.1


def why(query: QueryRecommendation, profile: Profile, *, tell_own: bool = True) -> str:
    """Why it is here; "" where that is not known.

    Args:
        query: as it is recommended.
        profile: how the catalog calls its things.
        tell_own: whether who is told may know what the viewer did before.
    """
    known = query.evidence
    if known is None:
        return ""
    told = (
        _lead(known, profile, tell_own=tell_own),
        _asked_by(known),
        _finds(query, profile),
        "A place is kept for what was hardly shown yet." if known.is_cold else "",
        _counted_most(known, tell_own=tell_own),
    )
    return " ".join(part for part in told if part)


def _lead(known: QueryEvidence, profile: Profile, *, tell_own: bool) -> str:
    """The first of what can be said of where it comes from."""
    if tell_own and known.own_days is not None:
        return f"You searched for this {_ago(known.own_days)}."
    if known.surface == "start":
        return _of_start(known.rule, profile)
    told = (
        ("People went on to this search from here.", known.went_on > 0),
        (_of_hits(known, profile), known.shared > 0),
        ("What people chose after it is near to what they chose here.", known.nearness > 0),
        (_names_maker(known, profile), known.made > 0),
        ("It goes ten years on or back.", known.is_near),
        ("It has all of your words.", known.keeps == "all"),
        ("It has words of yours.", known.keeps == "some"),
    )
    return next((words for words, is_so in told if is_so), "")


def _of_start(rule: str, profile: Profile) -> str:
    """Of each rule the most wanted ones are places to start (search.places_to_start)."""
    kind, maker = profile.category_noun, profile.creator_noun
    sorts = {
        "category": f"a {kind}",
        "country_category": f"a country and a {kind}",
        "category_decade": f"a decade and a {kind}",
        "category_category": f"one {kind} and another",
        "country_category_decade": f"a decade, a country and a {kind}",
        "creator_category": f"a {maker} and a {kind}",
        "name_category": f"a name and a {kind}",
        "creator": f"a {maker}",
        "collection_title": "a list",
        "like": f"{profile.item_noun_plural} like another one",
        "searched": "what people typed",
        "written": "what a language model wrote",
    }
    return f"Among the most wanted searches for {sorts[rule]}." if rule in sorts else ""


def _ago(days: float) -> str:
    if days < 1:
        return "in the last 24 hours"
    whole = int(days)
    return "a day ago" if whole == 1 else f"{whole} days ago"


def _of_hits(known: QueryEvidence, profile: Profile) -> str:
    """How many of the best hits have what it speaks of."""
    if known.rule in BY_ANSWERS:
        return f"What answers it best is among the first {profile.item_noun_plural} here."
    among, is_one = _among(known, known.shared, profile)
    begins = {
        "creator": f"The {profile.creator_noun} of",
        "name": "Named in",
        "collection_title": "A list that holds",
        "like": "It starts from",
        "written": "Written by a language model for",
    }
    if known.rule in begins:
        return f"{begins[known.rule]} {among}."
    return f"{among[0].upper()}{among[1:]} {'fits' if is_one else 'fit'} it."


def _among(known: QueryEvidence, count: int, profile: Profile) -> tuple[str, bool]:
    """So many of the hits, and whether that is one."""
    if known.hits == 1:
        is_its_page = known.surface == "item"
        noun = profile.item_noun
        return (f"this {noun}" if is_its_page else f"the one {noun} found"), True
    told = "all" if count == known.hits else "one" if count == 1 else f"{count:,}"
    return f"{told} of the first {known.hits:,} {profile.item_noun_plural}", count == 1


def _names_maker(known: QueryEvidence, profile: Profile) -> str:
    """It names somebody of what was found, beside something that was not found of theirs."""
    return f"It names somebody behind {_among(known, known.made, profile)[0]}."


def _asked_by(known: QueryEvidence) -> str:
    return f"{known.people:,} people typed it." if known.people else ""


def _finds(query: QueryRecommendation, profile: Profile) -> str:
    if query.answers == 1:
        return f"It finds one {profile.item_noun}."
    return f"It finds {query.answers:,} {profile.item_noun_plural}." if query.answers else ""


def _counted_most(known: QueryEvidence, *, tell_own: bool) -> str:
    """The group of features that spoke for it most, where a learned order stands behind it."""
    groups = {
        name: part
        for name, part in known.groups.items()
        if name in GROUPS and part >= LEAST_TOLD and (tell_own or name not in PERSONAL)
    }
    if not groups:
        return ""
    return f"What counted most: {GROUPS[max(groups, key=lambda name: groups[name])]}."
