"""Sparse matrices and arrays of SciPy, in its own format."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any, ClassVar
from zipfile import BadZipFile

from typing_extensions import override

from headwater.errors import InvalidInputError
from headwater.tracking.extra import load as module
from headwater.tracking.materializer import Materializer, Reading


class SparseMaterializer(Materializer):
    """Sparse matrices and arrays, of the formats that SciPy writes: not ``dok``, not ``lil``."""

    data_type: ClassVar[str] = "scipy.sparse"
    media_type: ClassVar[str] = "application/x-npz"

    @override
    def accepts(self, value: Any) -> bool:
        sparse = sys.modules.get("scipy.sparse")
        return sparse is not None and bool(sparse.issparse(value))

    @override
    def dump(self, value: Any) -> bytes:
        content = BytesIO()
        try:
            module("scipy.sparse", to="write sparse matrices").save_npz(content, value)
        except (NotImplementedError, ValueError) as error:
            raise InvalidInputError(
                f"SciPy cannot write this {value.format} matrix: {error}; as csr it can"
            ) from error
        return content.getvalue()

    @override
    def load(self, content: bytes, reading: Reading) -> Any:
        try:
            return module("scipy.sparse", to="read sparse matrices").load_npz(BytesIO(content))
        except (ValueError, KeyError, EOFError, OSError, BadZipFile) as error:
            raise InvalidInputError(f"the content is no sparse matrix: {error}") from error
