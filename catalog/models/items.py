"""Items: what can be searched for and recommended."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Lower

from catalog.querysets import ItemQuerySet

# A card has room for two or three short lines.
SUMMARY_CHARACTERS = 140


class Item(models.Model):
    """One thing of the catalog: a film, a product, a job."""

    external_id = models.CharField(max_length=200, unique=True)
    title = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    # Paths with "/" between levels, the first one is the main one: ["Men/Tops/Hoodies", "Sale"].
    category_paths = ArrayField(models.CharField(max_length=300), default=list, blank=True)
    # Derived: every path and each of its ancestors, so that a facet on "Men" finds "Men/Tops".
    categories = ArrayField(
        models.CharField(max_length=300), default=list, blank=True, editable=False
    )
    creators = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    # Free attributes: {"cast": ["..."], "runtime": 101}. Values are text, numbers or lists of them.
    attributes = models.JSONField(default=dict, blank=True)
    image_url = models.CharField(max_length=1000, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    countries = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    released_on = models.DateField(null=True, blank=True)
    # Derived from released_on where it is not given by itself (many catalogs know only the year).
    year = models.SmallIntegerField(null=True, blank=True)
    available_from = models.DateTimeField(null=True, blank=True)
    available_until = models.DateTimeField(null=True, blank=True)
    is_hidden = models.BooleanField(default=False)
    # Derived words people search by that no field holds: "1960s", "french", attribute values.
    keywords = models.TextField(blank=True, editable=False)
    # Derived: hash of the text that the encoder reads; a vector with another hash is stale.
    content_hash = models.CharField(max_length=64, blank=True, editable=False)
    # Codes of what is alike, told by whoever learns them (set_cover_codes): they decide how the
    # cover looks. Null until then.
    cover_codes = ArrayField(
        models.PositiveIntegerField(), null=True, blank=True, default=None, editable=False
    )
    # What was added to what the feed says (catalog.additions): a list of {"facet", "value", ...}.
    # No importer writes it, so that a feed neither erases it nor is taken for it.
    added = models.JSONField(default=list, db_default=[], blank=True, editable=False)
    # What the feed says and, where it says nothing, what was added: filters, facets and counts read
    # these two and no other (docs/decisions/0020-what-is-added-stands-beside-the-feed.md).
    all_categories = models.GeneratedField(
        expression=Func(
            "categories",
            "added",
            # The function is called for the few rows that need it: a call costs every write.
            template="CASE WHEN added = '[]'::jsonb THEN categories"
            " ELSE foray_all_categories(categories, added) END",
        ),
        output_field=ArrayField(models.CharField(max_length=300)),
        db_persist=True,
    )
    all_attributes = models.GeneratedField(
        expression=Func(
            "attributes",
            "added",
            template="CASE WHEN added = '[]'::jsonb THEN attributes"
            " ELSE foray_all_attributes(attributes, added) END",
        ),
        output_field=models.JSONField(),
        db_persist=True,
    )
    # One sentence that a language model wrote and somebody approved (set_summaries), and the hash
    # of the text that it was written from.
    written_summary = models.CharField(
        max_length=SUMMARY_CHARACTERS, blank=True, default="", db_default="", editable=False
    )
    summary_of = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    # What cards show: "" from the moment that the item's text is another one than it was written
    # from, whoever writes the item.
    summary = models.GeneratedField(
        expression=Case(
            When(summary_of=F("content_hash"), then=F("written_summary")), default=Value("")
        ),
        output_field=models.CharField(max_length=SUMMARY_CHARACTERS),
        db_persist=True,
    )
    search_vector = models.GeneratedField(
        expression=Func(
            "title", "creators", "keywords", "description", function="foray_search_vector"
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="item_price_not_negative"
            ),
            models.CheckConstraint(condition=~Q(title=""), name="item_has_title"),
        ]
        indexes = [
            # Full-text retrieval (search.lexical).
            GinIndex(fields=["search_vector"], name="item_search_vector"),
            # Titles with typing errors, and the admin's search box.
            GinIndex(OpClass(Lower("title"), name="gin_trgm_ops"), name="item_title_trgm"),
            # Facets and browsing by category, creator, country (search.facets).
            GinIndex(fields=["all_categories"], name="item_categories"),
            GinIndex(fields=["creators"], name="item_creators"),
            GinIndex(fields=["countries"], name="item_countries"),
            # Facets on attributes (catalog.filters).
            GinIndex(OpClass("all_attributes", name="jsonb_path_ops"), name="item_attributes"),
            # Range facets and "new" rows.
            models.Index(fields=["-year", "id"], name="item_year"),
            models.Index(fields=["price"], name="item_price"),
            models.Index(fields=["-created_at"], name="item_created"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title
