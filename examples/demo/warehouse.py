"""The demo's DuckDB warehouse: tables filled, views read as frames, and a migration."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine

HERE = Path(__file__).parent

# Which measurement of the wine data goes into which raw table, in the order of its columns.
MEASURED = {
    "chemistry": ("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "proline"),
    "phenols": ("total_phenols", "flavanoids", "nonflavanoid_phenols", "proanthocyanins"),
    "colour": ("color_intensity", "hue", "od280/od315_of_diluted_wines"),
}
CUSTOMERS = 400
MAIL_DOMAINS = ("example.com", "example.net", "example.org")
CITIES = ("Asti", "Genoa", "Turin")
TODAY = date(2025, 7, 1)  # of the made-up shop: the same numbers on every day


def fill(file: Path) -> dict[str, int]:
    """Make the warehouse; return how many rows each raw table has."""
    wine = wine_frames()
    frames = wine | shop_frames(len(wine["samples"]))
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(_text("warehouse.sql"))
        for name, frame in frames.items():
            warehouse.register("frame", frame)
            warehouse.execute(f"INSERT INTO raw.{name} SELECT * FROM frame")  # noqa: S608  # our own names
        warehouse.unregister("frame")
        warehouse.execute(_text("nightly.sql"))
        warehouse.execute(_text("features.sql"))
    return {name: len(frame) for name, frame in frames.items()}


def read(file: Path, view: str) -> pd.DataFrame:
    """Return the rows of a view, in an order that is the same every time."""
    with duckdb.connect(str(file), read_only=True) as warehouse:
        return warehouse.execute(f"SELECT * FROM features.{view} ORDER BY ALL").df()  # noqa: S608  # our own names


def migrate(file: Path) -> None:
    """Change the tables as ``change.sql`` says; a night goes by."""
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(_text("change.sql"))
        warehouse.execute(_text("nightly.sql"))


def wine_frames() -> dict[str, pd.DataFrame]:
    """The laboratory's tables: real measurements."""
    wine: Any = load_wine(as_frame=True)
    ids = pd.Series(range(1, len(wine.target) + 1), name="sample_id")
    cultivar = wine.target_names[wine.target]
    frames = {"samples": pd.DataFrame({"sample_id": ids, "cultivar": cultivar})}
    for table, names in MEASURED.items():
        frames[table] = pd.concat([ids, wine.data[list(names)]], axis="columns")
    return frames


def shop_frames(wines: int) -> dict[str, pd.DataFrame]:
    """The shop's tables: customers who buy more or less, and leave the sooner the less they buy."""
    random = np.random.default_rng(0)
    ids = np.arange(1, CUSTOMERS + 1)
    loyalty = random.uniform(0, 1, CUSTOMERS)
    domain = random.integers(0, len(MAIL_DOMAINS), CUSTOMERS)
    customers = pd.DataFrame(
        {
            "customer_id": ids,
            "email": [f"Customer{n}@{MAIL_DOMAINS[d]}" for n, d in zip(ids, domain, strict=True)],
            "birth_date": [
                TODAY - timedelta(days=int(d)) for d in random.integers(7300, 29000, CUSTOMERS)
            ],
            "has_left": loyalty + 0.15 * domain + random.normal(0, 0.15, CUSTOMERS) < 0.5,
            "city": random.choice(CITIES, CUSTOMERS),
        }
    )
    counts = 1 + random.poisson(8 * loyalty)
    buyer = np.repeat(ids, counts)
    total = len(buyer)
    quiet = random.exponential(40 + 300 * (1 - np.repeat(loyalty, counts)))
    bottles = random.integers(1, 13, total)
    price = 8 + 14 * np.repeat(loyalty, counts) + random.normal(0, 1.5, total)
    orders = pd.DataFrame(
        {
            "order_id": np.arange(1, total + 1),
            "customer_id": buyer,
            "sample_id": random.integers(1, wines + 1, total),
            "ordered_on": [TODAY - timedelta(days=int(d)) for d in quiet],
            "bottles": bottles,
            "amount": np.round(bottles * price.clip(5), 2),
        }
    )
    return {"customers": customers, "orders": orders}


def _text(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
