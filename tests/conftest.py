"""What every test may use. Fixtures of one area live in that area's own conftest."""

pytest_plugins = ["headwater.testing.neo4j.plugin"]
