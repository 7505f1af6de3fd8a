"""RQ-VAE: residual codes in a learned space, the alternative to residual K-means.

Source: Rajput et al., Recommender Systems with Generative Retrieval (TIGER), NeurIPS 2023,
section 3.1; Zeghidour et al., SoundStream, 2021 (dead codes take the place of drawn inputs).
Differs from the paper: input standardised, AdamW instead of Adagrad, codebooks started by residual
K-means over all points, dead codes revived: with the published settings the codebooks collapse.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.kmeans import fit_centroids, nearest_centroids
from recs.ml.seeding import generator
from recs.ml.semantic_ids import assign_points
from recs.ml.trainer import fit

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BATCH_STREAM = 71
START_STREAM = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class RqVaeConfig:
    """Sizes of the network and its loss."""

    levels: int = 3
    codes: int = 256
    hidden: tuple[int, ...] = (512, 256, 128)
    latent: int = 32
    # Weight of the pull of the encoder toward its codes.
    beta: float = 0.25
    # A code that no point of so many steps in a row took is put onto a point.
    revive_after: int = 20

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing."""
        if min(self.levels, self.codes, self.latent, self.revive_after, *self.hidden) < 1:
            raise ValueError("No size of an RQ-VAE is below 1.")


# What works on 12,000 points of 384 dimensions.
FIT = FitConfig(
    epochs=200,
    learning_rate=1e-3,
    weight_decay=1e-4,
    batch_size=1024,
    warmup_steps=50,
    schedule="cosine",
    patience=0,
    precision="fp32",
)


@dataclass(frozen=True, slots=True)
class PointBatch:
    """Some of the points: (B, D) float."""

    points: Tensor

    @property
    def terms(self) -> int:
        """One for each point."""
        return len(self.points)

    def __len__(self) -> int:
        """B."""
        return len(self.points)

    def rows(self, start: int, stop: int) -> Self:
        """Some of them."""
        return type(self)(self.points[start:stop])

    def to(self, device: torch.device | str) -> Self:
        """The same on a device."""
        return type(self)(self.points.to(device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """`codes`: (B, L) int64. `latent`: (B, latent) sum of the codes. `losses`: (B,) of codes."""

    codes: Tensor
    latent: Tensor
    losses: Tensor


class RqVae(nn.Module):
    """Encoder, L codebooks, decoder."""

    mean: Tensor
    spread: Tensor
    unused: Tensor

    def __init__(self, points: Floats, config: RqVaeConfig) -> None:
        """A network for points (N, D) like these, whose mean and spread it keeps."""
        super().__init__()
        self.config = config
        sizes = [points.shape[1], *config.hidden, config.latent]
        self.encoder = _layers(sizes)
        self.decoder = _layers(sizes[::-1])
        self.codebooks = nn.Parameter(torch.zeros(config.levels, config.codes, config.latent))
        self.register_buffer("mean", torch.from_numpy(points.mean(axis=0)))
        spread = points.std(axis=0)
        self.register_buffer("spread", torch.from_numpy(np.where(spread > 1e-6, spread, 1.0)))
        # Steps since a point last took the code.
        unused = torch.zeros(config.levels, config.codes, dtype=torch.int64)
        self.register_buffer("unused", unused)

    def forward(self, points: Tensor) -> tuple[Tensor, Quantized]:
        """Points as they come back, standardised, (B, D), and their codes."""
        found = self.quantize(self.encoder(self.standardise(points)))
        return self.decoder(found.latent), found

    def standardise(self, points: Tensor) -> Tensor:
        """(B, D) with mean 0 and spread 1 in each dimension over the points of fitting."""
        return (points - self.mean) / self.spread

    def quantize(self, latent: Tensor) -> Quantized:
        """Codes level by level; the gradient passes through as if there were none. (B, latent)."""
        left, taken, losses = latent, [], torch.zeros(len(latent), device=latent.device)
        for level in range(self.config.levels):
            if self.training:
                self._revive(level, left.detach())
            table = self.codebooks[level]
            codes = torch.cdist(left.detach(), table.detach()).argmin(dim=1)  # (B,)
            if self.training:
                self.unused[level] += 1
                self.unused[level, codes] = 0
            chosen = table[codes]  # (B, latent)
            losses = losses + (left.detach() - chosen).square().sum(dim=1)
            losses = losses + self.config.beta * (left - chosen.detach()).square().sum(dim=1)
            left = left - chosen.detach()
            taken.append(codes)
        # The sum of the codes, with the gradient of what was encoded.
        summed = latent - left.detach()
        return Quantized(codes=torch.stack(taken, dim=1), latent=summed, losses=losses)

    @torch.no_grad()
    def assign(self, points: Floats) -> Ints:
        """Codes of points (N, D): (N, L) int64."""
        self.eval()
        parts = torch.split(torch.from_numpy(points), 8192)
        latent = [self.encoder(self.standardise(part.to(self.mean.device))) for part in parts]
        tables = self.codebooks.detach().cpu().numpy()
        return assign_points(torch.cat(latent).cpu().numpy(), list(tables))

    @torch.no_grad()
    def reconstruct(self, codes: Ints) -> Floats:
        """What codes (N, L'), L' <= L, say of the points: (N, D) float32."""
        self.eval()
        levels = enumerate(torch.from_numpy(codes.T).to(self.mean.device))
        latent = torch.stack([self.codebooks[level][column] for level, column in levels]).sum(0)
        found: Floats = (self.decoder(latent) * self.spread + self.mean).cpu().numpy()
        return found

    @torch.no_grad()
    def start_codebooks(self, points: Floats, *, seed: int) -> None:
        """Residual K-means over the encoded points (N, D), before the first step."""
        left = self.encoder(self.standardise(torch.from_numpy(points))).numpy()
        for level in range(self.config.levels):
            rng = np.random.default_rng([seed, START_STREAM, level])
            table = fit_centroids(left, self.config.codes, generator=rng)
            left = left - table[nearest_centroids(left, table)]
            self.codebooks[level, : len(table)] = torch.from_numpy(table)
            # Fewer points than codes: the rest waits far away until a point is drawn for it.
            self.codebooks[level, len(table) :] = 1e3

    @torch.no_grad()
    def _revive(self, level: int, left: Tensor) -> None:
        """Put codes that nothing took for long onto points of this batch, drawn at random."""
        dead = torch.nonzero(self.unused[level] >= self.config.revive_after).flatten()
        if len(dead):
            drawn = torch.randint(len(left), (len(dead),)).to(left.device)
            self.codebooks.data[level, dead] = left[drawn]
            self.unused[level, dead] = 0


def rqvae_loss(net: RqVae, batch: PointBatch) -> Tensor:
    """Mean over the points: squared error of what comes back, and that of the codes. ()."""
    returned, found = net(batch.points)
    error = (returned - net.standardise(batch.points)).square().mean(dim=1)
    loss: Tensor = (error + found.losses / net.config.latent).mean()
    return loss


def fit_rqvae(
    points: Floats,
    *,
    config: RqVaeConfig,
    fit_config: FitConfig = FIT,
    options: RunOptions | None = None,
) -> RqVae:
    """An RQ-VAE of these points.

    Args:
        points: (N, D) float32, as ContentSpace.embed() gives them.
        config: of the network.
        fit_config: of the run; its seed decides everything that is drawn.
        options: where it runs and who hears of it.

    Raises:
        ValueError: without points.
        NonFiniteLoss, Cancelled and others: see trainer.fit().
    """
    if not len(points):
        raise ValueError("There are no points to make codes of.")
    net = RqVae(points, config)
    _start_weights(net, seed=fit_config.seed)
    net.start_codebooks(points, seed=fit_config.seed)
    held = torch.from_numpy(points)

    def batches(epoch: int) -> Iterator[PointBatch]:
        order = torch.randperm(len(held), generator=generator(fit_config.seed, BATCH_STREAM, epoch))
        return (PointBatch(held[rows]) for rows in torch.split(order, fit_config.batch_size))

    fit(net, loss=rqvae_loss, batches=batches, config=fit_config, options=options)
    return net


def _layers(sizes: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def _start_weights(net: RqVae, *, seed: int) -> None:
    """The same weights for the same seed, whatever was drawn before."""
    drawn = generator(seed, START_STREAM)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=drawn)
            module.bias.zero_()
