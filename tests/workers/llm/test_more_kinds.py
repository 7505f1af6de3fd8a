"""Names of kinds and synonyms: proposed by a model that writes, screened, counted once approved."""

import json

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Job
from recs.models import CodeName
from search.models import Proposal, Synonym, Term
from search.proposals import decide
from workers.augmentation import names, synonyms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asks(settings, served):
    settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_API_KEY = served.url, "tiny", "k"
    settings.LLM_PRICE, settings.LLM_CONCURRENCY = "1/2", 1
    return served


@pytest.fixture
def kind(make_kind):
    return make_kind(name="Drama: keeper, sea", description="A keeper waits by the sea.")


def say(served, **answer):
    served.text = json.dumps(answer)


class TestNames:
    def test_a_name_counts_once_it_is_approved_and_is_taken_back(self, kind, asks):
        say(asks, name="Waiting by the sea", evidence="waits by the sea")
        names.write_names(items=5)
        [row] = Proposal.objects.all()
        assert (row.kind, row.subject, row.review) == ("name", "001", "proposed")
        assert CodeName.objects.get().name == "Drama: keeper, sea"
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        named = CodeName.objects.get()
        assert (named.name, named.source) == ("Waiting by the sea", "llm")
        decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="empty")
        named.refresh_from_db()
        assert (named.name, named.source) == ("Drama: keeper, sea", "derived")

    def test_what_a_person_called_it_stays(self, kind, asks):
        say(asks, name="Waiting by the sea", evidence="waits by the sea")
        names.write_names(items=5)
        CodeName.objects.update(name="Coast", source="person")
        row = Proposal.objects.get()
        decide(ids=[row.pk], review="approved", by="eve", basis={"by": "person"})
        decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="empty")
        assert CodeName.objects.get().name == "Coast"

    @pytest.mark.parametrize(
        ("name", "evidence", "why"),
        [
            ("Sea", "sea", "too short"),
            ("By the sea of Ada Lantern", "sea", "names a person"),
            ("Like Lighthouse Nights 2 there", "sea", "names an item"),
            ("The 1950s at sea", "sea", "a number of its own"),
            ("Mountains in winter", "the mountain", "no evidence"),
            ("Call 020 7946 0958 now", "sea", "personal data"),
            ("Drama: keeper, sea", "sea", "stands already"),
        ],
    )
    def test_what_is_no_name_is_counted_by_reason(self, kind, asks, name, evidence, why):
        say(asks, name=name, evidence=evidence)
        names.write_names(items=5)
        assert Job.objects.get().result["came of it"] == {why: 1}
        assert not Proposal.objects.exists()


class TestSynonyms:
    def test_a_set_waits_with_its_preview_and_counts_once_approved(self, kind, asks):
        Term.objects.create(word="play", items=4)
        say(asks, same=["play", "tragicomedy"], narrower=["tearjerker", "drama", "the"])
        synonyms.write_synonyms(items=5)
        rows = {row.text: row for row in Proposal.objects.all()}
        assert set(rows) == {
            "drama = play", "tragicomedy \u2192 drama", "tearjerker \u2192 drama"
        }  # fmt: skip
        assert {row.review for row in Synonym.objects.all()} == {"proposed"}
        decide(ids=[rows["drama = play"].pk], review="approved", by="eve", basis={"by": "person"})
        [counts] = Synonym.objects.filter(review="approved")
        assert (counts.words, counts.source, counts.reviewed_by) == (
            ["drama", "play"],
            "llm",
            "eve",
        )
        decide(
            ids=[rows["drama = play"].pk], review="rejected", by="eve", basis={"by": "person"},
            reason="untrue",
        )  # fmt: skip
        assert not Synonym.objects.filter(review="approved").exists()
        # Asked once.
        asked = len(asks.asked)
        synonyms.write_synonyms(items=5)
        assert len(asks.asked) == asked

    def test_what_an_editor_stated_is_not_touched(self, kind, asks):
        say(asks, same=[], narrower=["tearjerker"])
        Synonym.objects.create(words=["x"], key="k", source="people", review="approved")
        synonyms.write_synonyms(items=5)
        row = Proposal.objects.get()
        Synonym.objects.filter(key=row.subject).update(source="people", review="approved")
        decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="untrue")
        assert Synonym.objects.filter(review="approved").count() == 2


def test_the_command_says_what_it_would_cost_and_what_a_small_model_cannot(
    kind, asks, settings, capsys
):
    call_command("write", kind="names", dry_run=True)
    assert "1 calls of tiny" in capsys.readouterr().out
    call_command("write", kind="synonyms", dry_run=True)
    assert "1 calls of tiny" in capsys.readouterr().out
    assert not Job.objects.exists()
    settings.LLM_WRITES = "closed"
    with pytest.raises(CommandError, match="too small to write names"):
        call_command("write", kind="names")
