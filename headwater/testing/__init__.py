"""What is shipped for tests of users: the conformance suite of the store port."""

import pytest

# Before any module of the suite is imported, so that its failures show the values compared.
pytest.register_assert_rewrite("headwater.testing")
