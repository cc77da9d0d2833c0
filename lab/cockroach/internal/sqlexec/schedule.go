package sqlexec

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
	"github.com/robfig/cron/v3"
)

// schedule is stored under sched/<id>. A schedule of incremental backups belongs to one of full ones, and waits for its first.
type schedule struct {
	ID       int64     `json:"id"`
	Label    string    `json:"label"`
	Owner    string    `json:"owner"`
	Created  time.Time `json:"created"`
	Cron     string    `json:"cron"`
	URI      string    `json:"uri"`
	Targets  []string  `json:"targets,omitempty"` // databases; none: all
	Full     bool      `json:"full"`
	Other    int64     `json:"other,omitempty"` // the other one of the pair
	NextRun  time.Time `json:"nextRun"`         // zero: paused
	State    string    `json:"state,omitempty"`
	Failure  string    `json:"failure"`          // on_execution_failure
	Previous string    `json:"previous"`         // on_previous_running; runs never overlap here
	Metric   bool      `json:"metric,omitempty"` // updates_cluster_last_backup_time_metric
}

const (
	waitsForFull = "PAUSED: Waiting for initial backup to complete"
	retryAfter   = time.Minute
)

func (sc *schedule) key() string { return fmt.Sprintf("sched/%d", sc.ID) }

func (sc *schedule) statement() string {
	to := "INTO LATEST IN "
	if sc.Full {
		to = "INTO "
	}
	what := ""
	if sc.Targets != nil {
		names := make(tree.NameList, len(sc.Targets))
		for i, name := range sc.Targets {
			names[i] = tree.Name(name)
		}
		what = "DATABASE " + tree.AsString(&names) + " "
	}
	return "BACKUP " + what + to + tree.NewStrVal(sc.URI).String() + " WITH OPTIONS (detached)"
}

func (sc *schedule) status() string {
	if sc.NextRun.IsZero() {
		return "PAUSED"
	}
	return "ACTIVE"
}

func parseCron(text string) (cron.Schedule, error) {
	found, err := cron.ParseStandard(text)
	if err != nil {
		return nil, errorf(codeInvalidParameter, "error parsing schedule expression: %q; it must be a valid cron expression", text)
	}
	return found, nil
}

func nextRun(text string, after time.Time) (time.Time, error) {
	found, err := parseCron(text)
	if err != nil {
		return time.Time{}, err
	}
	return found.Next(after.UTC()), nil
}

// period is the time from the next run to the one after.
func period(text string) (time.Duration, error) {
	found, err := parseCron(text)
	if err != nil {
		return 0, err
	}
	first := found.Next(time.Now().UTC())
	return found.Next(first).Sub(first), nil
}

// fullRecurrence is what the real one chooses where the statement does not say: hourly or more often, then daily; daily or more
// often, then weekly; else always.
func fullRecurrence(text string) (string, error) {
	every, err := period(text)
	switch {
	case err != nil:
		return "", err
	case every <= time.Hour:
		return "@daily", nil
	case every <= 24*time.Hour:
		return "@weekly", nil
	}
	return "", nil
}

func (s *Session) createSchedule(n *tree.ScheduledBackup) (*Result, error) {
	if err := s.needSystem("BACKUP"); err != nil {
		return nil, err
	}
	if err := checkBackupOptions(&n.BackupOptions); err != nil {
		return nil, err
	}
	names, err := targets(n.Targets)
	if err != nil {
		return nil, err
	}
	base := schedule{Owner: s.User, Created: s.now, Targets: names, Failure: "retry", Previous: "wait"}
	if n.ScheduleLabelSpec.Label != nil {
		if base.Label, err = s.text(n.ScheduleLabelSpec.Label); err != nil {
			return nil, err
		}
	}
	all, err := s.schedules()
	if err != nil {
		return nil, err
	}
	if n.ScheduleLabelSpec.IfNotExists {
		for _, sc := range all {
			if sc.Label == base.Label {
				s.Notice("NOTICE", fmt.Sprintf("schedule %q already exists, skipping", base.Label))
				return createdTable(), nil
			}
		}
	}
	if base.URI, err = s.destination(n.To); err != nil {
		return nil, err
	}
	if n.Recurrence == nil {
		return nil, unsupported("RECURRING NEVER")
	}
	recurring, err := s.text(n.Recurrence)
	if err != nil {
		return nil, err
	}
	firstRun, ignoreExisting, err := s.scheduleOptions(&base, n.ScheduleOptions)
	if err != nil {
		return nil, err
	}
	if err := s.reachable(base.URI, ignoreExisting); err != nil {
		return nil, err
	}
	full := ""
	switch {
	case n.FullBackup == nil:
		full, err = fullRecurrence(recurring)
	case !n.FullBackup.AlwaysFull:
		full, err = s.text(n.FullBackup.Recurrence)
	}
	if err != nil {
		return nil, err
	}
	made, err := pair(base, recurring, full)
	if err != nil {
		return nil, err
	}
	if !firstRun.IsZero() {
		made[len(made)-1].NextRun = firstRun
	}
	result := createdTable()
	for _, sc := range made {
		if err := s.tx.put(sc.key(), sc); err != nil {
			return nil, err
		}
		status := sc.status()
		if sc.State != "" {
			status = sc.State
		}
		result.add(sc.ID, sc.Label, status, when(sc.NextRun), sc.Cron, sc.statement())
	}
	return result, nil
}

// pair is the schedule of full backups, last, after that of incremental ones where there is one.
func pair(base schedule, recurring, full string) ([]*schedule, error) {
	whole := base
	whole.ID, whole.Full, whole.Cron = rowID(1), true, recurring
	if full != "" {
		whole.Cron = full
	}
	var err error
	if whole.NextRun, err = nextRun(whole.Cron, time.Now()); err != nil {
		return nil, err
	}
	if full == "" {
		return []*schedule{&whole}, nil
	}
	often, err := period(recurring)
	if err != nil {
		return nil, err
	}
	if rare, err := period(full); err != nil || rare < often {
		return nil, errorf(codeInvalidParameter, "incremental backups must occur more often than full backups")
	}
	part := base
	part.ID, part.Cron, part.State, part.Other, part.NextRun = whole.ID+1, recurring, waitsForFull, whole.ID, time.Time{}
	whole.Other = part.ID
	return []*schedule{&part, &whole}, nil
}

func createdTable() *Result {
	return table("schedule_id", Int, "label", String, "status", String, "first_run", TimestampTZ, "schedule", String, "backup_stmt", String)
}

func when(at time.Time) Value {
	if at.IsZero() {
		return nil
	}
	return at
}

// reachable looks into the storage, as the real one does by a dry run.
func (s *Session) reachable(uri string, ignoreExisting bool) error {
	to, err := s.openCollection(uri)
	if err != nil {
		return err
	}
	full, _, err := to.backups()
	if err == nil && len(full) > 0 && !ignoreExisting {
		return errorf(codeInvalidParameter, "backups already created in %s; to ignore existing backups, the schedule can be created with the 'ignore_existing_backups' option", uri)
	}
	return err
}

var scheduleWords = map[string][]string{
	"on_execution_failure": {"retry", "reschedule", "pause"},
	"on_previous_running":  {"start", "skip", "wait"},
}

func (s *Session) scheduleOptions(sc *schedule, options tree.KVOptions) (first time.Time, ignoreExisting bool, err error) {
	for _, option := range options {
		name, value := string(option.Key), ""
		if option.Value != nil {
			if value, err = s.text(option.Value); err != nil {
				return first, false, err
			}
		}
		switch name {
		case "first_run":
			if value == "now" {
				first = time.Now().UTC()
				break
			}
			at, err := cast(value, TimestampTZ)
			if err != nil {
				return first, false, err
			}
			first = at.(time.Time)
		case "on_execution_failure", "on_previous_running":
			if !slices.Contains(scheduleWords[name], value) {
				return first, false, errorf(codeInvalidParameter, "%q is not a valid %s", value, name)
			}
			if name == "on_execution_failure" {
				sc.Failure = value
			} else {
				sc.Previous = value
			}
		case "ignore_existing_backups":
			ignoreExisting = true
		case "updates_cluster_last_backup_time_metric":
			sc.Metric = true
		default:
			return first, false, errorf(codeInvalidParameter, "invalid option %q", name)
		}
	}
	return first, ignoreExisting, nil
}

func (s *Session) schedules() ([]*schedule, error) {
	pairs, err := s.tx.scan("sched/")
	if err != nil {
		return nil, err
	}
	out := make([]*schedule, len(pairs))
	for i, pair := range pairs {
		out[i] = new(schedule)
		if err := json.Unmarshal(pair.value, out[i]); err != nil {
			return nil, err
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, nil
}

func (s *Session) showSchedules(n *tree.ShowSchedules) (*Result, error) {
	if n.ScheduleID != nil {
		return nil, unsupported("SHOW SCHEDULE of one id")
	}
	all, err := s.schedules()
	if err != nil {
		return nil, err
	}
	admin, err := s.isAdmin()
	if err != nil {
		return nil, err
	}
	result := table("id", Int, "label", String, "schedule_status", String, "next_run", TimestampTZ, "state", String, "recurrence", String,
		"jobsrunning", Int, "owner", String, "created", TimestampTZ, "command", JSONB)
	for _, sc := range all {
		paused := sc.NextRun.IsZero()
		if !admin && sc.Owner != s.User || n.WhichSchedules == tree.ActiveSchedules && paused || n.WhichSchedules == tree.PausedSchedules && !paused ||
			n.ExecutorType != tree.InvalidExecutor && n.ExecutorType != tree.ScheduledBackupExecutor {
			continue
		}
		command, _ := json.Marshal(map[string]any{"backup_statement": sc.statement(), "updates_last_backup_metric": sc.Metric})
		result.add(sc.ID, sc.Label, sc.status(), when(sc.NextRun), nullable(sc.State), sc.Cron, int64(0), sc.Owner, sc.Created, string(command))
	}
	return result, nil
}

// controlSchedules runs PAUSE, RESUME and DROP SCHEDULES.
func (s *Session) controlSchedules(n *tree.ControlSchedules) (*Result, error) {
	ids, err := s.query(n.Schedules, nil)
	if err != nil {
		return nil, err
	}
	count := 0
	for _, row := range ids.Rows {
		if len(row) != 1 || row[0] == nil {
			continue
		}
		id, err := strconv.ParseInt(Text(row[0]), 10, 64)
		if err != nil {
			return nil, errorf(codeTypeMismatch, "schedule id must be a number: %s", Text(row[0]))
		}
		if ok, err := s.tx.get((&schedule{ID: id}).key(), new(schedule)); err != nil {
			return nil, err
		} else if !ok {
			continue // no error in the real one either: it went with the other of its pair
		}
		sc, err := s.findSchedule(id)
		if err != nil {
			return nil, err
		}
		switch n.Command {
		case tree.DropSchedule:
			s.tx.delete(sc.key())
			if sc.Full && sc.Other != 0 { // as in the real one, the incremental one goes with it
				s.tx.delete((&schedule{ID: sc.Other}).key())
			}
		case tree.PauseSchedule:
			sc.NextRun, sc.State = time.Time{}, ""
		case tree.ResumeSchedule:
			if sc.NextRun, err = nextRun(sc.Cron, time.Now()); err != nil {
				return nil, err
			}
			sc.State = ""
		}
		if n.Command != tree.DropSchedule {
			if err := s.tx.put(sc.key(), sc); err != nil {
				return nil, err
			}
		}
		count++
	}
	return &Result{Tag: rowsTag(n.Command.String()+" SCHEDULES", count)}, nil
}

func (s *Session) findSchedule(id int64) (*schedule, error) {
	sc := &schedule{ID: id}
	ok, err := s.tx.get(sc.key(), sc)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(codeUndefinedObject, "schedule %d does not exist", id)
	}
	if sc.Owner != s.User {
		if err := s.needAdmin("change schedules of others"); err != nil {
			return nil, err
		}
	}
	return sc, nil
}
