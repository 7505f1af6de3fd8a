"""Names: creators, and values of the attributes that the profile calls names (cast, writers)."""

from collections.abc import Iterator

from catalog.models import Profile
from search.query_sources import facts
from search.query_sources.base import CandidateQuery, anchor, presentable

NAME = "names"
# A name with one item leads where that item's title leads.
MIN_ITEMS = 2
ATTRIBUTE_NAMES = f"""{facts.ITEMS}, names AS MATERIALIZED ({facts.NAMES}),
    once AS (
        SELECT id, weight, value, array_agg(attribute) AS attributes
        FROM names GROUP BY id, weight, value
    )
    SELECT value, count(*), {facts.POPULARITY.format(weight="weight")},
           {facts.WITNESSES.format(item="id", weight="weight")},
           mode() WITHIN GROUP (ORDER BY attributes[1])
    FROM once GROUP BY value HAVING count(*) >= {MIN_ITEMS} ORDER BY value"""  # noqa: S608


class Names:
    """People, makers, brands: whoever the catalog names."""

    name = NAME

    def candidates(self, profile: Profile) -> Iterator[CandidateQuery]:
        """One query for each name, creators first."""
        creators = facts.joint_facts(["creator"], minimum=MIN_ITEMS, profile=profile)
        for (name,), count, popularity, witnesses in creators:
            if fit := presentable(name):
                yield CandidateQuery(
                    text=fit[0],
                    normalized=fit[1],
                    source=NAME,
                    provenance={"rule": "creator", "creator": name},
                    anchors=(anchor("creator", name),),
                    answers_estimate=count,
                    popularity=popularity,
                    witnesses=witnesses,
                )
        if not profile.name_attributes:
            return
        for name, count, popularity, witnesses, key in facts.rows(ATTRIBUTE_NAMES, profile):
            if fit := presentable(name):
                yield CandidateQuery(
                    text=fit[0],
                    normalized=fit[1],
                    source=NAME,
                    provenance={"rule": "name", "name": name, "attribute": key},
                    anchors=(anchor("name", name),),
                    answers_estimate=count,
                    popularity=popularity,
                    witnesses=witnesses,
                )
