"""Queries that a language model wrote for items: screened, each once, and proposed to people.

Whatever writes them hands them in here. What is stored is a proposal: the source `llm` offers
it to the store of queries, where it waits in the queue of approval, is tried on the live search
and is held back if it does not find the item that it was written for.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from catalog.models import Item
from search.bans import current_bans
from search.models import Proposal, Query
from search.personal_data import is_private
from search.proposal_models import Kind
from search.query_sources.base import presentable
from search.text import normalize_query

LEAST_WORDS = 2
MOST_WORDS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A query as it was written. `evidence`: the words of the item that it rests on.

    `confidence`: mean log-probability of a token, where the model tells.
    """

    text: str
    descriptor: str
    evidence: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who wrote it, from which prompt, at what cost, in which job."""

    model: str
    revision: str
    prompt_version: str
    call: int
    money: Decimal = Decimal(0)
    job: uuid.UUID | None = None

    def columns(self) -> dict[str, Any]:
        """Of a proposal's row."""
        return {
            "model": self.model[:200], "revision": self.revision[:64],
            "prompt_version": self.prompt_version, "call": self.call, "job": self.job,
        }  # fmt: skip


def propose(item: Item, written: Sequence[Written], *, text: str, origin: Origin) -> Counter[str]:
    """Store those that pass; how many were "proposed", and how many fell for which reason.

    Args:
        item: what they were written for.
        written: at most a handful.
        text: all that the writer was told of the item; evidence is looked for in it.
        origin: of all of them.
    """
    told: Counter[str] = Counter()
    plain, title = normalize_query(text), normalize_query(item.title)
    bans = current_bans()
    share = origin.money / max(1, len(written))
    for one in written:
        fit = presentable(one.text)
        why = (
            "not presentable" if fit is None
            else _why_not(fit[1], one, plain=plain, title=title)
        )  # fmt: skip
        if fit is None or why or bans.holds(fit[1]):
            told[why or "banned"] += 1
            continue
        _, is_new = Proposal.objects.get_or_create(
            kind=Kind.QUERY, item=item, subject="", normalized=fit[1],
            defaults={
                "text": fit[0], "descriptor": one.descriptor, "evidence": one.evidence[:200],
                "money": share, "confidence": one.confidence, "content_hash": item.content_hash,
                **origin.columns(),
            },
        )  # fmt: skip
        told["proposed" if is_new else "known"] += 1
    return told


def _why_not(normalized: str, one: Written, *, plain: str, title: str) -> str:
    """Why a query is not proposed; "" where it is."""
    words = normalized.split()
    evidence = normalize_query(one.evidence)
    tests: Iterable[tuple[str, bool]] = (
        ("too short", len(words) < LEAST_WORDS),
        ("too long", len(words) > MOST_WORDS),
        ("repeats itself", len(set(words)) < len(words)),
        ("personal data", is_private(one.text)),
        # The title leads to one known thing: there is nothing to explore in it.
        ("names the item", title in normalized or normalized in title),
        ("no evidence", not evidence or evidence not in plain),
        ("stands already", Query.objects.filter(normalized=normalized).exclude(
            source=Query.Source.WRITTEN).exists()),
    )  # fmt: skip
    return next((name for name, fails in tests if fails), "")
