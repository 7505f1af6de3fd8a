"""Text that PostgreSQL cannot hold, in the address and in bodies: the field is named."""

import json
import unicodedata

import pytest

NUL, HALF = "\x00", "\ud800"


@pytest.mark.parametrize("text", [NUL, HALF], ids=["nul", "half a pair"])
@pytest.mark.parametrize(
    "field", ["q", "user_id", "anonymous_id", "session_id", "picked_from", "category", "creator"]
)
def test_a_body_of_search_names_the_field(caller, is_problem, field, text):
    is_problem(caller().post("/search", json.dumps({field: f"a{text}b"})), 400, field=field)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/search?q=a%00b", "q"), ("/suggest?q=%00", "q"), ("/query-recommendations?q=%00", "q"),
        ("/recommend?surface=item&item_id=%00", "item_id"), ("/items?cursor=%00", "cursor"),
        ("/search?q=a&category=b%00", "category"), ("/tasks?x%00y=1", "xy"),
    ],
)  # fmt: skip
def test_a_nul_in_the_address_names_its_parameter(caller, is_problem, path, field):
    told = is_problem(caller().get(path), 400, "control_character", field)
    assert told["detail"].startswith(field)
    assert told["request_id"]
    assert told["instance"] == f"/api/v1{path.partition('?')[0]}"


def test_a_page_names_it_too(client, db):
    response = client.get("/search?q=a%00b")
    assert response.status_code == 400
    assert "q: The address holds a NUL" in response.content.decode()


@pytest.mark.parametrize("field", ["anonymous_id", "session_id"])
@pytest.mark.parametrize("path", ["/search", "/suggest", "/query-recommendations", "/recommend"])
def test_an_id_is_never_cut_into_somebody_elses(caller, is_problem, path, field):
    assert caller().get(f"{path}?{field}={'x' * 100}").status_code == 200
    is_problem(caller().get(f"{path}?{field}={'x' * 101}"), 400, "invalid_input", field)


@pytest.mark.parametrize("text", ["\ufb2c", "\u0958", "\ufdfa", "🎬", "\u202eabc", "\x01\x1b"])
def test_any_500_characters_can_be_searched_and_logged(caller, text):
    query = (text * 500)[:500]
    for path in ("/search", "/suggest", "/query-recommendations"):
        assert caller().get(path, data={"q": query}).status_code == 200, path
    answer = caller().post("/search", json.dumps({"q": query})).json()
    assert answer["original_query"] == query
    assert not any(unicodedata.category(char) == "Cc" for char in answer["query"])


@pytest.mark.parametrize("path", ["/search", "/suggest", "/query-recommendations"])
def test_an_address_that_is_too_long_names_the_parameter(caller, is_problem, path):
    is_problem(caller().get(f"{path}?k=1&q={'x' * 100_000}"), 414, "too_long", "q")
