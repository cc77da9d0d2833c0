package runtime

import (
	"os"
	"strconv"
	"strings"
)

// capabilityNames are the kernel's, in the order of their numbers.
var capabilityNames = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
	NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT
	SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
	MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

// permitted are the capabilities of this process: all that a container can be given.
var permitted = func() (names []string) {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "CapPrm:"); found {
			bits, _ := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			for number, name := range capabilityNames {
				if bits&(1<<number) != 0 {
					names = append(names, "CAP_"+name)
				}
			}
		}
	}
	return names
}()
