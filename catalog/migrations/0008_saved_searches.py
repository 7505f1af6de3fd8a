"""Searches that somebody wants to come back to."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0007_facet_attributes")]

    operations = [
        migrations.CreateModel(
            name="SavedSearch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("anonymous_id", models.CharField(blank=True, max_length=100)),
                ("query", models.CharField(blank=True, max_length=500)),
                ("address", models.CharField(max_length=4000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "person",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_searches",
                        to="catalog.person",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "saved searches",
                "indexes": [
                    models.Index(
                        condition=models.Q(("person__isnull", True)),
                        fields=["anonymous_id"],
                        name="saved_search_of_guest",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("person__isnull", False),
                            models.Q(("anonymous_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="saved_search_is_somebodys",
                    )
                ],
            },
        ),
    ]
