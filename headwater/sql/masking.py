"""Which functions of SQL hide their arguments: hashes and masks, in the dialects' own words.

A function is listed when nothing of a value can be told from its result. Those that show a part (as
``mask_show_last_n``), that can be undone by a key (``aes_encrypt``) or that only check a transport
(``crc32``) are not.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

FUNCTIONS = frozenset(
    (
        # by algorithm
        *("md5", "md5_hex", "md5_binary", "md5_digest", "md5_number", "md5_number_lower64"),
        *("md5_number_upper64", "sha", "sha1", "sha1_hex", "sha1_binary", "sha2", "sha2_hex"),
        *("sha2_binary", "sha224", "sha256", "sha384", "sha512", "sha512_256", "sha3", "sha3_224"),
        *("sha3_256", "sha3_384", "sha3_512", "blake3", "ripemd160", "whirlpool"),
        # by purpose
        *("hash", "hmac", "hmac_md5", "hmac_sha1", "hmac_sha256", "hmac_sha512", "digest", "crypt"),
        *("hashbytes", "standard_hash", "ora_hash", "farm_fingerprint", "hashtext"),
        *("xxhash32", "xxhash64", "xxh3", "murmurhash2_32", "murmurhash2_64", "murmurhash3_32"),
        *("murmurhash3_64", "murmurhash3_128", "murmur3", "cityhash64", "siphash64", "siphash128"),
        *("hashtextextended", "halfmd5", "func_sha1"),
        # masks
        *("mask", "mask_hash"),
    )
)
"""Names of functions, folded, without a schema."""

_NODES = frozenset(
    (
        *("md5", "md5digest", "md5numberlower64", "md5numberupper64", "sha", "sha1digest", "sha2"),
        *("sha2digest", "standardhash", "farmfingerprint", "cityhash64"),
    )
)
"""sqlglot's own names of what has other names in a dialect: HASHBYTES('MD5', x) is an md5."""


class Masking:
    """Tells functions that hide their arguments."""

    def __init__(self, functions: Collection[str] = ()) -> None:
        """Take the listed functions.

        Args:
            functions: Names of more, in any case, without a schema.
        """
        self._names = FUNCTIONS | {name.lower() for name in functions}

    def hides(self, node: exp.Expr, within: exp.Expr) -> bool:
        """Whether a node stands, within an expression, in the argument of such a function."""
        at: exp.Expr | None = node
        while at is not None:
            if isinstance(at, exp.Func) and self._is_masking(at):
                return True
            at = None if at is within else at.parent
        return False

    def _is_masking(self, node: exp.Func) -> bool:
        if isinstance(node, exp.Anonymous):
            return node.name.lower() in self._names
        return node.key in _NODES or any(name.lower() in self._names for name in node.sql_names())
