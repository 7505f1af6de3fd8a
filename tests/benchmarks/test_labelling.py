"""The benchmark of labelling: every call is counted twice, and a ledger that lies is found out."""

import pytest

from benchmarks import labelling
from benchmarks.labelling import Counted
from catalog.models import Job, Label
from workers.llm.ledger import used
from workers.models import LlmCall

PAIRS = 12


@pytest.fixture
def filled(transactional_db):
    labelling.fill()
    labelling.fill()


@pytest.mark.usefixtures("filled", "settings")
class TestLabelling:
    def label(self, workers, settings, **server):
        counted = Counted()
        settings.LLM_BASE_URL = ""
        with labelling.counter(counted, latency=0.05, **server) as url:
            labelling.labelled(workers, PAIRS, "stub", url, f"run-{workers}")
        return counted

    @pytest.mark.parametrize("workers", [1, 4])
    def test_the_ledger_holds_what_the_provider_counted(self, workers, settings):
        counted = self.label(workers, settings)
        calls, tokens = labelling.check(counted, f"stub-run-{workers}")
        assert (calls, tokens) == (PAIRS, counted.tokens)
        assert tokens > 100 * PAIRS
        assert counted.most_at_once <= workers
        assert (counted.most_at_once > 1) == (workers > 1)
        # Of each call apart, of the job, and of the labels that came of it.
        spent = used(LlmCall.objects.filter(job=Job.objects.get()))
        assert (spent.calls, spent.tokens) == (PAIRS, counted.tokens)
        rows = LlmCall.objects.values_list("input_tokens", "output_tokens")
        assert sum(given for given, _ in rows) == counted.input_tokens
        assert len({given for given, _ in rows}) > 1
        assert Label.objects.filter(source="llm").count() == PAIRS

    def test_what_an_endpoint_uses_is_counted_on_its_way(self, settings):
        behind = Counted()
        with labelling.counter(behind, latency=0.0) as upstream:
            counted = self.label(2, settings, upstream=upstream)
        assert (counted.calls, counted.tokens) == (behind.calls, behind.tokens)
        assert labelling.check(counted, "stub-run-2") == (PAIRS, behind.tokens)

    def test_a_ledger_that_lacks_a_token_ends_the_run(self, settings):
        counted = self.label(1, settings)
        row = LlmCall.objects.first()
        LlmCall.objects.filter(pk=row.pk).update(input_tokens=row.input_tokens - 1)
        with pytest.raises(SystemExit, match="The ledger has"):
            labelling.check(counted, "stub-run-1")
