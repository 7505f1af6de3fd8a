"""Finding: the candidate set of a query, best first. Neither filters nor the page change it.

What a query says of facets (search.understanding) is part of what is asked: it bounds the set. What
its words find and what is near in meaning is fused, and put in order by the unified model where
that answers searches.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Q

from catalog.filters import ItemFilters, Range
from catalog.profiles import current_profile
from recs.unified import Choosing
from search import collection_titles, dense, lexical, like, spelling, tsquery
from search.candidates import failing_facets, load_candidates
from search.fusion import Scored, fuse
from search.item_sets import ItemSet
from search.learned import Learned, Near, reorder
from search.rules import Applied, join
from search.stages import Stages
from search.synonyms import synonyms
from search.text import normalize_query
from search.tsquery import FILLERS, ParsedQuery
from search.types import HitSource, SearchRequest
from search.understanding import CHEAP_SHARE, Span, Understanding, understand
from search.vocabulary import vocabulary

# Half a word has no meaning yet.
LEAST_CHARACTERS_FOR_MEANING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a query is read. `query`: all of it; `words`: what is searched for by words.

    `within`: what the other words say of facets, told in `spans`.
    """

    query: ParsedQuery
    words: ParsedQuery
    spans: tuple[Span, ...] = ()
    within: ItemFilters = field(default_factory=ItemFilters)

    @property
    def marked(self) -> ParsedQuery:
        """The words to mark in hits: those searched for, and those that say a value."""
        if not self.spans:
            return self.query
        said = [span.words for span in self.spans if isinstance(span.wanted, tuple)]
        return self.query.again(" ".join([self.words.asked, *said]))

    @property
    def meaning(self) -> str:
        """What the encoder reads: the words that are left, or all where none is."""
        return self.words.asked or self.query.asked


@dataclass(slots=True)
class Found:
    """What was found. `more`: the words match more items than were looked at."""

    reading: Reading
    corrected: bool = False
    matches: list[lexical.LexicalMatch] = field(default_factory=list)
    near: list[dense.DenseMatch] = field(default_factory=list)
    scored: list[Scored] = field(default_factory=list)
    more: bool = False
    learned: Learned = field(default_factory=lambda: Learned(scored=[], fallback="not_asked"))
    rules: Applied = field(default_factory=Applied)
    # Before any model: the order in which the match filter looks at the set.
    fused: Sequence[int] = ()
    # What the match filter leaves out of the set.
    left_out: frozenset[int] = frozenset()
    # What answers in place of what the surface's switch says.
    answering: Choosing | None = None

    @property
    def items(self) -> ItemSet:
        """The set that the candidates are the best of."""
        others = {one.candidate.item_id for one in self.scored if not one.source.is_lexical}
        pins = self.rules.pins() if self.rules.moving else frozenset()
        return ItemSet(
            query=self.reading.words,
            within=self.reading.within,
            others=others,
            hidden=self._hidden(),
            shown_anyway=pins.intersection(one.candidate.item_id for one in self.scored),
        )

    def _hidden(self) -> Q:
        hidden = self.rules.hidden()
        return hidden | Q(pk__in=sorted(self.left_out)) if self.left_out else hidden

    def obey(self, rules: Applied) -> None:
        """Leave out what the editors' rules hide, and take in what they pin."""
        self.rules = rules
        unwanted = tsquery.excluded_terms(self.reading.words)
        self.scored = join(self.scored, rules, excluded=unwanted)

    def leave_out(self, item_ids: Collection[int]) -> None:
        """Take these out of the set, for every count, filter and page."""
        self.left_out = frozenset(item_ids)
        self.scored = [one for one in self.scored if one.candidate.item_id not in self.left_out]


def read(request: SearchRequest, *, text: str | None = None) -> Reading:
    """The query taken apart; asked word for word it stands for nothing else."""
    text = request.query if text is None else text
    query = _parse(text, request)
    if request.verbatim or query.is_empty:
        return Reading(query=query, words=query)
    as_words = {normalize_query(span) for span in request.as_words}
    found = understand(
        text, synonyms=query.synonyms, as_words=as_words, is_typing=request.is_typing
    )
    if not found.spans:
        return Reading(query=query, words=query)
    return _reading(query, found, request)


def find(
    reading: Reading,
    request: SearchRequest,
    stages: Stages,
    *,
    answering: Choosing | None = None,
) -> Found:
    """The candidate set, in the order in which it is shown.

    `answering`: a version to look into, in place of what the surface's switch says.
    """
    # "films like Rear Window": no item holds those words, and its neighbours are what is asked.
    near = _like(request, stages)
    if near:
        return Found(Reading(query=reading.query, words=reading.query), scored=near)
    found = by_words_and_meaning(reading, request, stages)
    found.answering = answering
    found.fused = [one.candidate.item_id for one in found.scored]
    _order(found, request, stages)
    return found


def find_inside(found: Found, request: SearchRequest, stages: Stages) -> Found:
    """The best of the set inside the request's filters, where it is more than was looked at.

    Nothing joins it: what is near in meaning there and not in the set as a whole stays out.
    """
    reading = replace(found.reading, within=found.reading.within.narrowed(request.filters))
    inside = _search(reading, replace(request, verbatim=True), stages)
    others = set(found.items.others)
    # What was told beside an item counts only where the whole set was looked at.
    held = {match.item_id for match in inside.matches if match.kind not in lexical.BESIDE}
    members = held | others
    there = {one.candidate.item_id for one in inside.scored}
    inside.scored += [
        one
        for one in found.scored
        if one.candidate.item_id in others - there
        and not failing_facets(one.candidate, request.filters)
    ]
    inside.scored = [one for one in inside.scored if one.candidate.item_id in members]
    inside.answering = found.answering
    inside.scored.sort(key=lambda one: (-one.score, one.candidate.item_id))
    _order(inside, request, stages, is_settled=True)
    inside.scored = [one for one in inside.scored if one.candidate.item_id in members]
    inside.obey(found.rules)
    inside.leave_out(found.left_out)
    return inside


def by_words_and_meaning(reading: Reading, request: SearchRequest, stages: Stages) -> Found:
    """What words and meaning find, best first, before any model puts it in order.

    A query that is understood and finds nothing so is searched by its words; one that finds
    nothing by its words either is corrected, and read again.
    """
    found = _search(reading, request, stages) if reading.spans else None
    if found is not None and _is_answer(found):
        return found
    plain = _search(Reading(query=reading.query, words=reading.query), request, stages)
    if not plain.corrected or not reading.query.words:
        return plain
    again = read(request, text=plain.reading.query.text)
    if again.spans:
        understood = _search(again, request, stages)
        understood.corrected = True
        return understood if understood.matches else plain
    return plain


def _parse(text: str, request: SearchRequest) -> ParsedQuery:
    profile = current_profile()
    nouns = {profile.item_noun.casefold(), profile.item_noun_plural.casefold()}
    return tsquery.parse(
        text, fillers=FILLERS | nouns, synonyms={} if request.verbatim else synonyms()
    )


def _reading(query: ParsedQuery, found: Understanding, request: SearchRequest) -> Reading:
    words = _parse(found.rest, request)
    # The whole text tells whether it is a title, and what the model is asked.
    words = replace(words, text=query.text, normalized=query.normalized)
    within, spans = found.filters, []
    for span in found.spans:
        told = span
        if span.wanted is None:
            price = ItemSet(query=words, within=within).price_below(CHEAP_SHARE)
            told = replace(span, wanted=Range(high=price)) if price is not None else span
            within = within.narrowed(told.filters)
        if told.wanted is not None:
            spans.append(told)
    return Reading(query=query, words=words, spans=tuple(spans), within=within)


def _is_answer(found: Found) -> bool:
    """Whether what was understood leads to something.

    Where the other words match nothing there, what is near them in meaning counts only if the
    catalog knows the words: else they are mistyped.
    """
    if found.matches:
        return True
    known, words = vocabulary(), found.reading.words.content_words
    return bool(dense.cut(found.near)) and all(spelling.is_known(word, known) for word in words)


def _search(reading: Reading, request: SearchRequest, stages: Stages) -> Found:
    found = Found(reading)
    _match_words(found, request, stages)
    text = found.reading.meaning
    if len(text) >= LEAST_CHARACTERS_FOR_MEANING:
        with stages.time("dense"):
            found.near = dense.nearest(text, within=reading.within)
    with stages.time("fusion"):
        found.scored = _fused(found, request.filters)
    return found


def _order(
    found: Found, request: SearchRequest, stages: Stages, *, is_settled: bool = False
) -> None:
    def beyond() -> list[Scored]:
        return _beyond(found, request)

    with stages.time("unified"):
        reading, ids = found.reading, [match.item_id for match in found.near]
        near = Near(ids=ids, beyond=beyond, is_settled=is_settled)
        found.learned = reorder(
            found.scored, reading.words, request, within=reading.within, near=near,
            answering=found.answering,
        )  # fmt: skip
        found.scored = found.learned.scored


def _beyond(found: Found, request: SearchRequest) -> list[Scored]:
    """What is near in meaning and was not near enough for the floors; a model may think better."""
    if not _is_meaning_believed(found, dense.cut(found.near)):
        return []
    there = {one.candidate.item_id for one in found.scored}
    near = [match for match in dense.beyond(found.near) if match.item_id not in there]
    facts = load_candidates(
        [match.item_id for match in near],
        excluded=tsquery.excluded_terms(found.reading.words),
        filters=request.filters,
    )
    return [
        Scored(facts[one.item_id], HitSource.DENSE, 0.0) for one in near if one.item_id in facts
    ]


def _like(request: SearchRequest, stages: Stages) -> list[Scored]:
    """The neighbours of the item that a query such as "films like X" names; else none."""
    with stages.time("like"):
        near = [] if request.verbatim else like.nearest(request.query)
        facts = load_candidates([item_id for item_id, _ in near], filters=request.filters)
    return [
        Scored(facts[item_id], HitSource.DENSE, round(min(1.0, max(0.0, similarity)), 6))
        for item_id, similarity in near
        if item_id in facts
    ]


def _match_words(found: Found, request: SearchRequest, stages: Stages) -> None:
    words, within, spans = found.reading.words, found.reading.within, found.reading.spans
    with stages.time("lexical"):
        matches = lexical.match_all_terms(words, last_is_prefix=request.is_typing, within=within)
        if not matches and not spans:
            matches = collection_titles.match_collection(words.normalized)
    if not matches and not spans and not request.verbatim:
        with stages.time("spelling"):
            correction = spelling.find_correction(words)
        if correction is not None:
            found.reading = Reading(query=correction.query, words=correction.query)
            found.corrected = True
            matches = correction.matches
    found.more = len(matches) > lexical.MAX_MATCHES
    found.matches = matches[: lexical.MAX_MATCHES]
    if not matches or (len(matches) < lexical.FEW_MATCHES and not found.corrected):
        with stages.time("lexical_wide"):
            wide = lexical.match_most_terms(found.reading.words, within=within)
            found.matches = matches + wide


def _fused(found: Found, filters: ItemFilters) -> list[Scored]:
    """Scores of the lexical matches and of those dense ones that can be believed."""
    words = found.reading.words
    kept = dense.cut(found.near)
    ids = {match.item_id for match in found.matches}
    if _is_meaning_believed(found, kept):
        ids |= {match.item_id for match in kept}
    facts = load_candidates(ids, excluded=tsquery.excluded_terms(words), filters=filters)
    scored = fuse(
        words,
        lexical=found.matches,
        dense=found.near,
        candidates=facts,
        near_enough=len(kept),
    )
    return _beside_exact(scored, found.near)


def _beside_exact(scored: list[Scored], near: list[dense.DenseMatch]) -> list[Scored]:
    exact = {s.candidate.item_id for s in scored if s.source is HitSource.EXACT_TITLE}
    if not exact:
        return scored
    close: Collection[int] = {match.item_id for match in dense.cut_beside_exact(near, exact)}
    return [s for s in scored if s.source is not HitSource.DENSE or s.candidate.item_id in close]


def _is_meaning_believed(found: Found, kept: Sequence[dense.DenseMatch]) -> bool:
    """Whether items that share no word with the query may be in its list.

    Not where a phrase in quotes demands the words themselves; nor where words matched and none of
    those items is near in meaning: then the encoder did not understand the query (a foreign
    title, a rare name), and its neighbours are chance.
    """
    if found.reading.words.phrases:
        return False
    by_words = {match.item_id for match in found.matches if match.kind == "all"}
    return not by_words or any(match.item_id in by_words for match in kept)
