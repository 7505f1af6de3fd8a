"""Facets on attributes: which ones the catalog offers, and an index to filter by them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0006_answer_about_item")]

    operations = [
        migrations.AddField(
            model_name="profile",
            name="facet_attributes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60), blank=True, default=list, size=None
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("attributes", name="jsonb_path_ops"),
                name="item_attributes",
            ),
        ),
    ]
