"""What was typed, taken apart: words, "quoted phrases", -excluded words; and as PostgreSQL tsquery.

The texts made here are bound parameters of to_tsquery('foray', ...). Every lexeme in them is made
of letters and digits only and stands in quotes, so that nothing typed can act as an operator.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

from search.text import clean_query, normalize_query

# Words that carry no demand of their own once a query found nothing with them.
FILLERS = frozenset(
    """a an the of in on at and or with without about by from for to like is are that who whose
    which some any me my best good great top""".split()  # noqa: SIM905  a list of forty words by line
)
MAX_WORDS = 32
MAX_LEAVE_ONE_OUT = 8
_PART = re.compile(r'(?<!\S)(-?)(?:"([^"]*)"|(\S+))')
_DECADE = re.compile(r"(\d)0s")
_DECADE_NAMES = {
    "twenties": "20s",
    "thirties": "30s",
    "forties": "40s",
    "fifties": "50s",
    "sixties": "60s",
    "seventies": "70s",
    "eighties": "80s",
    "nineties": "90s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedQuery:
    """A query taken apart. `words` are normalized and in order; phrases are tuples of such.

    `asked` is what was typed without quotes and without what is excluded: the encoder reads it.
    """

    text: str
    asked: str
    normalized: str
    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    fillers: frozenset[str] = FILLERS
    # Words with an apostrophe as PostgreSQL splits them: {"dont": ("don", "t")}.
    apostrophes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def content_words(self) -> tuple[str, ...]:
        """The words without fillers; all of them where nothing else is left."""
        return tuple(word for word in self.words if word not in self.fillers) or self.words

    @property
    def is_empty(self) -> bool:
        """True where nothing is asked for."""
        return not self.words and not self.phrases


def parse(text: str, *, fillers: frozenset[str] = FILLERS) -> ParsedQuery:
    """The query taken apart; `fillers` are words it may go without.

    A minus counts only at the start of a word, and only where something else is asked for:
    "-" in "spider-man" joins, and "-comedy" alone is read as "comedy".
    """
    text = clean_query(text)
    words: list[str] = []
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    asked: list[str] = []
    for minus, phrase, word in _PART.findall(text):
        parts = _words(phrase or word)
        if not parts:
            continue
        if minus:
            excluded.append(parts)
            continue
        asked.append(phrase or word)
        if phrase:
            phrases.append(parts)
        else:
            words += parts
    if not words and not phrases:
        words, excluded = [word for parts in excluded for word in parts], []
        asked = words
    return ParsedQuery(
        text=text,
        asked=" ".join(asked),
        normalized=normalize_query(text),
        words=tuple(words[:MAX_WORDS]),
        phrases=tuple(phrases[:MAX_WORDS]),
        excluded=tuple(excluded[:MAX_WORDS]),
        fillers=fillers,
        apostrophes=_apostrophes(text),
    )


def all_terms(query: ParsedQuery, *, last_is_prefix: bool = False) -> str:
    """Every word and phrase, none of the excluded. "" where nothing is asked for."""
    terms = [_term(query, word) for word in query.words]
    if last_is_prefix and query.words:
        terms[-1] = f"({terms[-1]} | {_quoted(query.words[-1])}:*)"
    return _with_demands(query, terms)


def any_term(query: ParsedQuery) -> str:
    """One word or phrase at least: what ranks the matches."""
    every = [_term(query, word) for word in query.words] + [
        _phrase(phrase) for phrase in query.phrases
    ]
    return " | ".join(every)


def most_terms(query: ParsedQuery) -> str:
    """The content words with the last one as prefix, or all but one of three and more of them."""
    words = query.content_words
    terms = [_term(query, word) for word in words]
    ways = []
    if terms:
        ways.append([*terms[:-1], f"({terms[-1]} | {_quoted(words[-1])}:*)"])
    if 3 <= len(terms) <= MAX_LEAVE_ONE_OUT:
        ways += [list(kept) for kept in combinations(terms, len(terms) - 1)]
    either = " | ".join(f"({' & '.join(way)})" for way in ways)
    return _with_demands(query, [f"({either})"] if either else [])


def excluded_terms(query: ParsedQuery) -> str:
    """Any of the excluded words; "" where none is."""
    return " | ".join(_phrase(parts) for parts in query.excluded)


def decade_of(word: str) -> str:
    """The catalog's name of a decade: "60s" and "sixties" give "1960s", others give ""."""
    short = _DECADE_NAMES.get(word, word)
    found = _DECADE.fullmatch(short)
    if not found:
        return ""
    return f"{'20' if found[1] in '01' else '19'}{short}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(normalize_query(text.replace("\u2019", "'")).split())


def _apostrophes(text: str) -> dict[str, tuple[str, ...]]:
    found = {}
    for part in text.replace("\u2019", "'").split():
        if "'" in part:
            found["".join(_words(part))] = _words(part.replace("'", " "))
    return found


def _with_demands(query: ParsedQuery, terms: list[str]) -> str:
    terms = terms + [_phrase(phrase) for phrase in query.phrases]
    if not terms:
        return ""
    return " & ".join([*terms, *(f"!({_phrase(parts)})" for parts in query.excluded)])


def _term(query: ParsedQuery, word: str) -> str:
    ways = [_quoted(word)]
    if decade := decade_of(word):
        ways.append(_quoted(decade))
    if len(parts := query.apostrophes.get(word, ())) > 1:
        ways.append(_phrase(parts))
    return f"({' | '.join(ways)})" if len(ways) > 1 else ways[0]


def _phrase(words: tuple[str, ...]) -> str:
    return f"({' <-> '.join(_quoted(word) for word in words)})"


def _quoted(word: str) -> str:
    return f"'{word}'"
