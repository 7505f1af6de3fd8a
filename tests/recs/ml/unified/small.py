"""A small configuration that learns a small folder in seconds."""

from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.unified.config import NegativesConfig, TowerConfig, UnifiedConfig
from recs.ml.unified.joint_benchmark import requests_between
from recs.ml.unified.person_model import PersonModelConfig
from recs.ml.unified.ranker import RankerConfig

CPU = RunOptions(device="cpu")
UNIFIED = UnifiedConfig(
    tower=TowerConfig(embedding_size=16, hidden=16, history=6, asked=2),
    negatives=NegativesConfig(items=16, hard_pool=32, hard_skip=1),
    fit=FitConfig(
        epochs=4, batch_size=64, learning_rate=5e-3, warmup_steps=5, precision="fp32", patience=3
    ),
)
RANKER = RankerConfig(
    candidates=30,
    first=10,
    others=10,
    members=1,
    fit=FitConfig(epochs=15, batch_size=32, learning_rate=5e-3, warmup_steps=5, precision="fp32"),
)
PERSON = PersonModelConfig(
    embedding_size=16, longest=20, steps=60, epochs=(2, 4), questions=60, most_validated=60
)


def later(prepared, days=60):
    """Requests of the days after the moment of `prepared`."""
    return requests_between(prepared.data, prepared.until, prepared.until + days)
