"""Where a version lets search cut, on its page: what was chosen, by what, and what it costs."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from recs.ml.unified.match_cut import FLOORS

Json = Mapping[str, Any]
NAMES = {
    FLOORS: "floors of nearness",
    "nearness": "nearness",
    "chance": "the model's chance",
    "both": "nearness and the model's chance",
}


def cut_report(report: Json) -> SafeString:
    """The cut in words with a table; says so where none was looked for."""
    if not report:
        return SafeString("Not looked for: search cuts by nearness in meaning.")
    shown = [(NAMES[FLOORS], report.get(FLOORS)), ("this version's cut", report.get("cut"))]
    context = {
        "kind": NAMES.get(report.get("kind", ""), ""),
        "is_learned": report.get("kind") != FLOORS,
        "report": report,
        "told": report.get("reported_on", {}),
        "auc": [(NAMES[kind], value) for kind, value in report.get("chosen_by", {}).items()],
        "rows": [(name, _cells(shares)) for name, shares in shown if shares],
    }
    return mark_safe(render_to_string("admin/match_cut.html", context))  # noqa: S308  a template


def _cells(shares: Json) -> list[str]:
    """What is lost, and what goes: shares in percent with their intervals."""
    return [
        f"{each['mean']:.1%} ({100 * each['low']:.1f} to {100 * each['high']:.1f})".replace(
            "%", " %"
        )
        for each in (shares["rejected"], shares["removed"])
    ]
