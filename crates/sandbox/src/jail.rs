//! The jail: what a forked process takes off before it looks at its first byte of input. It
//! keeps memory without executable pages, reading and writing what it holds, and its own end.
//!
//! Invariants: there is no call that takes a path, makes a descriptor, a process, a thread or a
//! socket, sends or receives a descriptor, moves a file's offset, or signals anybody.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreated, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::unit::Enforcement;

/// Where a worker finds its channel. Descriptors up to this one may be read and written; 0 and 1
/// are closed, so that a library that prints is told so and goes on.
pub(crate) const CHANNEL: RawFd = 3;

/// Where a worker finds its source, for `pread` only.
pub(crate) const SOURCE: RawFd = 4;

const STDERR: RawFd = 2;
const MIB: u64 = 1 << 20;

/// The newest Landlock that is asked for; an older kernel gives what it has.
const NEWEST_LANDLOCK: ABI = ABI::V10;

/// Limits of a worker; processor time is the unit's. Address space counts the program's own
/// mappings too, data what the worker takes. The stack is limited because data does not count it.
const RLIMITS: [(Resource, u64); 8] = [
    (Resource::Data, 512 * MIB),
    (Resource::As, 4096 * MIB),
    (Resource::Stack, 8 * MIB),
    (Resource::Fsize, 0),
    (Resource::Nofile, 0),
    (Resource::Nproc, 0),
    (Resource::Memlock, 0),
    (Resource::Core, 0),
];

/// Everything that can be made ready once, before the first fork.
#[derive(Debug)]
pub(crate) struct Plan {
    landlock: Option<RulesetCreated>,
    filters: Result<[BpfProgram; 2], String>,
}

/// The descriptors that a worker keeps.
#[derive(Debug)]
pub(crate) struct Kept {
    pub channel: OwnedFd,
    pub source: Option<OwnedFd>,
    pub stderr: OwnedFd,
}

impl Plan {
    /// Compiles the filters and makes the Landlock ruleset.
    pub fn prepare() -> Plan {
        Plan { landlock: ruleset(), filters: filters().map_err(|e| e.to_string()) }
    }

    /// The first half, for a process just forked: under Landlock, it holds what is kept and
    /// nothing else. The channel and, if there is one, the source come back.
    pub fn strip(&mut self, kept: Kept, walls: &mut Enforcement) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
        // Before the ruleset's own descriptor is closed with the rest.
        walls.landlock_abi = self.landlock.take().map_or(0, restrict);
        let stripped = keep_only(kept)?;
        walls.descriptors_closed = true;
        Ok(stripped)
    }

    /// The second half. On failure the process must not read any input; which walls stood by
    /// then is in `walls`.
    pub fn lock(&self, parent: Pid, cpu_seconds: u64, walls: &mut Enforcement) -> Result<(), String> {
        tell_panics_in_one_line();
        walls.unprivileged = wall("privileges", drop_privileges())?;
        walls.dies_with_parent = wall("parent-death signal", die_with(parent))?;
        walls.undumpable = wall("dumpable", not_dumpable())?;
        walls.limited = wall("resource limits", limit(cpu_seconds))?;
        walls.seccomp = wall("system-call filter", self.filter())?;
        Ok(())
    }

    fn filter(&self) -> Result<(), String> {
        let filters = self.filters.as_ref().map_err(String::clone)?;
        filters.iter().try_for_each(|f| seccompiler::apply_filter(f).map_err(|e| e.to_string()))
    }
}

/// True, or a sentence about the wall that does not stand.
fn wall<E: ToString>(name: &str, built: Result<(), E>) -> Result<bool, String> {
    built.map(|()| true).map_err(|e| format!("the jail cannot be built: {name}: {}", e.to_string()))
}

/// Asks to die with the nursery, and sees whether it died before that was asked.
fn die_with(parent: Pid) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn drop_privileges() -> io::Result<()> {
    let none = rustix::thread::CapabilitySet::empty();
    let sets = rustix::thread::CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_no_new_privs(true)?;
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// A ruleset that handles everything and allows nothing; `None` if this kernel has none.
fn ruleset() -> Option<RulesetCreated> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST_LANDLOCK))
        .and_then(|r| r.handle_access(AccessNet::from_all(NEWEST_LANDLOCK)))
        .and_then(|r| r.scope(Scope::from_all(NEWEST_LANDLOCK)))
        .and_then(|r| r.create())
        .ok()
}

/// The ABI that is in force afterwards, 0 for none.
fn restrict(ruleset: RulesetCreated) -> u32 {
    match ruleset.restrict_self() {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
            _ => 0,
        },
        _ => 0,
    }
}

/// Puts what is kept in its places and closes everything else.
fn keep_only(kept: Kept) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
    // Out of the way first: any of them may sit where another one belongs.
    let aside = |fd: OwnedFd| rustix::io::fcntl_dupfd_cloexec(fd, SOURCE + 1);
    let (channel, stderr) = (aside(kept.channel)?, aside(kept.stderr)?);
    let source = kept.source.map(aside).transpose()?;
    place(stderr, STDERR)?;
    place(channel, CHANNEL)?;
    let first_free = match source {
        Some(source) => {
            place(source, SOURCE)?;
            SOURCE + 1
        }
        None => SOURCE,
    };
    close(0, STDERR - 1)?;
    close(first_free, RawFd::MAX)?;
    // SAFETY: they were put there above, and nobody else owns them.
    let own = |fd| unsafe { OwnedFd::from_raw_fd(fd) };
    Ok((own(CHANNEL), (first_free > SOURCE).then(|| own(SOURCE))))
}

fn place(fd: OwnedFd, at: RawFd) -> io::Result<()> {
    // SAFETY: dup2 touches no memory. Whatever was open at `at` was the nursery's, and the fork
    // that runs this uses nothing of the nursery's from here on.
    match unsafe { libc::dup2(fd.as_raw_fd(), at) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Closes the descriptors `first` to `last`.
pub(crate) fn close(first: RawFd, last: RawFd) -> io::Result<()> {
    // SAFETY: the call touches no memory. Callers hold no descriptor in the range afterwards.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The standard hook may want a backtrace and open the executable for it.
fn tell_panics_in_one_line() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("panic");
        let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        // With nowhere left to say it, the exit code does.
        let _ = writeln!(io::stderr(), "panicked{place}: {what}");
    }));
}

/// No `ptrace`, no `/proc/<pid>/mem` by the same user, and no core.
fn not_dumpable() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn limit(cpu_seconds: u64) -> io::Result<()> {
    for (resource, most) in RLIMITS {
        lower(resource, most, most)?;
    }
    // SIGXCPU first, which says what happened; SIGKILL for a worker that learned to ignore it.
    let seconds = cpu_seconds.max(1);
    lower(Resource::Cpu, seconds, seconds.saturating_add(1))
}

/// Lowers a limit; one that is lower already stays.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let limit = Rlimit { current: Some(soft.min(now)), maximum: Some(hard.min(now)) };
    Ok(rustix::process::setrlimit(resource, limit)?)
}

/// Two filters; the kernel takes the stricter answer of both.
fn filters() -> Result<[BpfProgram; 2], seccompiler::Error> {
    let deny = SeccompAction::Errno(libc::EPERM as u32);
    Ok([
        compile(
            KILLED.iter().map(|&call| (call, Vec::new())).collect(),
            SeccompAction::Allow,
            SeccompAction::KillProcess,
        )?,
        compile(allowed()?, deny, SeccompAction::Allow)?,
    ])
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn compile(
    rules: Rules,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, seccompiler::Error> {
    let arch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, others, these, arch)?.try_into()?)
}

/// No honest worker and no library of one asks for these: the process was captured.
const KILLED: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Allowed whatever their arguments: memory given back, waiting for nobody, one's own signals
/// and end. (`close` is not among them: a worker ends with what it holds. `tgkill` neither: it
/// could reach any process of the user; `abort` then dies of its trap instead of SIGABRT.)
const ALLOWED: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The allow-list: calls, and for some of them what their arguments must be.
fn allowed() -> Result<Rules, seccompiler::Error> {
    use SeccompCmpOp::{Eq, Le, MaskedEq};
    let held = |fd: u8| rule(&[(fd, Le, CHANNEL as u64)]);
    let not_executable = (2, MaskedEq(libc::PROT_EXEC as u64), 0);
    // Private and of no file: what is shared or grows downward escapes the limit on data, and a
    // source is read, never mapped.
    let plain = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let odd = (libc::MAP_TYPE | libc::MAP_GROWSDOWN | libc::MAP_HUGETLB) as u64;
    let futex = |operation: i32| rule(&[(1, MaskedEq(libc::FUTEX_CMD_MASK as u32 as u64), operation as u64)]);

    let mut rules: Rules = ALLOWED.iter().map(|&call| (call, Vec::new())).collect();
    rules.extend([
        (libc::SYS_read, vec![held(0)?]),
        (libc::SYS_readv, vec![held(0)?]),
        (libc::SYS_write, vec![held(0)?]),
        (libc::SYS_writev, vec![held(0)?]),
        (libc::SYS_pread64, vec![rule(&[(0, Eq, SOURCE as u64)])?]),
        (libc::SYS_mmap, vec![rule(&[not_executable.clone(), (3, MaskedEq(plain | odd), plain)])?]),
        (libc::SYS_mprotect, vec![rule(&[not_executable])?]),
        (
            libc::SYS_futex,
            vec![
                futex(libc::FUTEX_WAIT)?,
                futex(libc::FUTEX_WAKE)?,
                futex(libc::FUTEX_WAIT_BITSET)?,
                futex(libc::FUTEX_WAKE_BITSET)?,
            ],
        ),
    ]);
    Ok(rules)
}

/// A rule of conditions that must all hold: argument, comparison, value.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, seccompiler::Error> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, op, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, op.clone(), *value)
        })
        .collect();
    Ok(SeccompRule::new(conditions?)?)
}
