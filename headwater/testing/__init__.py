"""What is shipped for tests of users: the conformance suite of the store port."""

import pytest

# Before any module of the suite is imported, so that its failures show the values compared. Named
# one by one: pytest warns about a package that is being imported already, as this one is.
pytest.register_assert_rewrite(
    *(
        f"headwater.testing.{name}"
        for name in (
            "store",
            "store_build",
            "store_graph",
            "store_read",
            "store_thread",
            "store_write",
        )
    )
)
