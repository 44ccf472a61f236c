"""What materializers of frames have in common, whichever library the frames are of."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from typing_extensions import override

from headwater.tracking.materializer import Materializer


class ParquetMaterializer(Materializer):
    """Values of the one type that ``data_type`` names, module first; no subclass of it."""

    media_type: ClassVar[str] = "application/vnd.apache.parquet"

    @override
    def accepts(self, value: Any) -> bool:
        library, _, name = self.data_type.partition(".")
        loaded = sys.modules.get(library)  # else there is no value of it
        return loaded is not None and type(value) is getattr(loaded, name)
