"""Typing errors: the query with the words that the catalog does not know put right."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import log1p

from rapidfuzz.distance import OSA

from recs import embeddings
from search.channel import english_channel
from search.lexical import MAX_MATCHES, LexicalMatch, match_all_terms
from search.query_words import words_of
from search.text import clean_query, normalize_query
from search.tsquery import ParsedQuery, parse
from search.vocabulary import Vocabulary, build_terms, vocabulary
from search.word_index import Meant, Weighed

__all__ = ("Correction", "build_terms", "correct", "find_correction", "likely_words")

LEAST_LETTERS = 4
MOST_LETTERS = 40
SHORT_WORD = 5  # up to here one typing error, above two
LONG_WORD = 9  # from here on two errors leave no doubt
COMMON = 3  # items that hold a word which is worth two errors
# So much a letter a word may cost the channel, whatever its edits: it sounds nearly the same.
SOUNDS_ALIKE = 0.08
# What a word gains for each nat by which it is commoner, beside the letters' log-odds.
PRIOR = 0.1
# What somebody approved comes before whatever the letters say; see _choices().
KNOWN = 100.0
LEAST_PART = 2  # letters of each part of a word that is cut in two
MAX_UNKNOWN_WORDS = 4
CHOICES_PER_WORD = 4
MAX_TRIES = 4
_TOKEN = re.compile(r"[\w'\u2019]+")


@dataclass(frozen=True, slots=True)
class Correction:
    """A query put right, and what it finds."""

    query: ParsedQuery
    matches: list[LexicalMatch]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A text that may have been meant. `letters`: log-odds by what was typed, up to a constant.

    `score`: those and how common the words are. `is_of_known`: two words that the catalog has, run
    together.
    """

    text: str
    letters: float
    score: float
    is_of_known: bool = False


def correct(query: str) -> str | None:
    """The query with its typing errors put right; None where there is nothing to put right.

    Only words that the catalog does not know are changed, and only where the changed query finds
    items with all of its words.
    """
    parsed = parse(query)
    if not parsed.words or match_all_terms(parsed):
        return None
    found = find_correction(parsed)
    return found.query.text if found else None


def find_correction(query: ParsedQuery) -> Correction | None:
    """The best correction, for a query that finds nothing as typed.

    Of the likeliest the one that its letters and the number of items that have all its words speak
    for most; else, among several words, the likeliest that is a single typing error away, found or
    not.
    """
    likely = proposals(query, vocabulary())
    best: tuple[float, Correction] | None = None
    for proposal in likely:
        if best and proposal.letters + PRIOR * log1p(MAX_MATCHES) <= best[0]:
            continue
        corrected = query.again(proposal.text)
        if matches := match_all_terms(corrected):
            score = proposal.letters + PRIOR * log1p(len(matches))
            if best is None or score > best[0]:
                best = (score, Correction(corrected, matches))
    if best:
        return best[1]
    # Words of a sentence that are all there are no error because nothing has all of them.
    first = next((one for one in likely if not one.is_of_known), None)
    is_near = first and OSA.distance(query.text.lower(), first.text) == 1
    if first and is_near and len(query.content_words) > 1:
        return Correction(query.again(first.text), [])
    return None


def likely_words(typed: str, words: Vocabulary) -> list[Proposal]:
    """Words that may have been meant, likeliest first.

    Args:
        typed: the mistyped word, normalized.
        words: the words to choose from.

    Returns:
        Words within 1 edit (up to 5 letters) or 2 (above), an exchange of neighbours being one
        edit, and words that sound nearly the same. Letters count first; being commoner makes up
        for a little.
    """
    near = [meant for meant in words.index.meant(typed) if _is_likely(typed, meant)]
    return _by_score([_proposal(meant, words.items.get(meant.word, 0)) for meant in near])


def allowed_edits(typed: str) -> int:
    """How many typing errors a word of that length may hold."""
    return 1 if len(typed) <= SHORT_WORD else 2


def proposals(query: ParsedQuery, words: Vocabulary) -> list[Proposal]:
    """Corrected texts worth trying, likeliest first; what has a synonym is no error."""
    meant = {word for part in query.also for word in part.words}
    unknown = [
        word
        for word in dict.fromkeys(query.words)
        if (word in words.pairs or is_correctable(word))
        and not is_known(word, words)
        and word not in meant
    ][:MAX_UNKNOWN_WORDS]
    found = _joined(query, words)
    choices = [_choices(word, words) for word in unknown]
    if choices and all(choices):
        ways = [
            Proposal(
                text=_replace(
                    query.text, {word: each.text for word, each in zip(unknown, way, strict=True)}
                ),
                letters=sum(each.letters for each in way),
                score=sum(each.score for each in way),
            )
            for way in product(*choices)
        ]
        found += _by_score(ways)
    return list({each.text: each for each in reversed(found[:MAX_TRIES])}.values())[::-1]


def _choices(word: str, words: Vocabulary) -> list[Proposal]:
    """Likely meanings of an unknown word: similar words, and the word cut in two known ones.

    Before them, where there is one, what the word is known to stand for. It counts like any other
    only where the whole query then finds something.
    """
    known = words.pairs.get(word, "")
    sure = [Proposal(text=known, letters=KNOWN, score=KNOWN)] if known in words.items else []
    items = {
        f"{word[:at]} {word[at:]}": min(words.items[word[:at]], words.items[word[at:]])
        for at in range(LEAST_PART, len(word) - LEAST_PART + 1)
        if word[:at] in words.items and word[at:] in words.items
    }
    cuts = Weighed.of(word, list(items), english_channel()).meant()
    likely = [each for each in likely_words(word, words) if _is_worth(word, each.text, words)]
    found = likely + [_proposal(cut, items[cut.word]) for cut in cuts]
    others = [each for each in _by_score(found) if each.text != known or not sure]
    return [*sure, *others][:CHOICES_PER_WORD]


def _is_worth(typed: str, meant: str, words: Vocabulary) -> bool:
    """Not a rare word that a short one would be two errors away from: "romcom" is no "Romm"."""
    is_far = OSA.distance(typed, meant) > 1 and len(typed) < LONG_WORD
    return not is_far or words.items.get(meant, 0) >= COMMON


def _proposal(meant: Meant, items: int) -> Proposal:
    return Proposal(text=meant.word, letters=meant.score, score=meant.score + PRIOR * log1p(items))


def _by_score(found: Sequence[Proposal]) -> list[Proposal]:
    return sorted(found, key=lambda each: (-each.score, each.text))


def _is_likely(typed: str, meant: Meant) -> bool:
    return meant.edits <= allowed_edits(typed) or meant.cost <= SOUNDS_ALIKE * len(typed)


def _joined(query: ParsedQuery, words: Vocabulary) -> list[Proposal]:
    """The query with two neighbouring words run together, where that is (almost) a word."""
    found = []
    for left, right in pairwise(query.words):
        whole = left + right
        is_of_known = left in words.items and right in words.items
        if left in query.fillers and right in query.fillers:
            continue  # "in a" is no name
        if whole not in words.items:
            is_known = all(word in words.items or word in query.fillers for word in (left, right))
            likely = [] if is_known else likely_words(whole, words)
            whole = likely[0].text if likely else ""
        if whole:
            pattern = rf"\b{re.escape(left)}\W+{re.escape(right)}\b"
            text, changes = re.subn(pattern, whole, query.normalized, count=1)
            (meant,) = Weighed.of(f"{left} {right}", [whole], english_channel()).meant()
            if changes:
                joined = _proposal(meant, words.items[whole])
                found.append(replace(joined, text=text, is_of_known=is_of_known))
    return found


def is_known(word: str, words: Vocabulary) -> bool:
    """Whether the catalog has the word, or its singular ("comedies"), or it is common English.

    "grief" is no error for somebody called Greif because no item speaks of grief.
    """
    if word in words.items or words_of(word)[0] in words.items:
        return True
    return embeddings.is_common_word(word)


def is_correctable(word: str) -> bool:
    """Whether a word is long enough, and of letters, to be a typing error of another one."""
    return LEAST_LETTERS <= len(word) <= MOST_LETTERS and word.isalnum() and not word[0].isdigit()


def _replace(text: str, meant: Mapping[str, str]) -> str:
    """The text with some words exchanged; quotes and minus stay."""
    return clean_query(_TOKEN.sub(lambda t: meant.get(normalize_query(t[0]), t[0]), text)).lower()
