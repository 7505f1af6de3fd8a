"""Where a run stands, on disk, so that it goes on after a kill -9 as if there had been none."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from recs.ml import sealed
from recs.ml.errors import ArtifactError, CheckpointMismatch
from recs.ml.fit_types import EpochReport, FitConfig

_PREFIX = "checkpoint-"
_STATE, _TENSORS = "state.json", "tensors.safetensors"


@dataclass(slots=True, kw_only=True)
class RunState:
    """Where a run stands, besides weights and the optimizer's memory."""

    # The epoch it is in and the batches of it that are done, from 0.
    epoch: int = 0
    step: int = 0
    # Steps of all epochs; a batch with nothing to predict makes none.
    total_steps: int = 0
    # Sum of the losses of the epoch's steps so far, and their number.
    loss_sum: float = 0.0
    losses: int = 0
    best_epoch: int | None = None
    best_score: float | None = None
    validations_without_gain: int = 0
    curve: list[EpochReport] = field(default_factory=list)
    # Into how many parts a batch is cut, for lack of memory.
    parts: int = 1
    seconds: float = 0.0
    # `seconds` when the epoch began.
    epoch_began: float = 0.0
    stopped_by: str = ""
    notes: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Back from `asdict`."""
        state = cls(**values)
        return replace(state, curve=[EpochReport(**point) for point in values["curve"]])


def fingerprint(net: nn.Module, config: FitConfig, identity: str) -> str:
    """What a checkpoint must agree with: shapes of the weights, config and data."""
    shapes = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    text = json.dumps([shapes, asdict(config), identity], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Checkpoints:
    """The checkpoints of one run, in one folder; the newest whole one counts."""

    def __init__(self, directory: Path, run: str) -> None:
        """Of the run with that `fingerprint`."""
        self._directory, self._run = directory, run

    def save(self, state: RunState, tensors: Mapping[str, Tensor]) -> None:
        """Write where the run stands, then forget the one before.

        Raises:
            CannotWrite: for a full disk and the like; the one before stays as it is.
        """
        place = self._directory / f"{_PREFIX}{state.epoch:06d}-{state.step:09d}"
        older = [path for path in self._found() if path != place]
        if place.exists():
            # Of the same moment; it was damaged, else the run would have gone on from it.
            shutil.rmtree(place)

        def write(folder: Path) -> None:
            (folder / _STATE).write_text(json.dumps(asdict(state)), encoding="utf-8")
            # Clones: safetensors refuses weights that share memory.
            copies = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
            save_file(copies, folder / _TENSORS)

        sealed.seal(place, write, about={"run": self._run})
        for path in older:
            shutil.rmtree(path, ignore_errors=True)

    def load(self) -> tuple[RunState, dict[str, Tensor]] | None:
        """The newest checkpoint that is whole; None where there is none.

        Raises:
            CheckpointMismatch: where it is of another run.
        """
        sealed.remove_leftovers(self._directory)
        for path in reversed(self._found()):
            try:
                manifest = sealed.verify(path)
            except ArtifactError:
                # A disk that lost power or was tampered with: the one before may be whole.
                continue
            if manifest.get("run") != self._run:
                raise CheckpointMismatch(
                    f"{path} is of another run: another network, config or data. Remove "
                    "the folder to start anew."
                )
            values = json.loads((path / _STATE).read_text(encoding="utf-8"))
            return RunState.from_json(values), load_file(path / _TENSORS)
        return None

    def _found(self) -> list[Path]:
        return sorted(self._directory.glob(f"{_PREFIX}*"))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's memory by name, such as "3.exp_avg" of the fourth weight."""
    memory: dict[int, dict[str, Tensor]] = optimizer.state_dict()["state"]
    return {f"{n}.{key}": tensor for n, held in memory.items() for key, tensor in held.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give it back what `optimizer_tensors` returned."""
    memory: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, key = name.split(".", 1)
        memory.setdefault(int(number), {})[key] = tensor.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": memory})


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same under longer names."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those whose name starts so, without the start."""
    start = f"{prefix}/"
    return {name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)}
