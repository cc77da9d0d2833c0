package sqlexec

import (
	"time"

	"github.com/cockroachdb/cockroachdb-parser/pkg/sql/sem/tree"
)

// alterSchedule runs ALTER BACKUP SCHEDULE, on either one of a pair: both are changed.
func (s *Session) alterSchedule(n *tree.AlterBackupSchedule) (*Result, error) {
	one, err := s.findSchedule(int64(n.ScheduleID))
	if err != nil {
		return nil, err
	}
	whole, part := one, (*schedule)(nil)
	if one.Other != 0 {
		other, err := s.findSchedule(one.Other)
		if err != nil {
			return nil, err
		}
		if one.Full {
			part = other
		} else {
			whole, part = other, one
		}
	}
	old, moved := *whole, false
	recurring, full := whole.Cron, ""
	if part != nil {
		recurring, full = part.Cron, whole.Cron
	}
	for _, command := range n.Cmds {
		switch c := command.(type) {
		case *tree.AlterBackupScheduleSetLabel:
			whole.Label, err = s.text(c.Label)
		case *tree.AlterBackupScheduleSetInto:
			moved = true
			if whole.URI, err = s.destination(c.Into); err == nil {
				err = s.reachable(whole.URI, true)
			}
		case *tree.AlterBackupScheduleSetWith:
			err = checkBackupOptions(c.With)
		case *tree.AlterBackupScheduleSetRecurring:
			if c.Recurrence == nil {
				return nil, unsupported("RECURRING NEVER")
			}
			recurring, err = s.text(c.Recurrence)
		case *tree.AlterBackupScheduleSetFullBackup:
			if full = ""; !c.FullBackup.AlwaysFull {
				full, err = s.text(c.FullBackup.Recurrence)
			}
		case *tree.AlterBackupScheduleSetScheduleOption:
			_, _, err = s.scheduleOptions(whole, tree.KVOptions{c.Option})
		case *tree.AlterBackupScheduleNextRun:
			due := part
			if part == nil || c.Full {
				due = whole
			}
			if due.NextRun.IsZero() {
				return nil, errorf(codeInvalidParameter, "cannot execute a paused schedule; use RESUME SCHEDULE instead")
			}
			due.NextRun = time.Now().UTC()
		default:
			err = unsupported(tree.AsString(n))
		}
		if err != nil {
			return nil, err
		}
	}
	made, err := s.repair(whole, part, &old, recurring, full, moved)
	if err != nil {
		return nil, err
	}
	result := createdTable()
	for _, sc := range made {
		result.add(sc.ID, sc.Label, sc.status(), when(sc.NextRun), sc.Cron, sc.statement())
	}
	return result, nil
}

// repair makes one of a pair or a pair of one where the recurrences ask for it, and keeps the two alike. moved: INTO was set, and
// there may be no full backup yet that an incremental one could build on; as in the real one, also where it was so already.
func (s *Session) repair(whole, part, old *schedule, recurring, full string, moved bool) ([]*schedule, error) {
	wanted, err := pair(*whole, recurring, full)
	if err != nil {
		return nil, err
	}
	fresh := wanted[len(wanted)-1]
	fresh.ID, fresh.Created = whole.ID, whole.Created
	if fresh.Cron == old.Cron || !whole.NextRun.Equal(old.NextRun) {
		fresh.NextRun = whole.NextRun
	}
	if old.NextRun.IsZero() && whole.NextRun.IsZero() {
		fresh.NextRun = time.Time{} // paused stays paused
	}
	switch {
	case len(wanted) == 1 && part != nil:
		s.tx.delete(part.key())
		fresh.Other = 0
	case len(wanted) == 2:
		of := wanted[0]
		of.Other = whole.ID
		if part != nil {
			of.ID, of.NextRun, of.State = part.ID, part.NextRun, part.State
			if !part.NextRun.IsZero() && of.Cron != part.Cron {
				if of.NextRun, err = nextRun(of.Cron, time.Now()); err != nil {
					return nil, err
				}
			}
		}
		if moved {
			if !of.NextRun.IsZero() {
				fresh.NextRun = time.Now().UTC()
			}
			of.NextRun, of.State = time.Time{}, waitsForFull
		}
		fresh.Other = of.ID
	}
	for _, sc := range wanted {
		if err := s.tx.put(sc.key(), sc); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}
