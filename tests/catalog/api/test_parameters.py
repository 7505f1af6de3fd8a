"""Parameters of the address: those that nobody reads are refused by name, on every path."""

import pytest

from tests.catalog.rows import add_item

GETS = [
    "/search", "/suggest", "/query-recommendations", "/recommend", "/items", "/items/i1",
    "/collections", "/collections/c", "/labels", "/tasks",
    "/tasks/00000000-0000-0000-0000-000000000000", "/privacy/export", "/health/live",
    "/health/ready",
]  # fmt: skip
POSTS = ["/search", "/items", "/items/hide", "/collections", "/events", "/labels", "/privacy/erase"]


@pytest.mark.parametrize("path", GETS)
def test_a_parameter_that_nobody_reads_is_refused_by_name(admin, is_problem, path):
    add_item("i1")
    is_problem(admin.get(f"{path}?colour=red"), 400, "invalid_input", "colour")
    is_problem(admin.get(f"{path}?format=xml"), 400, "invalid_input", "format")


@pytest.mark.parametrize("path", POSTS)
def test_a_write_takes_nothing_from_its_address(admin, is_problem, path):
    is_problem(admin.post(f"{path}?limit=1", {}), 400, "invalid_input", "limit")


def test_the_nearest_parameter_is_named(admin, is_problem):
    told = is_problem(admin.get("/labels?knid=fit"), 400, field="knid")
    assert "Did you mean 'kind'?" in told["detail"]
    told = is_problem(admin.get("/search?categry=x"), 400, field="categry")
    assert "Did you mean 'category'?" in told["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/search?q=a&q=b", "q"), ("/suggest?k=1&k=2", "k"), ("/items?limit=1&limit=2", "limit"),
     ("/recommend?surface=home&surface=item", "surface"), ("/tasks?cursor=&cursor=", "cursor")],
)  # fmt: skip
def test_a_second_value_is_refused_where_one_is_meant(admin, is_problem, path, field):
    is_problem(admin.get(path), 400, "invalid_input", field)


def test_facets_may_be_repeated(admin):
    assert admin.get("/items?category=a&category=b&country=c&country=d").status_code == 200
    assert admin.get("/search?creator=a&creator=b").status_code == 200


@pytest.mark.parametrize("cursor", ["W251bGxd", "W3t9XQ", "W1tdXQ", "WyIxIiwyXQ", "MQ"])
def test_a_cursor_of_nothing_is_refused(admin, is_problem, cursor):
    for path in ("/items", "/collections", "/labels", "/tasks"):
        is_problem(admin.get(f"{path}?cursor={cursor}"), 400, "invalid_input", "cursor")
