package lasterror

import (
	"slices"

	"golang.org/x/tools/go/ssa"

	"github.com/cgolab/cgolab/go-harness/vet/internal/flow"
	"github.com/cgolab/cgolab/go-harness/vet/internal/summary"
	"github.com/cgolab/cgolab/go-harness/vet/rule"
)

// shared are the functions of the C library whose result lies in a buffer that is used again, with their cure if
// the buffer is the process's, and "" if it is the thread's (as glibc has it; POSIX promises nothing).
var shared = map[string]string{
	"strerror": "", "strsignal": "", "inet_ntoa": "",
	"asctime": "asctime_r", "ctime": "ctime_r", "gmtime": "gmtime_r", "localtime": "localtime_r",
	"getpwnam": "getpwnam_r", "getpwuid": "getpwuid_r", "getgrnam": "getgrnam_r", "getgrgid": "getgrgid_r",
	"gethostbyname": "getaddrinfo", "gethostbyaddr": "getnameinfo", "getservbyname": "getservbyname_r", "getservbyport": "getservbyport_r",
	"getprotobyname": "getprotobyname_r", "getlogin": "getlogin_r", "ttyname": "ttyname_r", "ptsname": "ptsname_r",
	"crypt": "crypt_r", "ether_ntoa": "ether_ntoa_r", "getmntent": "getmntent_r", "strtok": "strtok_r",
}

// checkBuffer finds a result in such a buffer that is read where the next call is not kept away.
func checkBuffer(p *rule.Pass, call *ssa.Call, depths *summary.Depths) {
	name := p.Know.C(call.Common())
	cure, ok := shared[name]
	if !ok || mutexHeld(p, call, 0) {
		return
	}
	value := ssa.Value(call)
	for _, instr := range *call.Referrers() {
		if first, ok := instr.(*ssa.Extract); ok && first.Index == 0 {
			value = first // the other is errno
		}
	}
	for _, use := range flow.Track(value).Uses {
		if use.Kind == flow.Compared {
			continue
		}
		if cure != "" {
			p.ReportAt(call, "C.%s returns a buffer of the process, which a call on any other thread overwrites before it is copied; hold a mutex around both, or use C.%s", name, cure)
			return
		}
		if at := use.At[0]; !(depths.At(call) > 0 && depths.At(at) > 0 && !unlockedBetween(p, call, at)) && !locked(p, call.Parent(), 0) {
			p.ReportAt(call, "C.%s returns a buffer that the thread's next call overwrites, and the goroutine may leave the thread before it is copied; hold runtime.LockOSThread around both", name)
			return
		}
	}
}

// mutexHeld reports whether a mutex of package sync is held at an instruction, in its function or in all callers.
func mutexHeld(p *rule.Pass, at ssa.Instruction, depth int) bool {
	var locks, unlocks []ssa.Instruction
	flow.Instructions(at.Parent(), func(instr ssa.Instruction) {
		call, ok := instr.(*ssa.Call) // a deferred call unlocks later
		if !ok {
			return
		}
		fn := call.Call.StaticCallee()
		if fn == nil || fn.Pkg == nil || fn.Pkg.Pkg.Path() != "sync" {
			return
		}
		switch fn.Name() {
		case "Lock", "RLock":
			locks = append(locks, call)
		case "Unlock", "RUnlock":
			unlocks = append(unlocks, call)
		}
	})
	for _, lock := range locks {
		again := func(instr ssa.Instruction) bool { return instr == lock }
		if flow.Before(lock, at) && !slices.ContainsFunc(unlocks, func(unlock ssa.Instruction) bool {
			return flow.Reaches(lock, unlock, nil) && flow.Reaches(unlock, at, again)
		}) {
			return true
		}
	}
	if depth > 3 {
		return false
	}
	calls, all := p.Know.Callers(at.Parent())
	for _, call := range calls {
		all = all && mutexHeld(p, call, depth+1)
	}
	return all
}
