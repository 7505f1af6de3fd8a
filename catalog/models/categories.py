"""What categories are called where their stored value does not read well."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

NAME_CHARACTERS = 60
LINE_CHARACTERS = 140


class CategoryName(models.Model):
    """A category's name and a line about it. Filters and stored values go by `path` as before."""

    class Source(models.TextChoices):
        LLM = "llm", "LLM"
        PERSON = "person", "person"

    # As items have it, with "/" between the levels.
    path = models.CharField(max_length=300, unique=True)
    name = models.CharField(max_length=NAME_CHARACTERS)
    line = models.CharField(max_length=LINE_CHARACTERS, blank=True, default="", db_default="")
    source = models.CharField(max_length=10, choices=Source.choices, default=Source.PERSON)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            # Two categories of one name could not be told apart in a list.
            models.UniqueConstraint(Lower("name"), name="category_name_once"),
            models.CheckConstraint(
                condition=Q(source__in=["llm", "person"]), name="category_name_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"
