"""Which column is which field."""

import pytest

from catalog.errors import InvalidInput
from catalog.importers.columns import ColumnMapping, Columns, parse_pairs


def item_columns(*names, **said):
    return Columns(names, mapping=ColumnMapping(**said), is_event=False)


def test_names_that_other_catalogs_use_are_found():
    columns = item_columns("SKU", "Name", "Genre", "Brand", "Release Date", "weight")
    assert columns.fields == {
        "id": "SKU", "title": "Name", "categories": "Genre", "creators": "Brand",
        "released_on": "Release Date",
    }  # fmt: skip
    assert list(columns.kept) == ["weight"]


def test_our_own_name_wins_over_an_alias_and_the_alias_is_kept_as_an_attribute():
    columns = item_columns("name", "title", "sku", "id")
    assert columns.fields["title"] == "title"
    assert columns.fields["id"] == "id"
    assert columns.read({"id": "1", "title": "a", "name": "b", "sku": "c"}) == {
        "id": "1", "title": "a", "attributes": {"name": "b", "sku": "c"},
    }  # fmt: skip


def test_what_is_said_wins_over_what_names_suggest():
    columns = item_columns(
        "id", "title", "headline", "genres", "brand",
        fields={"title": "headline"}, splits={"categories": ","}, attributes=["brand"],
        constants={"currency": "EUR"},
    )  # fmt: skip
    row = {"id": "1", "title": "t", "headline": "h", "genres": "a, b,,c", "brand": "x"}
    assert columns.read(row) == {
        "id": "1", "title": "h", "categories": ["a", "b", "c"], "currency": "EUR",
        "attributes": {"title": "t", "brand": "x"},
    }  # fmt: skip


def test_attributes_that_are_given_as_an_object_win_over_columns_of_the_same_name():
    columns = item_columns("id", "title", "attributes", "color")
    row = {"id": "1", "title": "t", "attributes": '{"color": "red"}', "color": "blue"}
    assert columns.read(row)["attributes"] == {"color": "red"}
    with pytest.raises(InvalidInput, match="JSON object"):
        columns.read(row | {"attributes": "red"})


def test_nested_values_become_flat_attributes_and_what_does_not_fit_is_counted():
    columns = item_columns("id", "title", "about", "reviews")
    row = columns.read(
        {
            "id": "1",
            "title": "t",
            "about": {"cast": ["a"], "text": "x" * 5000, "none": None},
            "reviews": [{"stars": 1}],
        }
    )
    assert row["attributes"]["about.cast"] == ["a"]
    assert len(row["attributes"]["about.text"]) == 2000
    assert columns.cut == {"about.text": 1, "reviews": 1}


def test_a_column_that_only_a_later_row_has_is_kept_too():
    columns = item_columns("id", "title")
    assert columns.read({"id": "1", "title": "t", "late": 5})["attributes"] == {"late": 5}
    assert list(columns.kept) == ["late"]


def test_missing_columns_are_told_with_those_there_are_and_how_to_map():
    with pytest.raises(InvalidInput, match=r"'title'.*code, headline.*--map title=COLUMN") as error:
        item_columns("code", "headline", fields={"id": "code"}).require("id", "title")
    assert error.value.field == "title"


def test_strict_refuses_unknown_columns_but_takes_those_that_are_named():
    item_columns("id", "title", "size", attributes=["size"], is_strict=True)
    with pytest.raises(InvalidInput, match=r"'tittle'.*Did you mean 'title'"):
        item_columns("id", "title", "tittle", is_strict=True)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"fields": {"titel": "title"}}, "Did you mean 'title'"),
        ({"fields": {"title": "tittle"}}, "Did you mean 'title'"),
        ({"attributes": ["nothing"]}, "no column 'nothing'"),
        ({"splits": {"genre": ","}}, "no field 'genre'"),
        ({"constants": {"colour": "red"}}, "no field 'colour'"),
    ],
)
def test_a_mapping_of_things_that_are_not_there_is_refused(said, word):
    with pytest.raises(InvalidInput, match=word):
        item_columns("id", "title", **said)


@pytest.mark.parametrize("pairs", [["title"], ["=x"], ["title="], ["a=b", "a=c"]])
def test_pairs_that_are_none_are_refused(pairs):
    with pytest.raises(InvalidInput):
        parse_pairs(pairs, option="--map")


def test_events_take_the_usual_names_and_keep_the_rest_as_properties():
    columns = Columns(
        ["userId", "movieId", "rating", "timestamp", "device"],
        mapping=ColumnMapping(constants={"kind": "rating"}),
        is_event=True,
    )
    row = {"userId": "1", "movieId": "2", "rating": "3", "timestamp": "4", "device": "tv"}
    assert columns.read(row) == {
        "kind": "rating", "user_id": "1", "item_id": "2", "value": "3", "time": "4",
        "properties": {"device": "tv"},
    }  # fmt: skip
