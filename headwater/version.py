"""Entity versions ``Major.Minor`` (DESIGN: a minor never carries), and the package's version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.errors import InvalidInputError

__version__ = "0.1.0"

# 18 digits: what every store keeps as an integer, and far below what Python refuses to convert.
_TEXT = re.compile(r"(?:0|[1-9][0-9]{0,17})\.(?:0|[1-9][0-9]{0,17})")


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A version of an entity; compares by number, so ``0.10`` follows ``0.9``."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``Major.Minor``.

        Raises:
            InvalidInputError: The text is not two whole numbers without leading zeros.
        """
        if _TEXT.fullmatch(text) is None:
            raise InvalidInputError(f"{text!r} is not a version such as 0.1 or 1.0", version=text)
        major, minor = text.split(".")
        return cls(int(major), int(minor))

    def next(self, *, major: bool) -> Version:
        """The version after this one."""
        return Version(self.major + 1, 0) if major else Version(self.major, self.minor + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


FIRST = Version(0, 1)
