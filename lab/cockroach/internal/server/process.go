package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// usage tells how busy the process was since it was last asked.
type usage struct {
	mu   sync.Mutex
	at   time.Time
	busy time.Duration
	last float64
}

// share is of all cores, 0 to 1; asked again within a second it says the same.
func (u *usage) share() float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	var spent syscall.Rusage
	if time.Since(u.at) < time.Second || syscall.Getrusage(syscall.RUSAGE_SELF, &spent) != nil {
		return u.last
	}
	busy := time.Duration(spent.Utime.Nano() + spent.Stime.Nano())
	now := time.Now()
	if !u.at.IsZero() {
		u.last = (busy - u.busy).Seconds() / now.Sub(u.at).Seconds() / float64(runtime.NumCPU())
	}
	u.at, u.busy = now, busy
	return u.last
}

// residentBytes is 0 where the system does not tell.
func residentBytes() int {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

// diskBytes are those of the disk that a folder is on, and those that the folder takes.
func diskBytes(folder string) (total, free, used uint64) {
	var disk syscall.Statfs_t
	if syscall.Statfs(folder, &disk) != nil {
		return 0, 0, 0
	}
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // gone since
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			used += uint64(info.Size())
		}
		return nil
	})
	return disk.Blocks * uint64(disk.Bsize), disk.Bavail * uint64(disk.Bsize), used
}
