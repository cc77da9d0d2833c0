SET CLUSTER SETTING server.shutdown.initial_wait = '5s';
CREATE USER IF NOT EXISTS "verifier";
GRANT SYSTEM VIEWCLUSTERMETADATA TO "verifier";
DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES] WHERE label = 'cockroachdb-multiregion';
