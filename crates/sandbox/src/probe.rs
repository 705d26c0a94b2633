//! Probes: a job that tries what a captured worker would try, so that `tamis doctor` and
//! `--require-sandbox` show what holds on this machine instead of what was asked for.
//!
//! An attempt is made in a worker of its own, on harmless objects, and undone by the worker's end.

use std::ffi::{c_long, c_void};
use std::io::Write;
use std::ops::ControlFlow;
use std::os::fd::AsFd;

use rustix::fs::{MemfdFlags, memfd_create};

use crate::jail::{CHANNEL, SOURCE};
use crate::nursery::Nursery;
use crate::unit::{Ending, Enforcement, Exit, Job, Limits, SandboxError, Unit};
use crate::worker::Worker;

/// The job that makes one attempt, named by its parameters. It has to be in the table of jobs of
/// every program that probes.
pub const PROBE: Job = Job { name: "probe", run: probe };

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeResult {
    /// The attempt, such as `open` or `thread`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The jail refused, with this error number: EPERM, or ENOMEM for memory.
    Denied(i32),
    /// The worker was killed for it, as SIGSYS tells.
    Killed,
    /// It came through to the kernel, where it succeeded or failed for a reason that is not the
    /// jail's: the jail has a hole.
    Allowed,
    /// The attempt was not made or not reported, so nothing is known.
    Unknown(Exit),
}

/// Which walls stand, as a worker found when it built its jail. Fails if no worker could even be
/// started; one that refuses to go on without a wall answers too.
pub fn enforcement(nursery: &mut Nursery) -> Result<Enforcement, SandboxError> {
    let (_, ending) = attempt(nursery, "nothing");
    nursery.enforcement().ok_or(SandboxError::Probe(ending.exit))
}

/// Makes every attempt, in the order of the table.
pub fn all(nursery: &mut Nursery) -> Vec<ProbeResult> {
    let probe = |a: &Attempt| ProbeResult { name: a.name, outcome: outcome(attempt(nursery, a.name)) };
    ATTEMPTS.iter().map(probe).collect()
}

fn outcome((errno, ending): (Option<i32>, Ending)) -> Outcome {
    match (errno, ending.exit) {
        (Some(errno @ (libc::EPERM | libc::ENOMEM)), Exit::Finished) => Outcome::Denied(errno),
        (Some(_), _) => Outcome::Allowed,
        (None, Exit::Signal(libc::SIGSYS)) => Outcome::Killed,
        (_, exit) => Outcome::Unknown(exit),
    }
}

/// The kind of the one frame: an error number, 0 for success.
const REPORT: u8 = 1;

/// What a probe may use up: nothing much.
const FUEL: u64 = 1_000;
const OUTPUT: u64 = 100;

fn attempt(nursery: &mut Nursery, name: &str) -> (Option<i32>, Ending) {
    let mut errno = None;
    let source = bait();
    let unit = Unit {
        job: PROBE.name,
        params: name.as_bytes(),
        source: source.as_ref().map(AsFd::as_fd),
        grammar: |kind| (kind == REPORT).then_some(4),
        limits: Limits::of(FUEL, OUTPUT),
    };
    let ending = nursery.run(unit, &mut |frame| {
        errno = frame.payload.try_into().ok().map(i32::from_le_bytes);
        ControlFlow::Continue(())
    });
    (errno, ending)
}

/// A source that a worker could spoil, were it let.
fn bait() -> Option<std::fs::File> {
    let mut file = std::fs::File::from(memfd_create("bait", MemfdFlags::CLOEXEC).ok()?);
    file.write_all(&[7; 64]).ok()?;
    Some(file)
}

fn probe(worker: &mut Worker) {
    let wanted = worker.params();
    let Some(attempt) = ATTEMPTS.iter().find(|a| a.name.as_bytes() == wanted) else { return };
    let errno = (attempt.make)().err().unwrap_or(0);
    // Nobody to tell means nobody who asks.
    let _ = worker.send(REPORT, &errno.to_le_bytes());
}

struct Attempt {
    name: &'static str,
    make: fn() -> Result<(), i32>,
}

/// The error number of a call that returned a negative value.
fn called(returned: impl Into<i64>) -> Result<(), i32> {
    if returned.into() >= 0 { Ok(()) } else { Err(errno()) }
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(-1)
}

/// A table line whose attempt is one call. All of them are calls that cannot harm this process:
/// their pointers are null, or static strings, or buffers that outlive the call.
macro_rules! attempts {
    ($($name:literal => $call:expr;)*) => {
        &[$(Attempt {
            name: $name,
            // SAFETY: see above; a call that makes a process makes one that ends at once.
            #[allow(unused_unsafe, reason = "one of them is safe")]
            make: || unsafe { called($call) },
        }),*]
    };
}

/// Everything that is tried. On objects that exist and that any user may touch, so that the
/// refusal is the jail's.
const ATTEMPTS: &[Attempt] = attempts! {
    // Files by path.
    "open" => libc::open(c"/".as_ptr(), libc::O_RDONLY);
    "open-again" => libc::open(c"/proc/self/fd/4".as_ptr(), libc::O_RDWR);
    "open-memory" => libc::open(c"/proc/self/mem".as_ptr(), libc::O_RDWR);
    "create" => libc::open(c"/tmp".as_ptr(), libc::O_TMPFILE | libc::O_WRONLY, 0o600);
    "stat" => { let mut s = std::mem::zeroed(); libc::stat(c"/".as_ptr(), &mut s) };
    "access" => libc::access(c"/".as_ptr(), libc::F_OK);
    "readlink" => libc::readlink(c"/proc/self/exe".as_ptr(), [0; 64].as_mut_ptr(), 64) as i64;
    "unlink" => libc::unlink(c"/tmp/.tamis-probe".as_ptr());
    "rename" => libc::rename(c"/tmp/.tamis-probe".as_ptr(), c"/tmp/.tamis-probe-2".as_ptr());
    "mkdir" => libc::mkdir(c"/tmp/.tamis-probe".as_ptr(), 0o700);
    "chdir" => libc::chdir(c"/".as_ptr());
    // The source.
    "source-write" => libc::write(SOURCE, [0u8].as_ptr().cast(), 1) as i64;
    "source-pwrite" => libc::pwrite(SOURCE, [0u8].as_ptr().cast(), 1, 0) as i64;
    "source-truncate" => libc::ftruncate(SOURCE, 0);
    "source-seek" => libc::lseek(SOURCE, 1, libc::SEEK_SET);
    "source-read" => libc::read(SOURCE, [0u8; 1].as_mut_ptr().cast(), 1) as i64;
    "source-map" => map(4096, libc::PROT_READ, libc::MAP_SHARED, SOURCE);
    // Descriptors and sockets.
    "duplicate" => libc::dup(CHANNEL);
    "memfd" => libc::memfd_create(c"probe".as_ptr(), 0);
    "pipe" => libc::pipe([0; 2].as_mut_ptr());
    "socket-inet" => libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0);
    "socket-udp" => libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
    "socket-unix" => libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
    "socketpair" => libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, [0; 2].as_mut_ptr());
    "connect" => libc::connect(CHANNEL, std::ptr::null(), 0);
    "send-message" => libc::send(CHANNEL, [0u8].as_ptr().cast(), 0, 0) as i64;
    "control-descriptors" => libc::fcntl(CHANNEL, libc::F_SETFL, libc::O_NONBLOCK);
    // Processes.
    "fork" => { let pid = libc::fork(); if pid == 0 { libc::_exit(0) } pid };
    "clone3" => libc::syscall(libc::SYS_clone3, std::ptr::null::<c_void>(), 0);
    "thread" => thread();
    "exec" => libc::execve(c"/bin/true".as_ptr(), [std::ptr::null()].as_ptr(), [std::ptr::null()].as_ptr());
    "kill-group" => libc::kill(0, 0);
    "kill-init" => libc::kill(1, 0);
    "signal-thread" => libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), 0);
    "ptrace" => libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
    "read-memory-of-others" => libc::process_vm_readv(libc::getpid(), std::ptr::null(), 0, std::ptr::null(), 0, 0) as i64;
    "set-dumpable" => libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
    "raise-limits" => libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    "become-root" => libc::syscall(libc::SYS_setuid, 0);
    "namespace" => libc::unshare(libc::CLONE_NEWUSER);
    // Memory.
    "map-executable" => map(4096, libc::PROT_READ | libc::PROT_EXEC, PRIVATE, -1);
    "make-executable" => make_executable();
    "map-shared" => map(4096, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS, -1);
    "map-growing" => map(4096, libc::PROT_READ | libc::PROT_WRITE, PRIVATE | libc::MAP_GROWSDOWN, -1);
    "memory" => map(1 << 30, libc::PROT_READ | libc::PROT_WRITE, PRIVATE, -1);
    "address-space" => map(5 << 30, libc::PROT_NONE, PRIVATE, -1);
    // Wide doors of the kernel.
    "bpf" => libc::syscall(libc::SYS_bpf, 0, std::ptr::null::<c_void>(), 0);
    "io-uring" => libc::syscall(libc::SYS_io_uring_setup, 1, std::ptr::null::<c_void>());
    "userfaultfd" => libc::syscall(libc::SYS_userfaultfd, 0);
    "perf" => libc::syscall(libc::SYS_perf_event_open, std::ptr::null::<c_void>(), 0, -1, -1, 0);
    "keys" => libc::syscall(libc::SYS_keyctl, 0, -3, 0, 0, 0);
    "uname" => { let mut name = std::mem::zeroed(); libc::uname(&mut name) };
};

const PRIVATE: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

/// Starts a thread; -1 and `errno` as a system call would, which the library's call does not.
fn thread() -> i32 {
    let Err(e) = std::thread::Builder::new().spawn(|| ()) else { return 0 };
    // SAFETY: the address is this thread's own `errno`.
    unsafe { *libc::__errno_location() = e.raw_os_error().unwrap_or(0) };
    -1
}

/// Maps `length` bytes, and uses each page if they may be written.
///
/// # Safety
/// `flags` must not say `MAP_FIXED`.
unsafe fn map(length: usize, protection: i32, flags: i32, fd: i32) -> c_long {
    // SAFETY: without MAP_FIXED the kernel takes memory that nobody uses.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, fd, 0) };
    if at == libc::MAP_FAILED {
        return -1;
    }
    if protection & libc::PROT_WRITE != 0 {
        for offset in (0..length).step_by(4096) {
            // SAFETY: inside the mapping made above, which may be written.
            unsafe { at.cast::<u8>().add(offset).write_volatile(1) };
        }
    }
    0
}

/// Asks to execute a page of one's own data.
///
/// # Safety
/// None needed: the page is its own mapping.
unsafe fn make_executable() -> c_long {
    // SAFETY: a new mapping, of which nobody else knows; nothing in it is run.
    unsafe {
        let at = libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, PRIVATE, -1, 0);
        if at == libc::MAP_FAILED {
            return -1;
        }
        c_long::from(libc::mprotect(at, 4096, libc::PROT_READ | libc::PROT_EXEC))
    }
}
