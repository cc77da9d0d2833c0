package runtime

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process is a process that outlives this program: its id and, since ids are used again, the time it was started at.
type process struct {
	Pid   int    `json:"pid"`
	Start uint64 `json:"start"`
}

// findProcess looks up a running process by id.
func findProcess(pid int) (process, error) {
	_, start, err := stat(pid)
	return process{Pid: pid, Start: start}, err
}

// alive tells whether the process is there and is no zombie.
func (p process) alive() bool {
	if p.Pid <= 0 {
		return false
	}
	state, start, err := stat(p.Pid)
	return err == nil && start == p.Start && state != "Z" && state != "X"
}

// signal sends a signal; a process that is gone is no error.
func (p process) signal(number unix.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := unix.Kill(p.Pid, number); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// stat returns the state letter and start time (fields 3 and 22 of proc(5)'s stat).
func stat(pid int) (state string, start uint64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0, err
	}
	// The command, field 2, is in parentheses and may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 20 {
		return "", 0, fmt.Errorf("/proc/%d/stat: short", pid)
	}
	start, err = strconv.ParseUint(fields[19], 10, 64)
	return fields[0], start, err
}
