-- What a job does every night: a table that no view tells about. The connector reads this file.

CREATE OR REPLACE TABLE features.spending AS
SELECT
    customer_id,
    count(*)        AS orders,
    sum(amount)     AS spent,
    max(ordered_on) AS last_order
FROM raw.orders
GROUP BY customer_id;
