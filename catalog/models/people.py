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
