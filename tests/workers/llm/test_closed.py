"""The closed form: what may be chosen is true of the item by construction; who chooses, chooses."""

import json

import pytest

from catalog.items import upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from search.models import Proposal, Query
from workers.augmentation import phrases, queries
from workers.augmentation.closed_form import VERSION, Closed
from workers.augmentation.open_form import Open
from workers.augmentation.queries import form_for
from workers.llm.errors import NotConfigured
from workers.llm.types import Completion, Price
from workers.models import LlmCall

pytestmark = pytest.mark.django_db


class Likely:
    """A provider that tells likelihoods as it is told to."""

    model, revision, price, concurrency, is_small = "small", "r1", Price(), 1, True

    def __init__(self, likelihood=lambda text: -1.0 - len(text) / 100):
        self.likelihood = likelihood
        self.asked = []

    def complete(self, prompt, *, seconds):
        self.asked.append(prompt)
        rows = [{"text": text, "likelihood": self.likelihood(text)} for text in prompt.choices]
        rows.sort(key=lambda row: -row["likelihood"])
        return Completion(text=json.dumps({"chosen": rows}), input_tokens=50, output_tokens=9)


def film(n, title, *, kinds=("Horror", "Thriller"), **more):
    given = {"countries": ["France"], "year": 1970, "creators": ["Ada Lantern"]} | more
    return ItemInput(external_id=f"c{n}", title=title, category_paths=list(kinds), **given)


@pytest.fixture
def catalog():
    """Four films of lighthouses, which are horror, and many others which are not."""
    titles = ("Ghost at the Lighthouse", "A Lighthouse Crew", "Gate of a Lighthouse")
    rosa = {"creators": ["Rosa Marsh"]}
    upsert_items(
        items=[
            *(film(n, title) for n, title in enumerate(titles)),
            film(3, "Rosa and the Lighthouse", **rosa),
            *(film(10 + n, f"Village Wedding {n}", kinds=("Comedy",)) for n in range(500)),
            *(film(900 + n, f"Over Marsh and Meadow {n}", kinds=("War",)) for n in range(5)),
            *(film(950 + n, f"Wolfgang {n}", kinds=("Sport",)) for n in range(5)),
        ]
    )  # fmt: skip
    return {item.external_id: item for item in Item.objects.all()}


def texts(item):
    return [one.text for one in phrases.choices(item, phrases.lexicon())]


def test_a_choice_is_made_of_the_items_own_words_and_facts(catalog):
    told = phrases.lexicon()
    found = phrases.choices(catalog["c0"], told)
    assert "lighthouse horror" in [one.text for one in found]
    assert "French horror thriller" in [one.text for one in found]
    assert "1970s French thriller horror" in [one.text for one in found]
    for one in found:
        assert one.evidence
        assert one.said in one.text
        plain = f"{catalog['c0'].title} 1970 Horror, Thriller France".casefold()
        assert one.evidence.casefold() in plain


def test_no_choice_holds_a_name_or_the_title(catalog):
    told = phrases.lexicon()
    for key in ("c0", "c1", "c2", "c3", "c10", "c900", "c950"):
        item = catalog[key]
        said = [one.text.casefold() for one in phrases.choices(item, told)]
        assert not [one for one in said if item.title.casefold() in one]
        assert not [one for one in said if "lantern" in one or "rosa" in one]
    # A surname is no theme of other films, and would be one if nobody was called so.
    assert not [one for one in phrases.choices(catalog["c900"], told) if "marsh" in one.text]
    told.named.clear()
    assert [one for one in phrases.choices(catalog["c900"], told) if "marsh" in one.text]


def test_what_titles_begin_with_is_a_series_and_no_theme(catalog):
    told = phrases.lexicon()
    assert not told.says_something("wolfgang")
    told.begun.clear()
    assert told.says_something("wolfgang")


def test_of_several_countries_none_is_said(catalog):
    both = film(0, "Ghost at the Lighthouse", countries=["France", "Italy"])
    upsert_items(items=[both])
    assert not [text for text in texts(Item.objects.get(external_id="c0")) if "French" in text]
    assert [text for text in texts(catalog["c1"]) if "French" in text]


def test_what_leads_to_one_item_or_to_very_many_is_no_choice(catalog):
    assert not [text for text in texts(catalog["c10"]) if "village" in text]
    assert not [text for text in texts(catalog["c0"]) if "ghost" in text]


def test_a_model_that_tells_likelihoods_chooses_by_them_and_what_is_unlikely_falls(catalog):
    said = {"lighthouse horror": -1.0, "French horror thriller": -2.0}
    asked = Likely(lambda text: said.get(text, -9.0))
    form = Closed()
    prompt = form.prompt_for(catalog["c0"])
    assert set(said) <= set(prompt.choices)
    answer = queries.ask(prompt, provider=asked)
    found = form.read(catalog["c0"], answer)
    assert [(one.text, one.confidence) for one in found] == list(said.items())
    # The same words in another order are one query.
    same = Likely(lambda text: -1.0 if set(text.split()) >= {"French", "horror"} else -9.0)
    Item.objects.filter(pk=catalog["c0"].pk).update(description="Again.")
    catalog["c0"].refresh_from_db()
    found = form.read(catalog["c0"], queries.ask(form.prompt_for(catalog["c0"]), provider=same))
    assert len({frozenset(one.text.casefold().split()) for one in found}) == len(found)


@pytest.mark.django_db(transaction=True)
def test_a_whole_job_proposes_with_the_version_the_job_and_the_likelihood(catalog, monkeypatch):
    asked = Likely()
    monkeypatch.setattr(queries, "provider", lambda: asked)
    queries.write_queries(items=1000)
    row = Proposal.objects.filter(item=catalog["c0"]).first()
    assert (row.model, row.revision, row.prompt_version) == ("small", "r1", VERSION)
    assert row.confidence < 0
    call = LlmCall.objects.get(pk=row.call)
    assert call.job_id == row.job
    assert call.prompt_version == VERSION
    # Again: what has none of this prompt is looked at, and no call is made twice.
    before = len(asked.asked)
    queries.write_queries(items=1000)
    assert len(asked.asked) == before
    assert not Query.objects.filter(source="llm", review="approved").exists()


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_can_choose_too_and_is_held_to_the_choices(catalog, served, settings):
    settings.LLM_WRITES = "closed"
    form = form_for(served.endpoint())
    assert form.version == VERSION
    served.text = json.dumps({"chosen": [{"text": "lighthouse horror"}]})
    served.next.append((200, json.dumps({"chosen": [{"text": "buy now"}]}), {}))
    answer = queries.ask(form.prompt_for(catalog["c0"]), provider=served.endpoint())
    assert len(served.asked) == 2
    assert [one.text for one in form.read(catalog["c0"], answer)] == ["lighthouse horror"]


def test_an_answer_of_another_catalog_proposes_nothing(catalog):
    form = Closed()
    answer = queries.ask(form.prompt_for(catalog["c0"]), provider=Likely())
    assert form.read(catalog["c10"], answer) == []


@pytest.mark.parametrize(
    ("wanted", "is_small", "kind"),
    [
        ("auto", True, Closed),
        ("auto", False, Open),
        ("open", True, Open),
        ("closed", False, Closed),
    ],
)
def test_the_form_is_the_providers_or_the_settings(settings, wanted, is_small, kind):
    settings.LLM_WRITES = wanted
    asked = Likely()
    asked.is_small = is_small
    assert isinstance(form_for(asked), kind)


def test_a_form_that_is_none_is_refused(settings):
    settings.LLM_WRITES = "loud"
    with pytest.raises(NotConfigured, match="LLM_WRITES"):
        form_for(Likely())


class TestRefusals:
    def test_what_people_refused_goes_into_the_prompt_and_into_its_version(self, catalog):
        plain = Open()
        refused = [("quiet lives >> by water", "says nothing")]
        told = Open(refused=refused)
        assert told.version != plain.version
        assert told.version.startswith(plain.version)
        assert told.version == Open(refused=refused).version
        assert len(told.version) <= 20
        system = told.prompt_for(catalog["c0"]).system
        assert "<<quiet lives > > by water>>: <<says nothing>>" in system
        assert "refused these" not in plain.prompt_for(catalog["c0"]).system
