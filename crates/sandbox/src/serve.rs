//! The nursery process: forks one worker a unit, watches it, reaps it, answers. It never reads
//! what a worker sends; of its standard error it keeps the beginning, unread.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::control::{self, Answer, HELLO, Hello, How, Order, PARAMS, Packet, Terms, reason};
use crate::frames::{FrameReader, FrameWriter, Grammar};
use crate::fuel::Fuel;
use crate::jail::{self, Kept, Plan};
use crate::unit::{CLOSED, Enforcement, Job, MAX_PARAMS, MAX_STDERR, PANICKED};
use crate::worker::{SourceFd, Worker};

/// The exit code of a nursery whose orders ended, and of one that could not serve them.
const ORDERS_ENDED: i32 = 0;
const UNSERVED: i32 = 1;

/// The exit code of a worker that has no jail; its hello says why.
const NO_JAIL: i32 = 101;

/// What a pipe holds, bytes.
const PIPEFUL: usize = 64 << 10;

/// The nursery's whole life, for a program's hidden subcommand: serves the orders that come over
/// descriptor 0 until the program is gone. To be called on the main thread while no other thread
/// exists, since only a process of one thread may fork and go on; and after everything is warm
/// that jobs need from files (time zones, fonts). Every other descriptor is closed first.
pub fn nursery_main(jobs: &[Job]) -> ! {
    let stdin = io::stdin();
    let code = match prepare().and_then(|()| serve(stdin.as_fd(), jobs)) {
        Ok(()) => ORDERS_ENDED,
        Err(_) => UNSERVED,
    };
    std::process::exit(code)
}

/// Leaves the program's terminal and folder, and asks to die with it. (If it died before that
/// was asked, the first order never comes.)
fn prepare() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    jail::close(3, i32::MAX)?;
    // Fails for a process that leads a session already, which is as good.
    let _ = rustix::process::setsid();
    Ok(rustix::process::chdir("/")?)
}

fn serve(orders: BorrowedFd<'_>, jobs: &[Job]) -> io::Result<()> {
    let mut plan = Plan::prepare();
    while let Some(packet) = control::receive(orders)? {
        // A late `Kill` meets a worker that ended by itself.
        let Order::Run { job, terms } = packet.read()? else { continue };
        let begun = match jobs.iter().find(|j| j.name == job) {
            Some(job) => begin(*job, terms, &mut plan, packet.fds),
            None => Err(io::Error::other("there is no such job")),
        };
        let answer = match begun {
            Ok(begun) => begun.watch(orders, terms.deadline)?,
            Err(e) => Answer::Refused(reason(e)),
        };
        control::send(orders, &answer, &[])?;
    }
    Ok(())
}

/// Forks. The unit's descriptors are closed on this side before it returns, so that the end of
/// the worker is the end of its channel.
fn begin(job: Job, terms: Terms, plan: &mut Plan, fds: Vec<OwnedFd>) -> io::Result<Worked> {
    let mut fds = fds.into_iter();
    let channel = fds.next().ok_or_else(|| io::Error::other("the unit has no channel"))?;
    let (stderr, worker_stderr) = pipe_with(PipeFlags::CLOEXEC)?;
    // This end only: a worker whose words found no room would panic over them.
    rustix::fs::fcntl_setfl(&stderr, OFlags::RDONLY | OFlags::NONBLOCK)?;
    let kept = Kept { channel, source: fds.next(), stderr: worker_stderr };
    let parent = rustix::process::getpid();
    // SAFETY: this process has one thread (see `nursery_main`), so no lock is held by a thread
    // that the child will not have, and the child may go on like any process.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => leave(live(job, terms, plan, kept, parent)),
        pid => Worked::new(pid, stderr),
    }
}

/// A worker's life, from the fork to its exit code.
fn live(job: Job, terms: Terms, plan: &mut Plan, kept: Kept, parent: Pid) -> i32 {
    let mut enforcement = Enforcement::default();
    let Ok((channel, source)) = plan.strip(kept, &mut enforcement) else { return NO_JAIL };
    let refused = plan.lock(parent, terms.cpu_seconds, &mut enforcement).err().map(reason);
    let goes_on = refused.is_none();

    // Open as long as the process lives.
    let mut channel: &'static File = Box::leak(Box::new(File::from(channel)));
    let Ok(hello) = postcard::to_stdvec(&Hello { enforcement, refused }) else { return NO_JAIL };
    let mut out = FrameWriter::new(channel);
    if out.send(HELLO, &hello).and_then(|()| out.flush()).is_err() {
        return CLOSED;
    }
    if !goes_on {
        return NO_JAIL;
    }
    let Some(params) = read_params(&mut channel) else { return CLOSED };
    let source = source.zip(terms.source_len).map(|(fd, len)| SourceFd::new(fd, len));
    let mut worker = Worker::new(params, source, out, Fuel::new(terms.fuel));
    let returned = catch_unwind(AssertUnwindSafe(|| (job.run)(&mut worker)));
    match (returned, worker.flush()) {
        (Err(_), _) => PANICKED,
        (Ok(()), Err(_)) => CLOSED,
        (Ok(()), Ok(())) => 0,
    }
}

fn read_params(channel: &mut impl Read) -> Option<Vec<u8>> {
    let grammar: Grammar = |kind| (kind == PARAMS).then_some(MAX_PARAMS);
    let mut reader = FrameReader::new(u64::MAX);
    Some(reader.next(channel, grammar).ok()??.payload.to_vec())
}

fn leave(code: i32) -> ! {
    // SAFETY: ends the process without running what the nursery registered for its own end.
    unsafe { libc::_exit(code) }
}

/// A worker at work, seen from the nursery.
struct Worked {
    process: OwnedFd,
    stderr: Stderr,
}

impl Worked {
    fn new(pid: i32, stderr: OwnedFd) -> io::Result<Worked> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => Ok(Worked { process, stderr: Stderr::new(stderr) }),
            Err(e) => {
                rustix::process::kill_process(pid, Signal::KILL)?;
                rustix::process::waitpid(Some(pid), WaitOptions::empty())?;
                Err(e.into())
            }
        }
    }

    /// Waits for its end, brings it about at the deadline or on an order, and reaps it. An error
    /// means that the program is gone or talks nonsense; the worker is dead then too.
    fn watch(mut self, orders: BorrowedFd<'_>, deadline: Duration) -> io::Result<Answer> {
        let watched = self.wait(orders, deadline);
        if !matches!(watched, Ok(Waited::Ended)) {
            self.kill()?;
        }
        let ended = self.reap()?;
        let how = match (watched?, ended) {
            (Waited::Late, How::Signal(libc::SIGKILL)) => How::Deadline,
            (_, ended) => ended,
        };
        self.stderr.drain();
        Ok(Answer::Ended { how, stderr: self.stderr.kept })
    }

    fn wait(&mut self, orders: BorrowedFd<'_>, deadline: Duration) -> io::Result<Waited> {
        let clock = alarm(deadline)?;
        loop {
            let mut fds = vec![
                PollFd::new(&self.process, PollFlags::IN),
                PollFd::new(&clock, PollFlags::IN),
                PollFd::from_borrowed_fd(orders, PollFlags::IN),
            ];
            fds.extend(self.stderr.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
            let mut ready = fds.iter().map(|fd| !fd.revents().is_empty());
            let mut ready = || ready.next().unwrap_or(false);
            let (ended, late, order, said) = (ready(), ready(), ready(), ready());
            if ended {
                return Ok(Waited::Ended);
            }
            if late {
                return Ok(Waited::Late);
            }
            if order {
                return match control::receive(orders)?.as_ref().map(Packet::read).transpose()? {
                    Some(Order::Kill) => Ok(Waited::Unwanted),
                    Some(Order::Run { .. }) => Err(io::ErrorKind::InvalidData.into()),
                    None => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
            if said {
                self.stderr.drain();
            }
        }
    }

    fn kill(&self) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.process, Signal::KILL) {
            Err(e) if e != rustix::io::Errno::SRCH => Err(e.into()),
            _ => Ok(()),
        }
    }

    fn reap(&self) -> io::Result<How> {
        let process = WaitId::PidFd(self.process.as_fd());
        let status =
            rustix::io::retry_on_intr(|| rustix::process::waitid(process.clone(), WaitIdOptions::EXITED))?;
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ok(How::Code(code)),
            (None, Some(signal)) => Ok(How::Signal(signal)),
            (None, None) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Why waiting came to its end.
enum Waited {
    Ended,
    Late,
    Unwanted,
}

/// A descriptor that becomes readable after `delay`: the kernel keeps the time.
fn alarm(delay: Duration) -> io::Result<OwnedFd> {
    const A_YEAR: Duration = Duration::from_secs(365 * 86_400);
    // Zero would mean never.
    let delay = delay.clamp(Duration::from_nanos(1), A_YEAR);
    let delay = Timespec::try_from(delay).map_err(io::Error::other)?;
    let once = Itimerspec { it_interval: Timespec::default(), it_value: delay };
    let clock = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    timerfd_settime(&clock, TimerfdTimerFlags::empty(), &once)?;
    Ok(clock)
}

/// The beginning of what a worker writes to its standard error. The rest is taken off the pipe
/// and forgotten, so that a worker that writes without end waits for nobody.
struct Stderr {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
}

impl Stderr {
    fn new(pipe: OwnedFd) -> Stderr {
        Stderr { pipe: Some(pipe), kept: Vec::new() }
    }

    /// Takes what is there, up to a pipeful.
    fn drain(&mut self) {
        let mut buffer = [0; MAX_STDERR];
        for _ in 0..PIPEFUL / MAX_STDERR {
            let Some(pipe) = &self.pipe else { return };
            match rustix::io::read(pipe, &mut buffer) {
                Ok(n) if n > 0 => {
                    let room = MAX_STDERR - self.kept.len();
                    self.kept.extend(buffer.iter().take(n.min(room)));
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
    }
}
