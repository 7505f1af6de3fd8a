"""The overview in words and small charts, ready to print."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter

from search.analytics.lists import Shown
from search.analytics.measures import Difference
from search.analytics.overview import Numbers, Overview
from search.analytics.pictures import Chart, Point, bars, curve, picture, top_of
from search.analytics.statements import ANEW_MINUTES
from search.reports import Share

# Share of overview.Numbers: its name, and what it says.
SHARES = {
    "no_results": ("Found nothing", "searches without a hit"),
    "clicked": ("Clicked", "an item was looked at or taken afterwards"),
    "taken": ("Taken", "an item was played, liked, added, bought or rated well afterwards"),
    "anew": ("Asked again", f"no click, and other words within {ANEW_MINUTES} minutes"),
    "picked": ("From a recommended query", "begun with a click on one"),
}
QUANTILES = ("half", "95 %", "99 %")


def facts(found: Overview) -> list[dict[str, str]]:
    """The numbers of the period: name, value, what it rests on, and how it compares."""
    now, before = found.totals, found.before
    counts = [
        _fact("Searches", f"{now.searches:,}", "finished ones", f"{before.searches:,} before"),
        _fact("People", f"{now.people:,}", "known ones and guests", f"{before.people:,} before"),
    ]
    shares = [
        _fact(
            name,
            getattr(now, key).words or "none yet",
            f"{told}: {of_whole(getattr(now, key))}",
            compared(found.differences[key]),
        )
        for key, (name, told) in SHARES.items()
    ]
    return [*counts, *shares, _rank(found), _speed(now, before)]


def overview_charts(found: Overview) -> list[Chart]:
    """A chart for each number by day."""
    days = found.days
    charts = [_searches(days), *(_share_chart(found, key) for key in SHARES), _latency(found)]
    return charts if found.totals.searches else []


def position_chart(rows: Sequence[Shown]) -> Chart | None:
    """The share of hits that were clicked, by place; None without lists."""
    if not rows:
        return None
    points = [_point(f"place {row.name}", row.clicked) for row in rows]
    told = ", ".join(f"{point.label if point else ''}" for point in points[:5])
    return _chart("Clicked, by place", "", points, (rows[0].name, rows[-1].name), told)


def of_whole(share: Share) -> str:
    """What a share rests on."""
    if not share.whole:
        return "nothing was counted"
    return f"{share.part:,} of {share.whole:,}, 95 % interval {share.interval_words}"


def compared(difference: Difference | None, *, is_share: bool = True) -> str:
    """How a number compares with the period before, and whether chance may have done it."""
    if difference is None:
        return "nothing to compare with"
    unit, size = (" points", 100) if is_share else ("", 1)
    digits = 1 if is_share else 3
    way = "more" if difference.value >= 0 else "less"
    low, high = (f"{size * end:+.{digits}f}" for end in (difference.low, difference.high))
    verdict = "more than chance" if difference.is_sure else "may be chance"
    value = f"{size * abs(difference.value):.{digits}f}{unit}"
    return f"{value} {way} than before ({low} to {high}): {verdict}"


def _fact(name: str, value: str, why: str, against: str) -> dict[str, str]:
    return {"name": name, "value": value, "why": why, "against": against}


def _rank(found: Overview) -> dict[str, str]:
    mean = found.totals.reciprocal_rank
    low, high = mean.interval
    return _fact(
        "Reciprocal rank of the first click",
        f"{mean.value:.3f}" if mean.count else "none yet",
        f"1 is the first place; {mean.count:,} searches with a click, place"
        f" {found.totals.rank:.1f} on average, 95 % interval {low:.3f} to {high:.3f}"
        if mean.count
        else "no click with a place",
        compared(found.differences["reciprocal_rank"], is_share=False),
    )


def _speed(now: Numbers, before: Numbers) -> dict[str, str]:
    half, most, nearly_all = now.latency_ms
    return _fact(
        "Milliseconds of an answer",
        f"{half:.0f}" if now.searches else "none yet",
        f"half took no longer; 95 % took at most {most:.0f}, 99 % {nearly_all:.0f}",
        f"{before.latency_ms[0]:.0f}, {before.latency_ms[1]:.0f}, {before.latency_ms[2]:.0f} before"
        if before.searches
        else "nothing to compare with",
    )


def _searches(days: Mapping[str, Numbers]) -> Chart:
    points = [
        Point(f"{day}: {row.searches:,}", row.searches, row.searches, row.searches)
        for day, row in days.items()
    ]
    top = top_of(points)
    most = max(point.value for point in points)
    told = f"Searches by day, at most {most:,.0f}"
    return Chart(
        title="Searches",
        total=f"{sum(row.searches for row in days.values()):,}",
        picture=picture([bars(points, top)], len(points), told=told),
        first=min(days),
        last=max(days),
        top=f"most in a day: {most:,.0f}",
    )


def _share_chart(found: Overview, key: str) -> Chart:
    share: Callable[[Numbers], Share] = attrgetter(key)
    points = [_point(day, share(row)) for day, row in found.days.items()]
    name, whole = SHARES[key][0], share(found.totals)
    told = f"{whole.words} of all, day by day with 95 % intervals"
    return _chart(name, whole.words, points, (min(found.days), max(found.days)), told)


def _latency(found: Overview) -> Chart:
    lines = [
        [
            Point(f"{day}: {row.latency_ms[n]:.0f} ms", *[row.latency_ms[n]] * 3)
            if row.searches
            else None
            for day, row in found.days.items()
        ]
        for n in range(len(QUANTILES))
    ]
    top = top_of([point for line in lines for point in line])
    half, most, nearly_all = found.totals.latency_ms
    told = f"Milliseconds by day: half {half:.0f}, 95 % {most:.0f}, 99 % {nearly_all:.0f} at most"
    return Chart(
        title="Milliseconds",
        total=f"{half:.0f}",
        picture=picture(
            [curve(line, top, series=n) for n, line in enumerate(lines)], len(found.days), told=told
        ),
        first=min(found.days),
        last=max(found.days),
        top=f"top: {top:.0f} ms",
        lines=QUANTILES,
    )


def _point(name: str, share: Share) -> Point | None:
    if not share.whole:
        return None
    return Point(f"{name}: {share.words} ({of_whole(share)})", share.value, *share.interval)


def _chart(
    title: str, total: str, points: Sequence[Point | None], ends: tuple[str, str], told: str
) -> Chart:
    top = min(1.0, top_of(points))
    return Chart(
        title=title,
        total=total,
        picture=picture([curve(points, top)], len(points), told=f"{title}: {told}"),
        first=ends[0],
        last=ends[1],
        top=f"top: {100 * top:.1f} %",
    )
