CREATE USER verifier;
CREATE USER app;
CREATE DATABASE bank;
USE bank;
CREATE TABLE t (id INT PRIMARY KEY);
-- user verifier
SELECT crdb_internal.cluster_id();
SELECT node_id FROM crdb_internal.gossip_nodes;
SET allow_unsafe_internals = on;
SELECT crdb_internal.cluster_id();
SELECT node_id FROM crdb_internal.gossip_nodes;
-- user root
GRANT SYSTEM VIEWCLUSTERMETADATA TO verifier;
-- user verifier
SET allow_unsafe_internals = on;
SELECT node_id, address, locality, is_live FROM crdb_internal.gossip_nodes ORDER BY node_id;
SELECT node_id, draining, membership FROM crdb_internal.gossip_liveness ORDER BY node_id;
SHOW REGIONS FROM CLUSTER;
CREATE DATABASE mine;
CREATE USER other;
SET CLUSTER SETTING kv.rangefeed.enabled = true;
SHOW CLUSTER SETTING kv.rangefeed.enabled;
GRANT SYSTEM VIEWCLUSTERMETADATA TO app;
DROP DATABASE bank;
ALTER DATABASE bank PRIMARY REGION "us-east1";
SELECT * FROM bank.t;
-- user root bank
GRANT SELECT ON TABLE t TO app;
GRANT CONNECT ON DATABASE bank TO app;
GRANT SELECT ON DATABASE bank TO app;
SHOW GRANTS ON TABLE t;
-- user app bank
SELECT * FROM t;
INSERT INTO t VALUES (1);
DROP TABLE t;
-- user root bank
REVOKE CONNECT ON DATABASE bank FROM public;
-- user verifier bank
-- user app bank
-- user root bank
CREATE ROLE ops;
GRANT admin TO ops;
GRANT ops TO app;
-- user app bank
SET CLUSTER SETTING kv.rangefeed.enabled = true;
INSERT INTO t VALUES (1);
-- user root bank
REVOKE SELECT ON TABLE t FROM app;
DROP USER app;
REVOKE CONNECT ON DATABASE bank FROM app;
DROP USER app;
ALTER USER verifier NOLOGIN;
-- user verifier
-- user node
-- user admin
