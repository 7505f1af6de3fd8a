"""Queries that a language model wrote for items, and people approved (search.written_queries)."""

from collections.abc import Iterator

from catalog.models import Profile
from search.query_sources import facts
from search.query_sources.base import CandidateQuery, anchor

NAME = "llm"
RULE = "written"
# A query of a model is worth less than what people wanted says, until people say otherwise.
WRITTEN = f"""{facts.ITEMS}
    SELECT min(w.text), w.normalized, count(*), {facts.POPULARITY.format(weight="items.weight")},
           {facts.WITNESSES.format(item="items.id", weight="items.weight")},
           (array_agg(w.descriptor ORDER BY items.weight DESC, w.id))[1],
           (array_agg(w.evidence ORDER BY items.weight DESC, w.id))[1],
           (array_agg(w.model ORDER BY items.weight DESC, w.id))[1],
           (array_agg(w.prompt_version ORDER BY items.weight DESC, w.id))[1]
    FROM search_proposal w JOIN items ON items.id = w.item_id
    WHERE w.kind = 'query' AND w.review <> 'rejected'
    GROUP BY w.normalized ORDER BY w.normalized"""  # noqa: S608  constants only


class WrittenByModels:
    """What was written for items that can be seen."""

    name = NAME

    def candidates(self, profile: Profile) -> Iterator[CandidateQuery]:
        """One for each wording, with the items that it was written for."""
        for row in facts.rows(WRITTEN, profile):
            text, normalized, count, popularity, witnesses, descriptor, evidence, model, prompt = (
                row
            )
            yield CandidateQuery(
                text=text,
                normalized=normalized,
                source=NAME,
                provenance={
                    "rule": RULE, "item": witnesses[0], "descriptor": descriptor,
                    "evidence": evidence, "model": model, "prompt": prompt,
                },
                # Comes up where its item is among the first hits.
                anchors=tuple(anchor("like", item) for item in witnesses[:1]),
                answers_estimate=count,
                popularity=popularity,
                witnesses=witnesses,
            )  # fmt: skip
