"""Extensions, and the text search that every later table stands on."""

from django.db import migrations

# Stemming without stop words: "It", "The Who" and "Us" are titles, and a searcher who types
# "the godfather" means every word of it.
EXTENSIONS = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
"""
TEXT_SEARCH = """
CREATE TEXT SEARCH DICTIONARY foray_stem (TEMPLATE = snowball, Language = english);
CREATE TEXT SEARCH CONFIGURATION foray (COPY = english);
ALTER TEXT SEARCH CONFIGURATION foray
    ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, hword, hword_part, word
    WITH unaccent, foray_stem;

-- Immutable wrappers: a generated column and an index accept nothing less. They are immutable as
-- long as the dictionary and configuration named here are not altered; altering them takes a
-- rewrite of catalog_item.
CREATE FUNCTION foray_unaccent(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT public.unaccent('public.unaccent'::regdictionary, $1) $$;

-- "Face/Off" and "S.W.A.T." are words with signs between them, not a path and a host name.
CREATE FUNCTION foray_words(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT translate(coalesce($1, ''), '/.', '  ') $$;

CREATE FUNCTION foray_search_vector(title text, creators text[], keywords text, description text)
    RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT setweight(to_tsvector('public.foray'::regconfig, public.foray_words(title)), 'A')
            || setweight(to_tsvector('public.foray'::regconfig,
                                     public.foray_words(array_to_string(creators, ' '))), 'B')
            || setweight(to_tsvector('public.foray'::regconfig, public.foray_words(keywords)), 'C')
            || setweight(to_tsvector('public.foray'::regconfig,
                                     public.foray_words(description)), 'D')
    $$;
"""
UNDO = """
DROP FUNCTION foray_search_vector(text, text[], text, text);
DROP FUNCTION foray_words(text);
DROP FUNCTION foray_unaccent(text);
DROP TEXT SEARCH CONFIGURATION foray;
DROP TEXT SEARCH DICTIONARY foray_stem;
"""


WHERE_THE_EXTENSION_IS = """
SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'unaccent'
"""


def make(apps, schema_editor):
    """Make them in the catalog's schema: functions name what they call with its schema."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(EXTENSIONS)
        cursor.execute("SELECT current_schema()")
        here = cursor.fetchone()[0]
        cursor.execute(WHERE_THE_EXTENSION_IS)
        shared = cursor.fetchone()[0]
        cursor.execute(
            TEXT_SEARCH.replace("public.unaccent", f"{shared}.unaccent").replace(
                "public.foray", f"{here}.foray"
            )
        )


def undo(apps, schema_editor):
    """Drop them again."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNDO)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(make, undo)]
