"""Pairs of a mistyped word and what it stands for, that somebody approved."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("search", "0014_added_words")]

    operations = [
        migrations.CreateModel(
            name="SpellingPair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("typed", models.CharField(max_length=80, unique=True)),
                ("meant", models.CharField(max_length=80)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("typed", models.F("meant")), _negated=True),
                        name="spelling_pair_differs",
                    )
                ],
            },
        ),
    ]
