"""How much of views' column lineage the SQL connector finds, judged by data. See README.md."""
