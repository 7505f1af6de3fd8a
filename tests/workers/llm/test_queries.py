"""Queries written for items: proposed, screened, approved, shown; jobs that stop and go on."""

import json
import threading
from collections import Counter

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.management import CommandError, call_command
from django.db import connection
from jsonschema import Draft202012Validator

from catalog import scope
from catalog.enqueue import go_on_with_job
from catalog.errors import Conflict
from catalog.jobs import ask_job, create_job, track
from catalog.models import Item, Job
from recs.embeddings import encode_pending
from recs.models import ItemPopularity, NeighbourVersion
from search.ban_store import save_ban
from search.models import Proposal, Query
from search.query_checks import check_queries
from search.query_store import build_queries, set_review
from search.written_queries import Origin, Written, propose
from workers.augmentation import queries
from workers.augmentation.open_form import SCHEMA, VERSION, Open
from workers.augmented import write_queries
from workers.llm.errors import KeyRefused, Stopped
from workers.llm.jobs import work
from workers.models import LlmCall, LlmLimit

ORIGIN = Origin(model="m", revision="r", prompt_version="1", call=1)
TEXT = "A keeper and his daughter live by the sea and wait for a ship."


def one(text="quiet lives by water", evidence="by the sea", descriptor="mood"):
    return Written(text=text, descriptor=descriptor, evidence=evidence)


@pytest.fixture
def asks(settings, served, monkeypatch):
    """The served endpoint is the installation's language model."""
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = served.url, "tiny", "k"
    settings.LLM_PRICE, settings.LLM_CONCURRENCY = "1/2", 1
    return served


@pytest.mark.django_db
class TestScreen:
    @pytest.mark.parametrize(
        ("written", "why"),
        [
            (one("sea"), "too short"), (one("a b c d e f g h"), "too long"),
            (one("sea sea life"), "repeats itself"), (one(""), "not presentable"),
            (one("x" * 100), "not presentable"), (one("call +44 20 7946 0958"), "personal data"),
            (one("the lighthouse number 0 film"), "names the item"),
            (one(evidence="on the moon"), "no evidence"), (one(evidence=""), "no evidence"),
            (one("forbidden waters tonight"), "banned"),
            (one("known words here"), "stands already"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_shown_is_not_proposed_and_counted_by_reason(
        self, make_items, written, why
    ):
        [item] = make_items(1)
        save_ban(line="forbidden waters", by="eve")
        Query.objects.create(text="Known words here", normalized="known words here", source="log")
        assert propose(item, [written], text=TEXT, origin=ORIGIN) == Counter({why: 1})
        assert not Proposal.objects.exists()

    def test_a_wording_is_kept_once_for_an_item_and_again_for_another(self, make_items):
        first, second = make_items(2)
        assert propose(first, [one()], text=TEXT, origin=ORIGIN) == Counter(proposed=1)
        assert propose(first, [one("Quiet Lives, by water!")], text=TEXT, origin=ORIGIN) == (
            Counter(known=1)
        )
        propose(second, [one()], text=TEXT, origin=ORIGIN)
        build_queries()
        row = Query.objects.get(source="llm")
        assert row.answers == 2
        assert sorted(row.witnesses) == [first.pk, second.pk]


@pytest.mark.django_db(transaction=True)
class TestFromWritingToThePage:
    def test_a_query_is_shown_only_after_somebody_approved_it(self, make_items, asks):
        make_items(3)
        encode_pending()
        queries.write_queries(items=3)
        build_queries()
        row = Query.objects.get(source="llm")
        assert (row.text, row.review) == ("quiet lives by water", "proposed")
        assert row.provenance["evidence"] == "by the sea"
        assert row.provenance["model"] == "tiny"
        set_review(query_ids=[row.pk], review="approved", by="eve")
        # Building anew neither asks nor takes the approval back.
        build_queries()
        row.refresh_from_db()
        assert row.review == "approved"
        check_queries()
        row.refresh_from_db()
        assert row.checked_version

    def test_the_tail_is_written_for_first_and_nothing_twice(self, make_items, asks):
        items = make_items(40)
        version = NeighbourVersion.objects.create(as_of="2026-01-01T00:00Z", is_live=True)
        ItemPopularity.objects.bulk_create(
            ItemPopularity(version=version, item=item, wanted=5000, people=5000, trending=1.0)
            for item in items[:20]
        )
        drawn = Counter()
        for seed in range(30):
            drawn.update(item.pk for item in queries.choose(items=10, seed=seed, version=VERSION))
        popular = sum(drawn[item.pk] for item in items[:20])
        assert 0 < popular < 0.25 * sum(drawn.values())
        assert [i.pk for i in queries.choose(items=10, seed=1, version=VERSION)] == [
            i.pk for i in queries.choose(items=10, seed=1, version=VERSION)
        ]
        queries.write_queries(items=10, seed=1)
        written = {item.pk for item in queries.choose(items=40, seed=1, version=VERSION)}
        assert len(written) == 30

    def test_a_hidden_item_is_not_written_for(self, make_items, asks):
        make_items(2)
        Item.objects.update(is_hidden=True)
        queries.write_queries(items=5)
        assert asks.asked == []

    def test_a_dry_run_says_what_it_would_cost_and_asks_nothing(self, make_items, asks, capsys):
        make_items(3)
        call_command("write_queries", items=2, dry_run=True)
        assert "2 calls of tiny" in capsys.readouterr().out
        assert asks.asked == []
        assert not Job.objects.exists()
        with pytest.raises(CommandError, match="at least 1"):
            call_command("write_queries", items=0)


@pytest.mark.django_db(transaction=True)
class TestJobs:
    def test_the_job_adds_up_and_the_ledger_equals_what_the_provider_counted(
        self, make_items, asks, settings
    ):
        make_items(6)
        settings.LLM_CONCURRENCY = 3
        asks.gather, asks.pause = 3, 0.05
        asks.next.append((200, "nonsense", {}))
        queries.write_queries(items=6)
        job = Job.objects.get(kind="llm.write_queries")
        assert (job.state, job.done, job.total) == (Job.State.DONE, 6, 6)
        assert asks.most_at_once == 3
        assert job.result["calls"] == 6
        assert job.result["tokens"] == 120 * len(asks.asked) == 120 * 7
        assert sum(job.result["came of it"].values()) >= 6

    def test_one_bad_item_does_not_end_the_job_and_a_revoked_key_does(self, make_items, asks):
        make_items(5)
        asks.next.extend([(200, "nonsense", {}), (200, "nonsense", {})])
        asks.next.extend([(200, None, {}), (401, "{}", {})])
        with pytest.raises(KeyRefused):
            queries.write_queries(items=5)
        job = Job.objects.get()
        assert job.state == Job.State.FAILED
        assert "LLM_API_KEY" in job.error
        assert job.result["came of it"] == {"llm_answer": 1, "proposed": 1}
        go_on_with_job(job_id=job.pk)
        write_queries(job_id=job.pk)
        job.refresh_from_db()
        assert job.state == Job.State.DONE
        # What was answered is not asked again; the first item, which was not, is.
        assert len(asks.asked) == 4 + 4

    def test_a_paused_job_goes_on_where_it_was_and_a_cancelled_one_does_not(self, make_items, asks):
        make_items(6)
        asks.pause = 0.1
        job = create_job(kind="llm.write_queries", params={"items": 6, "seed": 0})

        def stop():
            while not asks.asked:
                threading.Event().wait(0.01)
            ask_job(job_id=job.pk, wish="pause")
            connection.close()

        thread = threading.Thread(target=stop)
        thread.start()
        write_queries(job_id=job.pk)
        thread.join()
        job.refresh_from_db()
        assert job.state == Job.State.PAUSED
        asked = len(asks.asked)
        assert 1 <= asked <= 2
        go_on_with_job(job_id=job.pk)
        write_queries(job_id=job.pk)
        job.refresh_from_db()
        assert (job.state, len(asks.asked)) == (Job.State.DONE, 6)
        with pytest.raises(Conflict, match="over"):
            ask_job(job_id=job.pk, wish="cancel")
        with pytest.raises(Conflict, match="paused"):
            go_on_with_job(job_id=job.pk)

    def test_a_job_that_takes_longer_than_a_task_is_queued_again(
        self, make_items, asks, monkeypatch
    ):
        make_items(3)
        job = create_job(kind="llm.write_queries", params={"items": 3, "seed": 0})
        with monkeypatch.context() as patch:
            patch.setattr(queries, "propose", _too_long)
            write_queries(job_id=job.pk)
        job.refresh_from_db()
        assert job.state == Job.State.QUEUED
        write_queries(job_id=job.pk)
        job.refresh_from_db()
        assert (job.state, len(asks.asked)) == (Job.State.DONE, 3)

    def test_a_waiting_job_is_cancelled_at_once_and_other_kinds_cannot_be(self):
        job = create_job(kind="llm.write_queries")
        assert ask_job(job_id=job.pk, wish="cancel").state == Job.State.CANCELLED
        with pytest.raises(Conflict, match="cannot be stopped"):
            ask_job(job_id=create_job(kind="recs.encode_items").pk, wish="pause")

    def test_the_switch_stops_a_running_job_within_one_call(self, make_items, asks):
        make_items(6)

        def do(item):
            told = queries.ask(Open().prompt_for(item), provider=asks.endpoint(), job=progress.job)
            LlmLimit.objects.update_or_create(purpose="", defaults={"is_stopped": True})
            return Counter(ok=bool(told.value))

        with pytest.raises(Stopped), track(kind="llm.test") as progress:
            work(list(Item.objects.all()), do, provider=asks.endpoint(), progress=progress)
        assert len(asks.asked) == 1
        assert Job.objects.get().state == Job.State.FAILED

    def test_threads_work_in_the_catalog_of_the_job(self, asks):
        seen = []
        with track(kind="llm.test") as progress:
            work(
                [1, 2, 3], lambda n: Counter({seen.append((n, scope.current())) or "ok": 1}),
                provider=asks.endpoint(concurrency=3), progress=progress,
            )  # fmt: skip
        assert sorted(seen) == [(1, "main"), (2, "main"), (3, "main")]

    def test_two_jobs_at_once_ask_each_item_at_most_twice_and_propose_once(self, make_items, asks):
        make_items(4)
        asks.pause = 0.05
        threads = [threading.Thread(target=_write_and_close) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Proposal.objects.count() == 4
        assert len(asks.asked) <= 8
        assert set(LlmCall.objects.values_list("outcome", flat=True)) <= {"ok", "cached"}


def _too_long(*_, **__):
    raise SoftTimeLimitExceeded


def _write_and_close():
    try:
        queries.write_queries(items=4)
    finally:
        connection.close()


def test_the_answer_of_the_prompt_fits_its_own_schema():
    Draft202012Validator.check_schema(SCHEMA)
    rows = [{"descriptor": d, "text": "a b c", "evidence": "cd"} for d in ("mood", "era")]
    good = {"queries": rows}
    assert Draft202012Validator(SCHEMA).is_valid(good)
    assert not Draft202012Validator(SCHEMA).is_valid(json.loads('{"queries": [{}]}'))
