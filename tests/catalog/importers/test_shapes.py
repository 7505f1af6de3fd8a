"""Values in the shapes that other catalogs give them."""

import pytest

from catalog.errors import InvalidInput
from catalog.importers.columns import ColumnMapping, Columns
from catalog.importers.shapes import shaped
from catalog.importers.tables import import_catalog
from catalog.models import Item
from catalog.validation import read_item


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ("$52.00", "52.00"), ("$1,299.00", "1299.00"), ("12,99 €", "12.99"), ("EUR 5", "5"),
        ("1.299,50 €", "1299.50"), ("7", "7"), ("7.5", "7.5"), (7.5, 7.5), ("-5", "-5"),
        ("free", "free"), ("5 to 9", "5 to 9"), ("$4 - $9", "$4 - $9"),
    ],
)  # fmt: skip
def test_amounts_are_read_and_what_is_none_stays(given, amount):
    assert shaped("price", given) == amount


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ("Men > Tops", "Men/Tops"),
        ([["Beauty", "Hair Care"], ["Gifts"]], ["Beauty/Hair Care", "Gifts"]),
        (["A > B", "C"], ["A/B", "C"]),
        ("Drama|Crime", "Drama|Crime"),
    ],
)
def test_category_paths_are_read(given, paths):
    assert shaped("categories", given) == paths


def test_a_column_that_is_only_called_like_a_field_keeps_what_does_not_fit_as_an_attribute():
    columns = Columns(
        ["id", "title", "date", "image", "artist"], mapping=ColumnMapping(), is_event=False
    )
    row = {"id": "1", "title": "t", "date": "May 1999", "image": "a/b.jpg", "artist": {"name": "x"}}
    item = read_item(columns.read(row))
    assert item.attributes == {"date": "May 1999", "image": "a/b.jpg", "artist.name": "x"}
    assert columns.unfit == {"date": 1, "image": 1, "artist": 1}
    year = columns.read({"id": "1", "title": "t", "date": 1999})
    assert read_item(year).year == 1999


def test_a_column_with_our_own_name_or_one_that_was_mapped_must_fit():
    own = Columns(["id", "title", "released_on"], mapping=ColumnMapping(), is_event=False)
    said = Columns(
        ["id", "title", "date"],
        mapping=ColumnMapping(fields={"released_on": "date"}),
        is_event=False,
    )
    for columns, name in ((own, "released_on"), (said, "date")):
        with pytest.raises(InvalidInput, match="YYYY-MM-DD"):
            read_item(columns.read({"id": "1", "title": "t", name: "May 1999"}))


@pytest.mark.django_db
def test_a_store_of_another_shape_is_imported_whole(write):
    rows = [
        {
            "asin": f"B{n}",
            "title": f"Thing {n}",
            "description": ["One.", "Two."],
            "categories": [["Beauty", "Hair Care"]],
            "image": ["https://example.org/a.jpg", "https://example.org/b.jpg"],
            "price": "$9.99",
            "release_date": "Spring",
        }
        for n in range(3)
    ]
    report = import_catalog(path=write("a.jsonl", rows))
    assert (report.tally.created, report.tally.rejected) == (3, 0)
    item = Item.objects.get(external_id="B0")
    assert (str(item.price), item.description) == ("9.99", "One.\nTwo.")
    assert item.categories == ["Beauty", "Beauty/Hair Care"]
    assert item.image_url == "https://example.org/a.jpg"
    assert item.attributes == {"release_date": "Spring"}
    assert any("3 values of release_date are no released_on" in note for note in report.notes)
