"""A user model of what was known before a moment, trained apart and frozen: an input of the ranker.

Source: Bhattacharya et al., UniCoRn, RecSys 2024 (vectors of a user foundation model as inputs);
    the network is `recs.ml.user_model`, one and small.
"""

from dataclasses import dataclass, replace

from recs.ml.errors import NothingToLearn
from recs.ml.fit_types import RunOptions
from recs.ml.item_content import ItemContent
from recs.ml.sequence_data import SequenceData, TrainOptions, hold_back
from recs.ml.transformer import TransformerConfig
from recs.ml.unified.prepared import Prepared
from recs.ml.user_model import UserModelConfig
from recs.ml.user_model_fit import UserModelSettings, fit_user_model


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonModelConfig:
    """Its size, and for how long it is trained."""

    embedding_size: int = 64
    # Newest events of a history that are read.
    longest: int = 200
    steps: int = 900
    epochs: tuple[int, int] = (5, 30)
    # Newest events that decide when to stop.
    questions: int = 2_000
    most_validated: int = 1_500

    def settings(self) -> UserModelSettings:
        """Of the network and of its training."""
        body = TransformerConfig(embedding_size=self.embedding_size)
        return UserModelSettings(
            net=UserModelConfig(body=body, longest=self.longest),
            steps=self.steps,
            epochs=self.epochs,
        )


def with_person_model(
    prepared: Prepared,
    config: PersonModelConfig,
    *,
    seed: int = 0,
    options: RunOptions | None = None,
) -> Prepared:
    """The same with a user model of the events before its moment; without, where nobody has two.

    Args:
        prepared: as of a moment.
        config: see its fields.
        seed: of weights and batches.
        options: where it runs.
    """
    options = options or RunOptions()
    options.say("the user model that the ranker reads")
    histories = prepared.data.log.wanted.before(prepared.until)
    learned, targets, further = hold_back(histories, config.questions)
    data = SequenceData(
        histories=learned,
        targets=targets,
        content=ItemContent.of_text(prepared.texts.items),
        further=further,
    )
    told = TrainOptions(seed=seed, most_validation_people=config.most_validated, run=options)
    try:
        return replace(prepared, person=fit_user_model(data, config.settings(), told))
    except NothingToLearn:
        return prepared
