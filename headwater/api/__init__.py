"""The REST API over the services. Nothing here opens a store or a port."""

from headwater.api.guard import is_loopback
from headwater.api.native import build_api
from headwater.api.resource import Services

__all__ = ["Services", "build_api", "is_loopback"]
