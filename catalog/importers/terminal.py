"""What every importing command shares: its options, and how it tells what it did."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import OutputWrapper

from catalog.importers.columns import ColumnMapping, parse_pairs
from catalog.importers.files import FORMATS
from catalog.importers.run import MAX_PROBLEMS_KEPT, ImportReport


def add_column_options(parser: ArgumentParser) -> None:
    """Options that say how to read the file."""
    parser.add_argument("path", help="CSV, JSON Lines (.gz too) or Parquet")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="read our field from this column: --map title=Name (repeat it for more)",
    )
    parser.add_argument(
        "--split",
        action="append",
        default=[],
        metavar="FIELD=SEPARATOR",
        help="what stands between the values of a list, if not '|': --split categories=,",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="the same value for every row: --set kind=purchase",
    )
    parser.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="COLUMN",
        help="keep this column as an attribute, whatever its name suggests",
    )
    parser.add_argument("--strict", action="store_true", help="refuse columns we do not know")
    parser.add_argument("--format", choices=FORMATS, help="where the file's name does not say it")
    parser.add_argument("--delimiter", help="of a CSV file, where the header does not show it")


def add_restart_option(parser: ArgumentParser) -> None:
    """The option of beginning again."""
    parser.add_argument(
        "--restart",
        action="store_true",
        help="begin at the first row, even where an earlier run was interrupted",
    )


def mapping_of(options: dict[str, Any]) -> ColumnMapping:
    """The mapping that the options describe."""
    return ColumnMapping(
        fields=parse_pairs(options["map"], option="--map"),
        splits=parse_pairs(options["split"], option="--split"),
        constants=parse_pairs(options["set"], option="--set"),
        attributes=tuple(options["attribute"]),
        is_strict=options["strict"],
    )


def tell(report: ImportReport, *, noun: str, out: OutputWrapper, more: Iterable[str] = ()) -> None:
    """Write what an import did, and the first of the rows that could not be used."""
    tally = report.tally
    if report.resumed_at:
        out.write(f"Went on at row {report.resumed_at + 1:,}, where an earlier run had stopped.\n")
    out.write(
        f"{tally.rows:,} {noun}: {tally.created:,} new, {tally.updated:,} changed, "
        f"{tally.unchanged:,} unchanged, {tally.rejected:,} not usable.\n"
    )
    for note in [*report.notes, *more]:
        out.write(f"  {note}\n")
    for problem in report.problems:
        field = f" [{problem.field}]" if problem.field else ""
        out.write(f"  line {problem.line:,}{field}: {problem.reason}\n")
    rest = tally.rejected - len(report.problems)
    if rest > 0:
        kept = min(tally.rejected, MAX_PROBLEMS_KEPT)
        out.write(
            f"  ... and {rest:,} more. The first {kept:,} are listed in the admin under Jobs, and "
            f"at /api/v1/tasks/{report.job_id}\n"
        )
