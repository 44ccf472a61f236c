"""The store on Neo4j: a property graph that people query with Cypher."""

from headwater.store.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore"]
