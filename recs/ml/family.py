"""The sequence models by name: what each is, its settings and what differs from its paper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from recs.ml.family_member import Member
from recs.ml.family_user_model import USER_MODELS
from recs.ml.generation import GenerationConfig, train_generation
from recs.ml.gru4rec import Gru4RecConfig, train_gru4rec
from recs.ml.item2vec import Item2VecConfig, train_item2vec
from recs.ml.item_knn import ItemKnn, fit_item_knn
from recs.ml.item_knn_tuning import TuningOptions, tune_item_knn
from recs.ml.m3csr_member import SETTINGS as M3CSR_SETTINGS
from recs.ml.m3csr_member import train_m3csr
from recs.ml.popularity_scorer import PopularityScorer
from recs.ml.scorers import Scorer
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.text_neighbours import TextNeighboursConfig, tune_text_neighbours


class UnknownMember(ValueError):
    """There is no sequence model of that name."""


@dataclass(frozen=True, slots=True)
class NoConfig:
    """Of a member that has nothing to set."""


def _popularity(data: SequenceData, config: NoConfig, options: TrainOptions) -> Scorer:
    return PopularityScorer.of(data.histories, data.item_count)


def _item_knn(data: SequenceData, config: TuningOptions, options: TrainOptions) -> Scorer:
    seconds = config.seconds if options.seconds is None else options.seconds
    tuning = replace(config, seconds=seconds, seed=options.seed)
    return tune_item_knn(data.histories, data.targets, data.item_count, tuning).knn


def _popularity_again(
    chosen: Scorer, data: SequenceData, config: NoConfig, options: TrainOptions
) -> Scorer:
    return _popularity(data, config, options)


def _item_knn_again(
    chosen: Scorer, data: SequenceData, config: TuningOptions, options: TrainOptions
) -> Scorer:
    assert isinstance(chosen, ItemKnn)
    return fit_item_knn(data.histories, data.item_count, chosen.config)


def _text(data: SequenceData, config: TextNeighboursConfig, options: TrainOptions) -> Scorer:
    return tune_text_neighbours(data, config, options)


def _text_again(
    chosen: Scorer, data: SequenceData, config: TextNeighboursConfig, options: TrainOptions
) -> Scorer:
    """The same: nothing of it is learned from events."""
    return chosen


Config = TypeVar("Config", Gru4RecConfig, Item2VecConfig, GenerationConfig)


def _for_as_long(
    train: Callable[[SequenceData, Config, TrainOptions], Scorer],
) -> Callable[[Scorer, SequenceData, Config, TrainOptions], Scorer]:
    """Trains for as many epochs as validation had found best."""

    def again(chosen: Scorer, data: SequenceData, config: Config, options: TrainOptions) -> Scorer:
        epochs = getattr(chosen, "epochs", None) or config.fit.epochs
        return train(data, replace(config, fit=replace(config.fit, epochs=epochs)), options)

    return again


FAMILY: Final[Mapping[str, Member]] = {
    "popularity": Member(
        config=NoConfig(),
        train=_popularity,
        source="None: the floor.",
        published="None.",
        differs="Nothing known.",
        refit=_popularity_again,
    ),
    "item-knn": Member(
        config=TuningOptions(),
        train=_item_knn,
        source="Sarwar et al., Item-based Collaborative Filtering Recommendation Algorithms, "
        "WWW 2001; Linden, Smith and York, Item-to-Item Collaborative Filtering, 2003.",
        published="Cosine of the items' columns, no order, no window.",
        differs="Pairs count within a window, less with the gap and less backward; the two "
        "frequencies have a power each; rare pairs shrink; the newest items of a history count "
        "most. All numbers are chosen on validation.",
        refit=_item_knn_again,
    ),
    "text-neighbours": Member(
        config=TextNeighboursConfig(),
        train=_text,
        refit=_text_again,
        source="Lops, de Gemmis and Semeraro, Content-based Recommender Systems, 2011.",
        published="Cosine of a profile, the mean of what one liked, and each item.",
        differs="Vectors of a frozen sentence encoder (and of other modalities where there are "
        "any) instead of words; attributes by their rarity beside them; the profile fades with "
        "age. All numbers are chosen on validation.",
    ),
    "item2vec": Member(
        config=Item2VecConfig(),
        train=train_item2vec,
        refit=_for_as_long(train_item2vec),
        source="Barkan and Koenigstein, Item2Vec: Neural Item Embedding for Collaborative "
        "Filtering, 2016.",
        published="40 dimensions, 15 negatives by frequency ** 0.75, 20 epochs, subsampling of "
        "1e-5 (music) or 1e-3 (store), every pair of a basket.",
        differs="Adam on batches of pairs, for plain stochastic descent; negatives are drawn once "
        "for a batch and weighted to 15; pairs at most 50 positions apart; stopped by validation. "
        "The paper compares items only: here a person is the decayed mean of the newest ten.",
    ),
    "gru4rec": Member(
        config=Gru4RecConfig(),
        train=train_gru4rec,
        refit=_for_as_long(train_gru4rec),
        source="Hidasi et al., Session-based Recommendations with Recurrent Neural Networks, ICLR "
        "2016; Hidasi and Karatzoglou, Recurrent Neural Networks with Top-k Gains for "
        "Session-based Recommendations, CIKM 2018.",
        published="One layer of 100 units, Adagrad, batches of parallel sessions, cross entropy "
        "or BPR-max against the batch's items and 2,048 more, dropout by data set.",
        differs="Cross entropy against all items; Adam at 3e-3; whole histories padded to the "
        "left, at most the newest 50 events, in batches of like length; a layer norm on the "
        "output; one table for input and output; stopped by validation.",
    ),
    "generation": Member(
        config=GenerationConfig(),
        train=train_generation,
        refit=_for_as_long(train_generation),
        source="Rajput et al., Recommender Systems with Generative Retrieval (TIGER), NeurIPS "
        "2023.",
        published="Three RQ-VAE levels of 256 codes and a collision code; T5 with 4 layers in "
        "encoder and decoder, 6 heads of 64, 1,024 wide, input of 128, dropout 0.1; newest 20 "
        "items; hashed user tokens; batch 256, 200,000 steps, learning rate 0.01.",
        differs="Residual K-means codes whose number follows the catalogue; two causal layers "
        "over items, all positions trained; an item is read by the sum of its codes and its own "
        "embedding (use_ids=False leaves that away, as the paper does); a GRU cell decodes from "
        "code to code; no user tokens; batches of 64, Adam at 2e-3, stopped by validation. Codes "
        "that no item has are masked in the search, so that nothing invalid comes out.",
    ),
    "m3csr": Member(
        config=M3CSR_SETTINGS,
        train=train_m3csr,
        source="Chen et al., A Multi-modal Modeling Framework for Cold-start Short-video "
        "Recommendation, RecSys 2024.",
        published="Size 64, 4 heads, lists of 6 drawn anew at each step, about 1,000 clusters, "
        "BPR, AdamW, learning rate times 0.96 in 50 epochs.",
        differs="A person is the mean of the newest items in place of an id; lists and counts hold "
        "only what was before; content is frozen; differences of scores are scaled in the loss; "
        "some items are shown as if new. docs/m3csr.md has all of it.",
    ),
    **USER_MODELS,
}


def member(name: str) -> Member:
    """The member of that name.

    Raises:
        UnknownMember: where there is none.
    """
    if name not in FAMILY:
        raise UnknownMember(f"{name!r} is none of {', '.join(sorted(FAMILY))}.")
    return FAMILY[name]


def train(
    name: str, data: SequenceData, options: TrainOptions | None = None, **changes: Any
) -> Scorer:
    """A member trained on the histories and validated on the targets, under one protocol.

    Args:
        name: see FAMILY.
        data: what is learned from. Nothing of the targets gets into the weights; they stop
            training and choose settings.
        options: seed, seconds, device, who hears of it.
        changes: fields of the member's config that differ from its settings.

    Raises:
        UnknownMember: for another name.
        TypeError: for a field that the config does not have.
        NothingToLearn: where a network has no event to predict.
    """
    found = member(name)
    return found.train(data, replace(found.config, **changes), options or TrainOptions())
