"""The built-in materializers, and the registry of this process."""

from __future__ import annotations

from headwater.tracking.materializer import Materializer, Registry
from headwater.tracking.materializers.array import ArrayMaterializer
from headwater.tracking.materializers.estimator import EstimatorMaterializer
from headwater.tracking.materializers.pandas import FrameMaterializer, SeriesMaterializer
from headwater.tracking.materializers.pickle import PickleMaterializer
from headwater.tracking.materializers.plain import (
    BytesMaterializer,
    JsonMaterializer,
    TextMaterializer,
)
from headwater.tracking.materializers.polars import (
    PolarsFrameMaterializer,
    PolarsSeriesMaterializer,
)
from headwater.tracking.materializers.sparse import SparseMaterializer

__all__ = ["PickleMaterializer", "register_materializer", "registry"]

registry = Registry(
    [
        TextMaterializer(),
        BytesMaterializer(),
        FrameMaterializer(),
        SeriesMaterializer(),
        PolarsFrameMaterializer(),
        PolarsSeriesMaterializer(),
        ArrayMaterializer(),
        SparseMaterializer(),
        EstimatorMaterializer(),
        JsonMaterializer(),
        PickleMaterializer(),
    ]
)
"""What this process writes and reads values with."""


def register_materializer(materializer: Materializer) -> None:
    """Let this process write and read values with a materializer, before all others.

    Example:
        >>> register_materializer(PickleMaterializer(Forecast))
    """
    registry.register(materializer)
