"""A sentence about a kind, beside its name."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("recs", "0008_match_filter")]

    operations = [
        migrations.AddField(
            model_name="codename",
            name="description",
            field=models.CharField(blank=True, db_default="", default="", max_length=140),
        ),
    ]
