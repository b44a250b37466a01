"""Runs a program under gdb, or attaches to one, and writes down how it stopped.

gdb runs this file; `collector.rs` starts gdb and reads what comes of it. The variables:

    CGOLAB_TRIAGE_OUT    file that gets one JSON object when the program has stopped or ended
    CGOLAB_TRIAGE_SENDER number of the process whose signal asks the program to stop
    CGOLAB_TRIAGE_ATTACH number of a process to look at, in place of a program to run

The program has streams of its own, so that nothing of gdb's is in them.
Nothing here changes the program: stacks of goroutines that do not run are read from memory, along
the frame pointers that Go keeps on amd64 and arm64.
"""

import json
import os
import re
import signal
import struct
import time

import gdb

MAX_FRAMES = 100
MAX_GOROUTINES = 5000
POINTER = gdb.lookup_type("void").pointer()

# Signals that end a program which does not handle them. Go does: it turns SIGSEGV into a panic. What a Go program
# does not survive ends in one of the functions below.
FATAL = "SIGSEGV SIGBUS SIGFPE SIGILL SIGABRT SIGSYS"
LAST_FUNCTIONS = ["runtime.dieFromSignal", "runtime.raisebadsignal"]
# Called by sanitizers for every error or signal, and by libFuzzer for every signal, before they end the program with an
# exit code.
TOOL_FUNCTIONS = ["__asan_on_error", "__sanitizer::HandleDeadlySignal", "fuzzer::Fuzzer::StaticCrashSignalCallback"]
# The function of C that libFuzzer calls with each input.
HARNESS = "LLVMFuzzerTestOneInput"
# Asks for a stop if it comes from CGOLAB_TRIAGE_SENDER.
STOP = "SIGTRAP"
# Comes from CGOLAB_TRIAGE_SENDER for threads that were to stop, and may be late: it is not the program's.
REPEATED = "SIGSTOP"
# Asks for a stop if it comes from the terminal, in a program that does not end in one of Go's functions.
INTERRUPT = "SIGINT"
# The time for a program that gdb has lost to end.
PATIENCE = 10

# The option of waitpid(2) for threads of other processes.
WALL = 0x40000000
# Values of si_code: sent with kill(2), and sent by the kernel, as by a terminal.
SI_USER, SI_KERNEL = 0, 0x80

WAIT_STATES = {0: "idle", 1: "runnable", 2: "running", 3: "in a system call or C", 4: "waiting", 6: "dead"}


def number(value, default=0):
    """An integer of the program, or `default` where it cannot be read."""
    try:
        return int(value)
    except (gdb.error, TypeError, ValueError):
        return default


def expression(text):
    """A value of the program, or None."""
    try:
        value = gdb.parse_and_eval(text)
        value.fetch_lazy()
        return value
    except gdb.error:
        return None


def signal_name(value):
    """The name of a signal that has a number or a name."""
    try:
        return signal.Signals(int(value)).name
    except (TypeError, ValueError):
        return None if value is None else str(value)


def word(address):
    """The pointer-sized number at an address, or None."""
    try:
        pointer = gdb.Value(address).cast(POINTER.pointer())
        return int(pointer.dereference())
    except gdb.error:
        return None


def string(value):
    """The text of a Go string."""
    try:
        length = int(value["len"])
        if length == 0:
            return ""
        return value["str"].cast(gdb.lookup_type("char").pointer()).string("utf-8", "replace", length)
    except (gdb.error, gdb.MemoryError):
        return ""


def place(pc):
    """Function, file and line of an instruction; the functions that are inlined there come first."""
    frames = []
    line = gdb.find_pc_line(pc)
    file = line.symtab.fullname() if line.symtab else None
    block = None
    try:
        block = gdb.block_for_pc(pc)
    except RuntimeError:
        pass
    while block is not None and not block.is_global:
        if block.function is not None:
            frames.append({"function": str(block.function.print_name), "file": file, "line": line.line})
            if not inlined(block):
                break
            file, line = None, gdb.find_pc_line(block.start - 1)
            file = line.symtab.fullname() if line.symtab else None
        block = block.superblock
    if not frames:
        name = symbol_at(pc)
        frames.append({"function": name, "file": file, "line": line.line if file else None})
    library = gdb.solib_name(pc)
    for frame in frames:
        frame["library"] = library
    return frames


def inlined(block):
    """Reports whether the function of a block is inlined into another one."""
    above = block.superblock
    while above is not None and not above.is_global and not above.is_static:
        if above.function is not None:
            return True
        above = above.superblock
    return False


def symbol_at(pc):
    text = gdb.execute("info symbol %#x" % pc, to_string=True)
    found = re.match(r"(.+?)(?: \+ \d+)?(?: in section .*)?$", text.strip())
    return None if text.startswith("No symbol") or not found else found.group(1)


def function_name(frame):
    """The function of a frame. Without DWARF gdb writes `runtime[throw]` for `runtime.throw`."""
    name = frame.name() or symbol_at(frame.pc())
    if name is None or frame.function() is not None:
        return name
    return re.sub(r"^([^[]+)\[(.+)\]$", r"\1.\2", name)


def native_frames():
    """Frames of the selected thread, innermost first, and the number of those left out."""
    frames, more = [], 0
    try:
        frame = gdb.newest_frame()
    except gdb.error:
        return [], 0
    while frame is not None:
        if len(frames) < MAX_FRAMES:
            line = frame.find_sal()
            file = line.symtab.fullname() if line.symtab else None
            frames.append(
                {
                    "function": function_name(frame),
                    "file": file,
                    "line": line.line if file else None,
                    "library": gdb.solib_name(frame.pc()),
                    "signal": frame.type() == gdb.SIGTRAMP_FRAME,
                }
            )
        else:
            more += 1
            if more >= 100000:
                break
        try:
            frame = frame.older()
        except gdb.error:
            break
    return frames, more


def futex_mutex(frames):
    """The mutex of C that the selected thread waits for, and the thread that holds it.

    A thread that waits in the kernel still has the address of the futex in its first argument, which
    is the first member of glibc's pthread_mutex_t; the owner is the third one.
    """
    names = [frame["function"] or "" for frame in frames[:8]]
    if not any(re.search(r"mutex_lock|lll_lock_wait", name) for name in names):
        return None
    for register in ["$rdi", "$x0"]:
        value = expression(register)
        if value is None or value.type.code == gdb.TYPE_CODE_VOID:
            continue
        # The innermost frame has the registers of the system call.
        address = int(value.cast(gdb.lookup_type("long"))) & 0xFFFFFFFFFFFFFFFF
        count_and_owner = word(address + 8)
        if count_and_owner is not None:
            return {
                "address": address,
                "name": symbol_at(address),
                "owner": count_and_owner & 0xFFFFFFFF,
            }
    return None


def threads():
    """All threads of the operating system."""
    selected = gdb.selected_thread()
    found = []
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        try:
            gdb.newest_frame().select()
        except gdb.error:
            continue
        frames, more = native_frames()
        found.append(
            {
                "id": thread.ptid[1] or thread.ptid[0],
                "name": thread.name,
                "selected": selected is not None and thread.num == selected.num,
                "frames": frames,
                "more": more,
                "mutex": futex_mutex(frames),
            }
        )
    if selected is not None:
        selected.switch()
    return found


def machines():
    """Go's threads: for each its number in the operating system and its goroutine."""
    found = []
    machine = expression("'runtime.allm'")
    while machine is not None and int(machine) != 0 and len(found) < 10000:
        fields = machine.dereference()
        current = fields["curg"]
        # A number that is a pointer: the collector does not see it.
        locked = number(fields["lockedg"])
        if lent(fields):
            locked, current = 0, 0
        found.append(
            {
                "thread": number(fields["procid"]),
                "goroutine": goroutine_number(int(current)),
                "locked": goroutine_number(locked),
            }
        )
        machine = fields["alllink"]
    return found


def lent(machine):
    """Reports whether Go has lent this to a thread that it does not know, which handles a signal and is in no callback."""
    try:
        current = machine["curg"]
        return bool(machine["isextra"]) and int(current) != 0 and len(goroutine_frames(current)) < 2
    except gdb.error:  # Go before 1.21 does not tell.
        return False


def goroutine_number(address):
    """The number of the goroutine at this address, or None."""
    if not address:
        return None
    return number(gdb.Value(address).cast(gdb.lookup_type("runtime.g").pointer()).dereference()["goid"])


def goroutine_frames(g):
    """The stack of a goroutine that does not run, or that is in C or in a system call."""
    fields = g.dereference()
    pc, frame = number(fields["sched"]["pc"]), number(fields["sched"]["bp"])
    if number(fields["syscallsp"]) != 0:
        pc = number(fields["syscallpc"])
        try:
            frame = number(fields["syscallbp"])
        except gdb.error:  # Go before 1.23 keeps none: its caller is all that is known.
            frame = 0
    low, high = number(fields["stack"]["lo"]), number(fields["stack"]["hi"])
    frames, last = [], 0
    while pc and len(frames) < MAX_FRAMES:
        # A return address is behind the call.
        frames.extend(place(pc if not frames else pc - 1))
        if not low <= frame < high or frame <= last:
            break
        last = frame
        pc, frame = word(frame + 8), word(frame)
        if pc is None or frame is None:
            break
    return frames


def channel(g):
    """The channels that a goroutine waits on."""
    found = []
    waiting = g.dereference()["waiting"]
    while int(waiting) != 0 and len(found) < 50:
        fields = waiting.dereference()
        address = pointer_in(fields["c"])
        if address:
            channel_type = gdb.lookup_type("runtime.hchan").pointer()
            it = gdb.Value(address).cast(channel_type).dereference()
            receivers = waiters(it["recvq"])
            goroutine = number(g.dereference()["goid"])
            found.append(
                {
                    "address": address,
                    "length": number(it["qcount"]),
                    "capacity": number(it["dataqsiz"]),
                    "receives": goroutine in receivers,
                }
            )
        waiting = fields["waitlink"]
    return found


def pointer_in(value):
    """The number of a pointer; since Go 1.25 structs of one field are around it."""
    while value.type.strip_typedefs().code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        value = value[value.type.strip_typedefs().fields()[0]]
    return number(value)


def waiters(queue):
    """The goroutines in a queue of a channel."""
    found = []
    entry = queue["first"]
    while int(entry) != 0 and len(found) < 1000:
        found.append(number(entry.dereference()["g"].dereference()["goid"]))
        entry = entry.dereference()["next"]
    return found


def wait_reason(fields):
    reason = number(fields["waitreason"])
    texts = expression("'runtime.waitReasonStrings'")
    try:
        return string(texts[reason])
    except (gdb.error, TypeError):
        return ""


def goroutines():
    """All goroutines but the runtime's own, and the number of those left out."""
    found, more = [], 0
    count = number(expression("'runtime.allglen'"))
    first = expression("'runtime.allgptr'")
    if first is None:
        return [], 0
    for index in range(count):
        g = first[index]
        fields = g.dereference()
        status = number(fields["atomicstatus"]["value"]) & 0xFFF
        if status == 6:
            continue
        if len(found) >= MAX_GOROUTINES:
            more += 1
            continue
        waiting = status == 4
        try:
            frames = goroutine_frames(g)
        except gdb.error:
            frames = []
        try:
            channels = channel(g) if waiting else []
        except gdb.error:
            channels = []
        found.append(
            {
                "id": number(fields["goid"]),
                "state": wait_reason(fields) if waiting else WAIT_STATES.get(status, "in transition"),
                "frames": frames,
                "channels": channels,
                # What is in use of the stack: it grows downwards.
                "stack": [
                    number(fields["syscallsp"]) or number(fields["sched"]["sp"]),
                    number(fields["stack"]["hi"]),
                ],
            }
        )
    name_holders(found)
    for g in found:
        g.pop("stack", None)
    return found, more


def deadly_signal():
    """The signal that the program could not live with: the one that Go's handler or libFuzzer's was called for."""
    frame = gdb.newest_frame()
    last = None
    for _ in range(30):
        if frame is None:
            break
        if frame.type() == gdb.SIGTRAMP_FRAME and last is None:
            last = handled_signal(frame)
        if function_name(frame) in ("runtime.dieFromSignal", "runtime.raisebadsignal", "runtime.sighandler"):
            try:
                last = number(frame.read_var("sig"), last)
            except ValueError:
                pass
        frame = frame.older()
    return last


def handled_signal(frame):
    """The signal that a handler was called for, from the frame that Linux has made for it; None if it is not known.

    On its stack are a struct ucontext and a struct siginfo, whose first member is the number.
    """
    before = {"i386:x86-64": 304, "aarch64": 0}.get(frame.architecture().name())
    if before is None:
        return None
    info = word(int(frame.read_register("sp")) + before)
    return None if info is None or not 0 < info & 0xFFFFFFFF < 65 else info & 0xFFFFFFFF


def harness_aborts():
    """Reports whether a fuzz test has failed, for which its harness aborts: it has printed the failure, which is
    elsewhere."""
    frame = gdb.newest_frame()
    for _ in range(30):
        if frame is None:
            return False
        if function_name(frame) in ("abort", "__GI_abort"):
            above = frame.older()
            return above is not None and function_name(above) == HARNESS
        frame = frame.older()
    return False


def name_holders(found):
    """Adds to each channel that is waited on the goroutines that have it on their stacks.

    Nobody else can be told to be the one that is waited for: a channel knows who waits, not who will
    send.
    """
    wanted = {it["address"]: it for g in found for it in g["channels"]}
    for it in wanted.values():
        it["on_stack_of"] = []
    if not wanted:
        return
    inferior = gdb.selected_inferior()
    for g in found:
        low, high = g.pop("stack")
        if not 0 < high - low <= 1 << 20:
            continue
        try:
            memory = bytes(inferior.read_memory(low, high - low))
        except gdb.MemoryError:
            continue
        words = set(struct.unpack("<%dQ" % (len(memory) // 8), memory[: len(memory) // 8 * 8]))
        for address, it in wanted.items():
            if address in words:
                it["on_stack_of"].append(g["id"])
    for g in found:
        g["channels"] = [wanted[it["address"]] | {"receives": it["receives"]} for it in g["channels"]]


def asks(name):
    """Reports whether the signal that has stopped the program asks for the stop."""
    info = expression("$_siginfo")
    if info is None:
        return False
    if name == INTERRUPT:
        return number(info["si_code"]) == SI_KERNEL
    return name == STOP and is_ours(info)


def is_ours(info):
    """Reports whether CGOLAB_TRIAGE_SENDER has sent a signal."""
    if info is None or number(info["si_code"]) != SI_USER:
        return False
    return number(info["_sifields"]["_kill"]["si_pid"]) == int(os.environ["CGOLAB_TRIAGE_SENDER"])


def last_status(pid):
    """The status of a program that dies while gdb handles another event, for which gdb then finds no thread.

    None if it does not die.
    """
    try:
        threads = [int(name) for name in os.listdir("/proc/%d/task" % pid)]
    except OSError:
        return None
    status = None
    deadline = time.monotonic() + PATIENCE
    # The first thread ends last, and has the status of all.
    for thread in sorted(threads, key=lambda it: it == pid):
        ended = 0
        while not ended:
            try:
                ended, status = os.waitpid(thread, WALL | os.WNOHANG)
            except ChildProcessError:  # gdb has seen its end.
                status = None
                break
            if time.monotonic() > deadline or ended and os.WIFSTOPPED(status):
                return None
            time.sleep(0.001)
    return status


class Stop:
    """What is known of how the program stopped."""

    def __init__(self):
        self.why = None
        self.signal = None
        self.exit_code = None
        self.reason = None
        self.out = os.environ["CGOLAB_TRIAGE_OUT"]

    def on_stop(self, event):
        if isinstance(event, gdb.BreakpointEvent) and harness_aborts():
            self.signal = 0
        elif isinstance(event, gdb.BreakpointEvent):
            self.why = "dies"
            self.signal = deadly_signal()
        else:
            # A trap that no breakpoint explains has no event of its own.
            self.signal = getattr(event, "stop_signal", STOP)
            if asks(self.signal):
                self.why = "asked"
            elif self.signal == REPEATED and is_ours(expression("$_siginfo")):
                self.signal = 0
            elif self.signal not in (STOP, INTERRUPT):
                self.why = "signal"

    def run(self):
        """Runs the program until there is something to write down."""
        command = "run"
        while self.why is None:
            try:
                gdb.execute(command)
                # It is the program's own.
                command = "signal %s" % self.signal
            except (gdb.error, KeyboardInterrupt) as error:  # The latter after an internal error of gdb.
                if self.why is None:
                    self.lost(str(error))

    def lost(self, reason):
        """Notes the end of a program that gdb cannot start, or cannot follow any more."""
        status = last_status(gdb.selected_inferior().pid)
        self.signal = None
        self.why, self.reason = ("lost", reason) if status is None else ("ended", None)
        if status is not None and os.WIFEXITED(status):
            self.exit_code = os.WEXITSTATUS(status)
        elif status is not None:
            self.signal = os.WTERMSIG(status)

    def end(self):
        """Lets a program that dies do so, and writes down the status that it has then."""
        for command in ["delete", "handle all SIGINT nostop noprint pass", "continue"]:
            quietly(command)
        if self.exit_code is not None or self.signal is not None:
            with open(self.out + ".end", "w", encoding="utf-8") as file:
                json.dump({"exit_code": self.exit_code, "signal": signal_name(self.signal)}, file)

    def on_exit(self, event):
        self.why, self.signal = "ended", None
        self.exit_code = getattr(event, "exit_code", None)
        signal = expression("$_exitsignal")
        if self.exit_code is None and signal is not None and signal.type.code != gdb.TYPE_CODE_VOID:
            self.signal = int(signal)

    def write(self):
        seen = {"why": self.why, "signal": signal_name(self.signal), "exit_code": self.exit_code}
        if self.why == "lost":
            seen["reason"] = self.reason
        alive = self.why in ("asked", "signal", "dies", "attached")
        if alive:
            seen["knows_go"] = expression("'runtime.allm'") is not None
            seen["threads"] = threads()
            seen["go_threads"] = machines()
            seen["goroutines"], seen["more_goroutines"] = goroutines()
            version = expression("'runtime.buildVersion'")
            seen["go_version"] = string(version) if version is not None else None
        with open(self.out + ".new", "w", encoding="utf-8", errors="replace") as file:
            json.dump(seen, file)
        os.rename(self.out + ".new", self.out)


def quietly(command):
    """Runs a command of gdb whose failure is no trouble."""
    try:
        return gdb.execute(command, to_string=True)
    except gdb.error:
        return ""


def main():
    for setting in ["pagination off", "confirm off", "width 0", "print thread-events off", "breakpoint pending on"]:
        quietly("set " + setting)
    # An error of gdb itself does not end it, so that the program's end is seen, and leaves no core file.
    for setting in ["quit no", "corefile no"]:
        quietly("maintenance set internal-error " + setting)
    stop = Stop()
    attach = os.environ.get("CGOLAB_TRIAGE_ATTACH")
    if attach:
        gdb.execute("attach " + attach, to_string=True)
        stop.why = "attached"
        stop.write()
        quietly("detach")
        return
    quietly("handle all SIGINT nostop noprint pass")
    if all(expression("'%s'" % name) is not None for name in LAST_FUNCTIONS):
        for name in LAST_FUNCTIONS:
            gdb.Breakpoint(name)
    else:
        quietly("handle %s %s stop print" % (FATAL, INTERRUPT))
    # No remark that it is in a library which is not loaded yet: the last words of gdb are to be its own trouble.
    for name in TOOL_FUNCTIONS:
        quietly("break " + name)
    quietly("handle %s stop print nopass" % STOP)
    gdb.events.stop.connect(stop.on_stop)
    gdb.events.exited.connect(stop.on_exit)
    stop.run()
    stop.write()
    if stop.why == "asked":
        quietly("kill")
    elif stop.why in ("signal", "dies"):
        stop.end()


main()
