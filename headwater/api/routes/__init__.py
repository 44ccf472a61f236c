"""The native API's routes, one table of path and resource."""

from headwater.api.resource import Resource, Services
from headwater.api.routes.entity import entity_resources
from headwater.api.routes.event import event_resources
from headwater.api.routes.lineage import lineage_resources
from headwater.api.routes.model_version import model_version_resources
from headwater.api.routes.record import record_resources
from headwater.api.routes.search import search_resources
from headwater.api.routes.system import root_resources, system_resources
from headwater.api.routes.target import API
from headwater.api.routes.token import token_resources
from headwater.api.routes.version import version_resources


def resources(services: Services) -> dict[str, Resource]:
    """Every resource by path."""
    below = {
        **system_resources(services),
        **event_resources(services),
        **search_resources(services),
        **lineage_resources(services),
        **token_resources(services),
        **entity_resources(services),
        **version_resources(services),
        **record_resources(services),
        **model_version_resources(services),
    }
    return {**{API + path: each for path, each in below.items()}, **root_resources()}


__all__ = ["API", "resources"]
