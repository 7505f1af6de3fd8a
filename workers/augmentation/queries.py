"""Exploratory queries for items, along a taxonomy of descriptors; more for the tail.

Source: Palumbo et al., AudioBoost, 2025 (queries written for audiobooks along descriptors).
Differs: the taxonomy is stated here, each query names the words of the item that it rests on, what
does not find its item on the live search is not shown, and a model that is too small to write
chooses from wordings that the item's own words allow (the closed form).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from catalog.jobs import track
from catalog.models import Item
from search.models import Proposal
from search.proposal_models import Kind
from search.written_queries import propose
from workers.augmentation.closed_form import Closed
from workers.augmentation.drawing import drawn
from workers.augmentation.form import Form, text_of
from workers.augmentation.open_form import Open
from workers.augmentation.writing import origin_of
from workers.llm.client import ask
from workers.llm.jobs import spent_by, work
from workers.llm.providers import provider, writes_freely
from workers.llm.types import Provider

KIND = "llm.write_queries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a job would ask and cost before it starts: guesses of tokens, at the longest answers."""

    items: int
    tokens: int
    money: str
    model: str


def form_for(asked: Provider) -> Form:
    """How this provider is asked: LLM_WRITES, or by its size."""
    return Open() if writes_freely(asked) else Closed()


def write_queries(
    *, items: int, seed: int = 0, job_id: str | None = None, bar: bool = False
) -> None:
    """Have queries written for so many items that have none of this prompt, and propose them."""
    params = {"items": items, "seed": seed}
    with track(kind=KIND, params=params, job_id=job_id, bar=bar) as progress:
        params = progress.job.params
        asked = provider()
        form = form_for(asked)
        chosen = choose(items=int(params["items"]), seed=int(params["seed"]), version=form.version)

        def write(item: Item) -> Counter[str]:
            prompt = form.prompt_for(item)
            if prompt is None:
                return Counter({"nothing to choose from": 1})
            answer = ask(prompt, provider=asked, job=progress.job)
            origin = origin_of(answer, asked=asked, version=form.version, job=progress.job)
            written = form.read(item, answer)
            if not written:
                return Counter({"nothing likely": 1})
            return propose(item, written, text=text_of(item), origin=origin)

        work(chosen, write, provider=asked, progress=progress)
        progress.result.update(spent_by(progress))


def estimate(*, items: int, seed: int = 0, asked: Provider | None = None) -> Estimate:
    """A dry run: nothing is asked."""
    asked = asked or provider()
    form = form_for(asked)
    found = map(form.prompt_for, choose(items=items, seed=seed, version=form.version))
    prompts = [prompt for prompt in found if prompt is not None]
    made = sum(prompt.max_tokens for prompt in prompts)
    given = sum(prompt.guessed_tokens for prompt in prompts) - made
    return Estimate(
        items=len(prompts), tokens=given + made, money=f"{asked.price.of(given, made):f}",
        model=asked.model,
    )  # fmt: skip


def choose(*, items: int, seed: int, version: str) -> Sequence[Item]:
    """Visible items without queries of this prompt, drawn: the less wanted the more often."""
    written = Proposal.objects.filter(kind=Kind.QUERY, item=OuterRef("pk"), prompt_version=version)
    chosen = drawn(Item.objects.visible().filter(~Exists(written)), seed=seed)[:items]
    found = Item.objects.in_bulk(chosen)
    return [found[key] for key in chosen if key in found]
