"""Small versions for tests: real folders, numbers that mean nothing."""

from datetime import UTC, datetime

import numpy as np

from recs import registry
from recs.ml.artifacts import Artifact
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion

AS_OF = datetime(2025, 5, 1, tzinfo=UTC)
USER_MODEL = ModelVersion.Kind.USER_MODEL.value


def small_artifact(**changes):
    given = {
        "config": {"embedding_size": 2},
        "tensors": {"items": np.arange(8, dtype=np.float32).reshape(4, 2)},
        "vocabulary": Vocabulary(("1", "2", "3")),
        "metrics": {"ndcg@10": 0.1},
        "card": "# A version for tests",
        "provenance": {"seed": 0},
    }
    return Artifact(**(given | changes))


def candidate(name=None, *, kind=USER_MODEL, **changes):
    """A version with a folder, not yet judged."""
    version = registry.create_version(kind=kind, as_of=AS_OF, config={"epochs": 1}, name=name)
    sizes = registry.Sizes(events=9, people=3, items=3, dimensions=2)
    return registry.add_artifact(version=version, artifact=small_artifact(**changes), sizes=sizes)


def promoted(name=None, **changes):
    """A version that is live."""
    return registry.promote(version=candidate(name, **changes))
