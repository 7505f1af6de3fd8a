"""SASRec, Foray's user model, and the user model with one part off: what each part is worth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from recs.ml.blended import Blended, BlendedSettings, fit_blended, refit_blended
from recs.ml.family_member import Member
from recs.ml.item_facts import ItemFactsConfig
from recs.ml.item_side import ItemSideConfig
from recs.ml.scorers import Scorer
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.user_model import UserModelConfig
from recs.ml.user_model_fit import (
    FittedUserModel,
    UserModelSettings,
    fit_user_model,
    refit_user_model,
)


def _network(data: SequenceData, config: UserModelSettings, options: TrainOptions) -> Scorer:
    return fit_user_model(data, config, options)


def _blended(data: SequenceData, config: BlendedSettings, options: TrainOptions) -> Scorer:
    return fit_blended(data, config, options)


def _network_again(
    chosen: Scorer, data: SequenceData, config: UserModelSettings, options: TrainOptions
) -> Scorer:
    assert isinstance(chosen, FittedUserModel)
    return refit_user_model(chosen, data, config, options)


def _blended_again(
    chosen: Scorer, data: SequenceData, config: BlendedSettings, options: TrainOptions
) -> Scorer:
    assert isinstance(chosen, Blended)
    return refit_blended(chosen, data, config, options)


IDS_ALONE: Final = ItemSideConfig(
    use_content=False, use_attributes=False, use_codes=False, use_gate=False
)
SASREC: Final = UserModelSettings(
    net=UserModelConfig(items=IDS_ALONE, use_kinds=False, use_gaps=False)
)
USER_MODEL: Final = BlendedSettings()


def _without(**parts: Any) -> UserModelSettings:
    """One network of the user model with these parts of an item switched off."""
    return UserModelSettings(net=UserModelConfig(items=ItemSideConfig(**parts)))


def _ablation(config: UserModelSettings | BlendedSettings, what: str) -> Member:
    alone = isinstance(config, UserModelSettings)
    return Member(
        config=config,
        train=_network if alone else _blended,
        source="See user-model.",
        published="None: an ablation.",
        differs=f"The user model{', one network alone,' if alone else ''} {what}.",
    )


USER_MODELS: Final[Mapping[str, Member]] = {
    "sasrec": Member(
        config=SASREC,
        train=_network,
        source="Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018; Klenitskiy "
        "and Vasilev, Turning Dross Into Gold Loss, RecSys 2023 (cross entropy).",
        published="Two blocks, one head, 50 dimensions, dropout 0.2 or 0.5, newest 50 or 200 "
        "items, Adam at 1e-3, batches of 128, binary cross entropy with one drawn item.",
        differs="Cross entropy against all items; 128 dimensions, two heads, dropout 0.5, a rate "
        "of 1.5e-3 that falls to 0 (what validation on Beauty chose); layer norm before each part; "
        "ages of events in buckets; histories up to 2,000; stopped by validation.",
        refit=_network_again,
    ),
    "sasrec-published-loss": Member(
        config=replace(SASREC, loss="bce"),
        train=_network,
        source="Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018.",
        published="See sasrec.",
        differs="As sasrec, but with the paper's loss.",
    ),
    "user-model": Member(
        config=USER_MODEL,
        train=_blended,
        source="Foray's own. Chen et al., A Multi-modal Modeling Framework for Cold-start "
        "Short-video Recommendation, RecSys 2024 (codes and gate); see the parts' files.",
        published="None as a whole.",
        differs="Two networks of different seeds, neighbours, content and popularity; weights "
        "learned on validation, and a second look at the first hundred.",
        refit=_blended_again,
    ),
    "user-model-alone": _ablation(UserModelSettings(), "with nothing blended"),
    "user-model-no-codes": _ablation(_without(use_codes=False), "without semantic IDs"),
    "user-model-random-codes": _ablation(
        UserModelSettings(facts=ItemFactsConfig(codes="random")), "with random codes"
    ),
    "user-model-no-content": _ablation(
        _without(use_content=False, use_attributes=False), "without mapped content and attributes"
    ),
    "user-model-no-gate": _ablation(_without(use_gate=False), "without the gate"),
    "user-model-published-loss": _ablation(
        UserModelSettings(loss="bce"), "with binary cross entropy"
    ),
    "user-model-no-blend": _ablation(
        BlendedSettings(blend=False), "its two networks averaged and nothing beside them"
    ),
}
