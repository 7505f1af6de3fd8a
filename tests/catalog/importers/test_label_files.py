"""Labels out and in again: CSV, JSON Lines, qrels."""

import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.errors import InvalidInput
from catalog.importers.labels import import_labels
from catalog.judging.exports import as_written, harmless, lines_of
from catalog.labels import Drawn, set_label
from catalog.models import Item, Label, Person
from tests.catalog.rows import add_items

pytestmark = pytest.mark.django_db

FIELDS = (
    "kind", "query", "person__external_id", "item__external_id", "grade", "source", "labeller",
    "note", "guideline", "content_hash", "propensity", "confidence",
)  # fmt: skip


def stored():
    return set(Label.objects.values_list(*FIELDS))


def fill():
    items = add_items("i0", "=1+1", "a b/ü", "'x")
    person = Person.objects.create(external_id="@me")
    for n, item in enumerate(items):
        for source, name in (("human", "anna"), ("human", "-ben"), ("llm", "qwen")):
            set_label(
                kind="relevance", query="=cmd|' /C calc'!A0 \"q\", ünï", item_id=item.pk,
                grade=(n + len(name)) % 4, source=source, labeller=name, note="+1\n'=2, \"ja\"",
                drawn=Drawn(propensity=0.1 + 0.2, confidence=1 / 3),
            )  # fmt: skip
        set_label(
            kind="fit", person=person, item_id=item.pk, grade=n % 4, source="human", labeller="a"
        )
        set_label(
            kind="relevance", query="noir", item_id=item.pk, grade=3 - n, source="final",
            labeller="adjudication",
        )  # fmt: skip


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_is_written_is_read_again(tmp_path, format):
    fill()
    before = stored()
    out = tmp_path / f"labels.{format}"
    call_command("export_labels", "--format", format, "--out", str(out), stdout=StringIO())
    Label.objects.all().delete()
    told = StringIO()
    call_command("import_labels", str(out), stdout=told)
    assert stored() == before
    assert "20 labels: 20 new, 0 changed, 0 unchanged, 0 not usable." in told.getvalue()
    again = import_labels(path=out, restart=True)
    assert (again.tally.created, again.tally.updated, again.tally.unchanged) == (0, 0, 20)
    assert stored() == before


def test_qrels_are_written_and_read_again(tmp_path):
    fill()
    out = tmp_path / "labels.qrels"
    call_command("export_labels", "--format", "trec", "--out", str(out), stdout=StringIO())
    lines = out.read_text().splitlines()
    assert all(len(line.split(" ")) == 4 for line in lines)
    grades = dict(Label.objects.filter(source="final").values_list("item__external_id", "grade"))
    Label.objects.all().delete()
    import_labels(path=out, labeller="nist")
    read = Label.objects.filter(query="noir", labeller="nist", source="human")
    assert dict(read.values_list("item__external_id", "grade")) == grades


def test_no_cell_of_the_file_is_run_by_a_spreadsheet():
    fill()
    rows = list(csv.reader(StringIO("".join(lines_of(Label.objects.all(), format="csv")))))
    assert len(rows) == 21
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(tuple("=+-@\t\r")), cell


@pytest.mark.parametrize("text", ["=1", "'=1", "''x", "'x", "x", "", "-", "'", "\t1", 5, None])
def test_a_cell_is_read_as_it_was(text):
    assert as_written(harmless(text)) == text


def test_bad_rows_are_told_with_their_lines_and_the_good_ones_are_kept(write):
    add_items("i0")
    path = write(
        "labels.csv",
        "query,item,grade,labeller,kind,person,propensity\n"
        "noir,i0,2,anna,,,\n"
        "noir,i9,2,anna,,,\n"
        "noir,i0,4,anna,,,\n"
        "noir,i0,1.5,anna,,,\n"
        ",i0,1,anna,,,\n"
        "noir,i0,1,,,,\n"
        "noir,i0,1,anna,fit,,\n"
        ",i0,1,anna,fit,nobody,\n"
        "noir,i0,1,anna,other,,\n"
        "noir,i0,1,anna,,,7\n"
        "noir,i0,nan,anna,,,\n"
        "noir,i0\n",
    )
    report = import_labels(path=path)
    assert Label.objects.get().grade == 2
    assert [(one.line, one.field) for one in report.problems] == [
        (3, "item"), (4, "grade"), (5, "grade"), (6, "query"), (7, "labeller"), (8, "person"),
        (9, "person"), (10, "kind"), (11, "propensity"), (12, "grade"), (13, ""),
    ]  # fmt: skip


def test_broken_qrels_are_told_with_their_lines(write):
    add_items("i0", "i1")
    path = write("x.qrels", "noir 0 i0 2\nnoir 0 i1\nnoir 0 i1 -1\n\nfilm%20noir 0 i1 3 \n\xff")
    report = import_labels(path=path, labeller="nist")
    assert [one.line for one in report.problems] == [2, 3, 6]
    assert set(Label.objects.values_list("query", "grade")) == {("noir", 2), ("film noir", 3)}


def test_a_file_that_cannot_be_used_is_refused(write):
    with pytest.raises(InvalidInput, match="no column 'grade'"):
        import_labels(path=write("a.csv", "query,item\nnoir,i0\n"))
    with pytest.raises(InvalidInput, match="labeller"):
        import_labels(path=write("a.qrels", "noir 0 i0 1\n"))
    with pytest.raises(CommandError):
        call_command("import_labels", "/no/such/file.csv")


def test_of_two_rows_of_one_labeller_the_last_stands(write):
    add_items("i0")
    rows = [{"query": "noir", "item": "i0", "grade": grade, "labeller": "a"} for grade in (0, 3)]
    report = import_labels(path=write("a.jsonl", rows))
    assert Label.objects.get().grade == 3
    assert (report.tally.created, report.tally.unchanged) == (1, 1)


def test_an_import_that_was_killed_goes_on(write, kill_after, killed):
    add_items("i0")
    rows = [{"query": f"q{n}", "item": "i0", "grade": n % 4, "labeller": "a"} for n in range(5_000)]
    path = write("a.jsonl", rows)
    with pytest.raises(killed):
        import_labels(path=path, progress=kill_after(3_000))
    report = import_labels(path=path)
    assert report.resumed_at > 0
    assert Label.objects.count() == 5_000


@pytest.mark.slow
def test_twenty_thousand_labels_stream_out_and_in(tmp_path):
    add_items(*(f"i{n}" for n in range(100)))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_label (kind, query, item_id, grade, source, labeller, note,"
            " created_at, updated_at) SELECT 'relevance', 'q' || n, item.id, n %% 4, 'human', 'a',"
            " '', now(), now() FROM catalog_item AS item, generate_series(1, 200) AS n", []
        )  # fmt: skip
    out = tmp_path / "labels.csv"
    call_command("export_labels", "--out", str(out), stdout=StringIO())
    assert sum(1 for _ in out.open()) == 20_001
    before = stored()
    Label.objects.all().delete()
    import_labels(path=out)
    assert stored() == before


def test_json_lines_keep_every_field():
    fill()
    rows = [json.loads(line) for line in lines_of(Label.objects.all(), format="jsonl")]
    assert len(rows) == Label.objects.count()
    assert {row["propensity"] for row in rows} == {0.1 + 0.2, None}
    assert Item.objects.count() == 4
