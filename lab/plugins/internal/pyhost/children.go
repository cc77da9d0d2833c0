package pyhost

import (
	"context"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// graceToEnd is how long a program may take to unwind after it is asked to end before it is killed.
const graceToEnd = 2 * time.Second

// children are the processes under way.
type children struct {
	mutex sync.Mutex
	pids  map[int]bool
}

func (c *children) add(pid int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.pids == nil {
		c.pids = map[int]bool{}
	}
	c.pids[pid] = true
}

func (c *children) remove(pid int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.pids, pid)
}

func (c *children) end() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for pid := range c.pids {
		_ = syscall.Kill(-pid, syscall.SIGTERM)
	}
}

// runChild runs cmd in a process group of its own, which is asked to end, then killed, when ctx or the host ends.
// The kernel kills it too should this process die without a word.
func (h *Host) runChild(ctx context.Context, cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, done := make(chan error, 1), make(chan error, 1)
	go func() {
		// Pdeathsig follows the thread that started the child: keep that thread until the child is gone.
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		h.running.add(cmd.Process.Pid)
		started <- nil
		err := cmd.Wait()
		h.running.remove(cmd.Process.Pid)
		done <- err
	}()
	if err := <-started; err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	case <-h.ctx.Done():
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	select {
	case err := <-done:
		return err
	case <-time.After(graceToEnd):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return <-done
}
