"""Importing a catalog: good rows kept, bad ones told, repeats and restarts harmless."""

import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.errors import Conflict, InvalidInput
from catalog.importers import tables
from catalog.importers.columns import ColumnMapping
from catalog.importers.run import LOCK_SPACE
from catalog.importers.tables import import_catalog
from catalog.models import Item, Job, JobProblem
from catalog.profiles import current_profile, forget_profile

pytestmark = pytest.mark.django_db


def products(count, **more):
    return [{"id": f"p{n}", "title": f"Product {n}", "price": n, **more} for n in range(count)]


def test_a_catalog_in_json_lines_is_imported_without_any_option(write):
    path = write(
        "unseen.jsonl",
        [
            {
                "sku": "A-1",
                "name": "Chaz Hoodie",
                "categories": ["Men/Tops/Hoodies", "Sale"],
                "brand": "Luma",
                "price": 52.0,
                "material": "Wool",
                "attributes": {"climate": "Cool"},
            }
        ],
    )
    report = import_catalog(path=path)
    item = Item.objects.get()
    assert (item.external_id, item.title, str(item.price)) == ("A-1", "Chaz Hoodie", "52.00")
    assert item.categories == ["Men", "Men/Tops", "Men/Tops/Hoodies", "Sale"]
    assert item.creators == ["Luma"]
    assert item.attributes == {"climate": "Cool", "material": "Wool"}
    assert report.tally.created == 1
    assert "columns kept as attributes: material" in report.notes
    job = Job.objects.get()
    assert (job.state, job.done, job.total) == ("done", 1, 1)


def test_the_same_from_csv_with_a_mapping(write):
    path = write("a.csv", "Code;Headline;Kinds;Made\n7;Naïve Blues;Jazz, Blues;2001-05-17\n")
    mapping = ColumnMapping(
        fields={"id": "Code", "title": "Headline", "categories": "Kinds", "released_on": "Made"},
        splits={"categories": ","},
    )
    import_catalog(path=path, mapping=mapping)
    item = Item.objects.get()
    assert (item.external_id, item.title, item.year) == ("7", "Naïve Blues", 2001)
    assert item.category_paths == ["Jazz", "Blues"]


def test_good_rows_are_kept_and_bad_ones_told_with_line_field_and_reason(write):
    path = write(
        "a.csv",
        "id,title,price,year\n"
        "1,Good,5,1999\n"
        ",No id,5,1999\n"
        "3,,5,1999\n"
        "4,Bad price,minus five,1999\n"
        "5,Bad year,5,12345678\n"
        "6,Nul \x00 in it,5,1999\n"
        "7,Too,many,fields,here\n"
        "8,<script>alert(1)</script>,5,1999\n"
        "9,'); DROP TABLE catalog_item; --,5,1999\n",
    )
    report = import_catalog(path=path)
    assert set(Item.objects.values_list("external_id", flat=True)) == {"1", "8", "9"}
    assert [(p.line, p.field) for p in report.problems] == [
        (3, "id"), (4, "title"), (5, "price"), (6, "year"), (7, "title"), (8, ""),
    ]  # fmt: skip
    assert all(p.reason for p in report.problems)
    stored = JobProblem.objects.filter(job_id=report.job_id)
    assert [p.line for p in stored] == [3, 4, 5, 6, 7, 8]
    assert (report.tally.created, report.tally.rejected, report.tally.rows) == (3, 6, 9)


def test_a_second_import_changes_nothing_and_a_changed_row_only_itself(write):
    path = write("a.jsonl", products(30))
    assert import_catalog(path=path).tally.created == 30
    before = dict(Item.objects.values_list("external_id", "updated_at"))
    again = import_catalog(path=path).tally
    assert (again.created, again.updated, again.unchanged) == (0, 0, 30)
    assert dict(Item.objects.values_list("external_id", "updated_at")) == before
    rows = products(30)
    rows[3]["title"] = "Another name"
    third = import_catalog(path=write("a.jsonl", rows)).tally
    assert (third.created, third.updated, third.unchanged) == (0, 1, 29)
    item = Item.objects.get(external_id="p3")
    assert item.title == "Another name"


def test_derived_columns_are_those_of_a_single_write(write):
    from catalog.items import upsert_items
    from catalog.validation import read_item

    row = {"id": "1", "title": "A", "categories": ["X/Y"], "countries": ["France"], "year": 1964}
    import_catalog(path=write("a.jsonl", [row]))
    assert [r.status for r in upsert_items(items=[read_item(row)])] == ["unchanged"]


def test_of_two_rows_with_one_id_the_later_one_stands(write):
    rows = [{"id": "1", "title": "first"}, {"id": "1", "title": "second"}]
    report = import_catalog(path=write("a.jsonl", rows))
    assert Item.objects.get().title == "second"
    assert report.tally.rows == 2


def test_what_an_editor_hid_stays_hidden_unless_the_file_says_otherwise(write):
    import_catalog(path=write("a.jsonl", products(2)))
    Item.objects.filter(external_id="p0").update(is_hidden=True)
    import_catalog(path=write("a.jsonl", products(2, color="red")))
    assert Item.objects.get(external_id="p0").is_hidden
    import_catalog(path=write("a.jsonl", products(2, hidden=False)))
    assert not Item.objects.get(external_id="p0").is_hidden


def test_a_killed_import_goes_on_where_it_stopped(write, monkeypatch, kill_after, killed):
    monkeypatch.setattr(tables, "ITEM_BATCH", 10)
    rows = products(55)
    rows[4]["price"] = "bad"
    path = write("a.jsonl", rows)
    with pytest.raises(killed):
        import_catalog(path=path, progress=kill_after(30))
    assert Item.objects.count() == 29
    # What went wrong before the stop is seen in the job that went on.
    Item.objects.filter(external_id="p0").delete()
    report = import_catalog(path=path)
    assert report.resumed_at == 30
    assert (report.tally.rows, report.tally.created, report.tally.rejected) == (55, 54, 1)
    assert [problem.line for problem in report.problems] == [5]
    earlier = Job.objects.exclude(pk=report.job_id).get()
    assert (earlier.state, earlier.result) == ("failed", {"continued_by": report.job_id})
    assert not Item.objects.filter(external_id="p0").exists(), "the first rows are not read again"
    assert Item.objects.filter(external_id="p54").exists()
    # Once it came to its end, the next import begins at the first row.
    assert import_catalog(path=path).resumed_at == 0
    assert Item.objects.filter(external_id="p0").exists()


def test_restart_begins_at_the_first_row(write, monkeypatch, kill_after, killed):
    monkeypatch.setattr(tables, "ITEM_BATCH", 10)
    path = write("a.jsonl", products(30))
    with pytest.raises(killed):
        import_catalog(path=path, progress=kill_after(10))
    Item.objects.all().delete()
    report = import_catalog(path=path, restart=True)
    assert (report.resumed_at, report.tally.created) == (0, 30)
    assert import_catalog(path=path).resumed_at == 0


def test_another_file_or_mapping_does_not_go_on_from_the_stop(
    write, monkeypatch, kill_after, killed
):
    monkeypatch.setattr(tables, "ITEM_BATCH", 10)
    path = write("a.jsonl", products(30))
    with pytest.raises(killed):
        import_catalog(path=path, progress=kill_after(10))
    said = ColumnMapping(constants={"currency": "EUR"})
    assert import_catalog(path=path, mapping=said).resumed_at == 0
    assert import_catalog(path=write("a.jsonl", products(31))).resumed_at == 0


def test_a_job_that_is_delivered_again_goes_on_too(write, monkeypatch, kill_after, killed):
    monkeypatch.setattr(tables, "ITEM_BATCH", 10)
    path = write("a.jsonl", products(30))
    job = Job.objects.create(kind="catalog.import")
    with pytest.raises(killed):
        import_catalog(path=path, progress=kill_after(10), job_id=str(job.pk))
    report = import_catalog(path=path, job_id=str(job.pk))
    assert (report.resumed_at, report.tally.created) == (10, 30)
    assert Job.objects.get().state == "done"


def test_a_row_that_only_the_database_refuses_costs_itself_and_not_its_batch(write, monkeypatch):
    # What validation lets through today fits; so the check is taken away.
    monkeypatch.setattr("catalog.validation.values.money", lambda value, field: value)
    rows = products(20)
    rows[7]["price"] = -1
    report = import_catalog(path=write("a.jsonl", rows))
    assert (report.tally.created, report.tally.rejected) == (19, 1)
    assert report.problems[0].line == 8
    assert "database refuses" in report.problems[0].reason


def test_more_bad_rows_than_are_kept_are_counted(write, monkeypatch):
    monkeypatch.setattr("catalog.importers.run.MAX_PROBLEMS_KEPT", 25)
    path = write("a.jsonl", [{"id": str(n)} if n else {"id": "0", "title": "t"} for n in range(60)])
    report = import_catalog(path=path)
    assert report.tally.rejected == 59
    assert JobProblem.objects.count() == 25
    assert len(report.problems) == 20


def test_the_same_file_is_not_imported_twice_at_once(write):
    path = write("a.jsonl", products(3))
    other = connection.copy()
    lock = [LOCK_SPACE, f"public catalog.import {path.resolve()}"]
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", lock)
            with pytest.raises(Conflict, match="being imported"):
                import_catalog(path=path)
            cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", lock)
    finally:
        other.close()
    assert import_catalog(path=path).tally.created == 3


def test_a_file_without_id_or_title_is_refused_before_anything_is_written(write):
    with pytest.raises(InvalidInput, match="--map id=COLUMN"):
        import_catalog(path=write("a.csv", "code,headline\n1,x\n"))
    assert not Job.objects.exists()


def test_unusual_text_survives_as_it_is(write):
    titles = ["שלום עולם", "🎬 film", "naïve ½ — “quotes”", "a\tb", "%s {} \\n ' \" ;"]
    path = write("a.jsonl", [{"id": str(n), "title": t} for n, t in enumerate(titles)])
    import_catalog(path=path)
    stored = list(Item.objects.order_by("external_id").values_list("title", flat=True))
    assert stored == [t.replace("\t", " ") for t in titles]


def test_the_command_tells_what_it_did_and_where_the_rest_is(write):
    rows = [{"id": str(n), "title": "x" if n < 5 else ""} for n in range(40)]
    path = write("a.jsonl.gz", gzip.compress("".join(json.dumps(r) + "\n" for r in rows).encode()))
    out = StringIO()
    call_command("import_catalog", str(path), stdout=out)
    text = out.getvalue()
    assert "40 items: 5 new, 0 changed, 0 unchanged, 35 not usable." in text
    assert "line 6 [title]: 'title' is required." in text
    assert "and 15 more" in text
    assert f"/api/v1/tasks/{Job.objects.get().pk}" in text


def test_the_command_reads_its_options(write):
    path = write("a.csv", "code,headline,size\n1,x,XL\n")
    options = ["--map", "id=code", "--map", "title=headline", "--set", "currency=eur"]
    call_command("import_catalog", str(path), *options, "--attribute", "size", stdout=StringIO())
    item = Item.objects.get()
    assert (item.currency, item.attributes) == ("EUR", {"size": "XL"})
    with pytest.raises(CommandError, match="no file"):
        call_command("import_catalog", "missing.csv", stdout=StringIO())
    with pytest.raises(CommandError, match="size"):
        call_command("import_catalog", str(path), *options, "--strict", stdout=StringIO())


def test_real_products_of_an_unseen_store_import_whole(shared_data):
    report = import_catalog(path=shared_data / "luma" / "products.jsonl")
    assert (report.tally.created, report.tally.rejected) == (197, 0)
    hoodie = Item.objects.get(external_id="MH01")
    assert hoodie.title == "Chaz Kangeroo Hoodie"
    assert "Men/Tops/Hoodies & Sweatshirts" in hoodie.categories
    assert hoodie.price == 52


@pytest.mark.parametrize(
    ("rows", "facet"),
    [
        ("id,title,price\n1,Chair,10\n2,Table,20\n", "price"),
        ("id,title,year\n1,Psycho,1960\n2,Vertigo,1958\n", "year"),
        ("id,title,price\n1,Chair,10\n2,Table,\n3,Lamp,\n", ""),
    ],
)
def test_the_first_catalog_chooses_the_range_that_most_items_have(tmp_path, rows, facet):
    forget_profile()
    path = tmp_path / "items.csv"
    path.write_text(rows)
    import_catalog(path=path)
    assert current_profile().range_facet == facet
    forget_profile()
