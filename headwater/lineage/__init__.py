"""The lineage service: what feeds what, down to columns and features."""

from headwater.lineage.derive import derive
from headwater.lineage.service import LineageService

__all__ = ["LineageService", "derive"]
