"""The pages of judging, without a browser: who sees what, plain forms, files."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog import maintenance
from catalog.items import patch_item
from catalog.judging.turns import Judge, next_turn
from catalog.models import Item, Job, Judgement, JudgingPair, Label
from tests.catalog.judging.conftest import grade, queue, user

pytestmark = pytest.mark.django_db

JUDGE = "/admin/catalog/judgingpair/judge/"
# Of an answer and the next pair: session and rights, the locks and counts, the page.
MOST_QUERIES = 45


@pytest.fixture
def anna(client):
    client.force_login(user("anna", "judge_pair"))
    return client


@pytest.fixture
def boss(client):
    client.force_login(
        user(
            "boss", "adjudicate_pair", "view_judgingpair", "view_label", "add_label", "change_label"
        )
    )
    return client


def turn_id():
    return Judgement.objects.filter(outcome="open").latest("pk").pk


def test_the_pages_and_the_addresses_are_those():
    assert reverse("admin:catalog_judge") == JUDGE


def test_who_may_not_judge_is_refused(client):
    queue(1)
    client.force_login(user("guest", "view_item"))
    assert client.get(JUDGE).status_code == 403
    assert client.post(JUDGE, {"grade": 1}).status_code == 403
    assert not Judgement.objects.exists()


def test_a_judge_sees_only_judging(anna):
    queue(1)
    for name in (
        "catalog_label_changelist", "catalog_judgingpair_changelist", "catalog_agreement",
        "catalog_adjudicate", "catalog_item_changelist", "catalog_label_import",
    ):  # fmt: skip
        assert anna.get(reverse(f"admin:{name}")).status_code == 403, name
    first = anna.get("/admin/").content.decode()
    assert JUDGE in first
    assert "Searched and not found" not in first
    fill = reverse("admin:catalog_judgingpair_fill")
    assert anna.get(fill).status_code in (302, 403)
    assert not Job.objects.exists()


def test_the_page_tells_nothing_that_could_sway(anna):
    pair = queue(1, reason="disagreement", propensity=0.123)[0]
    grade("zebedee", 3, "SAYS SO")
    page = anna.get(JUDGE).content.decode()
    assert pair.query in page
    for told in ("zebedee", "SAYS SO", "disagree", "0.123"):
        assert told not in page.split("<main")[1]


def test_what_an_item_says_is_text(anna):
    queue(1)
    patch_item(
        external_id="i0",
        changes={"title": "<script>x()</script>", "description": "<b>Grade 3</b>" * 1_300},
    )
    page = anna.get(JUDGE).content.decode()
    assert "<script>x()" not in page
    assert "<b>Grade" not in page
    assert len(page) < 150_000


def test_a_plain_form_judges_and_undoes(anna):
    queue(2)
    anna.get(JUDGE)
    answer = anna.post(JUDGE, {"turn": turn_id(), "grade": "2", "note": "x"}, follow=True)
    assert "Graded 2 good." in answer.content.decode()
    assert Label.objects.get().grade == 2
    answer = anna.post(JUDGE, {"turn": turn_id(), "answer": "undo"}, follow=True)
    assert "Taken back" in answer.content.decode()
    assert not Label.objects.exists()


def test_htmx_gets_the_next_pair_alone(anna, django_assert_max_num_queries):
    queue(3)
    anna.get(JUDGE)
    with django_assert_max_num_queries(MOST_QUERIES):
        answer = anna.post(JUDGE, {"turn": turn_id(), "grade": "0"}, headers={"HX-Request": "true"})
    page = answer.content.decode()
    assert page.lstrip().startswith('<div id="judging" data-said="Graded 0 bad. 1 today, 2 left."')


@pytest.mark.parametrize(
    "posted",
    [{}, {"turn": "x", "grade": "1"}, {"turn": "٣", "grade": "1"}, {"turn": "9" * 30, "grade": "1"},
     {"turn": "1", "grade": "9"}, {"turn": "999999", "grade": "1"}, {"answer": "undo"},
     {"turn": "1", "answer": "open"}],
)  # fmt: skip
def test_nonsense_is_told(anna, posted):
    queue(1)
    anna.get(JUDGE)
    answer = anna.post(JUDGE, posted, follow=True)
    assert answer.status_code == 200
    assert not Label.objects.exists()


def test_an_item_that_was_deleted_while_the_page_was_open_is_told(anna):
    queue(2)
    anna.get(JUDGE)
    turn = Judgement.objects.get()
    Item.objects.filter(pk=turn.pair.item_id).delete()
    answer = anna.post(JUDGE, {"turn": turn.pk, "grade": "2"}, follow=True).content.decode()
    assert "That item was deleted meanwhile. Here is the next one." in answer
    assert 'name="grade"' in answer


def test_an_adjudicator_sees_all_grades_and_decides(boss):
    pair = queue(1)[0]
    grade("anna", 0, "no <b>")
    grade("ben", 3)
    address = reverse("admin:catalog_adjudicate")
    page = boss.get(address).content.decode()
    assert "no &lt;b&gt;" in page
    boss.post(address, {"pair": pair.pk, "seen": "disputed", "grade": "1", "note": "why"})
    assert Label.objects.get(source="final").account.username == "boss"
    page = boss.post(address, {"pair": pair.pk, "seen": "disputed", "grade": "3"}, follow=True)
    assert "Meanwhile the pair is adjudicated" in page.content.decode()
    for posted in ({}, {"pair": "x", "grade": "1"}, {"pair": pair.pk, "grade": "8"}):
        assert "Nothing was chosen" in boss.post(address, posted, follow=True).content.decode()


def test_the_agreement_page_renders_of_nothing_and_of_something(boss):
    address = reverse("admin:catalog_agreement")
    assert boss.get(address, {"kind": "fit"}).status_code == 200
    for _ in queue(25):
        for name in ("anna", "ben"):
            grade(name, 3)
    page = boss.get(address, {"kind": "'x"}).content.decode()
    assert "100% of 25 grades are a 3" in page
    assert "all the same" in page


def test_stale_labels_are_shown_and_filtered(boss):
    queue(2)
    grade("anna", 2)
    grade("anna", 2)
    patch_item(external_id="i0", changes={"title": "Another"})
    address = reverse("admin:catalog_label_changelist")
    for asked, count in (({}, 2), ({"stale": "yes"}, 1), ({"stale": "no"}, 1)):
        assert boss.get(address, asked).context["cl"].queryset.count() == count


def test_adjudicated_labels_become_known_answers_in_the_list(boss):
    pair = queue(1)[0]
    boss.post(reverse("admin:catalog_adjudicate"), {"pair": pair.pk, "seen": "open", "grade": "1"})
    address = reverse("admin:catalog_label_changelist")
    chosen = {"action": "make_known", "_selected_action": [Label.objects.get().pk]}
    boss.post(address, chosen)
    assert JudgingPair.objects.get().known.grade == 1


def test_labels_are_written_to_files_and_read_from_them_in_the_admin(boss):
    queue(3)
    for value in (0, 2, 3):
        grade("anna", value)
    address = reverse("admin:catalog_label_changelist")
    ids = list(Label.objects.values_list("pk", flat=True))
    for action, format in (("export_csv", "csv"), ("export_json", "jsonl"),
                           ("export_trec", "trec")):  # fmt: skip
        answer = boss.post(address, {"action": action, "_selected_action": ids})
        body = b"".join(answer.streaming_content)
        Label.objects.all().delete()
        file = SimpleUploadedFile("x", body)
        posted = {"file": file, "format": format, "kind": "relevance", "labeller": "anna"}
        page = boss.post(reverse("admin:catalog_label_import"), posted)
        assert "3 new" in page.content.decode()
        assert sorted(Label.objects.values_list("grade", flat=True)) == [0, 2, 3]
        ids = list(Label.objects.values_list("pk", flat=True))


def test_a_file_that_cannot_be_read_is_told_at_its_field(boss):
    address = reverse("admin:catalog_label_import")
    file = SimpleUploadedFile("x", b"noir 0 i0 1\n")
    page = boss.post(address, {"file": file, "format": "trec", "kind": "relevance"})
    assert "Qrels do not say who judged" in page.content.decode()
    file = SimpleUploadedFile("x", b"query,item,grade,labeller\nnoir,<b>i0,1,a\n")
    page = boss.post(address, {"file": file, "format": "csv", "kind": "relevance"})
    assert "There is no item &#x27;&lt;b&gt;i0" in page.content.decode()


def test_a_pair_can_be_left_out_and_a_draw_asked_for(boss):
    pair = queue(1)[0]
    address = reverse("admin:catalog_judgingpair_changelist")
    boss.post(address, {"action": "leave_out", "_selected_action": [pair.pk]})
    pair.refresh_from_db()
    assert pair.state == "dropped"
    assert next_turn(Judge(name="anna")) is None
    fill = reverse("admin:catalog_judgingpair_fill")
    assert "Draw pairs into the queue?" in boss.get(fill).content.decode()
    assert not Job.objects.exists()
    boss.post(fill, {"_form_submitted": "1"}, headers={"HX-Request": "true"})
    job = Job.objects.get()
    assert job.kind == "catalog.fill_judging_queue"
    maintenance.fill_judging_queue(job_id=str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.result["relevance"]) == ("done", 0)
