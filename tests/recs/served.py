"""A live user model in no time: a real network whose weights were drawn, not learned."""

from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np

from recs import registry
from recs.content import all_item_ids, live_versions
from recs.features import interaction_log
from recs.item_contents import read_content
from recs.ml.artifacts import Artifact
from recs.ml.item_facts import ItemFactsConfig, fit_item_facts
from recs.ml.item_knn import fit_item_knn
from recs.ml.known import known_times
from recs.ml.seeding import seed_everything
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.served_model import Member, Parts
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import UserModel, UserModelConfig
from recs.ml.vocabulary import Vocabulary
from recs.user_models import KIND, saved_version
from recs.vector_index import prepare

SIZE = 8
NOW = datetime(2026, 1, 1, tzinfo=UTC)
# Neighbours and texts decide, so that what is right can be said.
WEIGHTS = {
    "user_model": 0.1,
    "neighbours": 0.5,
    "neighbours_any": 0.5,
    "text_mean": 3.0,
    "text_last": 1.0,
    "text_nearest": 0.5,
    "attributes": 1.0,
    "popularity": 0.1,
    "new_item": 1.0,
    "new_text_mean": 1.0,
}


def drawn_parts(log, content, *, members=2, seed=0):
    """Members with drawn weights, real neighbours, real content maps."""
    histories, size = log.histories, len(log.vocabulary)
    counts = histories.counts(size)
    config = ItemFactsConfig(
        content_width=SIZE, semantic_ids=SemanticIdConfig(levels=2, codes=4, flat=3)
    )
    facts = fit_item_facts(content.content, counts > 0, config)
    tables, known = facts.tables(content.content, counts), known_times(histories, size)
    net_config = UserModelConfig(body=TransformerConfig(embedding_size=SIZE, layers=1))
    made = []
    for number in range(members):
        seed_everything(seed + number)
        state = UserModel(net_config, tables).state_dict()
        weights = {name: tensor.numpy().copy() for name, tensor in state.items()}
        member = Member(
            config=asdict(net_config), weights=weights, facts=facts, tables=tables, known=known
        )
        made.append(member)
    return Parts(
        members=made,
        weights=WEIGHTS,
        knn={"neighbours": fit_item_knn(histories, size)},
        attributes=content.attributes,
    )


def drawn_version(*, name=None, seed=0, semantic_version=None, is_ready=True, **config):
    """A candidate with its vectors and its index (unless `is_ready` is False)."""
    keys = all_item_ids()
    contents = live_versions()
    log = interaction_log(as_of=NOW, vocabulary=Vocabulary.of(map(str, keys)))
    content = read_content(keys, versions=contents)
    parts = drawn_parts(log, content, seed=seed)
    saved_config, tensors = saved_version(
        parts, contents=contents, semantic_version=semantic_version
    )
    version = registry.create_version(
        kind=KIND, as_of=NOW, config={}, name=name, semantic_version=semantic_version
    )
    artifact = Artifact(
        config=saved_config | config,
        tensors=tensors,
        vocabulary=log.vocabulary,
        metrics={},
        card="# Drawn weights",
        provenance={},
    )
    sizes = registry.Sizes(items=len(keys), dimensions=SIZE * len(parts.members))
    version = registry.add_artifact(version=version, artifact=artifact, sizes=sizes)
    return prepare(version, log.histories) if is_ready else version


def live_version(**changes):
    """The same, live."""
    return registry.promote(version=drawn_version(**changes))


def broken(version):
    """Change one byte of the version's tensors."""
    place = registry.folder(version) / "tensors.safetensors"
    data = bytearray(place.read_bytes())
    data[-1] ^= 1
    place.write_bytes(bytes(data))


def products(model, user, rows):
    """Scores by multiplying everything: what the index is compared with."""
    return np.asarray(model.vectors(np.asarray(rows)) @ user)
