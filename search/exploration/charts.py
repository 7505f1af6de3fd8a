"""The numbers of exploration in words and small charts, ready to print."""

from collections.abc import Sequence
from dataclasses import dataclass

from search.analytics.pictures import Chart, Point, curve, picture, top_of
from search.exploration.measures import Exploration, Ratio
from search.exploration.report import ExplorationReport

# Number of measures.Exploration: its short name.
NAMES = {
    "exploratory": "exploratory",
    "reach": "new categories",
    "words": "words a query",
    "longest": "longest query",
    "downstream": "explored, taken",
    "success": "item success",
    "gini": "Gini",
}
WHY = {
    "exploratory": "searches that are no name, and broad or of a kind new to the person",
    "reach": "people who came to a category that was new to them",
    "words": "mean over searches",
    "longest": "mean over people of the longest that each asked",
    "downstream": "exploratory searches after which an item was taken",
    "success": "the guardrail: searches after which an item was wanted",
    "gini": "of the first ten places over all items: 0 is even, near 1 is a few",
}
SHARES = ("exploratory", "reach", "downstream", "success")
CHARTED = ("exploratory", "downstream", "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number in words: its value, its interval, and what it is."""

    name: str
    value: str
    interval: str
    why: str


def facts(numbers: Exploration) -> list[Fact]:
    """Every number of the whole."""
    return [
        Fact(
            name=name.capitalize() if name != "Gini" else name,
            value=told(numbers, key),
            interval=interval_words(numbers, key),
            why=f"{WHY[key]}{_longest(numbers, key)}",
        )
        for key, name in NAMES.items()
    ]


def charts(found: ExplorationReport) -> list[Chart]:
    """A curve by day for each share that a day tells enough of; none without searches."""
    return [_chart(found, key) for key in CHARTED] if found.days else []


def told(numbers: Exploration, key: str) -> str:
    """A number as people write it; "-" where nothing was counted."""
    value = getattr(numbers, key)
    if isinstance(value, float):
        return f"{value:.3f}" if numbers.shown else "-"
    if not value.whole:
        return "-"
    return f"{100 * value.value:.1f} %" if key in SHARES else f"{value.value:.2f}"


def interval_words(numbers: Exploration, key: str) -> str:
    """Both ends of its interval; "" where it has none."""
    value = getattr(numbers, key)
    if isinstance(value, float) or value.people < 2:
        return ""
    low, high = _ends(value, key)
    if key in SHARES:
        return f"{100 * low:.1f} to {100 * high:.1f} %"
    return f"{low:.2f} to {high:.2f}"


def _ends(value: Ratio, key: str) -> tuple[float, float]:
    low, high = value.interval
    return (low, min(1.0, high)) if key in SHARES else (low, high)


def _longest(numbers: Exploration, key: str) -> str:
    return f"; the longest of all has {numbers.longest_of_all}" if key == "longest" else ""


def _chart(found: ExplorationReport, key: str) -> Chart:
    days: Sequence[str] = [day.isoformat() for day in found.scope.period.dates]
    points = [_point(day, found.days.get(day), key) for day in days]
    top = min(1.0, top_of(points))
    name, whole = NAMES[key].capitalize(), told(found.totals, key)
    words = f"{name}: {whole} of all, day by day with 95 % intervals by person"
    return Chart(
        title=name,
        total=whole,
        picture=picture([curve(points, top)], len(points), told=words),
        first=days[0],
        last=days[-1],
        top=f"top: {100 * top:.1f} %",
    )


def _point(day: str, numbers: Exploration | None, key: str) -> Point | None:
    value: Ratio | None = getattr(numbers, key) if numbers else None
    if numbers is None or value is None or not value.whole:
        return None
    low, high = _ends(value, key)
    label = f"{day}: {told(numbers, key)} of {value.whole:,.0f}"
    return Point(label, value.value, low, high)
