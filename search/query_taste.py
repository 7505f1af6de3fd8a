"""What a recommended query is worth to this person: does it lead to something they will want?

    lead    for each of the first hits of the query (kept when search.query_checks tried it; its
            witnesses where it was not tried yet) that the person has not had: how much they are
            inclined to it (recs.inclination), summed, each next hit counting LOOKED times as much
    worth   the stated score * (NEUTRAL + (1 - NEUTRAL) * lead / the best lead of the page)

So relevance to the page stays in it, and of two queries as relevant the one comes first that leads
this person on. What leads them to less than LEAST_SHARE of the best lead is left out: it would only
stand between. Leads are compared with one another alone, as their scale differs from catalog to
catalog. Where nothing leads anywhere (nobody is known, or nothing of their taste) the stated score
orders. A live ranker reads the person itself: its chance stands as it is.
"""

from collections.abc import Sequence

from catalog.types import Viewer
from recs.history import read_history
from recs.inclination import inclinations
from search.query_candidates import Candidate

NEUTRAL = 0.2
LEAST_SHARE = 0.4
# Of what somebody did: each search reads it, and what is older was seldom had of late.
MOST_ACTS = 2_000
# How a list is read: Moffat and Zobel, "Rank-biased precision", TOIS 2008.
LOOKED = 0.8


def leads_of(viewer: Viewer, candidates: Sequence[Candidate]) -> list[float] | None:
    """The lead of each candidate for this viewer, as shares of the best lead among them.

    Returns:
        None where none of them leads anywhere. Two statements; none for nobody.
    """
    if viewer.is_nobody or not candidates:
        return None
    items = {item for each in candidates for item in each.first_hits}
    found = inclinations(read_history(viewer=viewer, most=MOST_ACTS), items)
    leads = [
        sum(found.get(item, 0.0) * LOOKED**n for n, item in enumerate(each.first_hits))
        for each in candidates
    ]
    best = max(leads)
    return [lead / best for lead in leads] if best > 0 else None


def worth_to(lead: float, stated: float) -> float:
    """See the head of this file; `lead` as a share of the best."""
    return stated * (NEUTRAL + (1 - NEUTRAL) * lead)
