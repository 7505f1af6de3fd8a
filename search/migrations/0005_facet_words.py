"""How people say the values of facets."""

from django.contrib.postgres.indexes import OpClass
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("search", "0004_rules")]

    operations = [
        migrations.CreateModel(
            name="FacetWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("said", models.CharField(max_length=120)),
                ("facet", models.CharField(max_length=80)),
                ("value", models.CharField(max_length=300)),
                ("items", models.PositiveIntegerField()),
                ("is_part", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["said", "facet", "value"], name="facet_word_once"
                    )
                ],
                "indexes": [
                    models.Index(
                        OpClass("said", name="varchar_pattern_ops"), name="facet_word_begins"
                    )
                ],
            },
        ),
    ]
