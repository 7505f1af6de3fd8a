"""M3CSR as a member of the family of sequence models."""

import dataclasses

from recs.ml.errors import NothingToLearn
from recs.ml.m3csr_config import M3csrConfig
from recs.ml.m3csr_fit import Asked, DecayingFitConfig, M3csrFitConfig, fit_m3csr
from recs.ml.m3csr_fitted import M3csrScorer
from recs.ml.sequence_data import SequenceData, TrainOptions

# Leave-one-out asks for warm items, so few are shown as new; chosen on validation with the rest.
SETTINGS = M3csrFitConfig(
    net=M3csrConfig(score_scale=8.0, alpha=0.1, hidden_share=0.1, popular_negatives=0.3),
    fit=DecayingFitConfig(
        epochs=60, learning_rate=3e-3, warmup_steps=50, batch_size=1024, patience=5
    ),
)


def train_m3csr(data: SequenceData, config: M3csrFitConfig, options: TrainOptions) -> M3csrScorer:
    """Train and validate on what people went on to.

    Raises:
        NothingToLearn: where nobody has a history and a target to validate on.
        ValueError: where items have no content vectors, which clusters are made of.
    """
    sample = data.sample(options.most_validation_people, options.seed)
    if not len(sample.targets):
        raise NothingToLearn("Nobody has a history and something that came after it.")
    seeded = dataclasses.replace(config.fit, seed=options.seed)
    fitted = fit_m3csr(
        data.histories,
        data.content,
        dataclasses.replace(config, fit=seeded),
        options.run_options(),
        asked=Asked(sample.histories, sample.targets),
    )
    return fitted.for_everybody()
