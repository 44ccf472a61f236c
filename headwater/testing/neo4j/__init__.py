"""A real Neo4j for tests and people: ``Neo4jServer``, and a pytest plugin in ``plugin.py``."""

from headwater.testing.neo4j.install import InstallError, install
from headwater.testing.neo4j.server import Neo4jServer, ServerError

__all__ = ["InstallError", "Neo4jServer", "ServerError", "install"]
