"""Small charts as SVG that fill any width; their words stand beside them, as text of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

STEP, HEIGHT = 100, 100
# Above so many points, dots would hide the line.
MOST_DOTS = 31
# A little air above the highest value.
AIR = 1.05


class Point(NamedTuple):
    """A value with its interval; `low` equals `high` where it has none."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture, and the words around it. `lines`: names of its lines, where there are several."""

    title: str
    total: str
    picture: SafeString
    first: str
    last: str
    top: str
    lines: tuple[str, ...] = ()


def curve(points: Sequence[Point | None], top: float, *, series: int = 0) -> SafeString:
    """A line with intervals, interrupted where there is no value."""
    places = [(n * STEP + STEP // 2, point) for n, point in enumerate(points) if point is not None]
    spans = format_html_join(
        "",
        '<line class="span s{}" x1="{}" x2="{}" y1="{}" y2="{}"/>',
        (
            (series, x, x, _y(point.low, top), _y(point.high, top))
            for x, point in places
            if point.low < point.high
        ),
    )
    dots = format_html_join(
        "",
        '<path class="dot s{}" d="M{} {}h0"><title>{}</title></path>',
        ((series, x, _y(point.value, top), point.label) for x, point in places)
        if len(points) <= MOST_DOTS
        else (),
    )
    lines = format_html_join(
        "",
        '<polyline class="line s{}" points="{}"/>',
        ((series, " ".join(f"{x},{y}" for x, y in part)) for part in _parts(points, top)),
    )
    return format_html("{}{}{}", spans, lines, dots)


def bars(points: Sequence[Point], top: float) -> SafeString:
    """A bar for each value."""
    return format_html_join(
        "",
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
        (
            (n * STEP + 8, _y(point.value, top), STEP - 16,
             round(HEIGHT - _y(point.value, top), 2), point.label)
            for n, point in enumerate(points)
        ),
    )  # fmt: skip


def picture(parts: Sequence[SafeString], count: int, *, told: str) -> SafeString:
    """The drawings over each other, told in a sentence to those who do not see them."""
    return format_html(
        '<svg class="foray-curve" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"'
        ' aria-label="{}"><line class="floor" x1="0" x2="{}" y1="{}" y2="{}"/>{}</svg>',
        count * STEP, HEIGHT, told, count * STEP, HEIGHT, HEIGHT,
        format_html_join("", "{}", ((part,) for part in parts)),
    )  # fmt: skip


def top_of(points: Sequence[Point | None]) -> float:
    """The upper end of the scale: every value fits, and half of the intervals.

    The wide interval of a day with few searches is cut off there rather than flatten all others.
    """
    known = [point for point in points if point is not None]
    if not known:
        return 1.0
    highest = max(point.value for point in known)
    return AIR * max(highest, median(point.high for point in known)) or 1.0


def _parts(points: Sequence[Point | None], top: float) -> list[list[tuple[int, float]]]:
    """Runs of points without a gap, as places on the picture."""
    parts: list[list[tuple[int, float]]] = [[]]
    for n, point in enumerate(points):
        if point is None:
            parts.append([])
        else:
            parts[-1].append((n * STEP + STEP // 2, _y(point.value, top)))
    return [part for part in parts if len(part) > 1]


def _y(value: float, top: float) -> float:
    return round(HEIGHT - HEIGHT * min(value, top) / top, 2)
