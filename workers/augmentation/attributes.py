"""Facts of items against the catalog's own schema: attributes, categories, and tags.

A model is asked about items that it was not asked about, in the draw of written queries: more of
the tail. Whatever it states is a proposal with the place of its evidence; search.written_facts
checks it, and search.added_facts lets it count once it is approved.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from django.db.models import Exists, OuterRef

from catalog.jobs import track
from catalog.models import Item
from search.fact_schema import FactSchema
from search.models import Proposal
from search.proposal_models import Kind
from search.written_facts import WrittenFact, propose_facts
from workers.augmentation.closed_facts import ClosedFacts
from workers.augmentation.drawing import drawn
from workers.augmentation.open_facts import OpenFacts
from workers.augmentation.writing import origin_of
from workers.llm.client import Answer, ask, is_known
from workers.llm.jobs import spent_by, work
from workers.llm.providers import provider, writes_freely
from workers.llm.types import Prompt, Provider

KIND = "llm.write_attributes"
CHUNK = 200


class FactForm(Protocol):
    """One way to ask for facts. `version`: of the wording, kept with whatever comes of it."""

    version: str

    @property
    def schema(self) -> FactSchema:
        """What may be stated."""
        ...

    def prompt_for(self, item: Item) -> Prompt | None:
        """The question for one item; None where there is nothing to ask."""
        ...

    def read(self, item: Item, answer: Answer) -> list[WrittenFact]:
        """The facts of an answer that fits the question's schema."""
        ...


def fact_form_for(asked: Provider) -> FactForm:
    """How this provider is asked: LLM_WRITES, or by its size."""
    return OpenFacts() if writes_freely(asked) else ClosedFacts()


def write_attributes(
    *, items: int, seed: int = 0, job_id: str | None = None, bar: bool = False
) -> None:
    """Have facts stated of so many items, and propose those that pass."""
    params = {"items": items, "seed": seed}
    with track(kind=KIND, params=params, job_id=job_id, bar=bar) as progress:
        params = progress.job.params
        asked = provider()
        form = fact_form_for(asked)

        def write(item: Item) -> Counter[str]:
            prompt = form.prompt_for(item)
            if prompt is None:
                return Counter({"nothing to choose from": 1})
            answer = ask(prompt, provider=asked, job=progress.job)
            origin = origin_of(answer, asked=asked, version=form.version, job=progress.job)
            written = form.read(item, answer)
            if not written:
                return Counter({"nothing stated": 1})
            return propose_facts(item.pk, written, schema=form.schema, origin=origin)

        chosen = waiting(form, asked, items=int(params["items"]), seed=int(params.get("seed", 0)))
        work(chosen, write, provider=asked, progress=progress)
        progress.result.update(spent_by(progress))


def prompts(items: int, asked: Provider) -> list[Prompt]:
    """What a job would ask."""
    form = fact_form_for(asked)
    found = (form.prompt_for(item) for item in waiting(form, asked, items=items, seed=0))
    return [prompt for prompt in found if prompt is not None]


def waiting(form: FactForm, asked: Provider, *, items: int, seed: int) -> Sequence[Item]:
    """Visible items that have no facts of this prompt and of their present text, drawn.

    Those that it was asked about and stated nothing of come last: what it answered is known.
    """
    stated = Proposal.objects.filter(
        kind=Kind.ATTRIBUTE, item=OuterRef("pk"), prompt_version=form.version,
        content_hash=OuterRef("content_hash"),
    )  # fmt: skip
    order = drawn(Item.objects.visible().filter(~Exists(stated)), seed=seed)
    new: list[Item] = []
    known: list[Item] = []
    for item in _items(order):
        prompt = form.prompt_for(item)
        if prompt is None:
            continue
        (known if is_known(prompt, provider=asked) else new).append(item)
        if len(new) == items:
            break
    return [*new, *known][:items]


def _items(order: Sequence[int]) -> Iterator[Item]:
    for start in range(0, len(order), CHUNK):
        found = Item.objects.defer("search_vector").in_bulk(order[start : start + CHUNK])
        yield from (found[key] for key in order[start : start + CHUNK] if key in found)
