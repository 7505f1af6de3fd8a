"""What was learned, in the admin. One file for each noun."""

from recs.admin import codes, content, match_filter, model_versions, surfaces, training_runs

__all__ = ("codes", "content", "match_filter", "model_versions", "surfaces", "training_runs")
