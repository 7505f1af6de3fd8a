"""What came of each arm, as Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.written_recall.arms import Arm
from benchmarks.written_recall.cases import Asked
from benchmarks.written_recall.measures import Change, compare
from recs.ml.metrics import Interval

PER_CALLS, PER_TOKENS = 1_000, 1_000_000
Lists = Sequence[Sequence[str]]


def header(way: str) -> None:
    """Of a table of arms, by one way to search."""
    print(
        f"\n| {way} | items with words | wordings | recall@50 with | difference, points |"
        " hits won | lost | net per 1,000 calls | net per 1,000,000 tokens |"
    )
    print("|---" * 9 + "|", flush=True)


def line(arm: Arm, indexed: int, change: Change) -> None:
    """An arm beside nothing written."""
    cells = (
        arm.name, f"{indexed:,}", f"{arm.wordings:,}", _share(change.after),
        _points(change.difference), f"{change.won:,}", f"{change.lost:,}",
        _hits(change.per(arm.calls, PER_CALLS)), _hits(change.per(arm.tokens, PER_TOKENS)),
    )  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)


def slices(name: str, asked: Asked, before: Lists, after: Lists) -> None:
    """One arm on every part of what is asked."""
    for part, wants in asked.slices.items():
        if wants:
            change = compare(asked.queries, before, after, wants)
            print(
                f"| {name} | {part}: {asked.told.get(part, '')} | {change.queries:,} |"
                f" {change.wanted:,} | {_share(change.before)} | {_points(change.difference)} |"
                f" {change.won:,} | {change.lost:,} |",
                flush=True,
            )


def money(arms: Sequence[Arm], changes: Mapping[str, Change]) -> None:
    """What a hit costs, where a price is set."""
    for arm in arms:
        if arm.money:
            won = changes[arm.name].per(float(arm.money), 1.0)
            print(f"{arm.name}: {arm.money} paid, net hits for each 1.00: {_hits(won)}")


def joined_header(what: str) -> None:
    """Of a table that compares two places for the same words."""
    print(
        f"\n| {what} | after own words: difference, points | won | lost |"
        " joined to own words: difference, points | won | lost |"
    )
    print("|---" * 7 + "|", flush=True)


def joined_line(name: str, tier: Change, joined: Change) -> None:
    """One arm both ways, each beside nothing written."""
    cells = [
        cell
        for change in (tier, joined)
        for cell in (_points(change.difference), f"{change.won:,}", f"{change.lost:,}")
    ]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def share(value: Interval) -> str:
    """With its bounds."""
    return _share(value)


def _share(value: Interval) -> str:
    return f"{value.mean:.4f} ({value.low:.4f} to {value.high:.4f})"


def _points(value: Interval) -> str:
    return f"{100 * value.mean:+.2f} ({100 * value.low:+.2f} to {100 * value.high:+.2f})"


def _hits(value: Interval | None) -> str:
    if value is None:
        return "no calls"
    return f"{value.mean:+.1f} ({value.low:+.1f} to {value.high:+.1f})"
