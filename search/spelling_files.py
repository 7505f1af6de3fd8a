"""Files of words: what was typed, and which word of a vocabulary was meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from search.text import normalize_query
from search.word_index import WordIndex


@dataclass(frozen=True, slots=True)
class Guess:
    """What was typed, and the likeliest word; itself where the vocabulary has it, or nothing."""

    typed: str
    word: str
    is_known: bool


def guess_words(words: Path, vocabulary: Path) -> list[Guess]:
    """The likeliest word for each line, by letters and sounds: nothing says how common one is.

    Args:
        words: a word a line.
        vocabulary: a word a line; of those that differ in capitals or accents alone the first.

    Raises:
        OSError: where a file cannot be read.
        ValueError: where one is no UTF-8, or the vocabulary is empty.
    """
    spelled: dict[str, str] = {}
    for line in _lines(vocabulary):
        spelled.setdefault(normalize_query(line), line)
    spelled.pop("", None)
    if not spelled:
        raise ValueError(f"{vocabulary} holds no word.")
    index = WordIndex.of(tuple(spelled))
    return [_guess(line, spelled, index) for line in _lines(words)]


def write_guesses(path: Path, guesses: Iterable[Guess]) -> None:
    """A line each: typed, tab, best guess."""
    path.write_text("".join(f"{one.typed}\t{one.word}\n" for one in guesses), encoding="utf-8")


def _guess(line: str, spelled: dict[str, str], index: WordIndex) -> Guess:
    typed = normalize_query(line)
    if typed in spelled:
        return Guess(line, spelled[typed], True)
    meant = index.meant(typed)
    return Guess(line, spelled[meant[0].word] if meant else line, False)


def _lines(path: Path) -> list[str]:
    """Its lines without spaces around them; a tab would be taken for the end of a word."""
    text = path.read_text(encoding="utf-8")
    return [line.strip().replace("\t", " ") for line in text.splitlines() if line.strip()]
