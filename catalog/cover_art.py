"""Compositions of covers: sixteen motifs, each drawn from a few dice on a 240 x 228 field."""

import math
from collections.abc import Callable
from hashlib import blake2b

WIDTH = 240
HEIGHT = 228

Colours = tuple[str, str, str]


class Dice:
    """Throws that depend on the seed alone, on every machine and for ever."""

    def __init__(self, seed: str) -> None:
        self._left = int.from_bytes(blake2b(seed.encode(), digest_size=64).digest(), "big")

    def below(self, sides: int) -> int:
        """0 to sides - 1."""
        self._left, thrown = divmod(self._left, sides)
        return thrown

    def between(self, low: int, high: int) -> int:
        """A number of the closed interval."""
        return low + self.below(high - low + 1)


def _path(d: str, fill: str) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def _circle(x: float, y: float, r: float, fill: str) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="{fill}"/>'


def _rect(x: int, y: int, width: int, height: int, fill: str) -> str:
    return f'<path d="M{x} {y}h{width}v{height}h{-width}z" fill="{fill}"/>'


def _ring(x: int, y: int, r: int, stroke: str, width: int) -> str:
    return (
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="none" stroke="{stroke}" stroke-width="{width}"/>'
    )


def arcs(dice: Dice, c: Colours) -> str:
    """Half rings that rise from the lower edge."""
    x = (0, 70, 120, 170, 240)[dice.below(5)]
    step = dice.between(24, 34)
    count = 6 if x in (70, 120, 170) else 8
    return "".join(
        _circle(x, HEIGHT, step * (count - ring), c[(ring + dice.below(2)) % 3])
        for ring in range(count)
    )


def waves(dice: Dice, c: Colours) -> str:
    """Bands of water, each with its own phase."""
    drawn = _circle(dice.between(50, 190), 58, dice.between(26, 40), c[2])
    for band in range(5):
        y = 78 + band * 30
        swing = dice.between(10, 20) * (1 if dice.below(2) else -1)
        drawn += _path(
            f"M0 {y}q30 {swing} 60 0t60 0 60 0 60 0V{HEIGHT}H0z", c[(band + 2) % 3 if band else 0]
        )
    return drawn


def grid(dice: Dice, c: Colours) -> str:
    """Dots in rank and file, a few of them grown or changed."""
    size = dice.between(5, 6)
    cell = WIDTH // size
    odd = {dice.below(size * size) for _ in range(5)}
    drawn = ""
    for place in range(size * size):
        x, y = place % size * cell + cell / 2, place // size * cell + cell / 2 - 4
        drawn += _circle(x, y, cell * (0.5 if place in odd else 0.3), c[1 if place in odd else 0])
    return drawn


def rays(dice: Dice, c: Colours) -> str:
    """A sun and its beams."""
    x, y = (0, 120, 240, 60, 180)[dice.below(5)], (HEIGHT, HEIGHT, 150)[dice.below(3)]
    count = dice.between(9, 14) * 2
    turn = dice.below(30) / 100
    beams = ""
    for beam in range(0, count, 2):
        a, b = ((beam + side) * 2 * math.pi / count + turn for side in (0, 1))
        far = 380
        beams += (
            f"M{x} {y}L{x + far * math.cos(a):.0f} {y + far * math.sin(a):.0f} "
            f"{x + far * math.cos(b):.0f} {y + far * math.sin(b):.0f}z"
        )
    return (
        _path(beams, c[0])
        + _circle(x, y, dice.between(58, 76), c[1])
        + _circle(x, y, dice.between(30, 42), c[2])
    )


def horizon(dice: Dice, c: Colours) -> str:
    """A low sun over two or three hills."""
    drawn = _circle(dice.between(50, 190), dice.between(70, 110), dice.between(40, 58), c[1])
    for hill in range(3):
        top = 110 + hill * 34
        x = dice.between(20, 220)
        drawn += _path(f"M-120 {HEIGHT + 40}Q{x} {top - 60} 360 {HEIGHT + 40}z", c[(0, 2, 0)[hill]])
        drawn += _path(
            f"M-90 {HEIGHT + 60}Q{240 - x} {top - 20} 330 {HEIGHT + 60}z", c[(2, 0, 2)[hill]]
        )
    return drawn


def orbits(dice: Dice, c: Colours) -> str:
    """Rings around one body, each with a planet."""
    x, y = dice.between(70, 170), dice.between(96, 132)
    drawn = _circle(x, y, dice.between(18, 28), c[1])
    for ring in range(1, 6):
        r = 26 + ring * 24
        angle = dice.below(628) / 100
        drawn += _ring(x, y, r, c[0], 3)
        drawn += _circle(
            x + r * math.cos(angle),
            y + r * math.sin(angle),
            dice.between(6, 13),
            c[2 if ring % 2 else 1],
        )
    return drawn


def stripes(dice: Dice, c: Colours) -> str:
    """Slanted bands crossed by a disc."""
    lean = (-90, 90)[dice.below(2)]
    drawn, x = "", -110
    turn = dice.below(3)
    while x < 330:
        width = dice.between(12, 40)
        drawn += _path(f"M{x} 0h{width}l{lean} {HEIGHT}h{-width}z", c[turn % 3])
        x, turn = x + width + dice.between(8, 20), turn + 1
    return drawn + _circle(
        dice.between(80, 160), dice.between(90, 140), dice.between(44, 60), c[(turn + 1) % 3]
    )


def blobs(dice: Dice, c: Colours) -> str:
    """Large discs that overlap and let each other through."""
    drawn = ""
    for blob in range(5):
        circle = _circle(
            dice.between(30, 210), dice.between(40, 190), dice.between(44, 84), c[blob % 3]
        )
        drawn += circle.replace("/>", ' opacity=".82"/>')
    return drawn


def terraces(dice: Dice, c: Colours) -> str:
    """Contour lines of a hill seen from above."""
    x, y = dice.between(80, 160), dice.between(90, 140)
    drawn = ""
    for level in range(7):
        r = 168 - level * 24
        wide = r * (1 + dice.below(5) / 12)
        drawn += (
            f'<ellipse cx="{x + level * 4}" cy="{y + level * 3}" rx="{wide:.0f}" ry="{r}" '
            f'fill="{c[level % 3]}"/>'
        )
    return drawn


def columns(dice: Dice, c: Colours) -> str:
    """A skyline of pillars, some with round heads."""
    drawn = ""
    width = (24, 30, 40)[dice.below(3)]
    for column in range(WIDTH // width):
        x, y = column * width, dice.between(24, 150)
        colour = c[dice.below(3)]
        drawn += _rect(x, y, width, HEIGHT - y, colour)
        if dice.below(2):
            drawn += _circle(x + width / 2, y, width / 2, colour)
    return drawn


def moons(dice: Dice, c: Colours) -> str:
    """Phases in three rows."""
    drawn = ""
    for place in range(9):
        x, y = 44 + place % 3 * 76, 38 + place // 3 * 76
        drawn += _circle(x, y, 31, c[0])
        phase = dice.below(4)
        bulge = (0, 16, 31, 16)[phase]
        sweep = 1 if phase == 1 else 0
        drawn += _path(
            f"M{x} {y - 31}a31 31 0 0 1 0 62a{bulge or 1} 31 0 0 {sweep} 0 -62z",
            c[1 + dice.below(2)],
        )
    return drawn


def petals(dice: Dice, c: Colours) -> str:
    """One flower, off centre."""
    x, y = dice.between(80, 160), dice.between(96, 132)
    count = dice.between(7, 12)
    length, turn = dice.between(56, 70), dice.below(40)
    drawn = ""
    for petal in range(count):
        angle = turn + petal * 360 / count
        drawn += (
            f'<ellipse cx="{x + length}" cy="{y}" rx="{length}" ry="{170 // count + 2}" '
            f'fill="{c[petal % 2 * 2]}" transform="rotate({angle:.0f} {x} {y})"/>'
        )
    return drawn + _circle(x, y, dice.between(20, 30), c[1])


def tiles(dice: Dice, c: Colours) -> str:
    """Quarter discs on a board, turned at random."""
    cell = 60
    turns = (
        "M{x} {y}h60a60 60 0 0 1 -60 60z",
        "M{e} {y}v60a60 60 0 0 1 -60 -60z",
        "M{e} {f}h-60a60 60 0 0 1 60 -60z",
        "M{x} {f}v-60a60 60 0 0 1 60 60z",
    )
    drawn = ""
    for place in range(16):
        x, y = place % 4 * cell, place // 4 * cell
        shape = turns[dice.below(4)].format(x=x, y=y, e=x + cell, f=y + cell)
        drawn += _path(shape, c[dice.below(3)])
    return drawn


def peaks(dice: Dice, c: Colours) -> str:
    """Mountains behind mountains, and a moon."""
    drawn = _circle(dice.between(40, 200), dice.between(40, 70), dice.between(18, 30), c[2])
    for peak in range(5):
        x, top = dice.between(0, 240), 60 + peak * 26
        wide = dice.between(70, 120)
        drawn += _path(f"M{x - wide} {HEIGHT}L{x} {top}V{HEIGHT}z", c[peak % 2])
        drawn += _path(f"M{x + wide} {HEIGHT}L{x} {top}V{HEIGHT}z", c[(peak % 2 + 1) % 3])
    return drawn


def threads(dice: Dice, c: Colours) -> str:
    """Straight lines that add up to a curve."""
    left, right = ((0, 240), (240, 0))[dice.below(2)]
    count = dice.between(16, 22)
    lines = "".join(
        f"M{left} {line * HEIGHT // count}L{abs(left - line * WIDTH // count)} {HEIGHT}"
        for line in range(count + 1)
    )
    back = "".join(
        f"M{right} {HEIGHT - line * HEIGHT // count}L{abs(right - line * WIDTH // count)} 0"
        for line in range(count + 1)
    )
    disc = _circle(dice.between(100, 140), dice.between(100, 128), dice.between(30, 44), c[1])
    return (
        f'<path d="{lines}" stroke="{c[0]}" stroke-width="2"/>'
        f'<path d="{back}" stroke="{c[2]}" stroke-width="2"/>{disc}'
    )


def arches(dice: Dice, c: Colours) -> str:
    """Doors within doors."""
    x, turn = (80, 120, 160)[dice.below(3)], dice.below(3)
    step = dice.between(19, 25)
    drawn = ""
    for door in range(5):
        r = step * (5 - door)
        top = 18 + r + door * step
        drawn += _path(
            f"M{x - r} {HEIGHT}V{top}a{r} {r} 0 0 1 {2 * r} 0V{HEIGHT}z", c[(door + turn) % 3]
        )
    return drawn


COMPOSITIONS: tuple[Callable[[Dice, Colours], str], ...] = (
    arcs,
    waves,
    grid,
    rays,
    horizon,
    orbits,
    stripes,
    blobs,
    terraces,
    columns,
    moons,
    petals,
    tiles,
    peaks,
    threads,
    arches,
)
