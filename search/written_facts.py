"""Facts that a language model states of items: screened, each once, and proposed to people.

Whatever states them hands them in here. A value is one that the catalog uses already, and it rests
on words of the item's title or description, whose place is kept. So a text that gives orders can
bring about nothing but a proposal of a value that somebody else chose.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q

from catalog.additions import FIELDS, TAG, is_stated
from catalog.filters import ATTRIBUTE
from catalog.models import Item, Profile
from catalog.profiles import current_profile
from search.bans import current_bans
from search.fact_schema import FactSchema, Value, key_of
from search.models import Proposal
from search.personal_data import is_private
from search.proposal_models import CHANGED, Kind
from search.query_sources.base import presentable
from search.query_sources.facts import VISIBLE
from search.text import normalize_query
from search.written_queries import Origin

MOST_TAG_WORDS = 3
MOST_TAG_CHARACTERS = 40
LEAST_EVIDENCE = 2
MOST_EVIDENCE = 200
# A word that so few items have is nobody's word for anything.
LEAST_ITEMS = 2
# A tag says what a thing is; how good, how cheap and how much bought others say.
_PRAISE = """
    best better seller sellers bestseller bestsellers selling top rated sale discount cheap
    cheapest recommended popular must official guaranteed
"""
PRAISE = frozenset(_PRAISE.split())
_IN_USE = f"""
    SELECT count(*) FROM unnest(%s::text[]) AS word WHERE {LEAST_ITEMS} = (
        SELECT count(*) FROM (SELECT 1 FROM catalog_item i
            WHERE i.search_vector @@ plainto_tsquery('foray', word) AND {VISIBLE}
            LIMIT {LEAST_ITEMS}) AS had)"""  # noqa: S608  constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFact:
    """A fact as it was stated. `facet`: "category", "tag", or "attributes.color".

    `evidence`: the words of the item that it rests on. `descriptor`: of a tag, what it speaks of.
    `confidence`: mean log-probability of a token, where the model tells.
    """

    facet: str
    value: Value
    evidence: str
    descriptor: str = ""
    confidence: float | None = None


class Span(NamedTuple):
    """Characters [start, end) of a field of an item, and what stands there."""

    field: str
    start: int
    end: int
    text: str


class _Fit(NamedTuple):
    """What passed: how it is shown, its normal form, its value and place; or why it did not."""

    why: str
    text: str = ""
    normalized: str = ""
    value: Value = ""
    span: Span | None = None


def propose_facts(
    item_id: int, written: Sequence[WrittenFact], *, schema: FactSchema, origin: Origin
) -> Counter[str]:
    """Store those that pass; how many were "proposed", and how many fell for which reason.

    Args:
        item_id: what they were stated of, as it is now and not as it was when it was asked about.
        written: at most a handful.
        schema: what may be stated.
        origin: of all of them.
    """
    item = Item.objects.filter(pk=item_id).first()
    if item is None:
        return Counter({"gone": 1})
    told: Counter[str] = Counter()
    share = origin.money / max(1, len(written))
    for one in written:
        fit = _screened(item, one, schema)
        if fit.span is None:
            told[fit.why] += 1
            continue
        values = {
            "text": fit.text[:300], "evidence": fit.span.text[:MOST_EVIDENCE],
            "descriptor": one.descriptor[:40], "confidence": one.confidence, "money": share,
            "content_hash": item.content_hash, "review": Proposal.Review.PROPOSED,
            "value": {
                "facet": one.facet, "value": fit.value, "field": fit.span.field,
                "start": fit.span.start, "end": fit.span.end,
            },
            **origin.columns(),
        }  # fmt: skip
        names = {"kind": Kind.ATTRIBUTE, "item": item, "subject": one.facet[:200],
                 "normalized": fit.normalized[:300]}  # fmt: skip
        _, is_new = Proposal.objects.get_or_create(**names, defaults=values)
        again = not is_new and _said_anew(names, values)
        told["proposed" if is_new or again else "known"] += 1
    return told


def _said_anew(names: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether what fell because its text changed, or would, is proposed of the text as it is."""
    is_old = Q(review=Proposal.Review.PROPOSED) & ~Q(content_hash=values["content_hash"])
    rows = Proposal.objects.filter(Q(basis__by=CHANGED) | is_old, **names)
    return bool(rows.update(**values, basis={}, note="", reviewed_by="", reviewed_at=None))


def span_of(item: Item, evidence: str) -> Span | None:
    """Where these words stand in the item, letter for letter but for case and spaces."""
    words = evidence.split()
    if not words or not LEAST_EVIDENCE <= len(" ".join(words)) <= MOST_EVIDENCE:
        return None
    looked_for = re.compile(
        r"(?<!\w)" + r"\s+".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE
    )
    for field in FIELDS:
        if found := looked_for.search(getattr(item, field)):
            return Span(field, found.start(), found.end(), found[0])
    return None


def is_named(row: Proposal, schema: FactSchema) -> bool:
    """Whether a proposal would pass as it stands, and its evidence names the value in words."""
    told = row.value
    if row.item is None or span_of(row.item, row.evidence) is None:
        return False
    if told["facet"] != TAG and (
        is_stated(row.item, told["facet"], told["value"])
        or schema.admitted(told["facet"], told["value"]) is None
    ):
        return False
    said = str(told["value"]).rpartition("/")[2]
    return f" {normalize_query(said)} " in f" {normalize_query(row.evidence)} "


def _screened(item: Item, one: WrittenFact, schema: FactSchema) -> _Fit:
    fit = _tag(item, str(one.value)) if one.facet == TAG else _value(item, one, schema)
    span = span_of(item, one.evidence)
    told = normalize_query(str(fit.value))
    tests = (
        (fit.why, bool(fit.why)),
        ("no evidence", span is None or len(span.text) > MOST_EVIDENCE),
        ("personal data", is_private(told) or (span is not None and is_private(span.text))),
        ("banned", current_bans().holds(told)),
    )
    why = next((name for name, fails in tests if fails), "")
    return _Fit(why) if why else fit._replace(span=span)


def _value(item: Item, one: WrittenFact, schema: FactSchema) -> _Fit:
    """A value of a facet: one that is in use, and that the item does not state."""
    value = schema.admitted(one.facet, one.value)
    if value is None:
        known = one.facet in schema.values
        return _Fit("outside the vocabulary" if known else "no such attribute")
    key = key_of(value)
    others = Proposal.objects.filter(kind=Kind.ATTRIBUTE, item=item, subject=one.facet)
    others = others.exclude(review=Proposal.Review.REJECTED).exclude(normalized=key)
    why = "stated already" if is_stated(item, one.facet, value) else ""
    if not why and one.facet not in schema.lists and others.exists():
        why = "has another value"
    shown = f"{value:g}" if isinstance(value, int | float) else value
    return _Fit(why, f"{one.facet.removeprefix(ATTRIBUTE)}: {shown}", key, value)


def _tag(item: Item, given: str) -> _Fit:
    """A tag: a few words that other items have too, that praise nothing and name nobody."""
    fit = presentable(given)
    words = fit[1].split() if fit else []
    if fit is None or len(fit[0]) > MOST_TAG_CHARACTERS or not 0 < len(words) <= MOST_TAG_WORDS:
        return _Fit("not presentable")
    profile = current_profile()
    tests = (
        ("praise", bool(PRAISE.intersection(words))),
        ("names the item", normalize_query(item.title) in (fit[1], f"the {fit[1]}")),
        ("names a person", bool(_names(item, profile).intersection(words))),
        ("stated already", _is_said(item, fit[1])),
        ("not the catalog's words", not _are_in_use(words)),
    )
    why = next((name for name, fails in tests if fails), "")
    return _Fit(why, fit[0].lower(), fit[1], fit[0].lower())


def _names(item: Item, profile: Profile) -> set[str]:
    """Words of the people whom the item names."""
    held = [item.attributes.get(key) for key in profile.name_attributes]
    told = [one for value in held for one in (value if isinstance(value, list) else [value])]
    return {
        word
        for name in [*item.creators, *told]
        if name
        for word in normalize_query(str(name)).split()
    }


def _is_said(item: Item, normalized: str) -> bool:
    """Whether it is one of the item's categories, or a value that the item states."""
    values = [path.rpartition("/")[2] for path in item.categories]
    for held in item.attributes.values():
        values += [str(one) for one in (held if isinstance(held, list) else [held])]
    return normalized in {normalize_query(value) for value in values}


def _are_in_use(words: Sequence[str]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_IN_USE, [list(words)])
        return bool(cursor.fetchone()[0] == len(words))
