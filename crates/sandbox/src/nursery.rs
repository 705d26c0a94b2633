//! The nursery as the program holds it: hands out units, reads frames, learns how it ended.

use std::fmt;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use rustix::process::{Pid, PidfdFlags};

use crate::control::{self, Answer, HELLO, Hello, How, MAX_HELLO, Order, PARAMS, Packet, Terms};
use crate::frames::{Frame, FrameError, FrameReader, FrameWriter, Violation};
use crate::unit::{Ending, Enforcement, Exit, MAX_PARAMS, SandboxError, Stop, Unit, escape};

/// How much may lie in a unit channel, bytes; the kernel may give less.
const CHANNEL_BUFFER: usize = 1 << 20;

/// How long a nursery that lost its orders may take to kill its worker and end, seconds.
const FAREWELL: i64 = 2;

/// A nursery process and what is known of it. It serves one unit at a time: a program that reads
/// on several threads holds one for each.
///
/// **Threads**: the kernel ties the nursery's life to the *thread* that started it. Call
/// [`spawn`](Nursery::spawn), and [`run`](Nursery::run) which may replace a nursery that died,
/// on a thread that lives as long as the nursery is to serve.
#[derive(Debug)]
pub struct Nursery {
    exe: PathBuf,
    args: Vec<String>,
    link: Option<Link>,
    reader: FrameReader,
    enforcement: Option<Enforcement>,
}

impl Nursery {
    /// Starts `exe` with `args`, which must lead to [`nursery_main`](crate::nursery_main): an
    /// empty environment, the control socket as descriptor 0, `/dev/null` as 1 and 2. A program
    /// that starts itself gives `/proc/self/exe`, which survives being replaced on disk. Fails
    /// if it cannot be started; that it is no nursery shows at the first unit.
    pub fn spawn(exe: &Path, args: &[&str]) -> Result<Nursery, SandboxError> {
        let args: Vec<String> = args.iter().map(|&a| a.to_owned()).collect();
        let link = Link::start(exe, &args).map_err(SandboxError::Spawn)?;
        Ok(Nursery {
            exe: exe.to_owned(),
            args,
            link: Some(link),
            reader: FrameReader::new(0),
            enforcement: None,
        })
    }

    /// Runs one unit in a process of its own and hands each of its frames to `on_frame`, in
    /// order, until it ends or `on_frame` breaks off. Always comes back with an ending, and with
    /// the worker dead; a nursery that died is replaced at the next call.
    pub fn run(
        &mut self,
        unit: Unit<'_>,
        on_frame: &mut dyn FnMut(Frame<'_>) -> ControlFlow<Stop>,
    ) -> Ending {
        if unit.params.len() > MAX_PARAMS as usize {
            return Ending::without_words(Exit::Refused(format!("the parameters exceed {MAX_PARAMS} bytes")));
        }
        // Out of its place while in use: if `on_frame` panics, the nursery ends with it, and no
        // later unit takes this unit's answer for its own.
        let link = match self.link.take() {
            Some(link) => Ok(link),
            None => Link::start(&self.exe, &self.args),
        };
        let mut link = match link {
            Ok(link) => link,
            Err(e) => return Ending::without_words(Exit::Lost(e.to_string())),
        };
        match self.run_on(&link, unit, on_frame) {
            Ok(ending) => {
                self.link = Some(link);
                ending
            }
            Err(e) => Ending::without_words(Exit::Lost(link.obituary(&e))),
        }
    }

    /// What the last worker's jail was made of; `None` before the first unit.
    pub fn enforcement(&self) -> Option<Enforcement> {
        self.enforcement
    }

    /// The process id of the nursery, if it lives.
    pub fn id(&self) -> Option<u32> {
        self.link.as_ref().map(|link| link.process.id())
    }

    fn run_on(
        &mut self,
        link: &Link,
        unit: Unit<'_>,
        on_frame: &mut dyn FnMut(Frame<'_>) -> ControlFlow<Stop>,
    ) -> io::Result<Ending> {
        let channel = link.order(&unit)?;
        send_params(&channel, unit.params);
        let heard = self.listen(&channel, &unit, on_frame);
        if !matches!(heard, Heard::Out | Heard::Refused(_)) {
            link.send(&Order::Kill, &[])?;
        }
        drop(channel);
        Ok(match link.answer()?.read()? {
            Answer::Ended { how, stderr } => Ending { exit: judge(heard, how), stderr: escape(&stderr) },
            Answer::Refused(why) => Ending::without_words(Exit::Refused(why)),
        })
    }

    /// Reads the channel to its end, or to the reason not to.
    fn listen(
        &mut self,
        mut channel: &Channel,
        unit: &Unit<'_>,
        on_frame: &mut dyn FnMut(Frame<'_>) -> ControlFlow<Stop>,
    ) -> Heard {
        self.reader.restart(u64::from(MAX_HELLO));
        let hello = self.reader.next(&mut channel, |kind| (kind == HELLO).then_some(MAX_HELLO));
        let hello = hello.ok().flatten().and_then(|f| postcard::from_bytes::<Hello>(f.payload).ok());
        let Some(hello) = hello else { return Heard::Nothing };
        self.enforcement = Some(hello.enforcement);
        if let Some(why) = hello.refused {
            return Heard::Refused(why);
        }
        self.reader.go_on(unit.limits.output);
        loop {
            match self.reader.next(&mut channel, unit.grammar) {
                Ok(Some(frame)) => {
                    if let ControlFlow::Break(stop) = on_frame(frame) {
                        return Heard::Enough(stop);
                    }
                }
                Ok(None) => return Heard::Out,
                Err(FrameError::Violation(violation)) => return Heard::Violation(violation),
                Err(FrameError::Io(e)) => return Heard::Enough(Stop(e.to_string())),
            }
        }
    }
}

impl Ending {
    fn without_words(exit: Exit) -> Ending {
        Ending { exit, stderr: String::new() }
    }
}

/// What a unit channel said.
enum Heard {
    /// Not even a hello.
    Nothing,
    /// The jail cannot be built.
    Refused(String),
    /// Everything, to the end of a frame.
    Out,
    Violation(Violation),
    Enough(Stop),
}

/// What this side decided comes first; then how the process died; a stream that ends inside a
/// frame is news only if the process claims success.
fn judge(heard: Heard, how: How) -> Exit {
    match (heard, how) {
        (Heard::Refused(why), _) => Exit::Refused(why),
        (Heard::Nothing, How::Deadline) => Exit::Deadline,
        (Heard::Nothing, _) => Exit::Refused(format!("the worker ended before its jail stood ({how})")),
        (Heard::Enough(stop), _) => Exit::Stopped(stop),
        (Heard::Violation(v), _) if v != Violation::Truncated => Exit::Violated(v),
        (_, How::Deadline) => Exit::Deadline,
        (Heard::Violation(v), How::Code(0)) => Exit::Violated(v),
        (Heard::Out, How::Code(0)) => Exit::Finished,
        (_, How::Code(code)) => Exit::Code(code),
        (_, How::Signal(signal)) => Exit::Signal(signal),
    }
}

/// Writes the parameters. The worker takes them before it says more than its hello, so neither
/// side waits for the other; if it dies instead, reading the channel tells.
fn send_params(channel: &Channel, params: &[u8]) {
    let mut writer = FrameWriter::new(channel);
    let _ = writer.send(PARAMS, params).and_then(|()| writer.flush());
}

/// A running nursery.
#[derive(Debug)]
struct Link {
    process: Child,
    /// `None` only while it is taken down.
    control: Option<OwnedFd>,
}

impl Link {
    fn start(exe: &Path, args: &[String]) -> io::Result<Link> {
        let (ours, theirs) = pair(SocketType::SEQPACKET)?;
        let process = Command::new(exe)
            .args(args)
            .env_clear()
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Link { process, control: Some(ours) })
    }

    /// Orders a worker; this side of its channel.
    fn order(&self, unit: &Unit<'_>) -> io::Result<Channel> {
        let (ours, theirs) = pair(SocketType::STREAM)?;
        // A hint; a smaller buffer only costs more turns.
        let _ = sockopt::set_socket_send_buffer_size(&theirs, CHANNEL_BUFFER);
        let source_len = unit.source.map(rustix::fs::fstat).transpose()?.map(|s| s.st_size.unsigned_abs());
        let terms = Terms {
            fuel: unit.limits.fuel,
            cpu_seconds: unit.limits.cpu_seconds,
            deadline: unit.limits.deadline,
            source_len,
        };
        let fds: Vec<_> = std::iter::once(theirs.as_fd()).chain(unit.source).collect();
        self.send(&Order::Run { job: unit.job, terms }, &fds)?;
        Ok(Channel(ours))
    }

    fn send(&self, order: &Order<'_>, fds: &[std::os::fd::BorrowedFd<'_>]) -> io::Result<()> {
        control::send(self.control()?, order, fds)
    }

    fn answer(&self) -> io::Result<Packet> {
        control::receive(self.control()?)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn control(&self) -> io::Result<std::os::fd::BorrowedFd<'_>> {
        self.control.as_ref().map(AsFd::as_fd).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Takes it down and says what became of it.
    fn obituary(&mut self, error: &io::Error) -> String {
        match self.take_down() {
            Ok(status) => match (status.code(), status.signal()) {
                (_, Some(signal)) => format!("the nursery died of signal {signal} ({error})"),
                (code, None) => format!("the nursery ended with exit code {} ({error})", code.unwrap_or(-1)),
            },
            Err(e) => format!("the nursery is gone ({error}; {e})"),
        }
    }

    /// Hangs up, waits for it to kill its worker and end, and kills it if it does not. (The
    /// worker dies then too, by its parent-death signal.)
    fn take_down(&mut self) -> io::Result<ExitStatus> {
        self.control = None;
        if !self.ends_by_itself().unwrap_or(false) {
            self.process.kill()?;
        }
        self.process.wait()
    }

    fn ends_by_itself(&self) -> io::Result<bool> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(false) };
        let process = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let patience = Timespec { tv_sec: FAREWELL, tv_nsec: 0 };
        Ok(poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience))? > 0)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.take_down();
    }
}

fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// This side of a unit channel. Writing raises no SIGPIPE, whatever the program made of that
/// signal; a worker that died with parameters unread is an end, not an error.
struct Channel(OwnedFd);

impl Read for &Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::net::recv(&self.0, buffer, RecvFlags::empty()) {
            Ok((n, _)) => Ok(n),
            Err(Errno::CONNRESET) => Ok(0),
            Err(e) => Err(e.into()),
        }
    }
}

impl Write for &Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            How::Code(code) => write!(f, "exit code {code}"),
            How::Signal(signal) => write!(f, "signal {signal}"),
            How::Deadline => f.write_str("the deadline"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_dies_with_parameters_unread_is_an_end() {
        let (ours, theirs) = pair(SocketType::STREAM).unwrap();
        let mut channel = &Channel(ours);
        (&Channel(theirs.try_clone().unwrap())).write_all(b"last words").unwrap();
        channel.write_all(b"unread").unwrap();
        drop(theirs);
        let mut heard = Vec::new();
        assert_eq!(channel.read_to_end(&mut heard).unwrap(), 10);
        assert_eq!(heard, b"last words");
        assert_eq!(channel.write(b"more").map_err(|e| e.kind()), Err(io::ErrorKind::BrokenPipe));
    }

    #[test]
    fn an_ending_is_judged_by_the_side_that_can_be_believed() {
        let stop = || Stop("enough".into());
        let cases = [
            (Heard::Out, How::Code(0), Exit::Finished),
            (Heard::Out, How::Code(3), Exit::Code(3)),
            (Heard::Out, How::Signal(31), Exit::Signal(31)),
            (Heard::Out, How::Deadline, Exit::Deadline),
            (Heard::Nothing, How::Deadline, Exit::Deadline),
            (Heard::Enough(stop()), How::Code(0), Exit::Stopped(stop())),
            (Heard::Refused("no".into()), How::Code(101), Exit::Refused("no".into())),
            (Heard::Violation(Violation::Truncated), How::Code(0), Exit::Violated(Violation::Truncated)),
            (Heard::Violation(Violation::Truncated), How::Signal(11), Exit::Signal(11)),
            (Heard::Violation(Violation::Truncated), How::Deadline, Exit::Deadline),
            (
                Heard::Violation(Violation::UnknownKind(9)),
                How::Signal(9),
                Exit::Violated(Violation::UnknownKind(9)),
            ),
        ];
        for (heard, how, exit) in cases {
            assert_eq!(judge(heard, how), exit);
        }
    }
}
