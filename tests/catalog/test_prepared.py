import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from catalog.models import Item
from catalog.prepared import int_array, prepared_cursor

HIDE = "UPDATE catalog_item SET is_hidden = true WHERE id = ANY(%(ids)s::bigint[])"


def prepared(beginning):
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [text for (text,) in cursor.fetchall() if text.startswith(beginning)]


def test_a_statement_is_prepared_once_and_takes_its_parameters_each_time(db):
    statement = "SELECT cardinality(%(ids)s::bigint[]), %(text)s::text"
    for ids, text in (([1, 2], "it's"), ([], "100%"), ([2**40], "\\")):
        with prepared_cursor() as cursor:
            cursor.execute(statement, {"ids": int_array(ids), "text": text})
            assert cursor.fetchall() == [(len(ids), text)]
    assert len(prepared("SELECT cardinality($1")) == 1


def test_it_is_undone_with_its_transaction(db):
    item = Item.objects.create(external_id="x", title="X")
    with transaction.atomic():
        with prepared_cursor() as cursor:
            cursor.execute(HIDE, {"ids": int_array([item.pk])})
        assert not Item.objects.visible().exists()
        transaction.set_rollback(True)
    assert Item.objects.visible().get() == item


def test_errors_are_djangos(db):
    with (
        pytest.raises(ProgrammingError),
        transaction.atomic(),
        prepared_cursor() as cursor,
    ):
        cursor.execute("SELECT no_such_column")
    with pytest.raises(IntegrityError), transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute("INSERT INTO catalog_item (id) VALUES (1)")
