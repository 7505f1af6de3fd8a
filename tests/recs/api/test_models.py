import pytest
from django.test import Client

from catalog.keys import issue_key
from recs import registry
from tests.recs.versions import USER_MODEL, candidate, promoted

pytestmark = pytest.mark.django_db
URL = "/api/v1/models"


def caller(scope):
    _, secret = issue_key(name="test", scopes=[scope], rate_per_minute=10_000)
    return Client(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def boss(db):
    return caller("admin")


def problem(answer, status, code):
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    return body["detail"]


def test_versions_are_listed_newest_first_and_by_kind_and_state(boss):
    promoted("one")
    candidate("two")
    candidate("codes", kind="semantic_ids")
    names = [row["name"] for row in boss.get(URL).json()["models"]]
    assert names == ["codes", "two", "one"]
    narrowed = boss.get(URL, {"kind": USER_MODEL, "state": "live"}).json()["models"]
    assert [row["name"] for row in narrowed] == ["one"]
    assert narrowed[0]["metrics"] == {"ndcg@10": 0.1}
    first = boss.get(URL, {"limit": 1}).json()
    second = boss.get(URL, {"limit": 1, "cursor": first["next_cursor"]}).json()
    assert second["models"][0]["name"] == "two"


def test_one_version_has_its_config_and_what_the_gate_said(boss):
    version = registry.refuse(version=candidate("one"), reasons=["It is bad."])
    body = boss.get(f"{URL}/{version.pk}").json()
    assert body["gate"] == {"passed": False, "reasons": ["It is bad."]}
    assert (body["config"], body["state"]) == ({"epochs": 1}, "refused")
    assert body["manifest_sha256"] == version.manifest_sha256


def test_promote_and_roll_back_are_one_request_each(boss):
    one, two = promoted("one"), candidate("two")
    answer = boss.post(f"{URL}/{two.pk}/promote")
    assert (answer.status_code, answer.json()["state"]) == (200, "live")
    assert registry.live(USER_MODEL) == two
    answer = boss.post(f"{URL}/rollback", {"kind": USER_MODEL}, content_type="application/json")
    assert (answer.status_code, answer.json()["name"]) == (200, "one")
    assert registry.live(USER_MODEL) == one


def test_what_cannot_be_done_is_a_problem_that_says_why(boss):
    refused = registry.refuse(version=candidate("bad"), reasons=["It is bad."])
    detail = problem(boss.post(f"{URL}/{refused.pk}/promote"), 409, "cannot_promote")
    assert "It is bad." in detail
    torn = candidate("torn")
    (registry.folder(torn) / "config.json").unlink()
    problem(boss.post(f"{URL}/{torn.pk}/promote"), 409, "cannot_promote")
    body = {"kind": USER_MODEL}
    answer = boss.post(f"{URL}/rollback", body, content_type="application/json")
    problem(answer, 409, "cannot_roll_back")
    answer = boss.post(f"{URL}/rollback", {"kind": "x"}, content_type="application/json")
    problem(answer, 400, "invalid_input")
    problem(boss.get(f"{URL}/999"), 404, "not_found")
    problem(boss.post(f"{URL}/{10**30}/promote"), 404, "not_found")
    problem(boss.get(URL, {"state": "x"}), 400, "invalid_input")


def test_reading_takes_the_scope_read_and_changing_the_scope_admin(settings):
    settings.API_PUBLIC_READ = False
    version = candidate("one")
    problem(Client().get(URL), 401, "not_authenticated")
    reader = caller("read")
    assert reader.get(URL).status_code == 200
    problem(reader.post(f"{URL}/{version.pk}/promote"), 403, "not_allowed")
    problem(
        reader.post(f"{URL}/rollback", {"kind": USER_MODEL}, content_type="application/json"),
        403, "not_allowed",
    )  # fmt: skip
    problem(caller("catalog:write").post(f"{URL}/{version.pk}/promote"), 403, "not_allowed")
    assert registry.live(USER_MODEL) is None
