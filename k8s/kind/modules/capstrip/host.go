package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// capabilityNames are in the kernel's order (include/uapi/linux/capability.h).
var capabilityNames = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID
	SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK
	IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE
	SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP
	MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF
	CHECKPOINT_RESTORE`)

// limitNumbers are those of setrlimit(2) on Linux for amd64 and arm64.
var limitNumbers = map[string]int{
	"RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_CORE": 4,
	"RLIMIT_RSS": 5, "RLIMIT_NPROC": 6, "RLIMIT_NOFILE": 7, "RLIMIT_MEMLOCK": 8, "RLIMIT_AS": 9,
	"RLIMIT_LOCKS": 10, "RLIMIT_SIGPENDING": 11, "RLIMIT_MSGQUEUE": 12, "RLIMIT_NICE": 13,
	"RLIMIT_RTPRIO": 14, "RLIMIT_RTTIME": 15,
}

// host is what this machine can grant.
type host struct {
	missing  map[string]bool // capabilities that the kernel knows and this host may not give
	oomScore int64           // the lowest OOM score that may be set without CAP_SYS_RESOURCE
	hard     func(limit int) (uint64, bool)
}

// ownHost reads the bounding set and the OOM score of this process.
func ownHost() (host, error) {
	bounding, err := boundingSet()
	if err != nil {
		return host{}, err
	}
	missing := map[string]bool{}
	for number, name := range capabilityNames {
		if bounding&(1<<number) == 0 {
			missing["CAP_"+name] = true
		}
	}
	score, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return host{}, err
	}
	oomScore, err := strconv.ParseInt(strings.TrimSpace(string(score)), 10, 64)
	return host{missing, oomScore, hardLimit}, err
}

func boundingSet() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no line CapBnd")
}

func hardLimit(limit int) (uint64, bool) {
	var value syscall.Rlimit
	err := syscall.Getrlimit(limit, &value)
	return value.Max, err == nil
}

func (h host) lacksAny() bool { return len(h.missing) > 0 }

// reduce takes out of a process what the host cannot grant; true when something was.
func (h host) reduce(process map[string]any) bool {
	changed := h.reduceCapabilities(process)
	if h.missing["CAP_SYS_RESOURCE"] {
		changed = h.reduceLimits(process) || changed
		changed = h.raiseScore(process) || changed
	}
	return changed
}

func (h host) reduceCapabilities(process map[string]any) bool {
	sets, _ := process["capabilities"].(map[string]any)
	changed := false
	for set, value := range sets {
		asked, _ := value.([]any)
		granted := make([]any, 0, len(asked))
		for _, name := range asked {
			if text, _ := name.(string); !h.missing[text] {
				granted = append(granted, name)
			}
		}
		if len(granted) < len(asked) {
			sets[set] = granted
			changed = true
		}
	}
	return changed
}

func (h host) reduceLimits(process map[string]any) bool {
	limits, _ := process["rlimits"].([]any)
	changed := false
	for _, value := range limits {
		limit, _ := value.(map[string]any)
		name, _ := limit["type"].(string)
		number, known := limitNumbers[name]
		if !known {
			continue
		}
		most, readable := h.hard(number)
		for _, key := range []string{"hard", "soft"} {
			asked, _ := limit[key].(json.Number)
			size, err := strconv.ParseUint(asked.String(), 10, 64)
			if readable && err == nil && size > most {
				limit[key] = json.Number(strconv.FormatUint(most, 10))
				changed = true
			}
		}
	}
	return changed
}

func (h host) raiseScore(process map[string]any) bool {
	asked, present := process["oomScoreAdj"].(json.Number)
	if !present {
		return false
	}
	score, err := asked.Int64()
	if err != nil || score >= h.oomScore {
		return false
	}
	process["oomScoreAdj"] = json.Number(strconv.FormatInt(h.oomScore, 10))
	return true
}
