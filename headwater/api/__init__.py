"""The REST API over the services. Nothing here opens a store or a port."""

from headwater.api.guard import is_loopback
from headwater.api.native import build_api
from headwater.api.resource import Services
from headwater.api.stream import Streams

__all__ = ["Services", "Streams", "build_api", "is_loopback"]
