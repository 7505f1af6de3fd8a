"""Acceptance without a person: where people agreed often enough with what was written alike.

A proposal is accepted by the policy of its kind if an administrator switched that on, the lower end
of the interval of agreement with its batch is at least the policy's bound, and the proposal passes
the tests of its kind. Each keeps the figures that it was accepted by.
"""

from collections.abc import Callable, Mapping

from django.db.models import Exists, F, OuterRef, QuerySet

from catalog.profiles import current_profile
from search.fact_schema import fact_schema
from search.models import Proposal, ProposalPolicy, Query, Term
from search.proposal_models import Kind
from search.proposals import Batch, agreement, decide
from search.query_checks import release
from search.written_facts import is_named

Rows = QuerySet[Proposal]


def accept_by_policy() -> int:
    """Accept what the policies accept now; how many."""
    policies = ProposalPolicy.objects.filter(is_automatic=True, kind__in=list(TESTS))
    return sum(_accept(policy) for policy in policies)


def _accept(policy: ProposalPolicy) -> int:
    waiting = Proposal.objects.filter(kind=policy.kind, review=Proposal.Review.PROPOSED)
    names = ("kind", "model", "revision", "prompt_version")
    accepted = 0
    for values in waiting.order_by().values(*names).distinct():
        batch = Batch(**values)
        told = agreement(batch)
        if told.reviewed and told.low >= policy.bound:
            ids = list(TESTS[policy.kind](batch.waiting()).values_list("pk", flat=True))
            basis = {
                "by": "policy", "bound": policy.bound, "good": told.good,
                "reviewed": told.reviewed, "low": round(told.low, 4), "high": round(told.high, 4),
                "set_by": policy.updated_by,
            }  # fmt: skip
            accepted += decide(
                ids=ids, review=Proposal.Review.APPROVED, basis=basis,
                by=f"policy: people approved {told.good} of {told.reviewed} "
                f"(at least {told.low:.0%}, bound {policy.bound:.0%})",
            )  # fmt: skip
    return accepted


def _answered(rows: Rows) -> Rows:
    """Queries that were tried on the live search as it is now, and found their item."""
    passed = Query.objects.filter(
        normalized=OuterRef("normalized"),
        source=Query.Source.WRITTEN,
        review=Query.Review.PROPOSED,
        held_back="",
        checked_version=release(),
        answers__gt=0,
    )
    return rows.filter(Exists(passed))


def _named_in_the_text(rows: Rows) -> Rows:
    """Facts of the text as it is, whose evidence names the value in so many words."""
    current = rows.filter(content_hash=F("item__content_hash")).select_related("item")
    schema = fact_schema(current_profile())
    return rows.filter(pk__in=[row.pk for row in current if is_named(row, schema)])


def _of_the_present_text(rows: Rows) -> Rows:
    """Of items that say what they said when it was written."""
    return rows.filter(item__content_hash=F("content_hash"))


def _of_a_word(rows: Rows) -> Rows:
    """Pairs whose right word the catalog has, and whose mistyped one it does not."""
    known = Term.objects.filter(word=OuterRef("text"))
    return rows.filter(Exists(known), ~Exists(Term.objects.filter(word=OuterRef("subject"))))


TESTS: Mapping[str, Callable[[Rows], Rows]] = {
    Kind.QUERY: _answered,
    Kind.ATTRIBUTE: _named_in_the_text,
    Kind.SPELLING: _of_a_word,
    Kind.SUMMARY: _of_the_present_text,
}
