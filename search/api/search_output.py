"""The answer to a search over REST: its shape, and how it is filled."""

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import ItemOutput, item_json
from recs.api.explaining import rounded
from recs.recommend import FALLBACKS
from search.answer import SearchAnswer
from search.api.queries import RecommendedQueryOutput, recommended_json
from search.api.rules import AppliedRuleOutput, BannerOutput, rules_json
from search.query_sources.recent import NAME as RECENT
from search.types import Facet, Hit


class HighlightOutput(serializers.Serializer[Any]):
    """Safe HTML with `<mark>` around what matched."""

    title = serializers.CharField()
    snippet = serializers.CharField(allow_blank=True)


class HitOutput(serializers.Serializer[Any]):
    """One place in the list."""

    item = ItemOutput()
    position = serializers.IntegerField(help_text="From 1, counted on across pages.")
    source = serializers.CharField(  # type: ignore[assignment]  # the field's own name
        help_text="exact_title, lexical, lexical+dense, dense, fuzzy_title, written, added,"
        " unified, pinned or browse."
    )
    score = serializers.FloatField(help_text="0 to 1, higher is better.")
    highlight = HighlightOutput()
    matched = serializers.ListField(
        child=serializers.CharField(),
        help_text='What of the item answers the query: "title", "creator", ..., "meaning".',
    )
    reason = serializers.CharField(
        allow_blank=True, help_text="A sentence on what the model had for it; empty without one."
    )
    explanation = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="With `explain`: by group of features what it added to the log-odds of being "
        "chosen, and that chance.",
    )
    rule = serializers.CharField(
        allow_blank=True, help_text="The editors' rule that put it here; empty for none."
    )


class FacetValueOutput(serializers.Serializer[Any]):
    """One choice; `count` is what choosing it leaves."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the field's own name
    count = serializers.IntegerField()
    selected = serializers.BooleanField()


class FacetOutput(serializers.Serializer[Any]):
    """Choices that narrow the list: send `value` under the name `key`."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the field's own name
    values = FacetValueOutput(many=True)


class SynonymsOutput(serializers.Serializer[Any]):
    """Words of the query, and phrases that they stand for as well."""

    typed = serializers.CharField()
    also = serializers.ListField(child=serializers.CharField())


class UnderstoodOutput(serializers.Serializer[Any]):
    """Words of the query that became a filter; send them as `as_words` to take them as words."""

    words = serializers.CharField()
    facet = serializers.CharField(help_text="The parameter that would filter by it.")
    values = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField()  # type: ignore[assignment]  # the field's own name


class SearchOutput(serializers.Serializer[Any]):
    """The answer to a search."""

    query_id = serializers.UUIDField(help_text="Name it in the events that follow.")
    query = serializers.CharField(allow_blank=True)
    original_query = serializers.CharField(allow_blank=True, help_text="As it was sent.")
    corrected_query = serializers.CharField(
        allow_null=True, help_text="What was searched instead; null where nothing was corrected."
    )
    synonyms = SynonymsOutput(
        many=True, help_text="What was searched for beside what was typed; verbatim=true does not."
    )
    understood = UnderstoodOutput(
        many=True, help_text="What the words say of facets: hits, counts and facets are inside it."
    )
    rules = AppliedRuleOutput(many=True, help_text="The editors' rules that the answer follows.")
    redirect = serializers.CharField(
        allow_null=True,
        help_text="A path on this site where a rule leads who searches this; the hits are told all "
        "the same. verbatim=true has none.",
    )
    banner = BannerOutput(allow_null=True)
    total = serializers.IntegerField()
    total_relation = serializers.ChoiceField(
        choices=["eq", "gte"], help_text='"gte": there are at least so many; "eq" at present.'
    )
    page = serializers.IntegerField()
    per_page = serializers.IntegerField()
    pages = serializers.IntegerField()
    next_cursor = serializers.CharField(
        allow_null=True,
        help_text="The next page in the order of this answer, for half an hour; null at the end.",
    )
    took_ms = serializers.FloatField()
    hits = HitOutput(many=True)
    related = HitOutput(
        many=True, help_text="Nearest in meaning, where the list is short; not in `total`."
    )
    query_recommendations = RecommendedQueryOutput(many=True)
    facets = FacetOutput(many=True)
    model_version = serializers.CharField(
        allow_null=True, help_text="The version of the model that gave the order; null for none."
    )
    fallback = serializers.ChoiceField(
        choices=FALLBACKS, allow_null=True, help_text="Why no model gave the order."
    )


def search_json(
    answer: SearchAnswer, *, original_query: str, explain: bool = False, tell_own: bool = True
) -> dict[str, Any]:
    """An answer in the shape of SearchOutput.

    What a person searched before is told to nobody who could be anybody (`tell_own`).
    """
    found = answer.retrieved
    queries = [each for each in answer.query_recommendations if tell_own or each.source != RECENT]
    return {
        "query_id": str(answer.query_id),
        "query": found.query,
        "original_query": original_query,
        "corrected_query": found.corrected_query,
        "synonyms": [{"typed": each.typed, "also": list(each.also)} for each in found.synonyms],
        "understood": [
            {
                "words": each.words,
                "facet": each.facet,
                "values": list(each.values),
                "label": each.label,
            }
            for each in found.understood
        ],
        **rules_json(found),
        "total": found.total,
        "total_relation": found.total_relation,
        "page": found.page,
        "per_page": found.per_page,
        "pages": found.pages,
        "next_cursor": answer.next_cursor or None,
        "took_ms": answer.took_ms,
        "hits": [_hit_json(hit, explain=explain) for hit in found.hits],
        "related": [_hit_json(hit) for hit in found.related],
        "query_recommendations": [
            recommended_json(each, explain=explain, tell_own=tell_own) for each in queries
        ],
        "model_version": found.model_version or None,
        "fallback": found.fallback or None,
        "facets": [_facet_json(facet) for facet in found.facets],
    }


def _hit_json(hit: Hit, *, explain: bool = False) -> dict[str, Any]:
    return {
        "item": item_json(hit.item),
        "position": hit.position,
        "source": hit.source,
        "score": round(hit.score, 6),
        "highlight": {"title": hit.title_marked, "snippet": hit.snippet},
        "matched": list(hit.matched),
        "reason": hit.reason,
        "rule": hit.rule,
        **({"explanation": rounded(hit.explanation)} if explain else {}),
    }


def _facet_json(facet: Facet) -> dict[str, Any]:
    return {
        "key": facet.key,
        "label": facet.label,
        "values": [
            {
                "value": each.value,
                "label": each.label,
                "count": each.count,
                "selected": each.is_selected,
            }
            for each in facet.values
        ],
    }
