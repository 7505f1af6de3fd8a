"""Everything that is known before a moment, made ready: what is learned from and what is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.histories import Histories
from recs.ml.item_content import ItemContent
from recs.ml.item_facts import ItemFacts, ItemFactsConfig, fit_item_facts
from recs.ml.item_knn import ItemKnn, ItemKnnConfig, fit_item_knn
from recs.ml.seeding import array_generator
from recs.ml.unified.examples import (
    home_examples,
    made_examples,
    search_examples,
    similar_examples,
)
from recs.ml.unified.inputs import FactNames, ItemInputs, WordInputs
from recs.ml.unified.joint_files import JointData
from recs.ml.unified.lexical import Bm25, fit_bm25
from recs.ml.unified.quality import NAMES, Quantiles, fit_quantiles, smoothed_rating
from recs.ml.unified.query_graph import edges_of, fit_query_graph
from recs.ml.unified.surfaces import Examples
from recs.ml.unified.tokens import TokenWeights, count_tokens, fit_token_weights

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
DoubleFloats = npt.NDArray[np.float64]

Encode = Callable[[Sequence[str]], Floats]

# Days after which an event counts half among the recent ones.
HALF_LIFE = 180.0
# Made searches of an item besides its title.
MADE_FACTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What stands in the table of words, and vectors; made once, for no moment changes them.

    Rows of words: 0 none, then the Q queries, then the titles of the N items, then the values of
    the facts. `items`: (N + 1, T), `words`: (M + 1, T) float32 unit vectors.
    """

    rows: tuple[str, ...]
    first_title: int
    first_fact: int
    facts: FactNames
    items: Floats
    words: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedConfig:
    """How it is made ready."""

    knn: ItemKnnConfig = field(default_factory=ItemKnnConfig)
    k1: float = 0.9
    b: float = 0.5
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedMaps:
    """From what is stated of an item to what the towers read of it.

    `unseen`: (F,) float64, the qualities of an item of which nothing is known, before `quantiles`.
    """

    rarity: TokenWeights
    codes: ItemFacts
    quantiles: Quantiles
    unseen: DoubleFloats


class PersonVectors(Protocol):
    """A user model: a score is a product of rows of both."""

    @property
    def items(self) -> Floats:
        """(N + 1, S) float32."""

    def users(self, histories: Histories) -> Floats:
        """(U, S) float32; zeros for who did nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """As of `until`: inputs of the towers, examples, and what the ranker's features are made of.

    `chosen`: (M + 1, N + 1) sparse, how often each item was chosen for each words. `quality`:
    (N + 1, F) float32 from 0 to 1, in the order of quality.NAMES. `maps`: what was fitted on the
    way and places items that come later. `person`: a user model trained apart, None without one.
    """

    data: JointData
    texts: Texts
    until: float
    examples: Examples
    chosen: sparse.csr_matrix
    items: ItemInputs
    words: WordInputs
    quality: Floats
    knn: ItemKnn
    bm25: Bm25
    maps: "FittedMaps"
    person: "PersonVectors | None" = None

    @property
    def item_count(self) -> int:
        """N."""
        return len(self.items)


def read_texts(data: JointData, encode: Encode) -> Texts:
    """The table of words of a folder, and vectors of words and items."""
    found = encode(data.texts)
    items = np.concatenate([np.zeros((1, found.shape[1]), np.float32), found])
    return texts_of(data, FactNames.of(data.facts), encode, items=items)


def texts_of(data: JointData, facts: FactNames, encode: Encode, *, items: Floats) -> Texts:
    """The same where the vectors of the items, (N + 1, T) float32, are known."""
    values = [name.partition(":")[2] for name in facts.names]
    rows = ("", *data.queries.item_ids, *data.titles, *values)
    found = encode(rows[1:])
    words = np.concatenate([np.zeros((1, found.shape[1]), np.float32), found])
    return Texts(
        rows=rows,
        first_title=len(data.queries),
        first_fact=len(data.queries) + len(data.titles) + 1,
        facts=facts,
        items=items,
        words=words,
    )


def prepare(data: JointData, texts: Texts, until: float, config: PreparedConfig) -> Prepared:
    """Make ready what was known before a moment (days since 1970), exclusive."""
    log = data.log.before(until)
    searches = data.searches.select(data.searches.days < until)
    shape = (len(texts.rows), len(data.vocabulary) + 1)
    chosen = edges_of(searches.words, searches.items, shape)
    graph = fit_query_graph(chosen, seed=config.seed)
    counts = log.wanted.counts(len(data.vocabulary))
    quality, quantiles, unseen = _quality(data, until)
    asked = search_examples(searches) + made_examples(_made_words(data, texts, config.seed), -1.0)
    item_tokens = count_tokens(["", *data.texts])
    rarity = fit_token_weights(item_tokens[1:])
    content = ItemContent.of_text(texts.items)
    codes = _fitted_codes(content, counts, config.seed)
    return Prepared(
        data=data,
        texts=texts,
        until=until,
        examples=asked + home_examples(log) + similar_examples(log),
        chosen=chosen,
        items=ItemInputs(
            text=texts.items,
            others={},
            graph=graph.items,
            tokens=rarity.apply(item_tokens),
            attributes=texts.facts.table([(), *data.facts]),
            scalars=quality,
            codes=codes.codes(content),
            code_sizes=codes.code_sizes,
            counts=counts,
        ),
        words=WordInputs(
            text=texts.words,
            graph=graph.words,
            tokens=rarity.apply(count_tokens(texts.rows)),
            attributes=_word_facts(data, texts),
        ),
        quality=quality,
        knn=fit_item_knn(log.wanted, len(data.vocabulary), config.knn),
        bm25=fit_bm25(documents(data, texts, chosen), k1=config.k1, b=config.b),
        maps=FittedMaps(rarity=rarity, codes=codes, quantiles=quantiles, unseen=unseen),
    )


def with_settings(prepared: Prepared, config: PreparedConfig) -> Prepared:
    """The same with other settings of BM25 and item-kNN."""
    histories = prepared.data.log.wanted.before(prepared.until)
    texts = documents(prepared.data, prepared.texts, prepared.chosen)
    return replace(
        prepared,
        knn=fit_item_knn(histories, prepared.item_count, config.knn),
        bm25=fit_bm25(texts, k1=config.k1, b=config.b),
    )


def documents(data: JointData, texts: Texts, chosen: sparse.csr_matrix) -> list[str]:
    """What a search by words reads of each item: its text, and what it was chosen for before."""
    by_item = chosen.T.tocsr()
    found = []
    for row, text in enumerate(data.texts, start=1):
        words = by_item.indices[by_item.indptr[row] : by_item.indptr[row + 1]]
        times = by_item.data[by_item.indptr[row] : by_item.indptr[row + 1]].astype(int)
        asked = (texts.rows[word] for word, n in zip(words, times, strict=True) for _ in range(n))
        found.append(" ".join((text, *asked)))
    return found


def _word_facts(data: JointData, texts: Texts) -> sparse.csr_matrix:
    """Facts that queries name; a title's are those of its item; a fact's value names itself."""
    return sparse.vstack(
        [
            texts.facts.recognise(["", *data.queries.item_ids]),
            texts.facts.table(data.facts),
            texts.facts.table([(name,) for name in texts.facts.names]),
        ]
    ).tocsr()


def _made_words(data: JointData, texts: Texts, seed: int) -> list[list[int]]:
    """For each item its title and some of its facts, as rows of words."""
    random = array_generator(seed, 50)
    column = {name: place for place, name in enumerate(texts.facts.names)}
    found = []
    for row, facts in enumerate(data.facts, start=1):
        known = [column[name] for name in dict.fromkeys(facts) if name in column]
        drawn = random.permutation(known)[:MADE_FACTS].tolist() if known else []
        found.append([texts.first_title + row, *(texts.first_fact + int(p) for p in drawn)])
    return found


def _fitted_codes(content: ItemContent, counts: Ints, seed: int) -> ItemFacts:
    """Semantic IDs, fitted on the items that were wanted by then, or on all."""
    wanted = counts > 0
    available = wanted if wanted.sum() > 1 else np.arange(len(counts)) > 0
    return fit_item_facts(content, available, ItemFactsConfig(seed=seed))


def _quality(data: JointData, until: float) -> tuple[Floats, Quantiles, DoubleFloats]:
    """(N + 1, F): popularity, recent popularity, rating and freshness, each as a share of items.

    Then what makes shares of values, and the values of an item without any event.
    """
    size = len(data.vocabulary) + 1
    log = data.log.before(until)
    searches = data.searches.select(data.searches.days < until)
    items = np.concatenate([log.wanted.items, searches.items])
    days = np.concatenate([log.wanted.days, searches.days])
    recent = np.bincount(items, 0.5 ** ((until - days) / HALF_LIFE), size)
    rated = data.ratings.days < until
    values_of = data.ratings.values[rated]
    sums = np.asarray(np.bincount(data.ratings.items[rated], values_of, size), np.float64)
    times = np.bincount(data.ratings.items[rated], minlength=size).astype(np.float64)
    rating = smoothed_rating(sums, times) if rated.any() else np.full(size, np.nan)
    first = np.full(size, np.inf)
    np.minimum.at(first, items, days)
    fresh = np.concatenate([[np.nan], data.years])
    if np.isnan(fresh).all():
        fresh = np.where(np.isinf(first), np.nan, first)
    columns = {
        "popularity": np.bincount(items, minlength=size).astype(np.float64),
        "recent": recent,
        "rating": rating,
        "freshness": fresh,
    }
    values = np.stack([columns[name] for name in NAMES], axis=1)
    quantiles = fit_quantiles(values[1:])
    table = quantiles.apply(values)
    table[0] = 0.0
    average = sums.sum() / times.sum() if times.sum() else np.nan
    return table, quantiles, np.array([0.0, 0.0, average, np.nan])
