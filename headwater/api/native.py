"""The FastAPI application: guard, errors and routes put together. Services come from outside."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI

from headwater.api.auth import SignIn
from headwater.api.dialects.mlflow import MLFLOW, mlflow_resources
from headwater.api.errors import install
from headwater.api.guard import Guard
from headwater.api.openapi import openapi_document
from headwater.api.resource import Services
from headwater.api.router import Paths
from headwater.api.routes import resources
from headwater.version import __version__


def build_api(services: Services, *, sign_in: bool = True) -> FastAPI:
    """Return the application that answers with these services.

    Args:
        sign_in: Ask for tokens once there were any; False where the caller has opened the store.
    """
    # FastAPI's documentation pages load scripts from elsewhere, and its description knows only
    # its own routes; both are replaced by ours.
    # Without its kit nobody listens to telemetry, and FastAPI would ask at each request who does.
    listened = bool(find_spec("opentelemetry") and find_spec("opentelemetry.sdk"))
    app = FastAPI(
        title="Headwater",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": listened, "metrics": listened, "logs": listened},
    )
    install(app)
    app.add_middleware(Paths, resources={**resources(services), **mlflow_resources(services)})
    app.add_middleware(  # around the one before
        Guard,
        max_body=services.settings.max_body,
        sign_in=SignIn(services) if sign_in else None,
        dialect=MLFLOW,
    )
    app.openapi = _openapi  # type: ignore[method-assign]  # the way that FastAPI documents
    return app


def _openapi() -> dict[str, Any]:
    return openapi_document()
