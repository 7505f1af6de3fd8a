import stat

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.utils import timezone

from catalog.events import record_events
from catalog.models import Item, Job
from catalog.types import EventInput
from recs.models import TrainingRun
from search.models import ProposalPolicy, ReviewSample
from search.proposal_models import Kind
from search.proposals import Batch, agreement
from search.shipped_samples import read_shipped
from workers import first_run
from workers.llm.providers import provider

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_home(settings, tmp_path):
    settings.FORAY_HOME = tmp_path
    return tmp_path


def test_an_administrator_is_made_once_with_a_password_only_its_owner_can_read():
    first_run.ensure_administrator()
    password = first_run.password_file().read_text().strip()
    assert stat.S_IMODE(first_run.password_file().stat().st_mode) == 0o600
    assert authenticate(username=first_run.ADMIN_NAME, password=password).is_superuser
    first_run.ensure_administrator()
    assert get_user_model().objects.count() == 1
    assert first_run.password_file().read_text().strip() == password


def test_no_administrator_is_made_on_services_of_ones_own(settings):
    settings.FORAY_EMBEDDED = False
    first_run.ensure_administrator()
    assert not get_user_model().objects.exists()
    assert not first_run.password_file().exists()


def test_a_demo_does_not_touch_a_catalog_that_is_there():
    Item.objects.create(external_id="own", title="Own")
    first_run.ensure_demo("store")
    assert list(Item.objects.values_list("external_id", flat=True)) == ["own"]
    assert not Job.objects.exists()


@pytest.mark.slow
def test_a_demo_is_loaded_once_and_a_catalog_emptied_on_purpose_stays_empty():
    first_run.ensure_demo("store")
    assert Item.objects.count() > 1000
    assert Job.objects.get().state == Job.State.DONE
    Item.objects.all().delete()
    first_run.ensure_demo("store")
    assert not Item.objects.exists()


@pytest.mark.slow
def test_a_demo_load_that_was_interrupted_goes_on(monkeypatch):
    def cut_off(**_):
        Item.objects.create(external_id="half", title="Half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(first_run, "load_demo", cut_off)
        with pytest.raises(KeyboardInterrupt):
            first_run.ensure_demo("store")
    Item.objects.all().delete()
    first_run.ensure_demo("store")
    assert Item.objects.count() > 1000
    assert first_run.demo_marker().exists()


def test_the_steps_of_a_start_without_a_demo_load_none():
    assert not any("Demo" in name for name, _ in first_run.steps(demo="none"))
    assert any("Demo" in name for name, _ in first_run.steps(demo="films"))


def test_the_first_training_is_handed_to_the_workers_once(django_capture_on_commit_callbacks):
    Item.objects.create(external_id="one", title="One")
    first_run.ensure_training()
    assert not Job.objects.exists(), "nobody did anything yet"
    event = EventInput(kind="like", user_id="somebody", item_id="one", time=timezone.now())
    record_events(events=[event])
    with django_capture_on_commit_callbacks() as sent:
        first_run.ensure_training()
        first_run.ensure_training()
    assert len(sent) == 2
    jobs = Job.objects.filter(kind="recs.retrain").order_by("created_at")
    assert {job.state for job in jobs} == {Job.State.QUEUED}
    assert [job.params for job in jobs] == [{"kind": "unified"}, {"kind": "user_model"}]


def test_what_was_trained_before_is_not_trained_at_a_start():
    for kind in ("user_model", "unified"):
        TrainingRun.objects.create(kind=kind, as_of=timezone.now())
    Item.objects.create(external_id="one", title="One")
    event = EventInput(kind="like", user_id="somebody", item_id="one", time=timezone.now())
    record_events(events=[event])
    first_run.ensure_training()
    assert not Job.objects.filter(kind="recs.retrain").exists()


def test_the_films_demo_is_written_for_once_by_the_sample_that_came_with_it():
    first_run.ensure_written()
    # Nothing to write for yet; the sample counts all the same.
    assert not Job.objects.filter(kind=first_run.WRITING_TASK).exists()
    Item.objects.create(external_id="one", title="One")
    first_run.ensure_written()
    first_run.ensure_written()
    job = Job.objects.get(kind=first_run.WRITING_TASK)
    assert job.params == {"items": first_run.FIRST_WRITTEN, "seed": 0}
    sample = ReviewSample.objects.get()
    told = read_shipped(first_run.SAMPLE_OF_FILMS)
    assert (sample.reviewed, sample.good) == (len(told.verdicts), sum(told.verdicts))
    assert sample.reviewed >= 100
    policy = ProposalPolicy.objects.get()
    assert policy.is_automatic
    # What was measured bears the bound, for the model and the prompt that are asked here.
    batch = Batch(
        kind=sample.kind, model=sample.model, revision=sample.revision,
        prompt_version=sample.prompt_version,
    )  # fmt: skip
    assert agreement(batch).low >= policy.bound
    asked = provider()
    assert (batch.model, batch.revision) == (asked.model, asked.revision)


def test_an_editors_policy_stays_as_it_is():
    ProposalPolicy.objects.create(kind=Kind.QUERY, is_automatic=False, bound=0.99)
    first_run.ensure_written()
    policy = ProposalPolicy.objects.get()
    assert (policy.is_automatic, policy.bound) == (False, 0.99)


def test_what_is_written_comes_before_the_long_training():
    names = [name for name, _ in first_run.catalog_steps(demo="films")]
    written = names.index("First written queries, in the background")
    assert written < names.index("First training, in the background")
