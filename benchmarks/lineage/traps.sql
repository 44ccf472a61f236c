CREATE TABLE people (id BIGINT, email VARCHAR, name VARCHAR, city BIGINT, boss BIGINT);
CREATE TABLE cities (id BIGINT, name VARCHAR, zip BIGINT);
CREATE TABLE orders (id BIGINT, who BIGINT, total DOUBLE, day DATE, note VARCHAR);
INSERT INTO people SELECT i, 'p' || i || '@x', 'n' || i % 5, i % 4, i // 2 FROM range(25) r(i);
INSERT INTO cities SELECT i, 'c' || i, 1000 + i * 7 FROM range(4) r(i);
INSERT INTO orders SELECT i, i % 20, i * 1.5 + i % 7, DATE '2020-01-01' + i::INTEGER, 'o' || i % 3 FROM range(60) r(i);

-- same_name
SELECT p.name, c.name AS city FROM people p JOIN cities c ON c.id = p.city
-- shadowing_alias
SELECT upper(name) AS email, email AS name FROM people
-- cte_shadows_table
WITH cities AS (SELECT id, email AS name FROM people) SELECT name FROM cities
-- cte_twice
WITH a AS (SELECT id, boss FROM people), b AS (SELECT x.id, y.boss FROM a x JOIN a y ON x.boss = y.id) SELECT * FROM b
-- filter_only
SELECT o.total FROM orders o JOIN people p ON p.id = o.who WHERE p.name = 'n1'
-- aggregate
SELECT p.city, sum(o.total) AS spent, count(o.note) AS notes, count(*) AS n FROM orders o JOIN people p ON p.id = o.who GROUP BY p.city
-- union_by_position
SELECT name AS a, email AS b FROM people UNION ALL SELECT note, name FROM orders JOIN cities ON cities.id = orders.id
-- union_distinct
SELECT city AS n FROM people UNION SELECT zip FROM cities
-- except_right
SELECT name FROM people EXCEPT SELECT name FROM cities
-- window
SELECT id, rank() OVER (PARTITION BY who ORDER BY total) AS r, lag(note) OVER (ORDER BY day) AS before FROM orders
-- window_over_aggregate
SELECT who, sum(sum(total)) OVER (ORDER BY who) AS running FROM orders GROUP BY who
-- scalar_subquery
SELECT p.id, (SELECT max(o.total) FROM orders o WHERE o.who = p.id) AS most FROM people p
-- correlated_value
SELECT p.id, (SELECT max(o.total + p.boss) FROM orders o WHERE o.who = p.id) AS m FROM people p
-- exists_as_a_value
SELECT p.id, EXISTS (SELECT o.note FROM orders o WHERE o.who = p.id) AS bought FROM people p
-- exists_as_a_condition
SELECT p.name FROM people p WHERE EXISTS (SELECT o.note FROM orders o WHERE o.who = p.id)
-- not_exists_in_a_case
SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM orders o JOIN cities c ON c.id = o.id WHERE o.who = p.id) THEN p.email END AS x FROM people p
-- in_subquery_value
SELECT p.id, p.boss IN (SELECT c.id FROM cities c) AS near FROM people p
-- star_and_more
SELECT *, zip * 2 AS twice FROM cities
-- star_of_one
SELECT c.*, p.email FROM people p JOIN cities c ON c.id = p.city
-- star_exclude
SELECT * EXCLUDE (email, boss) FROM people
-- star_replace
SELECT * REPLACE (upper(email) AS name) FROM people
-- case_branches
SELECT CASE WHEN city > 1 THEN email WHEN city > 0 THEN name ELSE 'none' END AS x FROM people
-- quoted
SELECT "Name" AS "the name", "EMAIL" FROM people
-- nested
SELECT outerq.x FROM (SELECT innerq.y || innerq.z AS x FROM (SELECT email AS y, name AS z, city FROM people) innerq) outerq
-- column_list_of_cte
WITH t (a, b) AS (SELECT email, name FROM people) SELECT b FROM t
-- column_list_of_subquery
SELECT s.b FROM (SELECT id, zip FROM cities) AS s (a, b)
-- rollup
SELECT city, boss, sum(id) AS s, grouping(city) AS g FROM people GROUP BY ROLLUP (city, boss)
-- having
SELECT who, max(day) AS last FROM orders GROUP BY who HAVING sum(total) > 10
-- distinct
SELECT DISTINCT city, upper(name) AS n FROM people
-- group_by_position
SELECT substr(email, 1, 2) AS e, count(DISTINCT name) AS n FROM people GROUP BY 1
-- self_join
SELECT a.name || b.email AS x FROM people a JOIN people b ON a.boss = b.id
-- outer_join
SELECT p.id, coalesce(o.note, p.name) AS x FROM people p LEFT JOIN orders o ON o.who = p.id AND o.total > 20
-- constants
SELECT 1 AS one, current_date AS today FROM people
-- masked
SELECT md5(email) || name AS x FROM people
-- count_of_distinct_rows
SELECT count(*) AS n FROM (SELECT DISTINCT city FROM people WHERE boss > 0) c
-- count_of_a_union
SELECT count(1) AS n FROM (SELECT who FROM orders UNION SELECT id FROM cities) c
-- count_of_what_passes_distinct_rows_on
SELECT count(*) AS n FROM (SELECT c.x FROM (SELECT DISTINCT city AS x, boss > 2 AS y FROM people) c) d
-- count_of_rows
SELECT count(*) AS n FROM (SELECT city FROM people UNION ALL SELECT who FROM orders) c
