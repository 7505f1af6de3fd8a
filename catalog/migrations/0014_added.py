"""What was added to items beside what their feed says, and columns that tell both together."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models
from django.db.models import Func

# Immutable: they read their arguments and nothing else, as a generated column demands. An
# attribute that the feed states, if only as a number or false, is the feed's; "" and [] state
# nothing. Both give the column as it is where nothing is added; for these, the usual rows, they are
# not even called: a call costs each write tens of microseconds.
MAKE = """
CREATE FUNCTION foray_all_categories(categories varchar[], added jsonb) RETURNS varchar[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT CASE WHEN added = '[]'::jsonb THEN categories ELSE categories || coalesce((
            SELECT array_agg(told.path::varchar ORDER BY told.place) FROM (
                SELECT path, min(one.place * 100 + level) AS place
                FROM jsonb_array_elements(added) WITH ORDINALITY AS one (fact, place),
                     jsonb_array_elements_text(one.fact -> 'paths')
                         WITH ORDINALITY AS each (path, level)
                WHERE one.fact ->> 'facet' = 'category' AND NOT path = ANY(categories)
                GROUP BY path) AS told), '{}') END
    $$;

CREATE FUNCTION foray_all_attributes(attributes jsonb, added jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT CASE WHEN added = '[]'::jsonb THEN attributes ELSE coalesce((
            SELECT jsonb_object_agg(told.key, told.value) FROM (
                SELECT substr(fact ->> 'facet', 12) AS key,
                       CASE count(*) WHEN 1 THEN (array_agg(fact -> 'value'))[1]
                           ELSE jsonb_agg(fact -> 'value' ORDER BY place) END AS value
                FROM jsonb_array_elements(added) WITH ORDINALITY AS one (fact, place)
                WHERE starts_with(fact ->> 'facet', 'attributes.')
                GROUP BY 1) AS told), '{}'::jsonb)
            || coalesce((
                SELECT jsonb_object_agg(stated.key, stated.value)
                FROM jsonb_each(attributes) AS stated
                WHERE stated.value NOT IN ('""'::jsonb, '[]'::jsonb, 'null'::jsonb)), '{}'::jsonb)
        END
    $$;
"""
UNDO = """
DROP FUNCTION foray_all_attributes(jsonb, jsonb);
DROP FUNCTION foray_all_categories(varchar[], jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0013_answer_dropped")]

    operations = [
        migrations.RunSQL(MAKE, UNDO),
        migrations.AddField(
            model_name="item",
            name="added",
            field=models.JSONField(blank=True, db_default=[], default=list, editable=False),
        ),
        migrations.AddField(
            model_name="item",
            name="all_categories",
            field=models.GeneratedField(
                db_persist=True,
                expression=Func(
                    "categories",
                    "added",
                    template="CASE WHEN added = '[]'::jsonb THEN categories"
                    " ELSE foray_all_categories(categories, added) END",
                ),
                output_field=django.contrib.postgres.fields.ArrayField(
                    base_field=models.CharField(max_length=300), size=None
                ),
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="all_attributes",
            field=models.GeneratedField(
                db_persist=True,
                expression=Func(
                    "attributes",
                    "added",
                    template="CASE WHEN added = '[]'::jsonb THEN attributes"
                    " ELSE foray_all_attributes(attributes, added) END",
                ),
                output_field=models.JSONField(),
            ),
        ),
        # The index follows what is filtered by.
        migrations.RemoveIndex(model_name="item", name="item_categories"),
        migrations.RemoveIndex(model_name="item", name="item_attributes"),
        migrations.AddIndex(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["all_categories"], name="item_categories"
            ),
        ),
        migrations.AddIndex(
            model_name="item",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("all_attributes", name="jsonb_path_ops"),
                name="item_attributes",
            ),
        ),
    ]
