-- The warehouse of a wine merchant. The raw tables are filled from scikit-learn's wine data: 178
-- bottles of three cultivars of one Italian region, each measured in the laboratory. The feature
-- views below are what a model is trained on; nothing else says where their columns come from.

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

CREATE VIEW features.phenol_share AS
SELECT
    sample_id,
    flavanoids / total    AS flavanoid_share,
    nonflavanoids / total AS nonflavanoid_share
FROM raw.phenols;

CREATE VIEW features.wine AS
SELECT
    s.sample_id,
    s.cultivar,
    c.alcohol,
    c.proline,
    c.malic_acid / c.ash                                      AS acid_to_ash,
    CASE WHEN c.magnesium > 100 THEN 'rich' ELSE 'poor' END   AS magnesium_class,
    p.flavanoid_share,
    k.intensity * k.hue                                       AS redness
FROM raw.samples AS s
JOIN raw.chemistry AS c ON c.sample_id = s.sample_id
JOIN features.phenol_share AS p ON p.sample_id = s.sample_id
JOIN raw.colour AS k ON k.sample_id = s.sample_id
WHERE c.ash > 0;
