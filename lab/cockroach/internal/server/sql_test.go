package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return fmt.Sprint(err)
}

func TestLoginIsByCertificate(t *testing.T) {
	c := up(t, 3)
	c.exec(0, "CREATE USER app", "CREATE DATABASE bank", "ALTER DATABASE bank OWNER TO app")
	app, eve := c.authority.Client(t, "app"), c.authority.Client(t, "eve")
	c.authority.Write(t, eve, "client.app", "eve") // eve's certificate, shown as app's
	for i := range 3 {
		conn, err := c.connect(i, "app", "bank", app)
		if err != nil {
			t.Fatalf("app on node %d: %v", i, err)
		}
		if _, err := conn.Exec(context.Background(), "CREATE DATABASE other"); code(err) != "42501" {
			t.Errorf("app made a database: %v", err)
		}
	}
	if _, err := c.connect(0, "app", "bank", eve); code(err) != "28000" {
		t.Errorf("another's certificate logs in: %v", err)
	}
	if _, err := c.connect(0, "eve", "bank", c.authority.Client(t, "eve")); code(err) != "28P01" {
		t.Errorf("a user who does not exist logs in: %v", err)
	}
	config, err := pgx.ParseConfig("postgres://root@" + c.configs[0].ListenAddr + "/?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.ConnectConfig(context.Background(), config); code(err) != "28P01" {
		t.Errorf("root logs in without a certificate: %v", err)
	}
	config.TLSConfig = nil
	config.Fallbacks = nil
	if _, err := pgx.ConnectConfig(context.Background(), config); code(err) != "08P01" {
		t.Errorf("root logs in without TLS: %v", err)
	}
}

func TestExtendedProtocol(t *testing.T) {
	c := up(t, 1+2)
	ctx := context.Background()
	conn := c.sql(1)
	if _, err := conn.Exec(ctx, `CREATE TABLE t (id UUID PRIMARY KEY, n INT, f FLOAT, d DECIMAL, s STRING, b BYTES, at TIMESTAMPTZ, ok BOOL, tags STRING[], j JSONB)`); err != nil {
		t.Fatal(err)
	}
	id, at := uuid.New(), time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	tag, err := conn.Exec(ctx, "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		id.String(), 42, 1.5, "12.34", "it's", []byte{0, 255}, at, true, []string{"a", "b c"}, `{"k": 1}`)
	if err != nil || tag.String() != "INSERT 0 1" {
		t.Fatal(tag, err)
	}
	var (
		n         int64
		f         float64
		d, s, j   string
		b         []byte
		got       time.Time
		ok        bool
		tags      []string
		missing   *string
		localized int
	)
	row := conn.QueryRow(ctx, "SELECT n, f, d::STRING, s, b, at, ok, tags, j, NULL::STRING, n + $2 FROM t WHERE id = $1", id.String(), 1)
	if err := row.Scan(&n, &f, &d, &s, &b, &got, &ok, &tags, &j, &missing, &localized); err != nil {
		t.Fatal(err)
	}
	if n != 42 || f != 1.5 || d != "12.34" || s != "it's" || len(b) != 2 || b[1] != 255 || !got.Equal(at) || !ok || len(tags) != 2 || tags[1] != "b c" ||
		j != `{"k":1}` || missing != nil || localized != 43 {
		t.Error(n, f, d, s, b, got, ok, tags, j, missing, localized)
	}
	if _, err := conn.Exec(ctx, "INSERT INTO t (id) VALUES ($1)", id.String()); code(err) != "23505" {
		t.Error(err)
	}
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM t WHERE n = ANY($1)", []string{"42"}).Scan(&n); err != nil || n != 1 {
		t.Error(n, err)
	}
	batch := &pgx.Batch{}
	for i := range 3 {
		batch.Queue("UPDATE t SET n = n + $1 WHERE id = $2", i, id.String())
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		t.Error(err)
	}
	if err := conn.QueryRow(ctx, "SELECT n FROM t").Scan(&n); err != nil || n != 45 {
		t.Error(n, err)
	}
}

func TestTransactionsAreSerializable(t *testing.T) {
	c := up(t, 3)
	ctx := context.Background()
	c.exec(0, "CREATE TABLE counter (id INT PRIMARY KEY, n INT)", "INSERT INTO counter VALUES (1, 0)")
	a, b := c.sql(0), c.sql(1)
	for _, conn := range []*pgx.Conn{a, b} {
		for _, statement := range []string{"BEGIN", "SELECT n FROM counter WHERE id = 1", "UPDATE counter SET n = n + 1 WHERE id = 1"} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := a.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Exec(ctx, "COMMIT"); code(err) != "40001" {
		t.Errorf("a lost update: %v", err)
	}
	const writers, each = 3, 10
	var group sync.WaitGroup
	for i := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			conn, err := c.connect(i, "root", "defaultdb", c.root)
			if err != nil {
				t.Error(err)
				return
			}
			for done := 0; done < each; {
				if _, err := conn.Exec(ctx, "UPDATE counter SET n = n + 1 WHERE id = 1"); err == nil {
					done++
				} else if code(err) != "40001" {
					t.Error(err)
					return
				}
			}
		}()
	}
	group.Wait()
	var n int
	if err := c.sql(2).QueryRow(ctx, "SELECT n FROM counter").Scan(&n); err != nil || n != 1+writers*each {
		t.Errorf("counted %d of %d: %v", n, 1+writers*each, err)
	}
}

func TestStatementTimeout(t *testing.T) {
	c := up(t, 3)
	conn := c.sql(0)
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "SET statement_timeout = '100ms'"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_sleep(20)"); code(err) != "57014" {
		t.Error(err)
	}
}
