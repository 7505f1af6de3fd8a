"""People: whose events we keep, known by the caller's own id."""

from django.conf import settings
from django.db import models


class Person(models.Model):
    """Somebody with a history. `external_id` is the caller's id; nothing else is known of them."""

    external_id = models.CharField(max_length=200, unique=True)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="person",
    )
    # Numbered people of the demo, whose eyes a visitor may borrow.
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.external_id


class SavedSearch(models.Model):
    """A search that somebody wants to come back to; gone with their history."""

    person = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.CASCADE, related_name="saved_searches"
    )
    # Of a visitor without an account, else "".
    anonymous_id = models.CharField(max_length=100, blank=True)
    # As it was typed; "" where filters alone are saved.
    query = models.CharField(max_length=500, blank=True)
    # The address below the search page's: "q=noir&country=France".
    address = models.CharField(max_length=4000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "saved searches"
        indexes = [
            models.Index(
                fields=["anonymous_id"],
                name="saved_search_of_guest",
                condition=models.Q(person__isnull=True),
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person__isnull=False) | ~models.Q(anonymous_id=""),
                name="saved_search_is_somebodys",
            )
        ]

    def __str__(self) -> str:
        return self.query or self.address
