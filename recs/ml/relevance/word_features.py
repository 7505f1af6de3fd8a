"""What the words of a query and of a product's texts say about each other, pair by pair."""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz, process

from recs.ml.relevance.pairs import Pairs, numbers_of
from recs.ml.relevance.words import content_words, naming_part, stems
from recs.ml.unified.lexical import fit_bm25

Floats = npt.NDArray[np.float32]
Scores = Mapping[str, Floats]

# Similarity of letters from which a misspelt word is taken for the other, of 100.
FUZZY = 80.0
# Whom a thing is for: a title that names another one is about something else.
_SIDES: tuple[tuple[frozenset[str], ...], ...] = (
    (
        frozenset({"men", "man", "mens", "male", "boy"}),
        frozenset({"women", "woman", "womens", "lady", "female", "girl"}),
    ),
    (
        frozenset({"kid", "child", "toddler", "baby", "infant", "boy", "girl", "junior", "youth"}),
        frozenset({"men", "women", "adult", "man", "woman", "lady"}),
    ),
    (frozenset({"wired", "cord", "corded"}), frozenset({"wireless", "cordless", "bluetooth"})),
)


@dataclass(frozen=True, slots=True)
class _Query:
    """A query's words, how rare each is, and the letters without spaces."""

    words: tuple[str, ...]
    rarity: tuple[float, ...]
    joined: str

    def share(self, hits: Sequence[float]) -> float:
        """How much of the query is found, rare words counting more; from 0 to 1."""
        weight = sum(self.rarity)
        return sum(r * hit for r, hit in zip(self.rarity, hits, strict=True)) / weight


@dataclass(frozen=True, slots=True)
class _Title:
    words: tuple[str, ...]
    naming: tuple[str, ...]
    joined: str


def word_features(pairs: Pairs) -> dict[str, Floats]:
    """(P,) float32 by name; the titles of all P say how rare a word is, grades are not read."""
    rarity = rarity_of(pairs.titles)
    queries = {text: _query(text, rarity) for text in set(pairs.queries)}
    titles = {text: _title(text) for text in set(pairs.titles)}
    described = [set(stems(text)) for text in pairs.descriptions]
    rows = [
        {
            **_match(queries[query], titles[title]),
            **_order(queries[query], titles[title]),
            "description coverage": queries[query].share(
                [float(word in words) for word in queries[query].words]
            ),
            "description words": float(np.log1p(len(words))),
        }
        for query, title, words in zip(pairs.queries, pairs.titles, described, strict=True)
    ]
    found = {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}
    return found | bm25_features(pairs)


def rarity_of(texts: Sequence[str]) -> Callable[[str], float]:
    """How many nats a word says, by the share of the texts that have it."""
    counts = Counter(word for text in texts for word in set(stems(text)))
    size = len(texts)

    def rarity(word: str) -> float:
        return float(np.log((1.0 + size) / (1.0 + counts[word])) + 1.0)

    return rarity


def bm25_features(pairs: Pairs) -> dict[str, Floats]:
    """BM25 of each pair, products of all pairs being the texts."""
    queries, query_rows = numbers_of(pairs.queries)
    asked = [" ".join(content_words(stems(query))) for query in queries]
    found = {}
    for name, listed in (("bm25 title", pairs.titles), ("bm25 description", pairs.descriptions)):
        texts, text_rows = numbers_of(listed)
        scores = fit_bm25([" ".join(stems(text)) for text in texts]).score(asked)
        found[name] = scores[query_rows, text_rows + 1]
    return found


def _query(text: str, rarity: Callable[[str], float]) -> _Query:
    words = tuple(content_words(stems(text))) or (text,)
    return _Query(words, tuple(rarity(word) for word in words), "".join(stems(text)))


def _title(text: str) -> _Title:
    return _Title(tuple(stems(text)), tuple(stems(naming_part(text))), "".join(stems(text)))


def _match(query: _Query, title: _Title) -> dict[str, float]:
    """How much of the query stands in the title, exactly, nearly and where the thing is named."""
    known, naming = set(title.words), set(title.naming)
    exact = [float(word in known) for word in query.words]
    near = [_nearness(word, title) for word in query.words]
    letters = {query.joined[place : place + 3] for place in range(max(1, len(query.joined) - 2))}
    missing = [r for r, hit in zip(query.rarity, near, strict=True) if hit < FUZZY / 100]
    numbers = [word for word in query.words if any(letter.isdigit() for letter in word)]
    return {
        "coverage": query.share(exact),
        "near coverage": query.share(near),
        "naming coverage": query.share([float(word in naming) for word in query.words]),
        "words missing": float(len(missing)),
        "rarest missing": max(missing, default=0.0),
        "letters": sum(part in title.joined for part in letters) / len(letters),
        "first word": near[0],
        "last word": near[-1],
        "last word named": float(query.words[-1] in naming),
        "numbers missing": float(sum(word not in known for word in numbers)),
        "joined in title": float(query.joined in title.joined),
        "other side": _other_side(set(query.words), known),
        "query words": float(len(query.words)),
        "query rarity": sum(query.rarity),
        "title words": float(len(title.words)),
        "naming words": float(len(title.naming)),
        "share of naming": len(set(query.words) & naming) / max(1, len(naming)),
        "share of title": sum(exact) / max(1, len(known)),
    }


def _nearness(word: str, title: _Title) -> float:
    """From 0 to 1: how like the word the likest word of the title is, 0 below FUZZY."""
    if word in title.words:
        return 1.0
    if len(word) < 4:
        return 0.0
    if word in title.joined:
        return 0.95
    best = process.extractOne(word, title.words, scorer=fuzz.ratio, score_cutoff=FUZZY)
    return best[1] / 100.0 if best else 0.0


def _order(query: _Query, title: _Title) -> dict[str, float]:
    """Where in the title the query's words stand."""
    places = {word: place for place, word in reversed(list(enumerate(title.words)))}
    hits = [places[word] for word in query.words if word in places]
    size = max(1, len(title.words))
    last = places.get(query.words[-1])
    runs = (
        len(part)
        for start, stop in itertools.combinations(range(len(query.words) + 1), 2)
        if _stands(part := query.words[start:stop], title.words)
    )
    ends = title.naming[-1] if title.naming else ""
    return {
        "first place": min(hits, default=size) / size,
        "last place": max(hits, default=size) / size,
        "span": (max(hits) - min(hits) + 1) / len(hits) if hits else 9.0,
        "longest run": max(runs, default=0) / len(query.words),
        "after last word": float(size - 1 - last) if last is not None else -1.0,
        "naming after last word": _after(query.words[-1], title.naming),
        "naming ends": float(ends in query.words),
        "naming ends with last": float(ends == query.words[-1]),
        "in order": float(hits == sorted(hits)) if len(hits) > 1 else 0.5,
    }


def _after(word: str, words: Sequence[str]) -> float:
    """How many words follow the last place of one; -1 where it is not there."""
    return float(list(reversed(words)).index(word)) if word in words else -1.0


def _stands(part: Sequence[str], words: Sequence[str]) -> bool:
    size = len(part)
    return any(words[place : place + size] == part for place in range(len(words) - size + 1))


def _other_side(asked: set[str], known: set[str]) -> float:
    """1 where the title names the opposite of whom the query asks for and not the same."""
    for one, other in _SIDES:
        for wanted, against in ((one, other), (other, one)):
            if asked & wanted and known & against and not known & wanted:
                return 1.0
    return 0.0
