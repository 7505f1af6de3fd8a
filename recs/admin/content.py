"""Content vectors and neighbours in the admin: what is live, how much is covered."""

from django.contrib import admin
from django.core.cache import cache
from django.db.models import Count
from django.utils.safestring import SafeString
from unfold.decorators import display

from catalog.admin_base import ReadOnlyAdmin, bar
from catalog.models import Item
from recs.models import ContentEmbedding, ContentVersion, NeighbourVersion


def coverage() -> dict[str, int]:
    """Vectors by version, and all items under "items": counted at most twice a minute."""
    found = cache.get("admin:coverage")
    if found is None:
        rows = ContentEmbedding.objects.values_list("version").annotate(Count("pk")).order_by()
        found = {str(version): count for version, count in rows}
        found["items"] = Item.objects.count()
        cache.set("admin:coverage", found, 30)
    return found


@admin.register(ContentVersion)
class ContentVersionAdmin(ReadOnlyAdmin):
    """Encoders at a revision, each with its own vectors and index."""

    list_display = (
        "encoder",
        "short_revision",
        "is_live",
        "covered",
        "recall",
        "dimensions",
        "index_built_at",
        "created_at",
    )
    ordering = ("-is_live", "-created_at")
    fields = (
        ("encoder", "revision"),
        ("template", "dimensions"),
        ("is_live", "covered", "recall"),
        ("index_built_at", "created_at"),
    )

    readonly_fields = ("covered", "recall")

    @display(description="revision")
    def short_revision(self, version: ContentVersion) -> str:
        """Its first characters."""
        return version.revision[:8]

    @display(description="items with a vector")
    def covered(self, version: ContentVersion) -> SafeString:
        """How many of all items this version has read."""
        counts = coverage()
        return bar(counts.get(str(version.pk), 0), counts["items"])

    @display(description="index recall at 10", ordering="index_recall")
    def recall(self, version: ContentVersion) -> str:
        """The share of the exact nearest ten that the index finds, with its date."""
        if version.index_recall is None or version.index_built_at is None:
            return "not measured"
        return f"{version.index_recall:.3f} on {version.index_built_at:%Y-%m-%d}"


@admin.register(NeighbourVersion)
class NeighbourVersionAdmin(ReadOnlyAdmin):
    """Neighbours and popularity, computed from the events before a moment."""

    list_display = ("as_of", "is_live", "events", "pairs", "created_at")
    ordering = ("-as_of",)
    fields = (("as_of", "is_live", "created_at"), ("events", "pairs"), "config")
