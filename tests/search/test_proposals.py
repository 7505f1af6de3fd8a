"""Proposals: decided by people, samples and policies; and what it changes that they are."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.urls import reverse

from catalog.errors import Conflict, InvalidInput
from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from search.models import ItemWords, Proposal, ProposalPolicy, Query, ReviewSample
from search.proposal_models import Kind
from search.proposal_policy import accept_by_policy
from search.proposals import Batch, agreement, decide, refusals
from search.query_candidates import COLUMNS, read_candidate
from search.query_checks import check_queries, release
from search.query_store import build_queries, set_review
from search.retrieval import SearchRequest, matching, retrieve
from search.review_samples import draw, judge, next_row, open_sample, proven, settle, undo
from search.types import HitSource
from search.written_queries import Origin, Written, propose

pytestmark = pytest.mark.django_db
BATCH = Batch(kind=Kind.QUERY, model="m", revision="r", prompt_version="1")
WHY = {"reason": "empty", "note": "says nothing at all"}


@pytest.fixture
def items():
    upsert_items(
        items=[
            ItemInput(
                external_id=str(n), title=f"Lighthouse {n}", category_paths=["Drama"],
                description="A keeper and his daughter live by the sea.",
            )
            for n in range(60)
        ]
    )  # fmt: skip
    return list(Item.objects.order_by("pk"))


def write(items, text="lonely harbour drama", *, version="1", each=False):
    """Propose a wording for each, the same or another one."""
    origin = Origin(model="m", revision="r", prompt_version=version, call=1)
    for n, item in enumerate(items):
        said = f"{text} {'abcdefghijklmnopqrstuvwxyz'[n // 26]}{chr(97 + n % 26)}" if each else text
        propose(
            item, [Written(text=said, descriptor="mood", evidence="sea")], text=item.description,
            origin=origin,
        )  # fmt: skip
    return list(Proposal.objects.filter(prompt_version=version).order_by("pk"))


def look_at(sample, bad=0):
    """Go through a sample: the first `bad` are not good."""
    while (row := next_row(sample)) is not None:
        is_good = sample.verdicts.count() >= bad
        sample = judge(
            sample=sample, proposal_id=row.pk, is_good=is_good, by="eve",
            **({} if is_good else WHY),
        )  # fmt: skip
    return sample


class TestDecisions:
    def test_a_query_that_is_approved_counts_and_one_that_is_withdrawn_does_not(self, items):
        [row] = write(items[:1])
        build_queries()
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        query = Query.objects.get(source="llm")
        assert (query.review, query.reviewed_by) == ("approved", "eve")
        row.refresh_from_db()
        assert (row.basis, row.reviewed_by) == ({"by": "person"}, "eve")
        build_queries()
        query.refresh_from_db()
        assert query.review == "approved"
        decide(ids=[row.pk], review="rejected", by="ann", basis={"by": "person"}, reason="empty")
        query.refresh_from_db()
        assert query.review == "rejected"

    def test_what_was_approved_before_its_query_stood_is_approved_with_it(self, items):
        [row] = write(items[:1])
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        build_queries()
        assert Query.objects.get(source="llm").review == "approved"

    def test_the_queue_of_queries_decides_on_the_proposals_too(self, items):
        rows = write(items[:2])
        build_queries()
        query = Query.objects.get(source="llm")
        set_review(query_ids=[query.pk], review="approved", by="eve")
        assert {row.review for row in Proposal.objects.all()} == {"approved"}
        assert ItemWords.objects.count() == 2
        set_review(query_ids=[query.pk], review="banned", by="eve")
        assert {row.review for row in Proposal.objects.filter(pk__in=[r.pk for r in rows])} == {
            "rejected"
        }
        assert not ItemWords.objects.exists()

    def test_a_wording_stays_while_it_is_approved_for_another_item(self, items):
        first, second = write(items[:2])
        build_queries()
        both = [first.pk, second.pk]
        decide(ids=both, review="approved", by="eve", basis={"by": "person"})
        decide(ids=[first.pk], review="rejected", by="eve", basis={"by": "person"}, reason="untrue")
        assert Query.objects.get(source="llm").review == "approved"
        assert list(ItemWords.objects.values_list("item_id", flat=True)) == [second.item_id]

    def test_it_says_how_many_items_its_search_finds_and_not_for_how_many_it_was_written(
        self, items
    ):
        [row] = write(items[:1], "keeper sea drama")
        build_queries()
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})

        def told():
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT {COLUMNS} FROM search_query WHERE source = 'llm'")
                return read_candidate(cursor.fetchone()).answers

        assert told() == 1
        check_queries()
        assert told() == 60
        # Written for one more: what was found before is as old as that.
        write(items[1:2], "keeper sea drama")
        build_queries()
        assert told() == 2

    def test_a_ban_is_not_lifted_by_an_approval(self, items):
        [row] = write(items[:1])
        build_queries()
        set_review(query_ids=[Query.objects.get(source="llm").pk], review="banned", by="eve")
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        assert Query.objects.get(source="llm").review == "banned"
        assert not ItemWords.objects.exists()


class TestSamples:
    def test_a_sample_without_a_bad_one_proves_the_rest_and_each_keeps_by_what(self, items):
        write(items, each=True)
        sample = draw(batch=BATCH, wanted=0.9, size=25, by="eve", seed=1)
        assert (sample.population, len(set(sample.drawn))) == (60, 25)
        with pytest.raises(Conflict, match="all of the sample"):
            settle(sample=sample, approve=True, by="eve")
        sample = look_at(sample)
        told = proven(sample)
        assert told.is_enough
        assert told.bound >= 0.9
        assert settle(sample=sample, approve=True, by="eve") == 35
        rest = Proposal.objects.exclude(pk__in=sample.drawn)
        assert {row.review for row in rest} == {"approved"}
        for row in rest:
            assert row.basis["by"] == "sample"
            assert (row.basis["good"], row.basis["reviewed"], row.basis["population"]) == (
                25, 25, 60
            )  # fmt: skip
            assert row.basis["bound"] == round(told.bound, 4)
        seen = Proposal.objects.filter(pk__in=sample.drawn)
        assert {row.basis["by"] for row in seen} == {"person"}
        with pytest.raises(Conflict, match="settled"):
            settle(sample=sample, approve=True, by="eve")

    def test_a_sample_that_does_not_prove_it_approves_nothing_and_can_reject(self, items):
        write(items, each=True)
        sample = look_at(draw(batch=BATCH, wanted=0.9, size=25, by="eve", seed=1), bad=6)
        assert not proven(sample).is_enough
        with pytest.raises(Conflict, match="was wanted"):
            settle(sample=sample, approve=True, by="eve")
        assert settle(sample=sample, approve=False, by="eve") == 35
        assert Proposal.objects.filter(review="approved").count() == 19

    def test_the_size_is_fixed_and_another_look_is_not_to_be_had(self, items):
        write(items, each=True)
        sample = draw(batch=BATCH, wanted=0.9, size=20, by="eve")
        with pytest.raises(Conflict, match="not settled"):
            draw(batch=BATCH, wanted=0.9, size=10, by="eve")
        sample = look_at(sample, bad=5)
        with pytest.raises(Conflict, match="not settled"):
            draw(batch=BATCH, wanted=0.9, size=10, by="eve")
        row = Proposal.objects.exclude(pk__in=sample.drawn).first()
        with pytest.raises(InvalidInput, match="not in the sample"):
            judge(sample=sample, proposal_id=row.pk, is_good=True, by="eve")
        with pytest.raises(Conflict, match="over"):
            judge(sample=sample, proposal_id=sample.drawn[0], is_good=True, by="eve")
        with pytest.raises(InvalidInput):
            draw(batch=BATCH, wanted=1.5, size=10, by="eve")

    def test_nothing_counts_before_the_sample_is_over_and_a_verdict_is_taken_back(self, items):
        write(items, each=True)
        sample = draw(batch=BATCH, wanted=0.9, size=3, by="eve")
        first = next_row(sample)
        with pytest.raises(InvalidInput, match="reason"):
            judge(sample=sample, proposal_id=first.pk, is_good=False, by="eve")
        judge(sample=sample, proposal_id=first.pk, is_good=False, by="eve", **WHY)
        assert Proposal.objects.filter(review="rejected").count() == 0
        assert agreement(BATCH).reviewed == 0
        assert undo(sample=sample) == first
        assert next_row(sample) == first
        look_at(sample)
        assert agreement(BATCH).reviewed == agreement(BATCH).good == 3
        assert open_sample(BATCH) is not None

    def test_why_people_refused_is_kept_for_the_prompt_and_what_a_sample_refused_is_not(
        self, items
    ):
        write(items, each=True)
        sample = look_at(draw(batch=BATCH, wanted=0.9, size=20, by="eve", seed=1), bad=8)
        settle(sample=sample, approve=False, by="eve")
        told = refusals()
        assert len(told) == 6
        assert {why for _, why in told} == {WHY["note"]}


def reviewed(good, of, **more):
    columns = BATCH.columns() | more
    return ReviewSample.objects.create(
        **columns, population=of, size=of, wanted=0.5, good=good, reviewed=of,
        finished_at="2026-01-01T00:00Z",
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestPolicy:
    def test_without_a_policy_or_with_one_by_hand_nothing_is_accepted(self, items):
        write(items[:3])
        build_queries()
        reviewed(100, 100)
        Query.objects.update(checked_version=release())
        assert accept_by_policy() == 0
        ProposalPolicy.objects.create(kind=Kind.QUERY, is_automatic=False, bound=0.5)
        assert accept_by_policy() == 0

    def test_it_accepts_where_people_agreed_often_enough_and_says_so(self, items):
        write(items[:3])
        build_queries()
        Query.objects.filter(source="llm").update(checked_version=release())
        ProposalPolicy.objects.create(
            kind=Kind.QUERY, is_automatic=True, bound=0.8, updated_by="ann"
        )
        assert accept_by_policy() == 0
        sample = reviewed(84, 100)
        # 84 of 100: the interval's lower end is 0.753.
        assert accept_by_policy() == 0
        sample.good = 92
        sample.save()
        assert accept_by_policy() == 3
        for row in Proposal.objects.all():
            assert row.review == "approved"
            assert row.basis["by"] == "policy"
            assert (row.basis["good"], row.basis["reviewed"], row.basis["bound"]) == (92, 100, 0.8)
            assert row.basis["low"] == pytest.approx(0.8484, abs=1e-3)
            assert row.basis["set_by"] == "ann"
        query = Query.objects.get(source="llm")
        assert query.review == "approved"
        assert query.reviewed_by.startswith("policy: people approved 92 of 100")
        assert accept_by_policy() == 0

    @pytest.mark.parametrize("field", ["model", "revision", "prompt_version"])
    def test_agreement_with_another_model_or_prompt_is_none_with_this(self, items, field):
        write(items[:1])
        build_queries()
        Query.objects.filter(source="llm").update(checked_version=release())
        ProposalPolicy.objects.create(kind=Kind.QUERY, is_automatic=True, bound=0.8)
        reviewed(100, 100, **{field: "another"})
        assert accept_by_policy() == 0

    @pytest.mark.parametrize(
        "state",
        [{"held_back": "source"}, {"held_back": "folded"}, {"checked_version": "an older one"},
         {"answers": 0}],
    )  # fmt: skip
    def test_what_the_live_search_does_not_keep_is_not_accepted(self, items, state):
        write(items[:1])
        build_queries()
        Query.objects.filter(source="llm").update(**({"checked_version": release()} | state))
        ProposalPolicy.objects.create(kind=Kind.QUERY, is_automatic=True, bound=0.8)
        reviewed(100, 100)
        assert accept_by_policy() == 0
        assert Proposal.objects.get().review == "proposed"

    def test_a_query_that_does_not_find_its_item_falls_on_the_live_search(self, items):
        # Nothing of the item says so, and thirty others stand before it.
        write(items[40:41], text="harbour romance nights")
        build_queries()
        check_queries(source="llm")
        assert Query.objects.get(source="llm").held_back in ("source", "nothing")


class TestIndexedWithItsItem:
    def found(self, text):
        return retrieve(SearchRequest(query=text))

    def test_an_item_is_found_by_an_approved_query_and_told_so(self, items):
        [row] = write(items[5:6], text="melancholy harbour nights")
        assert self.found("melancholy harbour").total == 0
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        told = self.found("melancholy harbour")
        assert [hit.item.pk for hit in told.hits] == [items[5].pk]
        [hit] = told.hits
        assert hit.source is HitSource.WRITTEN
        assert hit.reason == "Found by a search that was written for it"
        assert "melancholy" not in f"{hit.title_marked} {hit.snippet}".casefold()
        assert hit.matched == ()
        assert told.total == 1
        assert {v.value: v.count for f in told.facets if f.key == "category" for v in f.values} == {
            "Drama": 1
        }
        assert retrieve(SearchRequest(query="melancholy harbour", is_typing=True)).total == 1

    def test_own_words_come_first_and_a_word_of_each_is_not_enough(self, items):
        upsert_items(items=[ItemInput(external_id="own", title="Harbour Nights")])
        [row] = write(items[5:6], text="harbour nights melancholy")
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        told = self.found("harbour nights")
        assert next(hit.item.external_id for hit in told.hits) == "own"
        assert items[5].pk in [hit.item.pk for hit in told.hits]
        assert HitSource.WRITTEN not in {h.source for h in self.found("lighthouse").hits}

    def test_it_is_not_found_once_it_is_rejected_hidden_or_gone(self, items):
        [row] = write(items[5:6], text="melancholy harbour nights")
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        Item.objects.filter(pk=items[5].pk).update(is_hidden=True)
        assert self.found("melancholy harbour").total == 0
        Item.objects.filter(pk=items[5].pk).update(is_hidden=False)
        assert self.found("melancholy harbour").total == 1
        decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="empty")
        assert self.found("melancholy harbour").total == 0
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        Item.objects.filter(pk=items[5].pk).delete()
        assert not ItemWords.objects.exists()

    def test_the_items_own_text_stays_as_the_editor_wrote_it(self, items):
        before = Item.objects.get(pk=items[5].pk)
        [row] = write(items[5:6], text="melancholy harbour nights")
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        after = Item.objects.get(pk=items[5].pk)
        for name in ("title", "description", "keywords", "search_vector", "content_hash"):
            assert getattr(after, name) == getattr(before, name)
        # What counts words of the catalog does not count these.
        assert matching("melancholy harbour", SearchRequest(query="x").filters) == 0


class TestPages:
    @pytest.fixture
    def boss(self, client):
        client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
        return client

    def test_a_batch_is_drawn_from_looked_at_and_approved_by_forms_alone(self, items, boss):
        write(items, each=True)
        page = reverse("admin:search_proposal_batches")
        assert "29: 0 bad" not in boss.get(page).content.decode()
        given = BATCH.columns() | {"wanted": "0.9", "size": "25"}
        there = boss.post(page, given)
        sample = ReviewSample.objects.get()
        assert there.url == reverse("admin:search_proposal_sample", args=[sample.pk])
        for n in range(25):
            answer = boss.get(there.url).content.decode()
            assert f"{n} of 25 looked at" in answer
            row = next_row(sample)
            boss.post(there.url, {"proposal": row.pk, "decision": "good"})
        answer = boss.get(there.url).content.decode()
        assert "Approve the rest" in answer
        boss.post(there.url, {"decision": "approve-rest"})
        assert not Proposal.objects.filter(review="proposed").exists()
        assert "was approved" in boss.get(there.url).content.decode()
        assert boss.get(page).status_code == 200

    def test_a_refusal_wants_a_reason_and_the_last_verdict_is_taken_back(self, items, boss):
        write(items[:5], each=True)
        sample = draw(batch=BATCH, wanted=0.9, size=4, by="eve")
        page = reverse("admin:search_proposal_sample", args=[sample.pk])
        row = next_row(sample)
        answer = boss.post(page, {"proposal": row.pk, "decision": "bad"}, follow=True)
        assert "A refusal has a reason" in answer.content.decode()
        boss.post(page, {"proposal": row.pk, "decision": "bad", "reason": "untrue", "note": "no"})
        assert "not true of it" in boss.get(page).content.decode()
        boss.post(page, {"decision": "undo"})
        assert next_row(sample) == row
        for nonsense in ({}, {"proposal": "x"}, {"proposal": "9" * 30, "decision": "good"}):
            assert boss.post(page, nonsense).status_code == 302

    def test_who_may_only_look_decides_nothing(self, items, client):
        write(items[:5], each=True)
        user = User.objects.create_user("eve", password="correct horse battery", is_staff=True)
        client.force_login(user)
        page = reverse("admin:search_proposal_batches")
        assert client.get(page).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_proposal"))
        assert client.get(page).status_code == 200
        assert client.post(page, BATCH.columns() | {"size": "3"}).status_code == 403
        sample = draw(batch=BATCH, wanted=0.9, size=4, by="eve")
        inside = reverse("admin:search_proposal_sample", args=[sample.pk])
        assert client.get(inside).status_code == 200
        assert client.post(inside, {"decision": "undo"}).status_code == 403
