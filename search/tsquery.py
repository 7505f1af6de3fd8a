"""What was typed, taken apart: words, "quoted phrases", -excluded words; and as PostgreSQL tsquery.

The texts made here are bound parameters of to_tsquery('foray', ...). Every lexeme in them is made
of letters and digits only and stands in quotes, so that nothing typed can act as an operator.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType

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
# A phrase of a query, word by word, and what it may stand for as well.
Phrase = tuple[str, ...]
SynonymTable = Mapping[Phrase, tuple[Phrase, ...]]
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


@dataclass(frozen=True, slots=True)
class Also:
    """Neighbouring words of a query, and the phrases that they may stand for as well."""

    words: Phrase
    phrases: tuple[Phrase, ...] = ()


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
    synonyms: SynonymTable = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Also, ...]:
        """The words in order; those that have synonyms together, the longest phrase first."""
        longest = max(map(len, self.synonyms), default=0)
        found, start = [], 0
        while start < len(self.words):
            ends = range(min(len(self.words), start + longest), start, -1)
            end = next((e for e in ends if self.words[start:e] in self.synonyms), start + 1)
            phrase = self.words[start:end]
            found.append(Also(phrase, self.synonyms.get(phrase, ())))
            start = end
        return tuple(found)

    @property
    def also(self) -> tuple[Also, ...]:
        """The parts that have synonyms."""
        return tuple(part for part in self.parts if part.phrases)

    def again(self, text: str) -> "ParsedQuery":
        """Another text, read in the same way."""
        return parse(text, fillers=self.fillers, synonyms=self.synonyms)

    @property
    def content_words(self) -> tuple[str, ...]:
        """The words without fillers; all of them where nothing else is left."""
        return tuple(word for word in self.words if word not in self.fillers) or self.words

    @property
    def is_empty(self) -> bool:
        """True where nothing is asked for."""
        return not self.words and not self.phrases


def parse(
    text: str,
    *,
    fillers: frozenset[str] = FILLERS,
    synonyms: SynonymTable = MappingProxyType({}),
) -> ParsedQuery:
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
        synonyms=synonyms,
    )


def all_terms(query: ParsedQuery, *, last_is_prefix: bool = False) -> str:
    """Every word and phrase, none of the excluded. "" where nothing is asked for."""
    parts = query.parts
    terms = [_either(query, part) for part in parts]
    if last_is_prefix and parts:
        terms[-1] = _or_longer(query, terms[-1], parts[-1].words)
    return _with_demands(query, terms)


def any_term(query: ParsedQuery) -> str:
    """One word or phrase at least: what ranks the matches."""
    every = [_term(query, word) for word in query.words]
    every += [_quoted(word) for part in query.also for phrase in part.phrases for word in phrase]
    return " | ".join([*every, *(_phrase(phrase) for phrase in query.phrases)])


def most_terms(query: ParsedQuery) -> str:
    """The content words with the last one as prefix, or all but one of three and more of them."""
    content = set(query.content_words)
    parts = [part for part in query.parts if content.intersection(part.words)]
    terms = [_either(query, part) for part in parts]
    ways = []
    if terms:
        ways.append([*terms[:-1], _or_longer(query, terms[-1], parts[-1].words)])
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


def _either(query: ParsedQuery, part: Also) -> str:
    """All words of a part, or all of one of its synonyms: each finds what the other finds."""
    own = _all(query, part.words)
    if not part.phrases:
        return own
    own = f"({own})" if len(part.words) > 1 else own
    return f"({' | '.join([own, *map(_together, part.phrases)])})"


def _or_longer(query: ParsedQuery, term: str, words: Phrase) -> str:
    """The same, or these words with the last one not yet typed to its end."""
    begun = " & ".join([*(_term(query, word) for word in words[:-1]), f"{_quoted(words[-1])}:*"])
    return f"({term} | {begun})" if len(words) == 1 else f"({term} | ({begun}))"


def _all(query: ParsedQuery, words: Phrase) -> str:
    return " & ".join(_term(query, word) for word in words)


def _together(phrase: Phrase) -> str:
    every = " & ".join(map(_quoted, phrase))
    return f"({every})" if len(phrase) > 1 else every


def _phrase(words: tuple[str, ...]) -> str:
    return f"({' <-> '.join(_quoted(word) for word in words)})"


def _quoted(word: str) -> str:
    return f"'{word}'"
