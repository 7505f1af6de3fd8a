"""A network small enough to train in a test, also as a process of its own that can be killed.

python -m tests.recs.ml.tiny WEIGHTS [--checkpoints DIR] [--slow]
"""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from recs.ml.batches import BatchConfig, SequenceBatch, next_item_batches
from recs.ml.histories import Histories
from recs.ml.losses import full_softmax_loss
from recs.ml.seeding import generator
from recs.ml.trainer import FitConfig, FitProgress, FitReport, RunOptions, fit

ITEMS = 40
CONFIG = FitConfig(
    epochs=4, batch_size=8, warmup_steps=4, learning_rate=0.02, patience=0, precision="fp32"
)


class TinyNet(nn.Module):
    """Says from the last item alone what comes next."""

    def __init__(self, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        random = generator(seed)
        self.table = nn.Parameter(torch.randn(ITEMS + 1, 8, generator=random) * 0.1)
        self.layer = nn.Linear(8, 8)
        self.dropout = nn.Dropout(dropout)
        with torch.no_grad():
            self.layer.weight.copy_(torch.randn(8, 8, generator=random) * 0.3)
            self.layer.bias.zero_()

    def forward(self, batch: SequenceBatch) -> Tensor:
        return self.layer(self.dropout(self.table[batch.items]))  # (B, T, D)


def tiny_loss(net: TinyNet, batch: SequenceBatch) -> Tensor:
    wanted = batch.targets != 0
    return full_softmax_loss(net(batch)[wanted], net.table, batch.targets[wanted])


def tiny_histories() -> Histories:
    """60 people who each walk through the catalogue in steps of one."""
    random = np.random.default_rng(0)
    walks = [np.arange(random.integers(2, 12)) + random.integers(1, 28) for _ in range(60)]
    return Histories.of_lists([[int(row) for row in walk] for walk in walks])


def tiny_batches(epoch: int, batch_size: int = 8) -> Iterable[SequenceBatch]:
    config = BatchConfig(longest=10, batch_size=batch_size)
    return next_item_batches(tiny_histories(), config, epoch=epoch)


def tiny_score(net: TinyNet) -> float:
    return -float(sum(tiny_loss(net, batch) for batch in tiny_batches(0)))


def train(net: TinyNet, options: RunOptions | None = None, **config: object) -> FitReport:
    return fit(
        net,
        loss=tiny_loss,
        batches=tiny_batches,
        validate=tiny_score,
        config=FitConfig(**{**vars_of(CONFIG), **config}),
        options=options,
    )


def weights(net: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor], tolerance: float = 0.0) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.allclose(one[name], other[name], rtol=0, atol=tolerance), name


def vars_of(config: FitConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights", type=Path)
    parser.add_argument("--checkpoints", type=Path)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--slow", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)

    def tell(progress: FitProgress) -> None:
        sys.stdout.write(f"{progress.epoch} {progress.step}\n")
        sys.stdout.flush()

    net = TinyNet(args.dropout)
    if args.slow:
        net.register_forward_hook(lambda *_: time.sleep(0.05) if net.training else None)
    options = RunOptions(
        device="cpu",
        checkpoint_dir=args.checkpoints,
        checkpoint_seconds=0.1,
        progress=tell if args.slow else None,
    )
    report = train(net, options)
    args.weights.parent.mkdir(parents=True, exist_ok=True)
    # Each process writes its own: they must agree.
    place = torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
    save_file(dict(net.state_dict()), f"{args.weights}.{place}")
    sys.stdout.write(f"processes: {report.processes}\n")


if __name__ == "__main__":
    main()
