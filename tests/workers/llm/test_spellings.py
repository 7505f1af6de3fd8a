"""Spelling pairs: from what was searched in vain, chosen by a model, known once approved."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from catalog.items import upsert_items
from catalog.models import Job
from catalog.types import ItemInput
from search.models import Proposal, ProposalPolicy, ReviewSample, SpellingPair
from search.proposal_policy import accept_by_policy
from search.proposals import decide
from search.spelling import build_terms, correct
from search.spelling_pairs import MOST_CHOICES, choices, mistyped_words
from search.spelling_store import state_pairs
from search.vocabulary import vocabulary
from tests.search.films import load_films, log_search, visitor
from workers.augmentation import spellings
from workers.augmented import write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def films():
    held = load_films()
    build_terms()
    return held


def search(query, *, times=3, then="", found=()):
    """So many visitors ask in vain, and then something else."""
    for n in range(times):
        log_search(query, viewer=visitor(f"{query}{n}"), seconds_ago=600)
        if then:
            log_search(then, viewer=visitor(f"{query}{n}"), items=found, seconds_ago=590)


def say(served, *words):
    served.text = json.dumps({"chosen": [{"text": word} for word in words]})


def approve(*rows):
    ids = [row.pk for row in rows or Proposal.objects.all()]
    return decide(ids=ids, review="approved", by="eve", basis={"by": "person"})


def reject(row):
    decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="untrue")


def came_of_it():
    return Job.objects.latest("created_at").result["came of it"]


def test_a_pair_is_known_to_the_corrector_once_approved_and_forgotten_again(films, asks, client):
    search("htchk")
    say(asks, "hitchcock")
    spellings.write_spellings(items=5)
    [row] = Proposal.objects.all()
    assert (row.kind, row.subject, row.text) == ("spelling", "htchk", "hitchcock")
    assert row.evidence == "\u201chtchk\u201d, 3 people"
    assert correct("htchk") is None
    approve()
    assert correct("htchk") == "hitchcock"
    answer = client.get("/api/v1/search?q=htchk+thriller").json()
    assert answer["corrected_query"] == "hitchcock thriller"
    assert answer["total"] > 3
    # Written again changes nothing, and nobody is asked again.
    asked = len(asks.asked)
    spellings.write_spellings(items=5)
    assert (len(asks.asked), Proposal.objects.count()) == (asked, 1)
    reject(row)
    assert correct("htchk") is None
    assert not SpellingPair.objects.exists()


def test_what_was_searched_next_is_a_choice_and_evidence(films, asks):
    search("htchk thriller", then="hitchcock thriller", found=[films["Vertigo"]])
    [one] = mistyped_words()
    assert (one.typed, one.then, one.people) == ("htchk", ("hitchcock thriller",), 3)
    assert "hitchcock" in one.words
    assert one.evidence.endswith("then \u201chitchcock thriller\u201d")
    say(asks, "hitchcock")
    spellings.write_spellings(items=5)
    assert "<<hitchcock thriller>>" in asks.asked[0]["messages"][1]["content"]
    assert came_of_it() == {"proposed": 1}


def test_what_few_people_typed_and_what_is_private_is_not_asked_about(films, asks):
    search("htchk", times=2)
    search("htchk eve.adams@example.org")
    spellings.write_spellings(items=5)
    assert not asks.asked


def test_the_choices_are_few_and_words_of_the_catalog(films):
    words = vocabulary()
    found = choices("htchk", ["htchk unheard of", "playtime"], words)
    assert 1 < len(found) <= MOST_CHOICES
    assert set(found) <= set(words.items)
    # Too unlike to be the same word mistyped.
    assert "playtime" not in found
    assert list(found) == sorted(found, key=lambda word: -found[word])


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"chosen": []}', "nothing likely"), ("hitchcock", "llm_answer"),
        ('{"chosen": [{"text": "spielberg"}]}', "llm_answer"), ('{"chosen": [', "llm_answer"),
        ('{"summary": "x"}', "llm_answer"), ("[]", "llm_answer"),
        ('{"chosen": [{"text": 5}]}', "llm_answer"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_choice_proposes_nothing(films, asks, answer, why):
    search("htchk")
    asks.text = answer
    spellings.write_spellings(items=5)
    assert came_of_it() == {why: 1}
    assert not Proposal.objects.exists()


def test_what_falls_is_counted_by_reason(films, asks):
    search("htchk")
    search("hitchcok zzyzx")
    found = {one.typed: one for one in mistyped_words()}
    job = Job.objects.create(kind=spellings.KIND)
    say(asks, "hitchcock")
    assert spellings._write(found["hitchcok"], asks.endpoint(), job) == {"corrected already": 1}
    upsert_items(items=[ItemInput(external_id="new", title="Htchk")])
    assert spellings._write(found["htchk"], asks.endpoint(), job) == {"has answers": 1}
    build_terms()
    assert spellings._write(found["htchk"], asks.endpoint(), job) == {"is a word": 1}
    assert not Proposal.objects.exists()


def test_a_pair_never_corrects_what_has_answers(films):
    state_pairs(pairs={"htchk": "hitchcock"})
    upsert_items(items=[ItemInput(external_id="new", title="Htchk")])
    assert correct("htchk") is None
    build_terms()
    assert correct("htchk zzyzx") is None


def test_a_pair_comes_before_the_letters_where_it_leads_somewhere(films):
    assert correct("tatti") == "tati"
    assert correct("tatti playtime") == "tati playtime"
    state_pairs(pairs={"tatti": "hitchcock"})
    assert correct("tatti") == "hitchcock"
    assert correct("tatti vertigo") == "hitchcock vertigo"
    # Nothing of Hitchcock's is called so: what the letters say stands.
    assert correct("tatti playtime") == "tati playtime"
    # A word that the catalog has no more is no correction.
    state_pairs(pairs={"tatti": "zzyzx"})
    assert correct("tatti") == "tati"


def test_pairs_cost_a_search_no_statement(films, django_assert_num_queries):
    state_pairs(pairs={"htchk": "hitchcock"})
    vocabulary()
    with django_assert_num_queries(1):
        assert vocabulary().pairs == {"htchk": "hitchcock"}
    state_pairs(pairs={"htchk": "tati", "other": "tati"})
    assert vocabulary().pairs == {"htchk": "tati", "other": "tati"}
    assert state_pairs(pairs={"htchk": "tati"}) == 0
    state_pairs(pairs={"other": None})
    assert vocabulary().pairs == {"htchk": "tati"}


def test_the_last_that_was_approved_counts_and_the_one_before_comes_back(films):
    rows = [
        Proposal.objects.create(
            kind="spelling", subject="htchk", text=word, normalized=word, model="m",
            prompt_version="1", call=1,
        )
        for word in ("tati", "hitchcock")
    ]  # fmt: skip
    approve(rows[0])
    approve(rows[1])
    assert SpellingPair.objects.get().meant == "hitchcock"
    reject(rows[1])
    assert SpellingPair.objects.get().meant == "tati"
    reject(rows[0])
    assert not SpellingPair.objects.exists()


def test_a_policy_accepts_pairs_of_words_that_are_still_words(films, asks):
    search("htchk")
    search("plytm")
    found = {one.typed: one for one in mistyped_words()}
    assert set(found) == {"htchk", "plytm"}
    say(asks, "hitchcock")
    columns = {"kind": "spelling", "model": "tiny", "prompt_version": spellings.VERSION}
    Proposal.objects.create(subject="plytm", text="gone", normalized="gone", call=1, **columns)
    ReviewSample.objects.create(
        **columns, population=40, size=40, wanted=0.8, good=40, reviewed=40, source="x",
        finished_at="2026-01-01T00:00Z",
    )  # fmt: skip
    ProposalPolicy.objects.create(kind="spelling", is_automatic=True, bound=0.8)
    job = Job.objects.create(kind=spellings.KIND, params={"items": 5})
    write(kind="spellings", job_id=str(job.pk))
    assert dict(SpellingPair.objects.values_list("typed", "meant")) == {"htchk": "hitchcock"}
    assert accept_by_policy() == 0


def test_the_packaged_model_is_not_asked_and_closed_choosing_is(films, asks, settings, capsys):
    search("htchk")
    settings.LLM_WRITES = "closed"
    call_command("write", kind="spellings", dry_run=True)
    assert "1 calls of tiny" in capsys.readouterr().out
    settings.LLM_BASE_URL = settings.LLM_GGUF = ""
    with pytest.raises(CommandError, match="too small to write spellings"):
        call_command("write", kind="spellings")


def test_an_editor_sees_pairs_among_the_proposals(films, asks, admin_client):
    search("htchk")
    say(asks, "hitchcock")
    spellings.write_spellings(items=5)
    page = admin_client.get(reverse("admin:search_proposal_changelist")).content.decode()
    assert "htchk" in page
    assert "hitchcock" in page
    page = admin_client.get(reverse("admin:search_proposal_batches")).content.decode()
    assert spellings.VERSION in page
