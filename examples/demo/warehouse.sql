-- The warehouse of a wine merchant: its raw tables. The laboratory's are filled from scikit-learn's
-- wine data: 178 bottles of three cultivars of one Italian region. The shop's are made up.

CREATE SCHEMA raw;
CREATE SCHEMA features;

CREATE TABLE raw.samples (
    sample_id INTEGER PRIMARY KEY,
    cultivar  VARCHAR NOT NULL
);
COMMENT ON TABLE raw.samples IS 'Bottles that were tasted, one row each.';
COMMENT ON COLUMN raw.samples.cultivar IS 'The grape, as told by the taster.';

CREATE TABLE raw.chemistry (
    sample_id    INTEGER PRIMARY KEY REFERENCES raw.samples (sample_id),
    alcohol      DOUBLE NOT NULL,
    malic_acid   DOUBLE NOT NULL,
    ash          DOUBLE NOT NULL,
    alkalinity   DOUBLE NOT NULL,
    magnesium    DOUBLE NOT NULL,
    proline      DOUBLE NOT NULL
);
COMMENT ON TABLE raw.chemistry IS 'Measured in the laboratory: minerals, acids and alcohol.';
COMMENT ON COLUMN raw.chemistry.alcohol IS 'Percent by volume.';

CREATE TABLE raw.phenols (
    sample_id       INTEGER PRIMARY KEY REFERENCES raw.samples (sample_id),
    total           DOUBLE NOT NULL,
    flavanoids      DOUBLE NOT NULL,
    nonflavanoids   DOUBLE NOT NULL,
    proanthocyanins DOUBLE NOT NULL
);
COMMENT ON TABLE raw.phenols IS 'Measured in the laboratory: phenols, in g/l.';

CREATE TABLE raw.colour (
    sample_id INTEGER PRIMARY KEY REFERENCES raw.samples (sample_id),
    intensity DOUBLE NOT NULL,
    hue       DOUBLE NOT NULL,
    od280     DOUBLE NOT NULL
);
COMMENT ON TABLE raw.colour IS 'Measured by the photometer.';

CREATE TABLE raw.customers (
    customer_id INTEGER PRIMARY KEY,
    email       VARCHAR NOT NULL,
    birth_date  DATE NOT NULL,
    has_left    BOOLEAN NOT NULL,
    city        VARCHAR NOT NULL
);
COMMENT ON TABLE raw.customers IS 'Who buys in the shop.';

CREATE TABLE raw.orders (
    order_id    INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL,
    sample_id   INTEGER NOT NULL REFERENCES raw.samples (sample_id),
    ordered_on  DATE NOT NULL,
    bottles     INTEGER NOT NULL,
    amount      DOUBLE NOT NULL
);
COMMENT ON TABLE raw.orders IS 'What was bought, one row for each wine.';
COMMENT ON COLUMN raw.orders.amount IS 'Euros.';
