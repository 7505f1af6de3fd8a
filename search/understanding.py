"""What a query says of facets: "french comedies from the 60s under 100 minutes" is four filters.

Spans of words that say a value of the catalog, or a range of its numbers, become filters of the
candidate set; the words that are left are searched for. Each span is told to whoever asked, and can
be taken as plain words instead. Nothing is understood inside quotes or after a minus, in a query
that stands in a title, or while a word is still being typed.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from catalog.filters import ATTRIBUTE, ItemFilters, Range
from catalog.models import Profile
from catalog.profiles import current_profile
from search.facet_words import Said, in_singular, look_up
from search.lexical import is_in_a_title
from search.quantities import Numbers, Quantity, read_quantity
from search.text import clean_query, normalize_query
from search.tsquery import FILLERS, SynonymTable

MOST_WORDS = 32
MOST_WORDS_OF_A_VALUE = 5
# "by Anderson" means the well known ones: those with this share of the items of the best known.
LEAST_SHARE_OF_NAMESAKES = 0.2
MOST_NAMESAKES = 5
BY = ("directed by", "made by", "written by", "by")
WITH = ("starring", "featuring", "with")
NOT = frozenset(("not", "no", "non", "without", "except", "but"))
CHEAP = frozenset(("cheap", "cheapest", "inexpensive", "affordable"))
# The share of what is asked for whose prices are called cheap.
CHEAP_SHARE = 1 / 3
_TOKEN = re.compile(r'-?"[^"]*"|\S+')
_EDGES = " ,.;:!?()[]"


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a query as typed, and what they say of a facet.

    `wanted` is None for "cheap", which depends on what else is asked for.
    """

    words: str
    facet: str
    wanted: tuple[str, ...] | Range | None

    @property
    def filters(self) -> ItemFilters:
        """The span as a filter."""
        return ItemFilters().replaced(self.facet, self.wanted)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood, and the words that are left to search for."""

    spans: tuple[Span, ...] = ()
    rest: str = ""

    @property
    def filters(self) -> ItemFilters:
        """All spans together: an item must pass each."""
        filters = ItemFilters()
        for span in self.spans:
            filters = filters.narrowed(span.filters)
        return filters


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of a query: as typed, in lower case without punctuation, in the singular."""

    text: str
    plain: str
    said: str
    is_open: bool


def understand(
    text: str,
    *,
    synonyms: SynonymTable = MappingProxyType({}),
    as_words: Collection[str] = (),
    is_typing: bool = False,
) -> Understanding:
    """The facets that a query speaks of.

    Args:
        text: what was typed.
        synonyms: a value may be said by what stands for its words.
        as_words: spans, in normal form, that mean nothing but their words.
        is_typing: the last word is not typed to its end, and says nothing yet.
    """
    profile = current_profile()
    words = [_read(found) for found in _TOKEN.findall(clean_query(text))][:MOST_WORDS]
    reader = _Reader(words, profile, look_up(_grams(words, synonyms)), synonyms)
    spans, taken = reader.spans(as_words, is_typing=is_typing)
    if not spans or _is_a_title(words, is_one_value=len(spans) == 1 and len(taken) == len(words)):
        return Understanding(rest=text)
    left = [word for at, word in enumerate(words) if at not in taken]
    idle = FILLERS | set(profile.item_noun.casefold().split()) | {in_singular(profile.item_noun)}
    kept = [word.text for word in left if not word.is_open or not _is_idle(word, idle)]
    return Understanding(spans=tuple(spans), rest=" ".join(kept))


def says_a_value(text: str, *, least: int) -> bool:
    """Whether a query as a whole says a value, or the last word of a name, of so many items."""
    said = in_singular(text)
    return any(row.said and row.items >= least for row in look_up([said] if said else []))


class _Reader:
    """Reads spans off the words of one query."""

    def __init__(
        self,
        words: Sequence[_Word],
        profile: Profile,
        said: Sequence[Said],
        synonyms: SynonymTable,
    ) -> None:
        self.words = words
        self.synonyms = synonyms
        self.plain = [word.plain if word.is_open else "" for word in words]
        self.said: dict[str, list[Said]] = {}
        for each in said:
            self.said.setdefault(each.said, []).append(each)
        self.numbers = Numbers({each.facet for each in self.said.get("", [])}, profile.currency)
        names = [f"{ATTRIBUTE}{key}" for key in profile.name_attributes]
        texts = [f"{ATTRIBUTE}{key}" for key in profile.facet_attributes]
        self.values = ["category", "country", *(facet for facet in texts if facet not in names)]
        by = (*BY, profile.creator_noun.casefold())
        self.announced = [(cue, ["creator", *names]) for cue in by]
        self.announced += [(cue, [*names, "creator"]) for cue in WITH]

    def spans(self, as_words: Collection[str], *, is_typing: bool) -> tuple[list[Span], set[int]]:
        """The spans from left to right, and the places of their words."""
        end = len(self.words) - 1 if is_typing else len(self.words)
        found: list[tuple[Span, range, bool]] = []
        at = 0
        while at < end:
            read = self._read(at)
            if read is None or read[1] > end or self._is_refused(at, read[1], as_words):
                at += 1
                continue
            span, stop, is_bare = read
            found.append((span, range(at, stop), is_bare))
            at = stop
        # A year alone is a title more often than not: "1917", "2001", "blade runner 2049".
        kept = found if not all(is_bare for _, _, is_bare in found) else []
        return [span for span, _, _ in kept], {at for _, places, _ in kept for at in places}

    def _read(self, at: int) -> tuple[Span, int, bool] | None:
        if not self.plain[at]:
            return None
        quantity = read_quantity(self.plain, at, self.numbers)
        if quantity is not None:
            return self._of_quantity(at, quantity)
        if self.plain[at] in CHEAP and "price" in self.numbers.facets:
            return Span(self._text(at, at + 1), "price", None), at + 1, False
        return self._name(at) or self._value(at)

    def _of_quantity(self, at: int, found: Quantity) -> tuple[Span, int, bool]:
        span = Span(self._text(at, found.end), found.facet, found.range)
        return span, found.end, found.is_bare

    def _name(self, at: int) -> tuple[Span, int, bool] | None:
        """A name that a word announces: "by Hitchcock", "starring Tom Hanks"."""
        for cue, facets in self.announced:
            begin = at + len(cue.split())
            if " ".join(self.plain[at:begin]) != cue:
                continue
            for end in self._ends(begin):
                rows = self.said.get(self._gram(begin, end), [])
                for facet in facets:
                    if values := _namesakes([row for row in rows if row.facet == facet]):
                        return Span(self._text(at, end), facet, values), end, False
        return None

    def _value(self, at: int) -> tuple[Span, int, bool] | None:
        for end in self._ends(at):
            gram = self._gram(at, end)
            also = self.synonyms.get(tuple(gram.split()), ())
            grams = [gram, *(in_singular(" ".join(other)) for other in also)]
            rows = [row for each in grams for row in self.said.get(each, []) if not row.is_part]
            if set(gram.split()) <= FILLERS:
                continue
            for facet in self.values:
                values = tuple(dict.fromkeys(row.value for row in rows if row.facet == facet))
                if values:
                    return Span(self._text(at, end), facet, values), end, False
        return None

    def _ends(self, begin: int) -> range:
        """Where a value that begins there may end, the longest first."""
        last = begin
        while last < min(len(self.words), begin + MOST_WORDS_OF_A_VALUE) and self.plain[last]:
            last += 1
        return range(last, begin, -1)

    def _gram(self, begin: int, end: int) -> str:
        return " ".join(word.said for word in self.words[begin:end])

    def _text(self, begin: int, end: int) -> str:
        return " ".join(word.text for word in self.words[begin:end]).strip(_EDGES)

    def _is_refused(self, at: int, end: int, as_words: Collection[str]) -> bool:
        is_negated = at > 0 and self.plain[at - 1] in NOT
        return is_negated or normalize_query(self._text(at, end)) in as_words


def _namesakes(rows: Sequence[Said]) -> tuple[str, ...]:
    """Those of a name, or those well known of a last name; rows come with the commonest first."""
    whole = [row for row in rows if not row.is_part]
    if whole:
        return tuple(row.value for row in whole)[:MOST_NAMESAKES]
    least = LEAST_SHARE_OF_NAMESAKES * rows[0].items if rows else 0
    return tuple(row.value for row in rows if row.items >= least)[:MOST_NAMESAKES]


def _read(found: str) -> _Word:
    is_open = not found.startswith(("-", '"'))
    plain = found.lower().replace("\u2019", "'").strip(_EDGES)
    return _Word(found, plain, in_singular(found) if is_open else "", is_open and bool(plain))


def _grams(words: Sequence[_Word], synonyms: SynonymTable) -> set[str]:
    """Everything that neighbouring words may say, and what it may stand for as well."""
    said = [word.said for word in words]
    grams = {
        " ".join(said[at:end])
        for at in range(len(said))
        for end in range(at + 1, min(len(said), at + MOST_WORDS_OF_A_VALUE) + 1)
        if all(said[at:end])
    }
    also = {" ".join(other) for gram in grams for other in synonyms.get(tuple(gram.split()), ())}
    return grams | {in_singular(text) for text in also}


def _is_idle(word: _Word, idle: Collection[str]) -> bool:
    parts = word.said.split()
    return all(part in idle for part in parts)


def _is_a_title(words: Sequence[_Word], *, is_one_value: bool) -> bool:
    """Whether the query is a title, or stands in one; a value alone is in many: "westerns"."""
    return is_in_a_title(" ".join(word.text for word in words), whole=is_one_value)
