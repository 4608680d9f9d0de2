"""Records into one DuckDB file and back: schema, migrations, upserts, and every query. Alone imports duckdb."""
