"""A number that every committed change of an item raises, for what is counted and kept."""

from django.db import migrations, models

# Once in a transaction: the mark goes with what was written if a part of it is rolled back. No row
# is ever updated, so writers never wait for each other here.
TRIGGERS = """
CREATE FUNCTION search_note_catalog_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mark text := TG_TABLE_SCHEMA || ':' || pg_current_xact_id();
BEGIN
    IF current_setting('foray.catalog_changed', true) IS DISTINCT FROM mark THEN
        EXECUTE format('INSERT INTO %I.search_catalogchange (n) VALUES (1)', TG_TABLE_SCHEMA);
        PERFORM set_config('foray.catalog_changed', mark, true);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER search_catalog_change
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_item
    FOR EACH STATEMENT EXECUTE FUNCTION search_note_catalog_change();
"""
UNDO = """
DROP TRIGGER search_catalog_change ON catalog_item;
DROP FUNCTION search_note_catalog_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0009_leading"),
        ("catalog", "0002_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="CatalogChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n", models.PositiveBigIntegerField()),
            ],
        ),
        migrations.RunSQL(TRIGGERS, UNDO),
    ]
