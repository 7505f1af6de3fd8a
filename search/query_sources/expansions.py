"""Expansion rules over real metadata: "Alfred Hitchcock thriller", "1960s French comedy".

A rule is a line of RULES: kinds of facts in the order in which people say them. It yields every
combination that enough visible items have together, so a query that nothing answers cannot arise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalog.category_names import category_label
from catalog.demonyms import DEMONYMS
from catalog.models import Profile
from search.query_sources import facts
from search.query_sources.base import CandidateQuery, anchor, presentable
from search.text import normalize_query

NAME = "expansions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Kinds of facts that make a query together, and how many items it takes."""

    name: str
    kinds: tuple[str, ...]
    minimum: int = 3


RULES = (
    Rule(name="category", kinds=("category",)),
    Rule(name="country_category", kinds=("country", "category")),
    Rule(name="category_decade", kinds=("decade", "category")),
    Rule(name="category_category", kinds=("category", "category")),
    Rule(name="creator_category", kinds=("creator", "category")),
    Rule(name="country_category_decade", kinds=("decade", "country", "category"), minimum=5),
    Rule(name="name_category", kinds=("name", "category")),
)
# "films like X" is worth offering for things that people know.
LIKE_MIN_PEOPLE = 5
LIKE_MAX_ITEMS = 500
# Items that "films like X" finds (search.like): a page of nearest neighbours, not the catalog.
LIKE_ANSWERS = 48
WELL_KNOWN = f"""{facts.ITEMS}
    SELECT id, title, creators, (SELECT count(*) FROM items),
           ln(1 + weight / 2.0) / ln(2 + (SELECT sum(weight) FROM items))
    FROM items WHERE people >= %(people)s
    ORDER BY people DESC, id LIMIT %(limit)s"""  # noqa: S608  constants only


class Expansions:
    """Combinations of what the catalog says about its items."""

    name = NAME

    def candidates(self, profile: Profile) -> Iterator[CandidateQuery]:
        """The queries of every rule, rule by rule."""
        sizes: dict[str, int] = {}
        for rule in RULES:
            if "name" in rule.kinds and not profile.name_attributes:
                continue
            found = facts.joint_facts(rule.kinds, minimum=rule.minimum, profile=profile)
            for values, count, popularity, witnesses in found:
                if rule.kinds == ("category",):
                    sizes[values[0]] = count
                parts = _in_order(rule.kinds, values, sizes)
                if fit := _wording(parts):
                    yield CandidateQuery(
                        text=fit[0],
                        normalized=fit[1],
                        source=NAME,
                        provenance={"rule": rule.name, "values": [value for _, value in parts]},
                        anchors=tuple(anchor(kind, value) for kind, value in parts),
                        answers_estimate=count,
                        popularity=popularity,
                        witnesses=witnesses,
                    )
        yield from _likes(profile)


def spoken(kind: str, value: str) -> str:
    """How people say a value in a query: "French" for France, "chairs" for Furniture/Chairs.

    Empty where there is no word for it.
    """
    if kind == "country":
        return next(iter(DEMONYMS.get(value.casefold(), ())), "")
    if kind == "category":
        leaf = category_label(value)
        # "Film Noir" is said in lower case, "TV" and "LGBT" are not.
        return " ".join(word.lower() if word.istitle() else word for word in leaf.split())
    return value


def _in_order(
    kinds: Sequence[str], values: Sequence[str], sizes: dict[str, int]
) -> list[tuple[str, str]]:
    """Kinds with values; of two categories the wider one is the noun and comes last."""
    parts = list(zip(kinds, values, strict=True))
    if kinds == ("category", "category"):
        parts.sort(key=lambda part: (sizes.get(part[1], 0), part[1]))
    return parts


def _wording(parts: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    said = [spoken(kind, value) for kind, value in parts]
    words = [set(normalize_query(text).split()) for text in said]
    # "comedy romantic comedy" says nothing that "romantic comedy" does not.
    repeats = any(a <= b for n, a in enumerate(words) for m, b in enumerate(words) if n != m)
    return None if repeats or not all(words) else presentable(" ".join(said))


def _likes(profile: Profile) -> Iterator[CandidateQuery]:
    taken: set[str] = set()
    params = {"people": LIKE_MIN_PEOPLE, "limit": LIKE_MAX_ITEMS}
    for item, title, creators, total, popularity in facts.rows(WELL_KNOWN, profile, **params):
        fit = presentable(f"{profile.item_noun_plural} like {title}")
        # Namesakes: the words lead to the best known one, and rows come in that order.
        if fit is None or fit[1] in taken or total < 2:
            continue
        taken.add(fit[1])
        yield CandidateQuery(
            text=fit[0],
            normalized=fit[1],
            source=NAME,
            provenance={"rule": "like", "item": item, "title": title, "creators": creators},
            anchors=(anchor("like", item),),
            answers_estimate=min(LIKE_ANSWERS, total - 1),
            popularity=popularity,
            witnesses=[item],
        )
