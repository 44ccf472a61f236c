"""The conformance suite itself: that an adapter cannot leave a test out."""

from __future__ import annotations

import pytest

from headwater.store.base import Store
from headwater.testing.store import DurableStoreConformance, StoreConformance


@pytest.mark.parametrize("suite", [StoreConformance, DurableStoreConformance])
def test_overriding_a_test_is_refused(suite: type[StoreConformance]) -> None:
    def passes(self: StoreConformance, store: Store) -> None:
        """Passes for every store."""

    name = "test_concurrent_increments_are_all_kept"
    with pytest.raises(TypeError, match=name):
        type("TestMine", (suite,), {name: passes})
    with pytest.raises(TypeError, match=name):
        type("TestMine", (suite,), {name: None})
    with pytest.raises(TypeError, match=name):
        type("TestMine", (type("Mixin", (), {name: passes}), suite), {})


def test_adding_a_test_is_allowed() -> None:
    made = type("TestMine", (StoreConformance,), {"test_more": None})
    assert issubclass(made, StoreConformance)
