"""From what was learned to what answers requests."""

from collections.abc import Mapping

import numpy as np

from recs.ml.blended_parts import member_of
from recs.ml.item_content import ItemContent
from recs.ml.unified.item_arrays import ItemArrays
from recs.ml.unified.joint_systems import Learned
from recs.ml.unified.person_arrays import PersonArrays
from recs.ml.unified.prepared import Prepared
from recs.ml.unified.query_arrays import QueryArrays
from recs.ml.unified.served import ServedUnified, normal
from recs.ml.unified.towers import arrays_of
from recs.ml.user_model_fit import FittedUserModel


def served_of(learned: Learned, contents: Mapping[str, int]) -> ServedUnified:
    """What is saved as a version.

    Args:
        learned: a system that knows all surfaces.
        contents: keys of the versions whose vectors it read, by modality.
    """
    reader = learned.ranker.reader
    prepared, read_by = reader.prepared, reader.retriever.reader
    arrays = arrays_of(reader.retriever.towers)
    # Words of which something is known; of all others the text says all.
    rows = np.flatnonzero(np.diff(prepared.chosen.indptr) > 0)
    first: dict[str, int] = {}
    for row in rows.tolist():
        if row and (text := normal(prepared.texts.rows[row])):
            first.setdefault(text, row)
    kept = np.array([0, *first.values()], np.int64)
    return ServedUnified(
        vocabulary=prepared.data.vocabulary,
        tower=QueryArrays.of(arrays),
        item_tower=ItemArrays.of(arrays),
        facts=reader.facts(),
        scores=learned.ranker.scores,
        queries={text: place for place, text in enumerate(first, start=1)},
        query_graph=prepared.words.graph[kept],
        chosen=prepared.chosen[kept],
        attributes=prepared.items.attributes,
        counts=prepared.items.counts,
        rarity=prepared.maps.rarity,
        names=prepared.texts.facts,
        codes=prepared.maps.codes,
        quantiles=prepared.maps.quantiles,
        unseen=prepared.maps.unseen,
        weights=learned.retriever.weights,
        candidates=learned.ranker.candidates,
        history=read_by.history,
        asked=read_by.asked,
        imputes=read_by.imputes,
        cutoffs=learned.told["cutoffs"],
        content_versions=contents,
        person=_person_of(prepared),
    )


def _person_of(prepared: Prepared) -> PersonArrays | None:
    if prepared.person is None:
        return None
    assert isinstance(prepared.person, FittedUserModel)
    content = ItemContent.of_text(prepared.texts.items)
    # As the network knows them: by bucket.
    known = prepared.person.known.now()
    counts = np.where(known > 0, 2 ** np.maximum(known - 1, 0), 0)
    return PersonArrays.of(member_of(prepared.person, content, counts))
