"""The match filter's day: once, without a model not at all, with what came of it on its job."""

import json

import pytest

from catalog.models import Job, Label
from tests.workers.llm.test_labels import SAID, shown
from workers.daily_match import KIND, match_filter_day
from workers.models import LlmCall

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_a_model_and_without_labels_nothing_is_done():
    assert match_filter_day() is None
    assert not Job.objects.exists()


def test_a_day_labels_and_says_why_it_learned_nothing_and_is_done_once(
    make_items, settings, served
):
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = served.url, "tiny", "k"
    settings.LLM_CONCURRENCY = 1
    served.text = json.dumps(SAID)
    items = make_items(4)
    shown("sea", [{"item": item.pk} for item in items])
    told = match_filter_day()
    assert told["labelled"] == {"relevance": "judged", "fit": "judged"}
    assert "graded" in told["trained"]
    assert Label.objects.count() == 4
    job = Job.objects.get(kind=KIND)
    assert job.state == Job.State.DONE
    asked = len(served.asked)
    assert match_filter_day() is None
    assert (len(served.asked), Job.objects.filter(kind=KIND).count()) == (asked, 1)
    assert LlmCall.objects.count() == 4


def test_an_endpoint_that_is_gone_does_not_end_the_day(make_items, settings):
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = "", "", ""
    settings.LLM_GGUF = "/nowhere/model.gguf"
    shown("sea", [{"item": item.pk} for item in make_items(2)])
    told = match_filter_day()
    assert "no file" in told["labelled"]["relevance"]
    assert "No label" in told["trained"]
