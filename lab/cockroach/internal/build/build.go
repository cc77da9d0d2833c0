// Package build says what this program is and which CockroachDB release it plays.
package build

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// StandIn is shown wherever a user looks for the identity of the server.
const StandIn = "lab stand-in, not CockroachDB: a small server with the same command line, a real Raft quorum and the real SQL grammar"

const defaultTag = "v26.2.5"

// Tag is the release this process plays, e.g. v26.2.5. LAB_COCKROACH_VERSION overrides it, so that upgrades can be rehearsed.
func Tag() string {
	if tag := os.Getenv("LAB_COCKROACH_VERSION"); tag != "" {
		return "v" + strings.TrimPrefix(tag, "v")
	}
	return defaultTag
}

// Version is a cluster version: the major and minor parts of a release.
type Version struct{ Major, Minor int }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Less orders versions by age.
func (v Version) Less(other Version) bool {
	return v.Major < other.Major || v.Major == other.Major && v.Minor < other.Minor
}

// ParseVersion reads "26.2", "v26.2.5" or "26.2-3"; anything else is an error.
func ParseVersion(text string) (Version, error) {
	parts := strings.FieldsFunc(strings.TrimPrefix(text, "v"), func(r rune) bool { return r == '.' || r == '-' })
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("invalid version %q", text)
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	if errMajor != nil || errMinor != nil {
		return Version{}, fmt.Errorf("invalid version %q", text)
	}
	return Version{major, minor}, nil
}

// Binary is the newest cluster version this process can run at.
func Binary() Version {
	version, err := ParseVersion(Tag())
	if err != nil {
		return Version{26, 2}
	}
	return version
}

// MinSupported is the oldest cluster version this process can start on. Releases come out in fours a year: the ones with an odd
// minor number may be skipped, so an even one accepts data two releases back, an odd one only one.
func MinSupported() Version {
	binary := Binary()
	back := 1
	if binary.Minor%2 == 0 {
		back = 2
	}
	minor, major := binary.Minor-back, binary.Major
	for minor < 1 {
		major--
		minor += 4
	}
	return Version{major, minor}
}

// Info is the text of `cockroach version`.
func Info() string {
	return fmt.Sprintf(`Build Tag:        %s
Build Time:       unknown
Distribution:     LAB STAND-IN
Platform:         %s %s
Go Version:       %s
C Compiler:       none
Build Commit ID:  unknown
Build Type:       stand-in
Note:             %s
`, Tag(), runtime.GOOS, runtime.GOARCH, runtime.Version(), StandIn)
}

// SQLVersion is the answer to SELECT version().
func SQLVersion() string {
	return fmt.Sprintf("CockroachDB CCL %s (%s-%s, %s) [%s]", Tag(), runtime.GOOS, runtime.GOARCH, runtime.Version(), StandIn)
}
