"""The user model with everything that speaks beside it, weighed on validation: what is served."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.evidence import (
    Evidence,
    KnnEvidence,
    ModelEvidence,
    NewItemEvidence,
    PopularityEvidence,
    content_evidence,
)
from recs.ml.histories import Histories
from recs.ml.item_knn import ItemKnn, ItemKnnConfig, fit_item_knn
from recs.ml.item_knn_tuning import TuningOptions, tune_item_knn
from recs.ml.mixture import Contests, Mixture, MixtureConfig, contests, fit_mixture
from recs.ml.new_items import NewItemConfig, fit_new_items, room_for_new
from recs.ml.reranker import Reranked, RerankerConfig, fit_reranker
from recs.ml.seeding import array_generator
from recs.ml.semantic_ids import SemanticIds
from recs.ml.sequence_data import Sample, SequenceData, TrainOptions
from recs.ml.user_model_fit import (
    FittedUserModel,
    UserModelSettings,
    fit_user_model,
    refit_user_model,
)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendedSettings:
    """User models, neighbours, and how they are weighed."""

    user_model: UserModelSettings = field(default_factory=UserModelSettings)
    # Networks of different seeds whose scores are averaged: their vectors side by side are one.
    members: int = 2
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    reranker: RerankerConfig = field(default_factory=RerankerConfig)
    # False leaves the user model alone with itself.
    blend: bool = True
    tuning_seconds: float = 120.0
    # Share of items that are taken for new when the weights of new items are learned.
    new_share: float = 0.1
    # What new items may cost known ones: this share of their NDCG@10 (`new_items.room_for_new`).
    new_room: float = 0.05
    # Neighbours in two further senses: what came right after, and what stood anywhere near.
    further_knn: tuple[tuple[str, ItemKnnConfig], ...] = (
        (
            "follows",
            ItemKnnConfig(
                window=1, backward=0.0, source_power=0.6, target_power=0.1, history=3, sharpness=1.0
            ),
        ),
        (
            "around",
            ItemKnnConfig(
                window=50, backward=1.0, gap_power=0.3, source_power=0.5, target_power=0.5,
                history=30, recency_power=0.3, sharpness=1.0,
            ),
        ),
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Refuse no member."""
        if self.members < 1:
            raise ValueError("members counts from 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """A Scorer: what was fitted, and their mixture."""

    members: tuple[FittedUserModel, ...]
    knn: dict[str, ItemKnn]
    ranking: Reranked

    @property
    def item_count(self) -> int:
        """N."""
        return self.ranking.item_count

    def score(self, histories: Histories, persons: Ints) -> Floats:
        """(B, N + 1) float32; see `Scorer`."""
        return self.ranking.score(histories, persons)

    def weights(self) -> dict[str, float]:
        """The learned weight of each number."""
        mixture = self.ranking.mixture
        return dict(zip(mixture.names, map(float, mixture.weights), strict=True))


def fit_blended(
    data: SequenceData,
    settings: BlendedSettings,
    options: TrainOptions,
    semantic_ids: SemanticIds | None = None,
) -> Blended:
    """Everything fitted on the histories, weighed by what people went on to.

    Args:
        data: see there.
        settings: see its fields.
        options: `seconds` is what the whole may take: the neighbours get a tenth of it at most,
            the networks share 85 % less that; the weights need what is left.
        semantic_ids: those that the installation has; None fits them.

    Raises:
        NothingToLearn: where no history has two events.
    """
    started = time.monotonic()
    if settings.blend:
        options.run.say("choosing how to count neighbours")
    knn = _neighbours(data, settings, options.seconds) if settings.blend else {}
    if options.seconds is not None:
        left = 0.85 * options.seconds - (time.monotonic() - started)
        options = replace(options, seconds=max(left, 1.0))
    members = [
        fit_user_model(
            data, settings.user_model, _begin_member(settings, options, number), semantic_ids
        )
        for number in range(settings.members)
    ]
    return Blended(
        members=tuple(members),
        knn=knn,
        ranking=_weighed(data, settings, options, members, knn),
    )


def refit_blended(
    chosen: Blended, data: SequenceData, settings: BlendedSettings, options: TrainOptions
) -> Blended:
    """Networks and neighbours fitted on more events; what validation chose stays.

    Args:
        chosen: weights, second look and numbers of the neighbours are taken from it.
        data: the events, those of the validation included; its targets are not read.
        settings: as the chosen one was fitted with.
        options: see `fit_blended`.
    """
    counts = data.histories.counts(data.item_count)
    members = tuple(
        refit_user_model(
            member, data, settings.user_model, _begin_member(settings, options, number)
        )
        for number, member in enumerate(chosen.members)
    )
    knn = {
        name: fit_item_knn(data.histories, data.item_count, found.config)
        for name, found in chosen.knn.items()
    }
    mixture = chosen.ranking.mixture
    if settings.blend:
        evidence = _evidence(members, knn, content_evidence(data.content), counts)
    else:
        evidence = [ModelEvidence(members)]
    ranking = replace(chosen.ranking, mixture=replace(mixture, evidence=evidence))
    return Blended(members=members, knn=knn, ranking=ranking)


def _begin_member(settings: BlendedSettings, options: TrainOptions, number: int) -> TrainOptions:
    """Say that a member begins; its options: a seed, a share of the seconds, an own checkpoint."""
    own = replace(options, seed=options.seed * 1000 + number)
    name = f"network {number + 1}" if number < settings.members else "the scout"
    options.run.say(f"training {name}")
    if options.seconds is not None:
        # The scout is trained half as long as a member.
        own = replace(own, seconds=max(options.seconds / (settings.members + 0.5), 1.0))
    folder = options.run.checkpoint_dir
    folder = folder / f"member-{number}" if folder else None
    return replace(own, run=replace(options.run, checkpoint_dir=folder))


def _neighbours(
    data: SequenceData, settings: BlendedSettings, seconds: float | None
) -> dict[str, ItemKnn]:
    budget = min(settings.tuning_seconds, seconds / 10 if seconds else settings.tuning_seconds)
    tuned = tune_item_knn(
        data.histories, data.targets, data.item_count, TuningOptions(seconds=budget)
    )
    further = {
        name: fit_item_knn(data.histories, data.item_count, config)
        for name, config in settings.further_knn
    }
    return {"neighbours": tuned.knn, **further}


def _weighed(
    data: SequenceData,
    settings: BlendedSettings,
    options: TrainOptions,
    members: Sequence[FittedUserModel],
    knn: dict[str, ItemKnn],
) -> Reranked:
    """Weights for what is known, then those that only new items have, then the second look."""
    seed = options.seed
    counts = data.histories.counts(data.item_count)
    if not settings.blend:
        alone = Mixture([ModelEvidence(members)], np.ones(1, np.float32), data.item_count)
        return Reranked(alone, (), 1)
    options.run.say("weighing the evidence")
    content = content_evidence(data.content)
    sample = data.sample(settings.mixture.most_people, seed)
    config = replace(settings.mixture, fixed=_names_of_new(content))
    # Items that are really new could not be wanted: from them nothing is learned of new items.
    absent = counts == 0
    evidence = _evidence(members, knn, content, counts)
    mixture = fit_mixture(evidence, sample, data.item_count, config, absent)
    size = settings.reranker.candidates
    many = data.sample(settings.reranker.most_people, seed)
    further: list[Contests] = []
    if content:
        drawn = array_generator(seed, 23).random(data.item_count + 1) < settings.new_share
        is_new = drawn & ~absent
        pretended = _evidence(
            [_scout(data, is_new, settings, options)],
            {name: _without(found, is_new) for name, found in knn.items()},
            content,
            np.where(is_new, 0, counts),
        )
        fitted = fit_new_items(
            mixture.weights,
            pretended,
            is_new,
            _without_items(sample, is_new),
            NewItemConfig(ridge=settings.mixture.ridge, excluded=absent),
        )
        mixture = Mixture(mixture.evidence, fitted.weights, data.item_count)
        further.append(contests(fitted, _without_items(many, is_new), size, absent))
    options.run.say("learning the second look")
    contest = sum(further, contests(mixture, many, size, absent))
    nets = fit_reranker(contest, settings.reranker, seed)
    for pretended_contest in further:
        place = mixture.names.index("new_item")
        lift = room_for_new(pretended_contest, nets, place, settings.new_room)
        nets = tuple(net.lifted(place, lift) for net in nets)
        if not nets:
            weights = mixture.weights.copy()
            weights[place] += lift
            mixture = replace(mixture, weights=weights)
    return Reranked(mixture, nets, size)


def _scout(
    data: SequenceData, is_new: Bools, settings: BlendedSettings, options: TrainOptions
) -> FittedUserModel:
    """A network that truly never saw the items that are taken for new.

    Networks that learned from an item's events know its content better than that of an item which
    is really new: weights learned with them would trust them too far.
    """
    histories = data.histories.only(~is_new[data.histories.items])
    targets = np.where(is_new[data.targets], 0, data.targets)
    further = data.further
    if further is not None:
        further = _without_items(further, is_new)
        further = further.select(np.flatnonzero(~is_new[further.targets]))
    steps, epochs = settings.user_model.steps, settings.user_model.epochs
    shorter = replace(
        settings.user_model,
        steps=max(1, steps // 2),
        epochs=(max(1, epochs[0] // 2), max(1, epochs[1] // 2)),
    )
    fewer = replace(data, histories=histories, targets=targets, further=further)
    return fit_user_model(fewer, shorter, _begin_member(settings, options, settings.members))


def _evidence(
    members: Sequence[FittedUserModel],
    knn: dict[str, ItemKnn],
    content: Sequence[Evidence],
    counts: Ints,
) -> list[Evidence]:
    known: list[Evidence] = [
        ModelEvidence(members),
        *(KnnEvidence(name, found) for name, found in knn.items()),
        *content,
        PopularityEvidence(counts),
    ]
    if content:
        known.append(NewItemEvidence(counts == 0, [known[0], *content]))
    return known


def _names_of_new(content: Sequence[Evidence]) -> tuple[str, ...]:
    if not content:
        return ()
    return NewItemEvidence(np.zeros(1, np.bool_), [ModelEvidence(()), *content]).names


def _without(knn: ItemKnn, is_new: Bools) -> ItemKnn:
    """As if nobody had ever wanted those items."""
    kept = sparse.diags((~is_new).astype(np.float32))
    similar = (kept @ knn.similar @ kept).tocsr()
    return replace(knn, similar=similar, popularity=np.where(is_new, 0, knn.popularity))


def _without_items(sample: Sample, is_new: Bools) -> Sample:
    """The people as they would be had they never met those items before."""
    histories = sample.histories.only(~is_new[sample.histories.items])
    return Sample(histories, sample.targets).select(np.flatnonzero(histories.lengths > 0))
