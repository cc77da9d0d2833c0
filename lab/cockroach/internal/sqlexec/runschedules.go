package sqlexec

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// BackupCounts are what a node's metrics say of the backups that it made for schedules.
type BackupCounts struct {
	Started, Succeeded, Failed, LastCompleted atomic.Int64 // the last one: Unix seconds, of schedules that keep it
}

// RunSchedules makes the backups that are due, one after another; the errors of those that failed.
func (e *Engine) RunSchedules(ctx context.Context, now time.Time) []error {
	var failures []error
	for _, entry := range e.cluster.Machine().Scan("sched/") {
		if err := e.runSchedule(ctx, entry.Key, now); err != nil {
			failures = append(failures, err)
		}
	}
	return failures
}

func (e *Engine) runSchedule(ctx context.Context, key string, now time.Time) error {
	s := e.NewSession(nodeUser, "")
	s.ctx, s.now = ctx, now
	due, err := s.claim(key, now)
	if err != nil || due == nil {
		return err
	}
	e.Backups.Started.Add(1)
	_, failed := s.runBackup(due.URI, due.Targets, !due.Full)
	if failed == nil {
		e.Backups.Succeeded.Add(1)
		if due.Metric {
			e.Backups.LastCompleted.Store(time.Now().Unix())
		}
	} else {
		e.Backups.Failed.Add(1)
		failed = fmt.Errorf("schedule %d (%s): %w", due.ID, due.Label, failed)
	}
	if err := s.settleRun(key, now, failed); err != nil {
		return err
	}
	return failed
}

// change reads a schedule, changes it and writes it back, in a transaction of its own.
func (s *Session) change(key string, how func(*schedule) (bool, error)) error {
	for range maxAttempts {
		s.tx = newTxn(s.engine.cluster)
		s.tx.ctx = s.ctx
		sc := new(schedule)
		ok, err := s.tx.get(key, sc)
		if err != nil || !ok {
			return err
		}
		changed, err := how(sc)
		if err != nil || !changed {
			return err
		}
		if err := s.tx.put(key, sc); err != nil {
			return err
		}
		done, err := s.tx.commit()
		if err != nil || done {
			return err
		}
	}
	return errorf(codeRetry, "too much contention over %s", key)
}

// claim puts the next run ahead of this one, so that none is made twice; nil where the schedule is not due.
func (s *Session) claim(key string, now time.Time) (*schedule, error) {
	var due *schedule
	err := s.change(key, func(sc *schedule) (bool, error) {
		due = nil
		if sc.NextRun.IsZero() || sc.NextRun.After(now) {
			return false, nil
		}
		next, err := nextRun(sc.Cron, now)
		if err != nil {
			return false, err
		}
		sc.NextRun = next
		due = sc
		return true, nil
	})
	return due, err
}

// settleRun notes how a run ended, and lets incremental backups begin after the first full one.
func (s *Session) settleRun(key string, now time.Time, failed error) error {
	var other int64
	err := s.change(key, func(sc *schedule) (bool, error) {
		other, sc.State = 0, ""
		if failed != nil {
			sc.State = failed.Error()
			switch sc.Failure {
			case "retry":
				sc.NextRun = now.Add(retryAfter)
			case "pause":
				sc.NextRun = time.Time{}
			}
		} else if sc.Full {
			other = sc.Other
		}
		return true, nil
	})
	if err != nil || other == 0 {
		return err
	}
	return s.change((&schedule{ID: other}).key(), func(sc *schedule) (bool, error) {
		if sc.State != waitsForFull {
			return false, nil
		}
		next, err := nextRun(sc.Cron, now)
		sc.NextRun, sc.State = next, ""
		return true, err
	})
}
