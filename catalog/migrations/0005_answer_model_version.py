from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_item_cover_codes"),
    ]

    operations = [
        migrations.AddField(
            model_name="answer",
            name="fallback",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            model_name="answer",
            name="model_version",
            field=models.CharField(blank=True, db_default="", default="", max_length=100),
        ),
    ]
