"""A tuned labeller on disk: the blocks that were tuned, what it says bad above, and what taught it.

The frozen blocks are those of the package: the folder names its weights by their hash.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from recs.ml.artifacts import Artifact, load_artifact, save_artifact
from recs.ml.errors import ArtifactError
from recs.ml.fit_types import FitConfig
from recs.ml.match.tuned import Tuned, TunedConfig, packaged_net
from recs.ml.text_encoder import encoder_revision
from recs.ml.vocabulary import Vocabulary

KIND = "tuned labeller"


def save_tuned(directory: Path, tuned: Tuned, model_dir: Path, about: Mapping[str, Any]) -> str:
    """Write it; it never changes afterwards.

    Args:
        directory: its place; must not exist.
        tuned: what is written.
        model_dir: the encoder that it was tuned from.
        about: what taught it, and which set it must not have seen; goes into JSON.

    Returns:
        SHA-256 (hex) of the manifest.

    Raises:
        CannotWrite: for a full disk and the like.
        ArtifactError: where the folder exists, or a weight is not finite.
    """
    report = tuned.report
    metrics: dict[str, Any] = {"taught": tuned.taught}
    if report is not None:
        metrics |= {
            "auc of those that said when to stop": report.best_score, "seconds": report.seconds,
            "epoch": report.best_epoch, "stopped by": report.stopped_by,
        }  # fmt: skip
    return save_artifact(
        directory,
        Artifact(
            config={
                "kind": KIND, "encoder": encoder_revision(model_dir), "bound": tuned.bound,
                "taught": tuned.taught, "config": asdict(tuned.config),
            },
            tensors=dict(tuned.net.state_dict()),
            vocabulary=Vocabulary(()),
            metrics=metrics,
            card=f"# A labeller of pairs, tuned\n\nTaught by {tuned.taught:,} reviewed pairs; it "
            "works offline, and says bad or good without evidence.\n",
            provenance={**about, "seed": tuned.config.fit.seed, "device": "cpu"},
        ),
    )  # fmt: skip


def load_tuned(directory: Path, model_dir: Path) -> Tuned:
    """Read it after checking each of its files.

    Raises:
        ArtifactError: where a file is missing or changed, it is something else, or it was tuned
            from other weights than these.
    """
    artifact = load_artifact(directory)
    told = artifact.config
    if told.get("kind") != KIND:
        raise ArtifactError(f"{directory} holds no tuned labeller.")
    if told["encoder"] != encoder_revision(model_dir):
        raise ArtifactError(f"{directory} was tuned from other weights than the encoder's.")
    try:
        config = _config(told["config"])
        net = packaged_net(model_dir, config)
        net.load_state_dict({
            name: torch.tensor(values) for name, values in artifact.tensors.items()
        })  # fmt: skip
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ArtifactError(f"{directory} cannot be read: {error}") from error
    return Tuned(
        net=net.eval(), bound=float(told["bound"]), config=config, taught=int(told["taught"])
    )


def _config(told: Mapping[str, Any]) -> TunedConfig:
    """As it was; JSON turned its tuples into lists."""
    fit = dict(told["fit"])
    for name in ("betas", "rate_factors"):
        fit[name] = tuple(tuple(one) if isinstance(one, list) else one for one in fit[name])
    own = {each.name: told[each.name] for each in fields(TunedConfig) if each.name != "fit"}
    return TunedConfig(**own, fit=FitConfig(**fit))
