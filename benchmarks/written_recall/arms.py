"""What is written for items, by whom and at what cost: the model's, and what costs nothing."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from benchmarks.written_recall.cases import ALL, Asked
from catalog.models import Item
from search.models import Proposal, Query
from search.proposal_models import Kind
from search.query_checks import try_query
from search.query_sources.base import presentable
from workers.augmentation.attributes import fact_form_for, waiting, write_attributes
from workers.augmentation.phrases import choices, lexicon
from workers.augmentation.queries import choose, form_for, write_queries
from workers.llm.ledger import used
from workers.llm.providers import provider
from workers.llm.types import Provider
from workers.models import LlmCall

# As many as the closed form keeps of its choices.
MOST_BY_LOT = 2

Row = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to have something written: (item, text) that count as approved.

    `facts`: proposals of facts that count as approved, beside what the feed states. `calls`,
    `tokens`, `money`: the ledger's; nothing for what code alone does. `asked`: the items that a
    model was asked about, None where every item had its turn.
    """

    name: str
    rows: Sequence[Row] = ()
    facts: Sequence[Proposal] = ()
    calls: int = 0
    tokens: int = 0
    money: Decimal = Decimal(0)
    asked: int | None = None

    @property
    def items(self) -> int:
        """For how many items there is something."""
        return len({item for item, _ in self.rows} | {one.item_id for one in self.facts})

    @property
    def wordings(self) -> int:
        """How much is written."""
        return len(self.rows) + len(self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one model made of one prompt: the items drawn, and its proposals that passed."""

    model: str
    version: str
    drawn: Sequence[int]
    proposals: Sequence[Proposal]
    calls: int
    tokens: int
    money: Decimal
    came_of_it: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """A job of the product: what it makes, the version of its prompt, its draw, and itself."""

    kind: str
    version: Callable[[Provider], str]
    choose: Callable[[Provider, int, int], Sequence[Item]]
    write: Callable[..., None]


QUERIES = Writes(
    kind=Kind.QUERY,
    version=lambda asked: form_for(asked).version,
    choose=lambda asked, items, seed: choose(
        items=items, seed=seed, version=form_for(asked).version
    ),
    write=write_queries,
)
FACTS = Writes(
    kind=Kind.ATTRIBUTE,
    version=lambda asked: fact_form_for(asked).version,
    choose=lambda asked, items, seed: waiting(fact_form_for(asked), asked, items=items, seed=seed),
    write=write_attributes,
)


def let_write(writes: Writes, *, items: int, seed: int, kept: Path) -> Written:
    """The product's own job, for so many items in all; of a kept home only for those that lack.

    It is told of items alone: no query that is judged stands in the database.

    Args:
        writes: the job.
        items: drawn as the job draws them, the less wanted the more often.
        seed: of the draw.
        kept: a file that says which items were drawn before.
    """
    asked = provider()
    version = writes.version(asked)
    key = f"{asked.model} {version}"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    drawn = [int(item) for item in known.get(key, [])]
    missing = items - len(drawn)
    if missing > 0:
        # The job draws the same: its draw depends on the seed and on what was written before. What
        # was asked before and gave nothing may be drawn again, at no cost.
        lot = seed + len(drawn)
        more = writes.choose(asked, missing, lot)
        writes.write(items=missing, seed=lot)
        drawn += [item.pk for item in more if item.pk not in set(drawn)]
        kept.write_text(json.dumps({**known, key: drawn}))
    batch = {"model": asked.model[:200], "revision": asked.revision[:64], "prompt_version": version}
    calls = LlmCall.objects.filter(**batch)
    spent = used(calls)
    return Written(
        model=asked.model, version=version, drawn=drawn,
        proposals=list(Proposal.objects.filter(kind=writes.kind, **batch).order_by("pk")),
        calls=spent.calls, tokens=spent.tokens, money=spent.money,
        came_of_it=Counter(calls.values_list("outcome", flat=True)),
    )  # fmt: skip


def fact_arms(written: Written) -> list[Arm]:
    """What the door let through, as if somebody had approved all of it."""
    return [
        Arm(
            name="the model's facts, all that pass the screen", facts=written.proposals,
            calls=written.calls, tokens=written.tokens, money=written.money,
            asked=len(written.drawn),
        )
    ]  # fmt: skip


def model_arms(written: Written) -> list[Arm]:
    """What is accepted where nobody reviews: all that finds its item; and all that was proposed.

    The first is the store's own test (search.query_checks), tried before anything is indexed.
    """
    cost = {"calls": written.calls, "tokens": written.tokens, "money": written.money,
            "asked": len(written.drawn)}  # fmt: skip
    finds = [row for row in written.proposals if finds_its_item(row)]
    return [
        Arm(name="the model's, where it finds its item", rows=_rows(finds), **cost),
        Arm(name="the model's, all that pass the screen", rows=_rows(written.proposals), **cost),
    ]


def finds_its_item(row: Proposal) -> bool:
    """Whether the live search finds the item among its first ten, as before an approval."""
    made_from = {"rule": "written", "item": row.item_id}
    query = Query(text=row.text, normalized=row.normalized, provenance=made_from)
    return not try_query(query).held_back


def wordings_of(items: Sequence[Item]) -> dict[int, list[str]]:
    """What the closed form may choose from, of every item that has any; by code alone."""
    told = lexicon()
    found = {item.pk: [one.text for one in choices(item, told)] for item in items}
    return {item: texts for item, texts in found.items() if texts}


def code_arms(
    name: str, offered: Mapping[int, Sequence[str]], drawn: Sequence[int], seed: int
) -> list[Arm]:
    """Without a model: all wordings of all items; two by lot of all, and of those drawn."""
    random = np.random.default_rng(seed)
    by_lot = [
        (item, str(text))
        for item, texts in sorted(offered.items())
        for text in random.permutation(list(texts))[:MOST_BY_LOT]
    ]
    mine = set(drawn)
    arms = [
        Arm(name=f"{name}, all", rows=[(item, t) for item, ts in offered.items() for t in ts]),
        Arm(name=f"{name}, two by lot", rows=by_lot),
    ]
    if mine:
        rows = [row for row in by_lot if row[0] in mine]
        arms.append(Arm(name=f"{name}, two by lot, items asked", rows=rows, asked=len(mine)))
    return arms


def ceiling(asked: Asked, keys: Mapping[str, int]) -> Arm:
    """No result: the judged queries themselves, written for all that answers them.

    It tells what a writer could reach who knew what people will ask.
    """
    rows = [
        (keys[item], query)
        for query, items in sorted(asked.slices[ALL].items())
        for item in sorted(items)
        if item in keys
    ]
    return Arm(name="ceiling: the judged queries themselves", rows=rows)


def as_proposals(rows: Sequence[Row]) -> list[Proposal]:
    """Approved ones, each item's each wording once; what cannot be shown is left out."""
    found: dict[tuple[int, str], Proposal] = {}
    for item, text in rows:
        fit = presentable(text)
        if fit is not None:
            found.setdefault(
                (item, fit[1]),
                Proposal(
                    kind=Kind.QUERY, item_id=item, text=fit[0], normalized=fit[1], call=0,
                    model="benchmark", prompt_version="benchmark",
                    review=Proposal.Review.APPROVED, basis={"by": "benchmark"},
                ),
            )  # fmt: skip
    return list(found.values())


def _rows(proposals: Sequence[Proposal]) -> list[Row]:
    return [(row.item_id, row.text) for row in proposals if row.item_id]
