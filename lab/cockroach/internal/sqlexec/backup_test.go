package sqlexec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// backups is a session on a cluster of its own, and the engine that runs its schedules.
type backups struct {
	t       *testing.T
	engine  *Engine
	session *Session
	files   string
}

func newBackups(t *testing.T) *backups {
	cluster := newAlone(t)
	engine := NewEngine(cluster)
	b := &backups{t, engine, engine.NewSession(rootUser, ""), string(cluster.files)}
	b.must("CREATE DATABASE bank", "USE bank", "CREATE TABLE accounts (id INT PRIMARY KEY, amount INT)", "INSERT INTO accounts VALUES (1, 10), (2, 20)")
	return b
}

func (b *backups) run(sql string) (*Result, error) {
	parsed, err := Parse(sql)
	if err != nil {
		return nil, err
	}
	return b.session.Execute(context.Background(), parsed[0].AST, nil)
}

func (b *backups) must(statements ...string) *Result {
	b.t.Helper()
	var last *Result
	for _, sql := range statements {
		result, err := b.run(sql)
		if err != nil {
			b.t.Fatalf("%s: %v", sql, err)
		}
		last = result
	}
	return last
}

func (b *backups) refused(sql, code, words string) {
	b.t.Helper()
	_, err := b.run(sql)
	var known *Error
	if !errors.As(err, &known) || known.Code != code || !strings.Contains(known.Message, words) {
		b.t.Errorf("%s: %v; wanted %s with %q", sql, err, code, words)
	}
}

// rows are a query's as text.
func (b *backups) rows(sql string) string {
	b.t.Helper()
	result := b.must(sql)
	var lines []string
	for _, row := range result.Rows {
		var cells []string
		for i, v := range row {
			cells = append(cells, Format(v, result.Columns[i].Type))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return strings.Join(lines, "; ")
}

func (b *backups) is(sql, want string) {
	b.t.Helper()
	if got := b.rows(sql); got != want {
		b.t.Errorf("%s: %s; wanted %s", sql, got, want)
	}
}

const contents = "SELECT id, amount FROM copy.accounts ORDER BY id"

func TestFullAndIncrementalBackupsComeBack(t *testing.T) {
	b := newBackups(t)
	b.must("BACKUP INTO 'nodelocal://1/all'", "UPDATE accounts SET amount = 11 WHERE id = 1", "DELETE FROM accounts WHERE id = 2", "INSERT INTO accounts VALUES (3, 30)",
		"BACKUP INTO LATEST IN 'nodelocal://1/all'", "INSERT INTO accounts VALUES (4, 40)")
	b.must("RESTORE DATABASE bank FROM LATEST IN 'nodelocal://1/all' WITH new_db_name = 'copy'")
	b.is(contents, "1 11; 3 30")
	b.is("SELECT backup_type, rows FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/all'] WHERE object_name = 'accounts'", "full 2; incremental 2")
	b.refused("RESTORE DATABASE bank FROM LATEST IN 'nodelocal://1/all'", codeDuplicateDB, "already exists")
	b.must("DROP DATABASE copy CASCADE")
	b.is("SELECT count(*) FROM accounts", "3")
}

const then = " AS OF SYSTEM TIME '"

func TestWhatHasNotChangedSinceABackupIsStillKnown(t *testing.T) {
	b := newBackups(t)
	b.must("CREATE TABLE empty (id INT PRIMARY KEY)", "BACKUP INTO 'nodelocal://1/all'", "INSERT INTO accounts VALUES (3, 30)", "BACKUP INTO LATEST IN 'nodelocal://1/all'")
	ends := strings.Split(b.rows("SELECT DISTINCT end_time FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/all'] ORDER BY end_time"), "; ")
	b.must("RESTORE DATABASE bank FROM LATEST IN 'nodelocal://1/all' WITH new_db_name = 'copy'")
	b.is("SELECT count(*) FROM accounts"+then+ends[1]+"'", "3")
	b.refused("SELECT count(*) FROM accounts"+then+ends[0]+"'", codeInternal, "must be after replica GC threshold")

	prints := "[SHOW EXPERIMENTAL_FINGERPRINTS FROM TABLE "
	was := b.rows("SELECT * FROM " + prints + "bank.public.accounts]" + then + ends[1] + "'")
	if !strings.HasPrefix(was, "accounts_pkey ") || strings.HasSuffix(was, "NULL") {
		t.Error(was)
	}
	b.is("SELECT * FROM "+prints+"copy.public.accounts]", was)
	b.is("SELECT * FROM "+prints+"copy.public.empty]", b.rows("SELECT * FROM "+prints+"bank.public.empty]"+then+ends[1]+"'"))
	b.must("UPDATE copy.accounts SET amount = 31 WHERE id = 3")
	if now := b.rows("SELECT * FROM " + prints + "copy.public.accounts]"); now == was {
		t.Error("another content has the same fingerprint: ", now)
	}

	b.must("DELETE FROM accounts WHERE id = 3")
	b.refused("SELECT * FROM "+prints+"bank.public.accounts]"+then+ends[1]+"'", codeInternal, "must be after replica GC threshold")
	b.is("SELECT count(*) FROM bank.empty"+then+ends[1]+"'", "0")
	b.must("ALTER TABLE empty ADD COLUMN word STRING")
	b.refused("SELECT count(*) FROM bank.empty"+then+ends[1]+"'", codeInternal, "must be after replica GC threshold")
	b.refused("SELECT count(*) FROM bank.empty"+then+"2999-01-01'", codeInvalidParameter, "in the future")
	b.refused("SELECT count(*) FROM bank.empty"+then+"yesterday'", codeInvalidParameter, "neither timestamp")
}

func TestADamagedBackupIsNotRestored(t *testing.T) {
	b := newBackups(t)
	b.must("BACKUP INTO 'nodelocal://self/all'")
	damagedFiles := 0
	err := filepath.WalkDir(b.files, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(file)) != "data" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		damagedFiles++
		return os.WriteFile(file, []byte(strings.Replace(string(text), "10", "99", 1)), 0o600)
	})
	if err != nil || damagedFiles == 0 {
		t.Fatal(damagedFiles, err)
	}
	b.refused("RESTORE DATABASE bank FROM LATEST IN 'nodelocal://self/all' WITH new_db_name = 'copy'", "XXC01", "damaged")
	b.refused(contents, "3F000", "unknown schema")
}

func TestSchedules(t *testing.T) {
	b := newBackups(t)
	ctx, now := context.Background(), time.Now().UTC()
	b.must("CREATE SCHEDULE 'mine' FOR BACKUP INTO 'nodelocal://1/s' RECURRING '@hourly' FULL BACKUP '@daily' WITH SCHEDULE OPTIONS first_run = 'now', updates_cluster_last_backup_time_metric")
	shown := "SELECT schedule_status, recurrence FROM [SHOW SCHEDULES] WHERE label = 'mine' ORDER BY recurrence"
	b.is(shown, "ACTIVE @daily; PAUSED @hourly")
	if failures := b.engine.RunSchedules(ctx, now.Add(time.Second)); failures != nil {
		t.Fatal(failures)
	}
	b.is(shown, "ACTIVE @daily; ACTIVE @hourly")
	b.must("INSERT INTO accounts VALUES (3, 30)")
	if failures := b.engine.RunSchedules(ctx, now.Add(61*time.Minute)); failures != nil {
		t.Fatal(failures)
	}
	b.is("SELECT backup_type FROM [SHOW BACKUP FROM LATEST IN 'nodelocal://1/s'] WHERE object_name = 'accounts'", "full; incremental")
	if made, last := b.engine.Backups.Succeeded.Load(), b.engine.Backups.LastCompleted.Load(); made != 2 || last == 0 {
		t.Error(made, last)
	}

	id := b.rows("SELECT id FROM [SHOW SCHEDULES] WHERE recurrence = '@daily'")
	b.is("SELECT count(*) FROM [SHOW SCHEDULES] WHERE strpos(command->>'backup_statement', '''nodelocal://1/s''') > 0", "2")
	b.must("ALTER BACKUP SCHEDULE " + id + " SET WITH revision_history = false, SET RECURRING '*/30 * * * *', SET FULL BACKUP '@weekly'")
	b.is("SELECT schedule_status, recurrence FROM [SHOW SCHEDULES] ORDER BY recurrence", "ACTIVE */30 * * * *; ACTIVE @weekly")
	b.must("ALTER BACKUP SCHEDULE " + id + " SET RECURRING '@daily', SET FULL BACKUP ALWAYS")
	b.is("SELECT id, schedule_status, recurrence FROM [SHOW SCHEDULES]", id+" ACTIVE @daily")
	b.must("ALTER BACKUP SCHEDULE " + id + " SET RECURRING '@hourly', SET FULL BACKUP '@daily'")
	b.is(shown, "ACTIVE @daily; PAUSED @hourly") // until the next full one: nobody knows whether there was one
	b.must("ALTER BACKUP SCHEDULE " + id + " EXECUTE FULL IMMEDIATELY")
	if failures := b.engine.RunSchedules(ctx, time.Now().UTC()); failures != nil {
		t.Fatal(failures)
	}
	b.must("ALTER BACKUP SCHEDULE " + id + " SET INTO 'nodelocal://1/elsewhere'")
	b.is(shown, "ACTIVE @daily; PAUSED @hourly")
	if failures := b.engine.RunSchedules(ctx, time.Now().UTC()); failures != nil {
		t.Fatal(failures)
	}
	b.is(shown, "ACTIVE @daily; ACTIVE @hourly")

	b.must("DROP SCHEDULES SELECT id FROM [SHOW SCHEDULES] WHERE label = 'mine'")
	b.is("SELECT id FROM [SHOW SCHEDULES]", "")
}

func TestAFailedRunSaysSoAndIsTriedAgain(t *testing.T) {
	b := newBackups(t)
	now := time.Now().UTC()
	b.must("CREATE SCHEDULE 'mine' FOR BACKUP DATABASE bank INTO 'nodelocal://1/s' RECURRING '@daily' FULL BACKUP ALWAYS WITH SCHEDULE OPTIONS first_run = 'now'", "DROP DATABASE bank CASCADE")
	if failures := b.engine.RunSchedules(context.Background(), now.Add(time.Second)); len(failures) != 1 {
		t.Fatal(failures)
	}
	result := b.must("SELECT state, next_run FROM [SHOW SCHEDULES]")
	if state, next := result.Rows[0][0].(string), result.Rows[0][1].(time.Time); !strings.Contains(state, `database "bank" does not exist`) || next.After(now.Add(2*time.Minute)) {
		t.Error(state, next)
	}
	if b.engine.Backups.Failed.Load() != 1 {
		t.Error("not counted")
	}
}

func TestWhatBackupsRefuse(t *testing.T) {
	b := newBackups(t)
	b.refused("BACKUP INTO 's3://bucket/path?AUTH=implicit'", codeUnsupported, "external storage s3://")
	b.refused("BACKUP INTO 'nodelocal://n1/x'", codeInvalidParameter, "node ID")
	b.refused("BACKUP TABLE accounts INTO 'nodelocal://1/x'", codeUnsupported, "anything but databases")
	b.refused("BACKUP INTO 'nodelocal://1/x' WITH revision_history", codeUnsupported, "revision_history")
	b.refused("BACKUP INTO LATEST IN 'nodelocal://1/x'", "58030", "no backups")
	b.refused("RESTORE FROM LATEST IN 'nodelocal://1/x'", codeUnsupported, "anything but one database")
	b.refused("CREATE SCHEDULE FOR BACKUP INTO 'nodelocal://1/x' RECURRING 'often'", codeInvalidParameter, "valid cron expression")
	b.refused("CREATE SCHEDULE FOR BACKUP INTO 'nodelocal://1/x' RECURRING '@daily' FULL BACKUP '@hourly'", codeInvalidParameter, "more often")
	b.must("BACKUP INTO 'nodelocal://1/x'")
	b.refused("CREATE SCHEDULE FOR BACKUP INTO 'nodelocal://1/x' RECURRING '@daily'", codeInvalidParameter, "ignore_existing_backups")
	b.must("CREATE USER eve")
	b.session = b.engine.NewSession("eve", "")
	b.refused("BACKUP INTO 'nodelocal://1/x'", codePrivilege, "BACKUP system privilege")
}
