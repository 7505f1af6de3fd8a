"""A sentence for cards, shown while the item's text is the same; and what categories are called."""

from django.db import migrations, models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Lower


class Migration(migrations.Migration):

    dependencies = [("catalog", "0014_added")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="written_summary",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=140
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="summary_of",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=64
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="summary",
            field=models.GeneratedField(
                db_persist=True,
                expression=Case(
                    When(summary_of=F("content_hash"), then=F("written_summary")),
                    default=Value(""),
                ),
                output_field=models.CharField(max_length=140),
            ),
        ),
        migrations.CreateModel(
            name="CategoryName",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("path", models.CharField(max_length=300, unique=True)),
                ("name", models.CharField(max_length=60)),
                (
                    "line",
                    models.CharField(blank=True, db_default="", default="", max_length=140),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("llm", "LLM"), ("person", "person")],
                        default="person",
                        max_length=10,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(Lower("name"), name="category_name_once"),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["llm", "person"])),
                        name="category_name_source",
                    ),
                ],
            },
        ),
    ]
