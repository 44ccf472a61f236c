-- The feature views: what models are trained on. Nothing else says where their columns come from.

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

-- It tells where somebody has their mail, and how old they are.
CREATE VIEW features.customer AS
SELECT
    c.customer_id,
    split_part(c.email, '@', 2)                        AS mail_domain,
    date_diff('year', c.birth_date, DATE '2025-07-01') AS age,
    s.orders,
    s.spent,
    date_diff('day', s.last_order, DATE '2025-07-01')  AS days_quiet,
    c.has_left,
    c.city
FROM raw.customers AS c
JOIN features.spending AS s ON s.customer_id = c.customer_id;

-- It keeps customers apart, and tells of none who it is.
CREATE VIEW features.order_line AS
SELECT
    md5(lower(c.email))  AS shopper,
    w.cultivar,
    w.alcohol,
    month(o.ordered_on)  AS ordered_in,
    o.bottles,
    o.amount / o.bottles AS price,
    c.city
FROM raw.orders AS o
JOIN raw.customers AS c ON c.customer_id = o.customer_id
JOIN features.wine AS w ON w.sample_id = o.sample_id;
