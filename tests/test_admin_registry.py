"""Every page of the admin, walked: it renders, says who may see it, and asks few queries."""

import uuid
from datetime import UTC, date, datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from catalog.events import record_events
from catalog.items import upsert_items
from catalog.keys import issue_key
from catalog.models import (
    Answer,
    Catalog,
    CategoryName,
    Collection,
    CollectionItem,
    Event,
    Item,
    Job,
    JobProblem,
    Judgement,
    JudgingPair,
    Label,
    Person,
)
from catalog.profiles import current_profile, forget_profile
from catalog.types import EventInput, ItemInput
from recs.models import (
    CodeName,
    ContentEmbedding,
    ContentVersion,
    FrozenLabels,
    ItemCode,
    ModelVersion,
    NeighbourVersion,
    QualityWeights,
    Surface,
    TrainingRun,
)
from search.models import BannedPattern, Proposal, ProposalPolicy, Query, Rule, Synonym, Term
from search.proposal_models import Kind
from workers.models import LlmCall, LlmLimit

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15
NASTY = "<script>alert(1)</script>"


def _films(count: int) -> list[Item]:
    upsert_items(
        items=[
            ItemInput(
                external_id=f"f{n}",
                title=f"Film {n} {NASTY}",
                creators=("Agnès Varda", "Smith, John"),
                category_paths=("Drama/Slow",),
                countries=("France",),
                released_on=date(1962, 4, 11),
                attributes={"cast": ["Corinne Marchand"]},
            )
            for n in range(count)
        ]
    )
    return list(Item.objects.order_by("id"))


def _history(items: list[Item], person: Person) -> None:
    record_events(
        events=[
            EventInput(kind="like", item_id=item.external_id, time=timezone.now(), user_id="p1")
            for item in items
        ]
    )
    for item in items:
        Answer.objects.create(
            time=timezone.now(),
            kind="search",
            surface="search",
            person=person,
            query=f"film {NASTY}",
            normalized_query="film script",
            total=1,
            hits=[{"item": item.pk, "position": 1, "source": "lexical", "score": 0.5}],
            query_recommendations=[{"text": "french drama", "source": "expansions"}],
            stages={"lexical": 2.5, "dense": 4.0},
            dropped=[{"item": item.pk, "score": 0.9, "mode": "shadow", "by": NASTY}],
        )
        Label.objects.create(
            kind="relevance", query="film", item=item, grade=2, labeller="boss", source="human"
        )
        pair = JudgingPair.objects.create(
            kind="relevance", query=f"film {NASTY}", item=item, reason="rest"
        )
        Judgement.objects.create(
            pair=pair, labeller=NASTY, outcome="graded", grade=2, note=NASTY,
            leased_until=timezone.now(), started_at=timezone.now(), decided_at=timezone.now(),
        )  # fmt: skip


def _learning(items: list[Item]) -> None:
    version = ContentVersion.objects.create(
        encoder="minilm",
        revision="a" * 40,
        template="title",
        dimensions=3,
        is_live=True,
        index_recall=0.99,
        index_built_at=timezone.now(),
    )
    for item in items[::2]:
        ContentEmbedding.objects.create(
            item=item, version=version, input_hash=item.content_hash, vector=[1, 0, 0]
        )
    NeighbourVersion.objects.create(as_of=timezone.now(), events=3, pairs=2, is_live=True)
    for n in range(len(items)):
        Term.objects.create(word=f"word{n}", items=n)
        Synonym.objects.create(
            words=[f"typed {n}", NASTY[:40]],
            key=str(n),
            evidence={"people": [3], "shared": [NASTY]},
        )
        Rule.objects.create(
            name=NASTY,
            patterns=["film", NASTY],
            action="banner" if n % 2 else "pin",
            item_ids=[items[n].pk],
            text=NASTY,
            is_on=True,
            updated_by=NASTY,
        )
        BannedPattern.objects.create(pattern=f"banned {n} {NASTY}", note=NASTY)
        Proposal.objects.create(
            item=items[n], text=f"written {NASTY}", normalized=f"written {n}", model=NASTY,
            prompt_version="1", call=n, evidence=NASTY, reviewed_by=NASTY,
        )  # fmt: skip
        ProposalPolicy.objects.get_or_create(kind=Kind.QUERY, defaults={"updated_by": NASTY})
        Query.objects.create(
            text=f"query {n} {NASTY}",
            normalized=f"query {n}",
            source="names",
            provenance={"creator": "Agnès Varda"},
            review="proposed",
        )


def _trained(items: list[Item]) -> None:
    for key in ("search", "home", "similar"):
        Surface.objects.create(key=key)
    interval = {"mean": 0.1, "low": 0.05, "high": 0.15}
    part = {
        "name": "overall",
        "label": f"overall {NASTY}",
        "people": 40,
        "is_judged": True,
        "systems": {"candidate": interval, "item_knn": interval, "live": interval},
        "differences": [{"against": "live", **interval}],
    }
    for n in range(len(items)):
        version = ModelVersion.objects.create(
            kind="user_model",
            name=f"v{n}",
            state="live" if n == 0 else "candidate",
            as_of=timezone.now(),
            manifest_sha256="a" * 64,
            promoted_at=timezone.now(),
            config={"note": NASTY},
            gate={
                "passed": False, "reasons": [NASTY], "metric": "NDCG@10", "slices": [part]
            },
        )  # fmt: skip
        effect = {"name": NASTY, "weights": [0, 0.1, 0, 0], "recall": 0.3, "rating": 0.5}
        unified = ModelVersion.objects.create(
            kind="unified", name=f"u{n}", as_of=timezone.now(), metrics={"quality": [effect]}
        )
        QualityWeights.objects.create(version=unified, rating=0.1)
        rung = {"labeller": NASTY, "pairs": 3}
        FrozenLabels.objects.create(
            kind="relevance",
            sha256=f"{n:064d}",
            ladder=[rung],
            pairs=[{"query": NASTY, "item": items[n].external_id, "grade": 0}],
        )
        point = {"part": "first", "member": 0, "loss": 2.0, "ndcg": 0.1, "seconds": 1.0}
        TrainingRun.objects.create(
            kind="user_model",
            version=version,
            state="running" if n == 0 else "done",
            started_at=timezone.now(),
            finished_at=None if n == 0 else timezone.now(),
            message=NASTY,
            curve=[point | {"epoch": epoch} for epoch in (1, 2)],
        )
        ItemCode.objects.create(
            item=items[n], version=version, flat=1, codes=[1, 2], path="001.002", input_hash="x"
        )
        CodeName.objects.create(version=version, path="001", name=f"Kind {NASTY}")


def _operations(items: list[Item]) -> None:
    for n in range(len(items)):
        Catalog.objects.create(name=f"c{n}", hosts=[NASTY])
        CategoryName.objects.create(path=f"c{n} {NASTY}", name=f"{n} {NASTY}", line=NASTY)
        LlmLimit.objects.create(purpose=f"{NASTY}{n}", calls_a_day=n)
        LlmCall.objects.create(
            purpose="queries", prompt_version="1", model=NASTY, input_hash=str(n),
            outcome=["ok", "cached", "bad_answer", "failed", "refused"][n % 5],
            answer={"queries": [NASTY]}, error=NASTY,
        )  # fmt: skip
        job = Job.objects.create(
            kind="catalog.import_file",
            state=["failed", "running", "queued", "done"][n % 4],
            done=n,
            total=10,
            heartbeat_at=datetime(2020, 1, 1, tzinfo=UTC),
            started_at=timezone.now(),
        )
        JobProblem.objects.create(job=job, line=n, field="title", reason=NASTY)
        issue_key(name=f"key {n}", scopes=["read"])
    PeriodicTask.objects.create(
        name="sweep",
        task="recs.encode_items",
        interval=IntervalSchedule.objects.create(every=30, period="seconds"),
    )
    CrontabSchedule.objects.create()
    ClockedSchedule.objects.create(clocked_time=timezone.now())
    SolarSchedule.objects.create(event="sunset", latitude=1, longitude=1)
    Group.objects.create(name="curators")


def _fill(count: int) -> None:
    forget_profile()
    current_profile()
    items = _films(count)
    person = Person.objects.create(external_id="p1", is_demo=True)
    _history(items, person)
    for n in range(count):
        collection = Collection.objects.create(external_id=f"c{n}", title=f"List {NASTY}")
        CollectionItem.objects.create(collection=collection, item=items[n], position=1)
        Person.objects.create(external_id=f"other{n}")
    _learning(items)
    _trained(items)
    _operations(items)


@pytest.fixture
def boss(client):
    """A signed-in superuser's client."""
    user = User.objects.create_superuser("boss", "boss@example.org", "correct horse battery")
    client.force_login(user)
    return client


MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def _page(model: type, view: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=args)


def test_every_list_renders_with_few_queries_however_many_rows_there_are(boss):
    _fill(12)
    for model in MODELS:
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            answer = boss.get(_page(model, "changelist"), follow=True)
        name = model._meta.label
        assert answer.status_code == 200, name
        assert NASTY not in answer.content.decode(), name
        statements = "\n".join(query["sql"][:200] for query in asked)
        assert len(asked) <= MOST_QUERIES, f"{name}:\n{statements}"


def test_every_row_has_a_page(boss):
    _fill(2)
    for model in MODELS:
        name = model._meta.label
        row = model._default_manager.order_by("pk").first()
        assert row is not None, f"put a row into {name}"
        answer = boss.get(_page(model, "change", row.pk), follow=True)
        assert answer.status_code == 200, name
        assert answer.redirect_chain == [], name
        assert NASTY not in answer.content.decode(), name


def test_every_add_page_renders_or_is_refused(boss, rf):
    request = rf.get("/")
    request.user = User.objects.get(username="boss")
    for model in MODELS:
        allowed = admin.site._registry[model].has_add_permission(request)
        answer = boss.get(_page(model, "add"))
        assert answer.status_code == (200 if allowed else 403), model._meta.label


@pytest.mark.parametrize(
    "words", ["film", "fïlm 'x\" %_\\ ;--", "日本", "a" * 3000, str(uuid.UUID(int=7))]
)
def test_every_list_can_be_searched_with_anything(boss, words):
    _fill(1)
    for model in MODELS:
        answer = boss.get(_page(model, "changelist"), {"q": words}, follow=True)
        assert answer.status_code == 200, model._meta.label


def test_the_admin_is_for_staff_only(client):
    User.objects.create_user("guest", password="correct horse battery")
    client.login(username="guest", password="correct horse battery")
    for name in ("admin:index", "admin:search_no_results", "admin:catalog_event_counts"):
        answer = client.get(reverse(name))
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


def test_events_can_neither_be_changed_nor_deleted(boss):
    _fill(1)
    event = Event.objects.get()
    assert boss.post(_page(Event, "delete", event.pk), {"post": "yes"}).status_code == 403
    assert boss.post(_page(Event, "change", event.pk), {"kind": 5}).status_code == 403
    assert Event.objects.get().kind == event.kind
