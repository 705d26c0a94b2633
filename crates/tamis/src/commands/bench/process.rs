//! Other processes and what they use.
//!
//! *Processor time* is that of `wait4(2)`: user and system time of the process and of every descendant that
//! was waited for; a nursery waits for its workers and the program for its nurseries, so that all of it is
//! counted. *Memory* is `VmHWM`, the largest resident set that the kernel has noted for a process, looked up
//! every few milliseconds for the program and its descendants. It only grows, so what is missed is what a
//! process took within its last few milliseconds; the largest process of all is known exactly (`ru_maxrss`).

use std::{
    fs, io,
    mem::MaybeUninit,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How often memory is looked up.
const EVERY: Duration = Duration::from_millis(4);

/// What a process and its descendants used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Seconds by the clock, from start to exit.
    pub wall: f64,
    /// Seconds of processor time.
    pub cpu: f64,
    /// Largest resident set of one process among them, bytes.
    pub most_resident: u64,
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
}

impl Usage {
    /// Both together, one after the other.
    pub fn and(self, then: Usage) -> Usage {
        Usage {
            wall: self.wall + then.wall,
            cpu: self.cpu + then.cpu,
            most_resident: self.most_resident.max(then.most_resident),
            code: then.code,
        }
    }
}

/// Largest resident sets, bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Peaks {
    /// Of the program itself.
    pub program: u64,
    /// Of one of its descendants.
    pub worker: u64,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> io::Result<Usage> {
    let started = Instant::now();
    wait(start(command)?, started)
}

/// As [`run`], and looks at its memory meanwhile.
pub fn watched(command: &mut Command) -> io::Result<(Usage, Peaks)> {
    let started = Instant::now();
    let child = start(command)?;
    let (pid, over) = (child.id(), AtomicBool::new(false));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peaks = Peaks::default();
            while !over.load(Ordering::Relaxed) {
                look(pid, &mut peaks);
                thread::sleep(EVERY);
            }
            peaks
        });
        let ended = wait_unreaped(pid);
        // Nobody looks at a number that may soon be another process's.
        over.store(true, Ordering::Relaxed);
        let peaks = watcher.join().unwrap_or_default();
        let usage = wait(child, started)?;
        ended.map(|()| (usage, peaks))
    })
}

fn start(command: &mut Command) -> io::Result<Child> {
    command.stdin(Stdio::null()).spawn()
}

/// Waits for the end, and takes what the kernel counted.
fn wait(child: Child, started: Instant) -> io::Result<Usage> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    loop {
        // SAFETY: both pointers are to values of the right types that live through the call.
        if unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) } == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let wall = started.elapsed().as_secs_f64();
    // SAFETY: wait4 filled it; all zeroes are a value of it as well.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Usage {
        wall,
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        most_resident: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
        code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
    })
}

/// Waits for the end, and leaves the process to be waited for again.
fn wait_unreaped(pid: u32) -> io::Result<()> {
    let options = libc::WEXITED | libc::WNOWAIT;
    loop {
        let mut about = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the pointer is to a value of the right type that lives through the call.
        if unsafe { libc::waitid(libc::P_PID, pid, about.as_mut_ptr(), options) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes the peaks of the process `pid` and of all below it.
fn look(pid: u32, peaks: &mut Peaks) {
    peaks.program = peaks.program.max(high_water(pid));
    let mut below = children(pid);
    while let Some(pid) = below.pop() {
        peaks.worker = peaks.worker.max(high_water(pid));
        below.extend(children(pid));
    }
}

/// `VmHWM` of a process in bytes; 0 of one that is gone.
fn high_water(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0).saturating_mul(1024)
}

/// The processes that a process's threads have started and that still run.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn exit_codes_and_signals_are_told_apart() {
        for (script, code) in [("exit 0", Some(0)), ("exit 7", Some(7)), ("kill -9 $$", None)] {
            assert_eq!(run(&mut shell(script)).unwrap().code, code, "{script}");
        }
    }

    #[test]
    fn the_time_of_grandchildren_is_counted() {
        // The loop runs two processes below; the shells above only wait.
        let busy = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        let own = run(&mut shell("sh -c 'sh -c \"exit 0\"; exit 0'; exit 0")).unwrap();
        let below = run(&mut shell(&format!("sh -c \"sh -c '{busy}'; exit 0\"; exit 0").replace("$", "\\$")))
            .unwrap();
        assert!(below.cpu > own.cpu, "{} {}", below.cpu, own.cpu);
        assert_eq!(below.code, Some(0));
    }

    #[test]
    fn memory_of_the_program_and_of_what_it_starts_is_seen() {
        let (usage, peaks) = watched(&mut shell("sleep 0.2; sh -c 'sleep 0.2; exit 0'; exit 0")).unwrap();
        assert_eq!(usage.code, Some(0));
        assert!(peaks.program > 0 && peaks.worker > 0, "{peaks:?}");
        assert!(usage.most_resident >= peaks.worker, "{usage:?} {peaks:?}");
    }
}
