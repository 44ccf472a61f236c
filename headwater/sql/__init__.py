"""What SQL says without its database: which columns outputs are made from. Needs sqlglot."""
