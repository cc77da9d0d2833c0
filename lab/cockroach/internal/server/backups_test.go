package server

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func one[T any](t *testing.T, c *cluster, node int, query string) T {
	t.Helper()
	var out T
	if err := c.sql(node).QueryRow(context.Background(), query).Scan(&out); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return out
}

// Storage of one node is written and read through any other.
func TestBackupsCrossNodes(t *testing.T) {
	c := up(t, 3)
	c.exec(0, "CREATE DATABASE bank", "CREATE TABLE bank.public.accounts (id INT PRIMARY KEY)", "INSERT INTO bank.public.accounts VALUES (1), (2)")
	for from := range 3 {
		c.exec(from, fmt.Sprintf("BACKUP INTO 'nodelocal://2/from%d'", from))
		to := (from + 1) % 3
		c.exec(to, fmt.Sprintf("RESTORE DATABASE bank FROM LATEST IN 'nodelocal://2/from%d' WITH new_db_name = 'copy%d'", from, from))
		if rows := one[int](t, c, from, fmt.Sprintf("SELECT count(*) FROM copy%d.public.accounts", from)); rows != 2 {
			t.Errorf("%d rows came back through node %d", rows, to)
		}
	}
	_, err := c.sql(0).Exec(context.Background(), "BACKUP INTO 'nodelocal://9/x'")
	if refused, ok := err.(*pgconn.PgError); !ok || refused.Code == "" {
		t.Errorf("a node that is not there took a backup: %v", err)
	}
}

// Whoever leads makes a due backup, once.
func TestTheLeaderRunsSchedules(t *testing.T) {
	c := up(t, 3)
	c.exec(1, "CREATE SCHEDULE 'mine' FOR BACKUP INTO 'nodelocal://1/s' RECURRING '@daily' FULL BACKUP ALWAYS "+
		"WITH SCHEDULE OPTIONS first_run = 'now', updates_cluster_last_backup_time_metric")
	eventually(t, "a backup", func() string {
		if made := one[int](t, c, 2, "SELECT count(*) FROM [SHOW BACKUPS IN 'nodelocal://1/s']"); made != 1 {
			return fmt.Sprintf("%d backups", made)
		}
		return ""
	})
	eventually(t, "the node that made it counts it", func() string {
		var made, last int64
		for _, node := range c.nodes {
			made += node.engine.Backups.Succeeded.Load()
			last = max(last, node.engine.Backups.LastCompleted.Load())
		}
		if made != 1 || last == 0 {
			return fmt.Sprintf("%d backups are counted, the last at %d", made, last)
		}
		return ""
	})
}
