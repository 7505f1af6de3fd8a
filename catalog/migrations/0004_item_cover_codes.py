import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("catalog", "0003_event_table")]

    operations = [
        migrations.AddField(
            model_name="item",
            name="cover_codes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.PositiveIntegerField(),
                blank=True,
                default=None,
                editable=False,
                null=True,
                size=None,
            ),
        ),
    ]
