"""The words of facts that were added to items, beside those of written queries."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0013_more_kinds"),
        # The facts stand there.
        ("catalog", "0014_added"),
    ]

    operations = [
        migrations.AddField(
            model_name="itemwords",
            name="added",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
