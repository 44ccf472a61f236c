"""The native API's routes, one table of path and resource."""

from headwater.api.resource import Resource, Services
from headwater.api.routes.entity import API, entity_resources
from headwater.api.routes.lineage import lineage_resources
from headwater.api.routes.system import root_resources, system_resources


def resources(services: Services) -> dict[str, Resource]:
    """Every resource by path, in the order in which paths are tried."""
    entities = entity_resources(services)
    named = "/{collection}/name/{fqn:path}"  # the busiest one first; it shadows none of the others
    below = {
        named: entities.pop(named),
        **system_resources(services),
        **lineage_resources(services),
        **entities,
    }
    return {**{API + path: each for path, each in below.items()}, **root_resources()}


__all__ = ["API", "resources"]
