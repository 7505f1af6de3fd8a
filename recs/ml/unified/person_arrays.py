"""The user model that the ranker reads, in NumPy: people and items that come later, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.served_model import Member, member_arrays, member_config, member_encoder, member_facts
from recs.ml.user_encoder import UserEncoder

Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonArrays:
    """A frozen user model. `items`: (N + 1, S) float32, those of the vocabulary as candidates."""

    member: Member
    encoder: UserEncoder
    items: Floats

    @classmethod
    def of(cls, member: Member) -> "PersonArrays":
        """What answers, of what was trained."""
        return cls.of_arrays(member_arrays(member), member_config(member))

    @classmethod
    def of_arrays(cls, arrays: Arrays, config: Mapping[str, Any]) -> "PersonArrays":
        """What was saved.

        Raises:
            KeyError: where something is missing.
            ValueError: where parts do not fit together.
        """
        encoder = member_encoder(arrays, config)
        member = Member(
            config=config["net"],
            weights=encoder.weights,
            facts=member_facts(arrays, config),
            tables=encoder.tables,
            known=encoder.known,
        )
        return cls(member=member, encoder=encoder, items=encoder.item_table())

    def users(self, histories: Histories) -> Floats:
        """(U, S) float32; zeros for who did nothing."""
        return self.encoder.encode(histories)

    def placed(self, text: Floats) -> Floats:
        """(n, S) float32, items that came later, by what their text says.

        Args:
            text: (n, T) float32 vectors.
        """
        count = len(text)
        table = np.concatenate([np.zeros((1, text.shape[1]), np.float32), text])
        facts = self.member.facts
        tables = facts.tables(ItemContent.of_text(table), np.zeros(count + 1, np.int64))
        return self.encoder.items.candidates(tables)[1:]
