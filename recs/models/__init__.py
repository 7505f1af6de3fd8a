"""Rows of what was learned. One file for each noun."""

from recs.models.codes import CodeName, ItemCode
from recs.models.content import ContentEmbedding, ContentVersion
from recs.models.match import FrozenLabels
from recs.models.model_versions import ItemVector, ModelVersion
from recs.models.neighbours import ItemNeighbour, ItemPopularity, NeighbourVersion
from recs.models.surfaces import QualityWeights, Surface
from recs.models.training_runs import TrainingRun

__all__ = (
    "CodeName",
    "ContentEmbedding",
    "ContentVersion",
    "FrozenLabels",
    "ItemCode",
    "ItemNeighbour",
    "ItemPopularity",
    "ItemVector",
    "ModelVersion",
    "NeighbourVersion",
    "QualityWeights",
    "Surface",
    "TrainingRun",
)
