"""Connectors: each reads one kind of source and tells the catalog through the SDK alone."""
