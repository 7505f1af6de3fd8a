"""The product's own search, with what an arm wrote and without; whatever is tried is undone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from benchmarks.written_recall.arms import Row, as_proposals
from recs.models import ContentVersion
from search import lexical
from search.finding import read
from search.item_words import index_item_words
from search.models import ItemWords, Proposal
from search.proposals import decide
from search.retrieval import candidates_of
from search.types import SearchRequest

K = 50
# As the weight of a description, the least of all.
_JOIN = """
    UPDATE catalog_item i SET description = i.description || '. ' || w.words
    FROM search_itemwords w WHERE w.item_id = i.id"""


def search_all(queries: Sequence[str], *, vectors: bool = True) -> list[list[list[int]]]:
    """Of each query the first K items by words alone, and then by the whole fusion.

    They are the candidates as they come before any learned order; nothing was learned here.
    """
    fusion = [[_first(query) for query in queries]] if vectors else []
    with transaction.atomic():
        # As before the first vectors: the same search, by words alone.
        ContentVersion.objects.update(is_live=False)
        words = [_first(query) for query in queries]
        transaction.set_rollback(True)
    return [words, *fusion]


@contextmanager
def indexed(
    rows: Sequence[Row], *, facts: Sequence[Proposal] = (), joined: bool = False
) -> Iterator[int]:
    """Inside, these and no others are approved and indexed with their items; told is how many.

    `facts`: approved as a person approves them, with all that follows of it. `joined`: their words
    count as the item's own, of the least weight, in place of the tier after them.
    """
    with transaction.atomic():
        Proposal.objects.all().delete()
        Proposal.objects.bulk_create(as_proposals(rows), batch_size=1000)
        changed = index_item_words()
        if facts:
            Proposal.objects.bulk_create(facts)
            # Its index is made by the approval, where items have other words than before.
            decide(
                ids=[one.pk for one in facts], review=Proposal.Review.APPROVED, by="benchmark",
                basis={"by": "benchmark"},
            )  # fmt: skip
            index_item_words()
            changed = ItemWords.objects.count()
        if joined:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute(_JOIN)
                cursor.execute("DELETE FROM search_itemwords")
        yield changed
        transaction.set_rollback(True)


def own_matches(queries: Sequence[str]) -> list[int]:
    """Of each query how many items hold all its words themselves, at most 1,001."""
    found = []
    for query in queries:
        reading = read(SearchRequest(query=query))
        matches = [] if reading.query.is_empty else (
            lexical.match_all_terms(reading.words, within=reading.within)
        )  # fmt: skip
        found.append(sum(match.kind == "all" for match in matches))
    return found


def _first(query: str) -> list[int]:
    scored, _ = candidates_of(SearchRequest(query=query))
    return [one.candidate.item_id for one in scored[:K]]
