"""The item that an answer hangs below, so that "more like this" can be learned from."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Add one column that may be empty."""

    dependencies = [("catalog", "0005_answer_model_version")]

    operations = [
        migrations.AddField(
            model_name="answer", name="about_item", field=models.BigIntegerField(null=True)
        ),
    ]
