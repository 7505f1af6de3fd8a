"""Titles of items and of collections: the query that leads to one known thing."""

from collections.abc import Iterator

from catalog.models import Profile
from search.query_sources import facts
from search.query_sources.base import CandidateQuery, anchor, presentable

NAME = "titles"
ITEM_TITLES = f"""{facts.ITEMS}
    SELECT title, count(*), {facts.POPULARITY.format(weight="weight")},
           {facts.WITNESSES.format(item="id", weight="weight")},
           (array_agg(year ORDER BY weight DESC, id))[1]
    FROM items GROUP BY title ORDER BY title"""  # noqa: S608  constants only
COLLECTION_TITLES = f"""{facts.ITEMS}
    SELECT c.id, c.title, count(*), {facts.POPULARITY.format(weight="items.weight")},
           (array_agg(items.id ORDER BY e.position))[1:5]
    FROM catalog_collection c
    JOIN catalog_collectionitem e ON e.collection_id = c.id
    JOIN items ON items.id = e.item_id
    WHERE NOT c.is_hidden GROUP BY c.id ORDER BY c.id"""  # noqa: S608


class Titles:
    """Titles, wherever the thing can be seen."""

    name = NAME

    def candidates(self, profile: Profile) -> Iterator[CandidateQuery]:
        """One query for each title; namesakes share theirs."""
        for title, count, popularity, witnesses, year in facts.rows(ITEM_TITLES, profile):
            provenance = {"rule": "item_title", "item": witnesses[0], "year": year}
            if fit := presentable(title):
                yield CandidateQuery(
                    text=fit[0],
                    normalized=fit[1],
                    source=NAME,
                    provenance=provenance,
                    anchors=(anchor("item", witnesses[0]),),
                    answers_estimate=count,
                    popularity=popularity,
                    witnesses=witnesses,
                )
        for key, title, count, popularity, witnesses in facts.rows(COLLECTION_TITLES, profile):
            if fit := presentable(title):
                yield CandidateQuery(
                    text=fit[0],
                    normalized=fit[1],
                    source=NAME,
                    provenance={"rule": "collection_title", "collection": key},
                    anchors=(anchor("collection", key),),
                    answers_estimate=count,
                    popularity=popularity,
                    witnesses=witnesses,
                )
