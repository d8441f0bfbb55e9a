"""Substring search over people and outside groups, of any case, with nothing but what PostgreSQL brings along.

The pieces of two and of three characters of a text are an array, and a GIN index holds arrays. What pg_trgm would do as well is
not part of every PostgreSQL that Paddock runs on.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION search_folded(input text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(normalize(input, NFKC));

CREATE FUNCTION search_pieces(folded text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN coalesce(
        (SELECT array_agg(DISTINCT substr(folded, at, size))
           FROM generate_series(2, 3) AS size, generate_series(1, char_length(folded) - size + 1) AS at),
        ARRAY[]::text[]
    );

CREATE INDEX user_account_search ON user_account
    USING gin (search_pieces(search_folded(username || ' ' || display_name)));
CREATE INDEX outside_group_search ON outside_group
    USING gin (search_pieces(search_folded(name || ' ' || path)));
"""
BACKWARDS = """
DROP INDEX outside_group_search;
DROP INDEX user_account_search;
DROP FUNCTION search_pieces(text);
DROP FUNCTION search_folded(text);
"""


class Migration(migrations.Migration):
    """See the module's docstring."""

    dependencies = [("accounts", "0003_limits")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
