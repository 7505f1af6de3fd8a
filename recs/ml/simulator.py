"""A closed loop: what is shown is clicked, what is clicked is learned from; coverage and velocity.

The people are made up, so what comes out compares recommenders under stated rules. It says nothing
of what real people would do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Given the histories so far, the items that exist, and the round, scores (U, N + 1).
Recommender = Callable[[Histories, Bools, int], Floats]
# What was before the loop happened in so many days up to day 0.
_DAYS_BEFORE = 100.0
# How fast attention falls along a page: the k-th place is looked at with 1 / log2(1 + k).
_FIRST = 2.0


def coverage(shown: Ints, new: Bools) -> float:
    """Share of new items among what was shown.

    Args:
        shown: item rows, any shape; 0 is an empty place and does not count.
        new: (N + 1,) bool.

    Returns:
        From 0 to 1; 0 where nothing was shown.
    """
    real = shown[shown > 0]
    return float(new[real].mean()) if len(real) else 0.0


def velocity(views: Ints, new: Bools, threshold: int) -> int:
    """Number of new items that were viewed at least `threshold` times.

    Args:
        views: (N + 1,) int64, views of each item in the time that is looked at.
        new: (N + 1,) bool.
        threshold: from 1. The published one is undisclosed, so report several.

    Raises:
        ValueError: for a threshold below 1.
    """
    if threshold < 1:
        raise ValueError("A threshold counts from 1.")
    return int(((views >= threshold) & new).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """People and items of the simulation.

    Tastes and items are points in a space of `tastes` dimensions; content of each modality is a
    noisy look at them, `content_size` numbers. `modality_noise`: by modality, beside a signal of
    about 1. A click has the log-odds `base` + `appeal` times how well taste and item agree + how
    good the item is, whoever looks (spread `quality`). `first_events`: views of each person before
    the loop, of the `items_at_first`.
    """

    people: int = 300
    items_at_first: int = 400
    new_each_round: int = 20
    rounds: int = 10
    page: int = 10
    tastes: int = 8
    modality_noise: Mapping[str, float]
    content_size: int = 32
    appeal: float = 2.0
    quality: float = 0.5
    base: float = -2.5
    first_events: int = 8
    seed: int = 0

    @property
    def item_count(self) -> int:
        """N, those that come later included."""
        return self.items_at_first + self.rounds * self.new_each_round


@dataclass(frozen=True, slots=True)
class World:
    """What is true and what can be seen.

    `chance`: (U, N + 1) probability that a person who looks at an item views it. `born`: (N + 1,)
    round from which an item exists, 0 from the start. `content`: what a recommender may read.
    """

    config: WorldConfig
    chance: Doubles
    born: Ints
    content: ItemContent
    first: Histories


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """`shown`: (rounds, U, page) rows. `views`: (N + 1,) of the loop, without what was before."""

    shown: Ints
    views: Ints
    new: Bools
    histories: Histories

    @property
    def coverage(self) -> float:
        """Share of new items among what was shown."""
        return coverage(self.shown, self.new)

    @property
    def views_each(self) -> float:
        """Views for each person and round."""
        rounds, people, _ = self.shown.shape
        return float(self.views.sum() / (rounds * people))

    def velocity(self, threshold: int) -> int:
        """New items with at least so many views."""
        return velocity(self.views, self.new, threshold)


def make_world(config: WorldConfig) -> World:
    """A world of which everything is drawn from `config.seed`."""
    random = np.random.default_rng(config.seed)
    items = random.normal(size=(config.item_count + 1, config.tastes))
    people = random.normal(size=(config.people, config.tastes))
    quality = random.normal(scale=config.quality, size=config.item_count + 1)
    liking = people @ items.T / config.tastes**0.5
    chance = 1.0 / (1.0 + np.exp(-(config.base + config.appeal * liking + quality)))
    chance[:, 0] = 0.0
    born = np.zeros(config.item_count + 1, np.int64)
    later = np.arange(config.rounds * config.new_each_round)
    born[config.items_at_first + 1 :] = later // config.new_each_round
    vectors = {
        name: _content(random, items, noise, config.content_size)
        for name, noise in config.modality_noise.items()
    }
    content = ItemContent(
        item_count=config.item_count,
        vectors=vectors,
        attributes=Attributes.none(config.item_count),
    )
    return World(config, chance, born, content, _first_events(random, chance, config))


def simulate(world: World, recommend: Recommender) -> SimulationReport:
    """Let people look at pages for some rounds, each page made of what is known by then.

    In each round new items appear, everybody gets the best `page` items that exist and that they
    have not viewed, and views each with the probability of place and taste. The draws of chance
    belong to person, item and round, so two recommenders that show the same see the same.

    Args:
        world: see there.
        recommend: called once in each round, with the histories up to then, (N + 1,) bool of the
            items that exist, and the round from 0. Events of the loop happen on day 1 + round,
            those before it on days up to 0.

    Returns:
        What was shown and viewed. New is what came in the loop's rounds.
    """
    config = world.config
    luck = np.random.default_rng([config.seed, 1])
    attention = 1.0 / np.log2(np.arange(config.page) + _FIRST)
    histories, shown = world.first, []
    views = np.zeros(config.item_count + 1, np.int64)
    for turn in range(config.rounds):
        exists = world.born <= turn
        exists[0] = False
        scores = np.array(recommend(histories, exists, turn), np.float64)
        scores[:, ~exists] = -np.inf
        scores[histories.owners, histories.items] = -np.inf
        page = _best(scores, config.page)
        chance = np.take_along_axis(world.chance, page, axis=1) * attention
        draws = luck.random(world.chance.shape)
        viewed = np.take_along_axis(draws, page, axis=1) < chance
        viewed &= page > 0
        shown.append(page)
        np.add.at(views, page[viewed], 1)
        histories = _with(histories, np.nonzero(viewed)[0], page[viewed], 1.0 + turn)
    new = np.arange(config.item_count + 1) > config.items_at_first
    return SimulationReport(np.stack(shown), views, new, histories)


def _content(random: np.random.Generator, items: Doubles, noise: float, size: int) -> Floats:
    """A look at items from an angle of its own; unit length, row 0 zeros."""
    seen = items @ random.normal(size=(items.shape[1], size)) / items.shape[1] ** 0.5
    seen += noise * random.normal(size=seen.shape)
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    seen[0] = 0.0
    return np.asarray(seen, np.float32)


def _first_events(random: np.random.Generator, chance: Doubles, config: WorldConfig) -> Histories:
    """What everybody viewed before the loop, of items that exist then, by what they like."""
    known = chance[:, 1 : config.items_at_first + 1]
    # Gumbel noise: a draw without replacement in proportion to the chances.
    keys = np.log(known) + random.gumbel(size=known.shape)
    items = np.argsort(-keys, axis=1)[:, : config.first_events] + 1
    return Histories(
        people=tuple(str(person) for person in range(config.people)),
        offsets=np.arange(config.people + 1, dtype=np.int64) * items.shape[1],
        items=items.ravel().astype(np.int64),
        kinds=np.zeros(items.size, np.int8),
        days=np.sort(random.uniform(-_DAYS_BEFORE, 0.0, items.shape), axis=1).ravel(),
    )


def _best(scores: Doubles, k: int) -> Ints:
    """(U, k) rows, best first; 0 where too few are left."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(scores, order, axis=1)
    return np.where(np.isneginf(found), 0, order).astype(np.int64)


def _with(histories: Histories, people: Ints, items: Ints, day: float) -> Histories:
    """The histories and what was viewed now, each at the end of its history."""
    owners = np.concatenate([histories.owners, people])
    order = np.argsort(owners, kind="stable")
    lengths = np.bincount(owners, minlength=len(histories))
    return Histories(
        people=histories.people,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.concatenate([histories.items, items])[order],
        kinds=np.zeros(len(owners), np.int8),
        days=np.concatenate([histories.days, np.full(len(items), day)])[order],
    )
