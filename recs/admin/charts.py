"""Pictures of numbers as SVG, drawn on the server; each has its table behind it."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

WIDTH, LEFT, RIGHT = 640, 64, 140
LINE_HEIGHT, TOP, BOTTOM = 200, 12, 28
MARK_HEIGHT, ROW_GAP, LABEL_WIDTH = 14, 10, 190
LABEL_CHARACTERS, CHARACTER_WIDTH = 24, 7.5
# Series of a chart are told apart by colour and by the form of their marks or lines.
SERIES = 4

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, and (x, y) in order of x."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Mark:
    """A mean with its interval; `series` is its place among the systems of the chart."""

    series: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an interval chart. One that is not judged is drawn pale."""

    label: str
    marks: Sequence[Mark]
    is_judged: bool = True


def chart(
    *, picture: SafeString, head: Sequence[str], rows: Iterable[Sequence[object]], note: str = ""
) -> SafeString:
    """A picture and, folded away, the table of its numbers; the first column names the row."""
    context = {"picture": picture, "head": head, "rows": list(rows), "note": note}
    return mark_safe(render_to_string("admin/chart.html", context))  # noqa: S308  a template


def line_chart(series: Sequence[Series], *, title: str, x_label: str) -> SafeString:
    """Lines over whole numbers, each with its name at its end; "" without points."""
    drawn = [one for one in series if one.points]
    xs = [x for one in drawn for x, _ in one.points]
    ys = [y for one in drawn for _, y in one.points]
    if not xs:
        return SafeString("")
    x_of, y_of = _scale(xs, LEFT, WIDTH - RIGHT), _scale(ys, LINE_HEIGHT - BOTTOM, TOP)
    lines = [_line(place, one, x_of, y_of) for place, one in enumerate(drawn)]
    ends = _apart([y_of(one.points[-1][1]) for one in drawn])
    names = [
        _text(x_of(one.points[-1][0]) + 8, y + 4, one.name, f"name s{place % SERIES}")
        for place, (one, y) in enumerate(zip(drawn, ends, strict=True))
    ]
    floor = LINE_HEIGHT - BOTTOM
    axes = [
        _rule(LEFT, WIDTH - RIGHT, floor),
        _text(LEFT - 8, floor + 4, f"{min(ys):.4g}", "axis end"),
        _text(LEFT - 8, TOP + 4, f"{max(ys):.4g}", "axis end"),
        _text(LEFT, floor + 18, f"{min(xs):g}", "axis"),
        _text(WIDTH - RIGHT, floor + 18, f"{max(xs):g}", "axis end"),
        _text((LEFT + WIDTH - RIGHT) / 2, floor + 18, x_label, "axis middle"),
    ]
    return _svg(LINE_HEIGHT, title, [*axes, *lines, *names])


def interval_chart(
    rows: Sequence[Row], *, title: str, systems: Sequence[tuple[int, str]]
) -> SafeString:
    """For each row a mark and an interval of each system, one below the other; "" without rows.

    `systems`: the number of each as a series, and its name.
    """
    filled = [row for row in rows if row.marks]
    values = [v for row in filled for mark in row.marks for v in (mark.low, mark.high)]
    if not values:
        return SafeString("")
    x_of = _scale([0.0, *values], LABEL_WIDTH, WIDTH - 16)
    parts, y = [], float(TOP + 14)
    step = 28 + CHARACTER_WIDTH * max(len(name) for _, name in systems)
    for place, (series, name) in enumerate(systems):
        parts.append(_dot(LABEL_WIDTH + place * step, TOP, series))
        parts.append(_text(LABEL_WIDTH + place * step + 9, TOP + 4, name, "axis"))
    for row in filled:
        height = MARK_HEIGHT * len(row.marks)
        middle = y + height / 2
        parts.append(_text(LABEL_WIDTH - 12, middle + 4, _short(row.label), "label end"))
        drawn = [
            _interval(mark, x_of, y + MARK_HEIGHT * (n + 0.5)) for n, mark in enumerate(row.marks)
        ]
        pale = "" if row.is_judged else "pale"
        parts.append(format_html('<g class="{}">{}</g>', pale, _join(drawn)))
        y += height + ROW_GAP
    parts += [
        _rule(LABEL_WIDTH, WIDTH - 16, y),
        _text(LABEL_WIDTH, y + 16, f"{min(0.0, *values):.4g}", "axis"),
        _text(WIDTH - 16, y + 16, f"{max(0.0, *values):.4g}", "axis end"),
    ]
    return _svg(y + 24, title, parts)


def _scale(values: Sequence[float], start: float, stop: float) -> Scale:
    """Where on the picture a value lies."""
    low, high = min(values), max(values)
    span = high - low or 1.0
    return lambda value: round(start + (value - low) / span * (stop - start), 1)


def _line(place: int, series: Series, x_of: Scale, y_of: Scale) -> SafeString:
    points = " ".join(f"{x_of(x)},{y_of(y)}" for x, y in series.points)
    return format_html(
        '<polyline class="line s{}" points="{}"><title>{}</title></polyline>',
        place % SERIES, points, series.name,
    )  # fmt: skip


def _interval(mark: Mark, x_of: Scale, y: float) -> SafeString:
    return format_html(
        '<g><title>{} ({} to {})</title><line class="span s{}" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        "{}</g>",
        f"{mark.mean:.4f}", f"{mark.low:.4f}", f"{mark.high:.4f}", mark.series % SERIES,
        x_of(mark.low), x_of(mark.high), y, y, _dot(x_of(mark.mean), y, mark.series),
    )  # fmt: skip


def _dot(x: float, y: float, series: int) -> SafeString:
    """A disc, a square, a diamond or a ring."""
    number = series % SERIES
    if number in (1, 2):
        turn = f"rotate(45 {x} {y})" if number == 2 else ""
        return format_html(
            '<rect class="dot s{}" x="{}" y="{}" width="7" height="7" transform="{}"/>',
            number, x - 3.5, y - 3.5, turn,
        )  # fmt: skip
    return format_html('<circle class="dot s{}" cx="{}" cy="{}" r="4"/>', number, x, y)


def _apart(places: Sequence[float], least: float = 14.0) -> list[float]:
    """The same heights, moved up where two names would cover each other."""
    moved = list(places)
    order = sorted(range(len(places)), key=places.__getitem__, reverse=True)
    for below, above in itertools.pairwise(order):
        moved[above] = min(moved[above], moved[below] - least)
    return moved


def _short(words: str) -> str:
    return words if len(words) <= LABEL_CHARACTERS else f"{words[: LABEL_CHARACTERS - 1]}…"


def _text(x: float, y: float, words: str, css: str) -> SafeString:
    return format_html('<text class="{}" x="{}" y="{}">{}</text>', css, x, y, words)


def _rule(start: float, stop: float, y: float) -> SafeString:
    return format_html('<line class="rule" x1="{}" x2="{}" y1="{}" y2="{}"/>', start, stop, y, y)


def _join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _svg(height: float, title: str, parts: Iterable[SafeString]) -> SafeString:
    return format_html(
        '<svg class="foray-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        WIDTH, round(height), title, _join(parts),
    )  # fmt: skip
