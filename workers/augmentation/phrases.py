"""Wordings of queries that an item's own text and facts allow: what a small model chooses from.

Each rests on words of the item by construction. A phrase is one or two neighbouring words of the
title or the description that other items have as well and that are in nobody's name; it stands
before what the catalog says the item is: a category, a country, a decade.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from django.db import connection

from catalog.derive import attribute_words, decade
from catalog.models import Item, Profile
from catalog.profiles import current_profile
from search.query_sources.expansions import spoken
from search.query_sources.facts import VISIBLE
from search.text import normalize_query, without_article
from search.written_queries import LEAST_WORDS, MOST_WORDS

# A word that fewer items have is a name or a slip,
LEAST_ITEMS = 3
# and one that more have says nothing: "directed" of films, "cotton" of shirts.
MOST_SHARE = 0.01
# A word that stands in the names of so many people, for each item that has it elsewhere, is a name.
NAME_SHARE = 0.1
# The item is to be found among the first ten, beside others: a query leads on.
LEAST_FOUND = 2
MOST_FOUND = 10
MOST_CHOICES = 16
MOST_PHRASES = 4
MOST_KINDS = 3
# A phrase that so many items of a category have, and so many times as many as chance would, is a
# theme of it.
LEAST_TOGETHER = 4
LEAST_LIFT = 2.0
# A phrase that so large a part of the titles that hold it begins with is the name of a series.
MOST_BEGUN = 0.5
STEM = 4
_COUNT = f"""
SELECT t.n, count(found.id) FROM unnest(%s::text[]) WITH ORDINALITY AS t(words, n)
LEFT JOIN LATERAL (
    SELECT i.id FROM catalog_item i
    WHERE i.search_vector @@ plainto_tsquery('foray', t.words) AND {VISIBLE}
    LIMIT {MOST_FOUND + 1}
) AS found ON true GROUP BY t.n"""  # noqa: S608  constants only
_STOP = """
    a about above after again against all almost along also although always am among an and another
    any anyone anything are around as at away back be became because become been before behind being
    below beneath best better between beyond big both but by came can cannot come comes coming could
    did do does doing done down during each eight either else even ever every everyone everything
    few first five for four from full gave get gets getting give given gives go goes going gone good
    got great had half has have having he her here hers high him his how i if in inside instead into
    is it its itself just know known last later least less let life like little live lives long look
    lot made make makes making man many may me meet meets men might mine more most much must my near
    never new next nine no nobody none nor not nothing now of off often old on once one only onto or
    other others our out outside over own part people put real right same say says see seen seven
    she should since six so some someone something still story such take taken takes ten than that
    the their them then there these they thing things this those though three through time times to
    together too took toward two under until up upon us used using very want wants was way we well
    went were what when where whether which while who whole whom whose why will with within without
    won woman women would year years yet you your
"""
STOP = frozenset(_STOP.split())
_RUNS = re.compile(r"[^\w\s'\u2019-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A wording that the model may choose. `said`: the part of it that the model is asked about."""

    text: str
    said: str
    descriptor: str
    evidence: str


@dataclass(slots=True)
class Lexicon:
    """In how many items each phrase stands outside names, alone and beside a category."""

    items: int = 0
    phrases: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    # In how many people's names a word stands.
    named: Counter[str] = field(default_factory=Counter)
    # How many titles begin with a phrase.
    begun: Counter[str] = field(default_factory=Counter)
    # Words for countries, categories, languages, the things themselves: facts and no themes.
    facts: set[str] = field(default_factory=set)

    def says_something(self, phrase: str) -> bool:
        """Whether the catalog uses the phrase now and then, neither as a name nor as a fact."""
        words = phrase.split()
        if self.facts.intersection(words):
            return False
        if any(self.named[word] > NAME_SHARE * self.phrases[word] for word in words):
            return False
        if self.begun[phrase] >= MOST_BEGUN * self.phrases[phrase]:
            return False
        return LEAST_ITEMS <= self.phrases[phrase] <= max(LEAST_ITEMS, MOST_SHARE * self.items)

    def belongs(self, phrase: str, kind: str) -> bool:
        """Whether the phrase is more at home in a category than elsewhere: "leprechaun", horror."""
        both = self.together[phrase, kind]
        usual = self.phrases[phrase] * self.kinds[kind] / max(1, self.items)
        return both >= LEAST_TOGETHER and both >= LEAST_LIFT * usual


def lexicon(profile: Profile | None = None) -> Lexicon:
    """Counted over all visible items, once for a job."""
    profile = profile or current_profile()
    found = Lexicon()
    people: set[str] = set()
    fields = ("title", "description", "creators", "attributes", "categories", "countries")
    for item in Item.objects.visible().only(*fields).iterator(chunk_size=2000):
        found.items += 1
        names = names_of(item, profile)
        people.update(names)
        phrases = {phrase for phrase, _ in phrases_of(item, names)}
        kinds = {kind for kind in (spoken("category", one) for one in item.categories) if kind}
        found.phrases.update(phrases)
        found.kinds.update(kinds)
        found.together.update((phrase, kind) for phrase in phrases for kind in kinds)
        title = without_article(normalize_query(item.title))
        found.begun.update(phrase for phrase in phrases if f"{title} ".startswith(f"{phrase} "))
        for told in (*kinds, *_stated(item, profile)):
            found.facts.update(normalize_query(told).split())
    for name in people:
        found.named.update(set(name.split()))
    found.facts.update(f"{profile.item_noun} {profile.item_noun_plural} movie movies".split())
    return found


def _stated(item: Item, profile: Profile) -> Iterator[str]:
    """The words of its countries and of its facets."""
    for country in item.countries:
        yield country
        yield spoken("country", country)
    facets = {key: item.attributes.get(key) for key in profile.facet_attributes}
    yield from attribute_words(facets)


def names_of(item: Item, profile: Profile) -> set[str]:
    """The people whom the item names, in normal form."""
    values: list[object] = [item.attributes.get(key) for key in profile.name_attributes]
    told = [one for value in values for one in (value if isinstance(value, list) else [value])]
    names = {normalize_query(str(name)) for name in [*item.creators, *told] if name}
    return {name for name in names if name}


def phrases_of(item: Item, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Phrases of the title and the description without names, and each as it is written there."""
    taken = {word for name in names for word in name.split()}
    for run in _RUNS.split(f"{item.title}. {item.description}"):
        words = [(normalize_query(word), word) for word in run.split()]
        for size in (1, 2):
            for start in range(len(words) - size + 1):
                part = words[start : start + size]
                if all(_is_content(word) and word not in taken for word, _ in part):
                    yield " ".join(word for word, _ in part), " ".join(raw for _, raw in part)


def choices(item: Item, told: Lexicon, profile: Profile | None = None) -> list[Choice]:
    """What may be chosen for an item: true of it, and found with it by a few others."""
    profile = profile or current_profile()
    title = normalize_query(item.title)
    made: dict[str, Choice] = {}
    for one in _made(item, told, profile):
        made.setdefault(normalize_query(one.text), one)
    texts = [
        text for text in made
        if LEAST_WORDS <= len(text.split()) <= MOST_WORDS
        and len(set(text.split())) == len(text.split())
        and title not in text and text not in title
        and not _says_twice(text)
    ]  # fmt: skip
    counts = _count(texts)
    fit = [made[text] for text in texts if LEAST_FOUND <= counts.get(text, 0) <= MOST_FOUND]
    return fit[:MOST_CHOICES]


def _made(item: Item, told: Lexicon, profile: Profile) -> Iterator[Choice]:
    kinds = [kind for kind in dict.fromkeys(spoken("category", v) for v in item.categories) if kind]
    # Of several countries nobody can tell which one it is taken to come from.
    places = item.countries if len(item.countries) == 1 else []
    where = [place for place in (spoken("country", one) for one in places) if place]
    when = [decade(item.year)] if item.year else []
    title = {word for word in normalize_query(item.title).split() if _is_content(word)}
    phrases = {
        phrase: raw for phrase, raw in phrases_of(item, names_of(item, profile))
        if told.says_something(phrase) and not title <= set(phrase.split())
    }  # fmt: skip
    # Two words say more than one of them, what fewer items have says more than what more have.
    ordered = sorted(phrases, key=lambda one: (-len(one.split()), told.phrases[one], one))
    for phrase in ordered[:MOST_PHRASES]:
        for noun in (kind for kind in kinds if told.belongs(phrase, kind)):
            for descriptor, before in (("theme", []), ("setting", where), ("era", when)):
                if descriptor == "theme" or before:
                    yield Choice(
                        text=" ".join([*before, phrase, noun]), said=f"{phrase} {noun}",
                        descriptor=descriptor, evidence=phrases[phrase],
                    )  # fmt: skip
    yield from _facts(kinds[:MOST_KINDS], where, when, item)


def _facts(
    kinds: Sequence[str], where: Sequence[str], when: Sequence[str], item: Item
) -> Iterator[Choice]:
    """Two or three categories in each order, with a country and a decade before them."""
    for pair in permutations(kinds, 2):
        for place in where:
            said = f"{place} {' '.join(pair)}"
            yield Choice(text=said, said=said, descriptor="setting", evidence=item.countries[0])
            for years in when:
                yield Choice(
                    text=f"{years} {said}", said=said, descriptor="era", evidence=str(item.year)
                )
        for years in when:
            said = " ".join(pair)
            yield Choice(
                text=f"{years} {said}", said=said, descriptor="era", evidence=str(item.year)
            )
    for three in permutations(kinds, 3):
        said = " ".join(three)
        yield Choice(text=said, said=said, descriptor="form", evidence=", ".join(item.categories))


def _says_twice(text: str) -> bool:
    """Whether two of its words are forms of one: "biographical biography"."""
    stems = [word[:STEM] for word in text.split()]
    return len(set(stems)) < len(stems)


def _is_content(word: str) -> bool:
    return (
        len(word) > 2
        and word not in STOP
        and not any(char.isdigit() for char in word)
        and (" " not in word)
    )


def _count(texts: Sequence[str]) -> dict[str, int]:
    """How many visible items have all words of each, up to one more than MOST_FOUND."""
    if not texts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(texts)])
        return {texts[n - 1]: count for n, count in cursor.fetchall()}
