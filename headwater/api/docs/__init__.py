"""The documentation page of the API, rendered here from its OpenAPI description."""

from headwater.api.docs.page import STYLE, render

__all__ = ["STYLE", "render"]
