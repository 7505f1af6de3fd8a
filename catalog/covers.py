"""Covers drawn from what is known of an item: deterministic SVG, alike for items that are alike."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from html import escape

from catalog.cover_art import COMPOSITIONS, HEIGHT, WIDTH, Dice
from catalog.cover_text import LINE_HEIGHT, set_title, width
from catalog.models import Item

# Part of every cover's address: raise it when the drawing changes, so that no cache keeps the old.
DRAWING = "2"
COVER_HEIGHT = 360
MARGIN_UNITS = 18
FACE = "Helvetica Neue,Helvetica,Arial,Noto Sans,Roboto,sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """Ground, ink for words upon it (contrast of at least 4.5), and three colours of the motif."""

    ground: str
    ink: str
    colours: tuple[str, str, str]


PALETTES = (
    Palette("#f3e9d2", "#2b2118", ("#d1495b", "#edae49", "#30638e")),
    Palette("#14213d", "#f7f3e8", ("#fca311", "#3d5a98", "#e5e5e5")),
    Palette("#c23f1a", "#fffaf0", ("#fff1d0", "#17202a", "#f7b32b")),
    Palette("#dfe8e0", "#17302b", ("#2f6f62", "#e8a33d", "#8fb9a8")),
    Palette("#2a2438", "#f6ecff", ("#dbb4ff", "#5c4b8a", "#ff8fa3")),
    Palette("#f7d6c4", "#40152a", ("#8f2d56", "#e07a5f", "#3d405b")),
    Palette("#0b3c49", "#f4fbf8", ("#16a3a0", "#f2c14e", "#bfe3dd")),
    Palette("#f4f1ea", "#1b1b1b", ("#1b1b1b", "#d7263d", "#b9b2a3")),
    Palette("#3a5a40", "#f7f6e7", ("#a3b18a", "#dad7a6", "#e9724c")),
    Palette("#c9def2", "#10263f", ("#1d5fa8", "#f25f4c", "#f9f5e7")),
    Palette("#5b1a33", "#fdeee4", ("#f26b5e", "#a83253", "#f7c59f")),
    Palette("#f5cb5c", "#242423", ("#242423", "#e8743b", "#fdf4d3")),
    Palette("#1f1d1b", "#f2ede4", ("#c8a45c", "#6b6257", "#e9e1d0")),
    Palette("#e7dff0", "#2a1a4a", ("#6d4aa8", "#f08a8a", "#b7a3dc")),
    Palette("#22577a", "#f5fdf6", ("#57cc99", "#38a3a5", "#f3f7b5")),
    Palette("#efe6dd", "#3b2415", ("#7f5539", "#b08968", "#d9743b")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverCodes:
    """What decides the look: three codes, as a semantic ID has. Any number is understood."""

    composition: int
    palette: int
    arrangement: int


def codes_of(item: Item) -> CoverCodes:
    """The item's own codes, so that items alike look alike.

    Until it has any: from category and decade, creator, and title.
    """
    if item.cover_codes:
        first, second, third, *_ = [*item.cover_codes, 0, 0]
        return CoverCodes(composition=first, palette=second, arrangement=third)
    decade = f"{item.year // 10}" if item.year else ""
    kind = "+".join([*sorted(item.category_paths[:2]), decade or "0"])
    # Where nobody is named, things of a kind are told apart by one of two palettes of theirs.
    maker = item.creators[0] if item.creators else decade or f"{kind}{_code(item.title) % 2}"
    return CoverCodes(composition=_code(kind), palette=_code(maker), arrangement=_code(item.title))


def cover_digest(item: Item) -> str:
    """Hash of all that the cover shows: part of its address, so it may be cached for ever."""
    shown = (DRAWING, item.title, _imprint(item), str(codes_of(item)))
    return blake2b("\x1f".join(shown).encode(errors="surrogatepass"), digest_size=6).hexdigest()


def cover_svg(item: Item) -> str:
    """The item's cover."""
    return draw(title=item.title, imprint=_imprint(item), codes=codes_of(item))


def draw(*, title: str, imprint: str, codes: CoverCodes) -> str:
    """A cover of 240 x 360 units.

    Args:
        title: set as large as it fits, in any script; it may hold anything, it is escaped.
        imprint: the small line below it, cut where the cover ends.
        codes: composition, palette and arrangement.
    """
    palette = PALETTES[codes.palette % len(PALETTES)]
    motif = COMPOSITIONS[codes.composition % len(COMPOSITIONS)]
    art = motif(Dice(str(codes.arrangement)), palette.colours)
    words_on_top = codes.arrangement % 3 != 0
    art_top = COVER_HEIGHT - HEIGHT if words_on_top else 0
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {COVER_HEIGHT}" '
        f'width="{WIDTH}" height="{COVER_HEIGHT}">'
        f'<path fill="{palette.ground}" d="M0 0h{WIDTH}v{COVER_HEIGHT}H0z"/>'
        f'<svg y="{art_top}" width="{WIDTH}" height="{HEIGHT}">{art}</svg>'
        f"{_words(title, imprint, palette.ink, top=0 if words_on_top else HEIGHT)}</svg>"
    )


def _words(title: str, imprint: str, ink: str, *, top: int) -> str:
    available = WIDTH - 2 * MARGIN_UNITS
    setting = set_title(_printable(title), available)
    x = WIDTH - MARGIN_UNITS if setting.is_rtl else MARGIN_UNITS
    y = top + 10 + setting.size * 0.86
    step = setting.size * LINE_HEIGHT
    lines = "".join(
        f'<tspan x="{x}" y="{y + place * step:.0f}">{escape(line)}</tspan>'
        for place, line in enumerate(setting.lines)
    )
    direction = ' direction="rtl"' if setting.is_rtl else ""
    small = escape(_cut(_printable(imprint), 12, available))
    return (
        f'<g fill="{ink}" font-family="{FACE}"{direction}>'
        f'<text font-size="{setting.size}" font-weight="700">{lines}</text>'
        f'<text x="{x}" y="{top + 121}" font-size="12">{small}</text></g>'
    )


def _imprint(item: Item) -> str:
    parts: Sequence[str] = [str(item.year) if item.year else "", *item.creators[:1]]
    return " · ".join(part for part in parts if part)


def _cut(text: str, size: int, available: float) -> str:
    if width(text, size) <= available:
        return text
    kept = text
    while kept and width(f"{kept}…", size) > available:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


def _printable(text: str) -> str:
    """Without control characters, surrogates and others that XML refuses."""
    return "".join(
        " " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char
        for char in text
        if unicodedata.category(char) not in ("Cs", "Cn", "Co", "Cf")
    )


def _code(text: str) -> int:
    return int.from_bytes(
        blake2b(text.casefold().encode(errors="surrogatepass"), digest_size=4).digest(), "big"
    )
