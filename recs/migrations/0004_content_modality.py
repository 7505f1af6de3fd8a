from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("recs", "0003_model_versions")]

    operations = [
        migrations.AddField(
            model_name="contentversion",
            name="modality",
            field=models.CharField(default="text", max_length=20),
        ),
        migrations.RemoveConstraint(
            model_name="contentversion", name="content_version_one_live"
        ),
        migrations.AddConstraint(
            model_name="contentversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_live", True)),
                fields=("modality",),
                name="content_version_one_live",
            ),
        ),
    ]
