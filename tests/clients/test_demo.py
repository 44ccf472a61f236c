"""``make demo`` with a real MLflow."""

from __future__ import annotations

import pytest

from tests.test_demo import run_demo, section

pytestmark = pytest.mark.xdist_group("demo")  # one run is enough


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_demo(tmp_path_factory.mktemp("checkout"))


def test_versions_of_mlflow_follow_their_alias(printed: str) -> None:
    text = section(printed, 5)
    assert text.count(" 0 failed") == 2
    assert "open:" not in text
    assert "registry.order-price.1: Ridge, archived\n" in text
    assert "registry.order-price.2: RandomForestRegressor, production\n" in text


def test_a_raw_column_reaches_models_of_both_registries(printed: str) -> None:
    text = section(printed, 7)
    assert "modelVersion headwater.churn.spring (production)\n" in text
    assert "modelVersion registry.order-price.2 (production)\n" in text


def test_a_model_on_the_masked_way_reads_no_personal_data(printed: str) -> None:
    text = section(printed, 8)
    reached = text.partition("masked, and so not followed:\n")[0]
    assert "registry.order-price" not in reached
    assert "mlmodel registry.order-price reads no sources tagged PII\n" in text
    assert "cellar.warehouse.features.order_line.shopper → modelVersion registry.order" in text
