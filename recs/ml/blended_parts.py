"""From what was fitted to what is saved and served."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from recs.ml.blended import Blended
from recs.ml.item_content import ItemContent
from recs.ml.sequence_data import SequenceData
from recs.ml.served_model import Member, Parts
from recs.ml.user_model_fit import FittedUserModel

Ints = npt.NDArray[np.int64]


def parts_of(blended: Blended, data: SequenceData, attributes: Sequence[str] = ()) -> Parts:
    """What makes up a version; `served_model.saved` gives its config and tensors.

    Args:
        blended: what was fitted.
        data: on what.
        attributes: names of the content's attributes, in the order of their numbers.
    """
    return Parts(
        members=[
            member_of(fitted, data.content, data.histories.counts(data.item_count))
            for fitted in blended.members
        ],
        weights=blended.weights(),
        knn=blended.knn,
        again=blended.ranking.nets,
        candidates=blended.ranking.candidates,
        attributes=attributes,
    )


def member_of(fitted: FittedUserModel, content: ItemContent, counts: Ints) -> Member:
    """What is saved of one network.

    Args:
        fitted: it.
        content: of all N items.
        counts: (N + 1,) int64, events of each that it learned from.
    """
    state = fitted.net.state_dict()
    return Member(
        config=asdict(fitted.net.config),
        weights={name: tensor.detach().cpu().numpy() for name, tensor in state.items()},
        facts=fitted.facts,
        tables=fitted.facts.tables(content, counts),
        known=fitted.known,
    )
