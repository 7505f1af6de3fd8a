"""Titles on covers: broken into lines by measured widths, as large as they fit."""

import unicodedata
from dataclasses import dataclass

# Widths of a bold sans-serif in hundredths of its size, measured on an Arial-compatible face;
# the faces of other systems are a little wider, hence MARGIN.
_WIDTHS = {
    28: " ,./:;IJijl|\\",
    35: "!()-[]`frt'",
    42: '"*{}',
    57: "0123456789$#_aceksvxyz?+<=>^~",
    63: "bdghnopquFLTZ",
    69: "EPSVXY",
    74: "ABCDHKNRU&",
    80: "GOQw",
    92: "Mm%W@",
}
_WIDTH_OF = {char: width for width, chars in _WIDTHS.items() for char in chars}
MARGIN = 1.06
# Font size and the most lines it may take.
STEPS = ((36, 2), (28, 3), (21, 4), (17, 5), (14, 6))
LINE_HEIGHT = 1.12


@dataclass(frozen=True, slots=True)
class Setting:
    """A title as it will be set."""

    lines: tuple[str, ...]
    size: int
    is_rtl: bool

    @property
    def height(self) -> float:
        """From the top of the first line to the foot of the last, in cover units."""
        return len(self.lines) * self.size * LINE_HEIGHT


def width(text: str, size: float) -> float:
    """Estimated width of the text in the units of its size."""
    return sum(_char_width(char) for char in text) * size * MARGIN / 100


def _char_width(char: str) -> int:
    known = _WIDTH_OF.get(char)
    if known:
        return known
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn"):
        return 0
    if unicodedata.east_asian_width(char) in ("W", "F"):
        return 100
    base = unicodedata.normalize("NFD", char)[0]
    return _WIDTH_OF.get(base, 68)


def set_title(title: str, available: float) -> Setting:
    """The title in the largest size whose lines fit; the smallest size cuts what is left over."""
    words = _words(title)
    for size, most in STEPS:
        lines = _wrap(words, size, available)
        fits = all(width(line, size) <= available for line in lines)
        if fits and len(lines) <= most:
            return Setting(_balance(words, size, available, len(lines)), size, _is_rtl(title))
    size, most = STEPS[-1]
    lines = _wrap(_split_long(words, size, available), size, available)
    if len(lines) > most:
        last = lines[most - 1]
        while width(f"{last}…", size) > available:
            last = last[:-1].rstrip()
        lines = [*lines[: most - 1], f"{last}…"]
    return Setting(tuple(lines), size, _is_rtl(title))


def _words(title: str) -> list[str]:
    """Pieces a line may end after; scripts without spaces break after every character."""
    words: list[str] = []
    for word in title.split():
        pieces = [""]
        for char in word:
            if unicodedata.east_asian_width(char) in ("W", "F"):
                pieces += [char, ""]
            else:
                pieces[-1] += char
        kept = [piece for piece in pieces if piece]
        words += [*kept[:-1], f"{kept[-1]} "] if kept else []
    return words


def _wrap(words: list[str], size: float, available: float) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and width((lines[-1] + word).rstrip(), size) > available:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines if line.strip()]


def _balance(words: list[str], size: float, available: float, count: int) -> tuple[str, ...]:
    """The same number of lines in the narrowest measure that holds them: no lonely last word."""
    low, high = available / 4, available
    for _ in range(7):
        middle = (low + high) / 2
        lines = _wrap(words, size, middle)
        if len(lines) <= count and all(width(line, size) <= middle for line in lines):
            high = middle
        else:
            low = middle
    return tuple(_wrap(words, size, high))


def _split_long(words: list[str], size: float, available: float) -> list[str]:
    """Words wider than a line, cut where the line ends."""
    split: list[str] = []
    for word in words:
        rest = word
        while width(rest.rstrip(), size) > available:
            end = next(n for n in range(len(rest), 0, -1) if width(rest[:n], size) <= available)
            split.append(rest[:end])
            rest = rest[end:]
        split.append(rest)
    return split


def _is_rtl(text: str) -> bool:
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in ("R", "AL"):
            return True
        if direction == "L":
            return False
    return False
