"""The gate's report and the learning curve of a run as pictures with their tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recs.admin.charts import Mark, Row, Series, chart, interval_chart, line_chart

Json = Mapping[str, Any]
# In the order in which they are drawn: each keeps its colour and form whoever else is there.
NAMES = {
    "candidate": "candidate",
    "live": "live",
    "item_knn": "item-kNN",
    "popularity": "popularity",
}
SYSTEMS = tuple(NAMES)


def gate_report(gate: Json) -> SafeString:
    """The verdict, why, and all systems on all slices; says so where nothing was judged."""
    if not gate:
        return SafeString("Not judged yet.")
    verdict = "Passed." if gate.get("passed") else "Refused."
    reasons = list(gate.get("reasons", [])) + list(gate.get("notes", []))
    listed = format_html_join("", "<li>{}</li>", ((reason,) for reason in reasons))
    return format_html(
        '<p class="foray-verdict">{}</p>{}{}',
        verdict,
        format_html('<ul class="foray-reasons">{}</ul>', listed) if reasons else "",
        _slices(gate) if gate.get("slices") else "",
    )


def learning_curve(curve: Sequence[Json]) -> SafeString:
    """NDCG@10 of the validation and the loss, by epoch; a line for each network."""
    if not curve:
        return SafeString("No epoch is finished yet.")
    parts = []
    for key, title in (("ndcg", "NDCG@10 of the validation"), ("loss", "Loss")):
        picture = line_chart(_series(curve, key), title=f"{title} by epoch", x_label="epoch")
        if picture:
            parts.append(format_html('<p class="foray-chart-note">{}</p>{}', title, picture))
    head = ("Network", "Epoch", "Loss", "NDCG@10", "Seconds")
    rows = [
        (_network(p), p["epoch"], f"{p['loss']:.4f}", _number(p.get("ndcg")), p["seconds"])
        for p in curve
    ]
    pictures = format_html_join("", "{}", ((part,) for part in parts))
    return chart(picture=pictures, head=head, rows=rows)


def compared_slices(reports: Mapping[str, Json]) -> SafeString:
    """Several candidates' own means by slice, each as it was judged then."""
    labels = list(reports)
    by_slice: dict[str, dict[str, Json]] = {}
    for label, gate in reports.items():
        for part in gate.get("slices", []):
            if "candidate" in part["systems"]:
                by_slice.setdefault(part["label"], {})[label] = part
    rows = [
        Row(
            name,
            [
                _mark(labels.index(label), part["systems"]["candidate"])
                for label, part in of.items()
            ],
            all(part["is_judged"] for part in of.values()),
        )
        for name, of in by_slice.items()
    ]
    table = [
        (
            name,
            *(_cell(of[label]["systems"]["candidate"]) if label in of else "" for label in labels),
        )
        for name, of in by_slice.items()
    ]
    picture = interval_chart(rows, title="NDCG@10 by slice", systems=list(enumerate(labels)))
    note = "Each as it was judged, on the people of its own held-out events."
    return chart(picture=picture, head=("Slice", *labels), rows=table, note=note)


def _slices(gate: Json) -> SafeString:
    slices = gate["slices"]
    systems = [name for name in SYSTEMS if any(name in part["systems"] for part in slices)]
    rows = [
        Row(
            part["label"],
            [
                _mark(SYSTEMS.index(name), part["systems"][name])
                for name in systems
                if name in part["systems"]
            ],
            part["is_judged"],
        )
        for part in slices
    ]
    head = ("Slice", "People", *(NAMES[name] for name in systems), "Against live")
    table = [
        (
            part["label"] if part["is_judged"] else f"{part['label']} (too few to judge)",
            f"{part['people']:,}",
            *(_cell(part["systems"].get(name)) for name in systems),
            _difference(part),
        )
        for part in slices
    ]
    share = gate.get("config", {}).get("share", 0.9)
    picture = interval_chart(
        rows,
        title=f"{gate['metric']} by slice",
        systems=[(SYSTEMS.index(name), NAMES[name]) for name in systems],
    )
    note = (
        f"{gate['metric']}, mean over people with the {share:.0%} interval. Pale: too few people "
        "to judge."
    )
    return chart(picture=picture, head=head, rows=table, note=note)


def _difference(part: Json) -> str:
    for difference in part["differences"]:
        if difference["against"] == "live":
            return (
                f"{difference['mean']:+.4f} ({difference['low']:+.4f} to {difference['high']:+.4f})"
            )
    return ""


def _mark(place: int, interval: Json) -> Mark:
    return Mark(place, interval["mean"], interval["low"], interval["high"])


def _cell(interval: Json | None) -> str:
    if interval is None:
        return ""
    return f"{interval['mean']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})"


def _series(curve: Sequence[Json], key: str) -> list[Series]:
    names = list(dict.fromkeys(map(_network, curve)))
    return [
        Series(
            name,
            [(p["epoch"], p[key]) for p in curve if _network(p) == name and p.get(key) is not None],
        )
        for name in names
    ]


def _network(point: Json) -> str:
    again = ", again" if point.get("part") == "again" else ""
    name = point.get("name") or f"network {point.get('member', 0) + 1}"
    return f"{name}{again}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
