"""Words of queries, compared as people mean them: "comedies" is "comedy", "hitchcok" Hitchcock."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein


@lru_cache(maxsize=16384)
def words_of(normalized: str) -> tuple[str, ...]:
    """The words of a normal form, in the singular."""
    return tuple(_singular(word) for word in normalized.split())


@lru_cache(maxsize=16384)
def same_word(a: str, b: str) -> bool:
    """Whether two words are one, or one is the other mistyped.

    A figure must be the same figure: the 1960s are not the 1970s.
    """
    if a == b:
        return True
    shorter = min(len(a), len(b))
    if shorter < 5 or any(char.isdigit() for char in a + b):
        return False
    allowed = 1 if shorter < 8 else 2
    return Levenshtein.distance(a, b, score_cutoff=allowed) <= allowed


def holds(words: Sequence[str], word: str) -> bool:
    """Whether one of the words is this one."""
    # Where it stands there as it is, which is the rule, nothing need be compared.
    return word in words or any(same_word(each, word) for each in words)


def covers(words: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether all the wanted words are among the words, in any order."""
    words = tuple(words)
    return all(holds(words, word) for word in wanted)


def same_words(a: Iterable[str], b: Iterable[str]) -> bool:
    """Whether two queries say the same words, whatever their order."""
    a, b = tuple(a), tuple(b)
    return covers(a, b) and covers(b, a)


def overlap(a: Iterable[str], b: Iterable[str]) -> float:
    """Shared words of all words, 0 to 1."""
    a, b = set(a), set(b)
    return len(a & b) / len(a | b) if a or b else 0.0


@lru_cache(maxsize=16384)
def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss") and not word[-2].isdigit():
        return word[:-1]
    return word
