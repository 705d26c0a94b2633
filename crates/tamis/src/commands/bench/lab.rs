//! Where benchmarks work: one temporary folder, removed at the end, with the corpus, the case made of it and
//! the peers' databases. Each is made once, when it is first needed.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tamis_demo::{Layout, Plan, Scale};

use super::{
    super::NO,
    peers::{Made, Peer},
    process::{self, Peaks, Usage},
};
use crate::{
    cli::Global,
    failure::Failure,
    screen::{Screen, bytes, count},
};

/// The corpus that is written where none is named.
const PLAN: Plan = Plan { scale: Scale::Fraction(0.5), seed: 1, layout: Layout::OneFileAMail };
/// Free space that all of it together needs, bytes.
const ROOM: u64 = 8 << 30;
/// Size of the mailbox of p4, bytes.
const MAILBOX: u64 = 1_000_000_000;
/// Length of the line of p4, bytes.
const LINE: usize = 200_000_000;

/// The folder and what was made in it.
pub struct Lab {
    dir: PathBuf,
    /// What is read.
    pub corpus: Corpus,
    /// What the figures were measured on, in words.
    pub machine: String,
    jobs: Option<u16>,
    memory: u64,
    quiet: bool,
    first: Option<Usage>,
    made: BTreeMap<&'static str, Option<Made>>,
}

/// Mails, one file each.
pub struct Corpus {
    /// Where.
    pub dir: PathBuf,
    /// In words.
    pub name: String,
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Something to open.
pub struct Input {
    /// Where.
    pub path: PathBuf,
    /// In words.
    pub name: String,
    /// Whether it was written for this.
    pub made: bool,
}

impl Lab {
    /// Makes the folder.
    pub fn new(global: &Global, screen: &Screen) -> Result<Lab, Failure> {
        let dir = std::env::temp_dir().join(format!("tamis-bench-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        let dir = dir.canonicalize()?;
        let lab = Lab {
            corpus: Corpus { dir: dir.join("corpus"), name: String::new(), files: 0, bytes: 0 },
            dir,
            machine: machine(),
            jobs: global.jobs,
            memory: global.memory,
            quiet: screen.quiet,
            first: None,
            made: BTreeMap::new(),
        };
        lab.room()?;
        Ok(lab)
    }

    /// Writes the corpus where none is named; reads it once, so that it is in memory.
    pub fn stock(&mut self, corpus: Option<&Path>) -> Result<(), Failure> {
        let name = match corpus {
            Some(named) => {
                self.corpus.dir = named.canonicalize().map_err(|error| unread(named, &error))?;
                "as named"
            }
            None => {
                self.say("writing the corpus");
                tamis_demo::write_dump(&PLAN, &self.corpus.dir).map_err(unwritten)?;
                "the demo at scale 0.5, seed 1, one file a mail"
            }
        };
        (self.corpus.files, self.corpus.bytes) =
            warm(&self.corpus.dir).map_err(|error| unread(&self.corpus.dir, &error))?;
        if self.corpus.bytes == 0 {
            return Err(unread(&self.corpus.dir, &io::Error::other("it holds no mails")));
        }
        let (files, size) = (count(self.corpus.files), bytes(self.corpus.bytes));
        self.corpus.name = format!("{files} files, {size}: {name}");
        Ok(())
    }

    fn room(&self) -> Result<(), Failure> {
        let stat = rustix::fs::statvfs(&self.dir).map_err(io::Error::from)?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free >= ROOM {
            return Ok(());
        }
        Err(Failure::unusable(
            "not enough space for the benchmarks",
            format!("{} are free where temporary files go, {} are needed", bytes(free), bytes(ROOM)),
            "name a folder on a larger disk in TMPDIR",
        ))
    }

    /// Says on standard error what is being done.
    pub fn say(&self, what: &str) {
        if !self.quiet {
            eprintln!("{what} …");
        }
    }

    /// A place in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Removes something in the folder; what cannot be removed is left to the end.
    pub fn remove(&self, path: &Path) {
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }

    /// The case of the corpus.
    pub fn case(&self) -> PathBuf {
        self.path("mail.case")
    }

    /// The corpus to open.
    pub fn whole(&self) -> Input {
        Input { path: self.corpus.dir.clone(), name: "the corpus".to_owned(), made: false }
    }

    /// A program with nothing of the user's around it.
    pub fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.dir).env("TMPDIR", &self.dir).env("LANG", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(&self.dir);
        command
    }

    /// This program with `arguments`, and the command as it is shown.
    pub fn tamis(&self, arguments: &[OsString]) -> (Command, String) {
        // Not the path: a program that was built anew meanwhile is another one.
        let mut command = self.command("/proc/self/exe".as_ref());
        command.args(arguments).arg("--quiet").arg("--memory").arg(self.memory.to_string());
        if let Some(jobs) = self.jobs {
            command.arg("--jobs").arg(jobs.to_string());
        }
        let shown = arguments.iter().map(|word| self.named(&word.to_string_lossy()));
        (command, format!("tamis {}", shown.collect::<Vec<_>>().join(" ")))
    }

    /// A word of a command without the folders it lies in.
    fn named(&self, word: &str) -> String {
        let corpus = self.corpus.dir.to_string_lossy();
        let within = Path::new(word).strip_prefix(&self.dir).map(|rest| rest.to_string_lossy().into_owned());
        if word == corpus { "CORPUS".to_owned() } else { within.unwrap_or_else(|_| word.to_owned()) }
    }

    /// Arguments that open the corpus as mail.
    pub fn open_arguments(&self) -> Vec<OsString> {
        let (corpus, case) = (self.corpus.dir.clone(), self.case());
        vec![
            "open".into(),
            corpus.into(),
            "--only".into(),
            "mail".into(),
            "--case".into(),
            case.into(),
            "--no-desk".into(),
        ]
    }

    /// What the first `open` of the corpus took.
    pub fn first(&mut self) -> Result<(Usage, String), Failure> {
        let (mut command, shown) = self.tamis(&self.open_arguments());
        let usage = match self.first {
            Some(usage) => usage,
            None => self.run(&mut command, &shown)?,
        };
        self.first = Some(usage);
        Ok((usage, shown))
    }

    /// What a peer made of the corpus; `None` where it is not installed.
    pub fn made(&mut self, peer: &Peer) -> Result<Option<Made>, Failure> {
        if let Some(made) = self.made.get(peer.name) {
            return Ok(made.clone());
        }
        let made = peer.make(self)?;
        self.made.insert(peer.name, made.clone());
        Ok(made)
    }

    /// Runs a command that has to end well.
    pub fn run(&self, command: &mut Command, shown: &str) -> Result<Usage, Failure> {
        self.say(shown);
        self.redirect(command)?;
        let usage = process::run(command).map_err(|error| unstarted(shown, &error))?;
        self.ended(usage, shown)
    }

    /// As [`Lab::run`]; the answer of the command may be no, as of an `open` that lost something.
    pub fn run_whatever_the_answer(&self, command: &mut Command, shown: &str) -> Result<Usage, Failure> {
        self.say(shown);
        self.redirect(command)?;
        let usage = process::run(command).map_err(|error| unstarted(shown, &error))?;
        if usage.code == Some(i32::from(NO)) { Ok(usage) } else { self.ended(usage, shown) }
    }

    /// What the last command printed.
    pub fn printed(&self) -> String {
        fs::read(self.path("out")).map_or(String::new(), |said| String::from_utf8_lossy(&said).into_owned())
    }

    /// As [`Lab::run`], with its memory.
    pub fn watched(&self, command: &mut Command, shown: &str) -> Result<(Usage, Peaks), Failure> {
        self.say(shown);
        self.redirect(command)?;
        let (usage, peaks) = process::watched(command).map_err(|error| unstarted(shown, &error))?;
        Ok((self.ended(usage, shown)?, peaks))
    }

    fn redirect(&self, command: &mut Command) -> io::Result<()> {
        let file = |name| Ok::<_, io::Error>(Stdio::from(File::create(self.path(name))?));
        command.stdout(file("out")?).stderr(file("err")?);
        Ok(())
    }

    fn ended(&self, usage: Usage, shown: &str) -> Result<Usage, Failure> {
        if usage.code == Some(0) {
            return Ok(usage);
        }
        let said = fs::read_to_string(self.path("err")).unwrap_or_default();
        let last = said.lines().rev().take(3).collect::<Vec<_>>().join("; ");
        let code = usage.code.map_or("a signal".to_owned(), |code| format!("exit code {code}"));
        Err(Failure::unusable(format!("{shown} ended with {code}"), last, "run it by hand to see more"))
    }

    /// States of the items, of the last `open --json`.
    pub fn states(&self) -> String {
        let value: Value = fs::read(self.path("out"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let states = value.pointer("/items/by_state").and_then(Value::as_object);
        let states = states
            .into_iter()
            .flatten()
            .filter_map(|(state, n)| Some((state, n.as_u64().filter(|n| *n > 0)?)));
        states.map(|(state, n)| format!("{state} {}", count(n))).collect::<Vec<_>>().join(" · ")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A dump that could not be written.
pub fn unwritten(error: tamis_demo::DemoError) -> Failure {
    Failure::unusable(error.to_string(), "a dump is written first", "check the space on the disk")
}

fn unread(corpus: &Path, error: &io::Error) -> Failure {
    let what = format!("cannot read the corpus {}", corpus.display());
    Failure::unusable(what, error.to_string(), "name a folder of mails, one file each, or none")
}

fn unstarted(shown: &str, error: &io::Error) -> Failure {
    Failure::unusable(format!("cannot run {shown}"), error.to_string(), "run it by hand to see more")
}

/// Bytes of the files at or below `path` whose names are `wanted`.
pub fn size(path: &Path, wanted: &dyn Fn(&str) -> bool) -> u64 {
    let mut sum = 0;
    let _ = each_file(path, &mut |path, len| {
        if wanted(&path.file_name().unwrap_or_default().to_string_lossy()) {
            sum += len;
        }
        Ok(())
    });
    sum
}

/// Calls `each` with every regular file at or below `path`, by name, and its size.
fn each_file(path: &Path, each: &mut dyn FnMut(&Path, u64) -> io::Result<()>) -> io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    if about.is_file() {
        return each(path, about.size());
    }
    if about.is_dir() {
        let mut entries =
            fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        entries.iter().try_for_each(|entry| each_file(entry, each))?;
    }
    Ok(())
}

/// Reads every file; how many there are, and their bytes.
fn warm(dir: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut sum) = (0, 0);
    each_file(dir, &mut |path, _| {
        files += 1;
        sum += io::copy(&mut File::open(path)?, &mut io::sink())?;
        Ok(())
    })?;
    Ok((files, sum))
}

/// A mailbox of the corpus's mails, over and over, each round with a field of its own so that no mail has
/// a copy.
pub fn mailbox(lab: &mut Lab) -> Result<Input, Failure> {
    lab.say("writing a mailbox");
    let path = lab.path("large.mbox");
    let mut mails = Vec::new();
    each_file(&lab.corpus.dir, &mut |path, _| {
        mails.push(path.to_owned());
        Ok(())
    })?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let mut written = 0;
    let mut round = 0_u64;
    while written < MAILBOX && !mails.is_empty() {
        for mail in mails.iter().take_while(|_| written < MAILBOX).collect::<Vec<_>>() {
            if written >= MAILBOX {
                break;
            }
            written += mail_in_mailbox(mail, round, &mut out)?;
        }
        round += 1;
    }
    out.flush()?;
    Ok(Input { path, name: format!("a mailbox of {}", bytes(written)), made: true })
}

fn mail_in_mailbox(mail: &Path, round: u64, out: &mut dyn Write) -> io::Result<u64> {
    let head = format!("From bench@bench.invalid Thu Jan  1 00:00:00 1970\nX-Bench-Round: {round}\n");
    out.write_all(head.as_bytes())?;
    let mut written = head.len() as u64 + 1;
    let mut input = BufReader::new(File::open(mail)?);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        if line.starts_with(b"From ") {
            out.write_all(b">")?;
            written += 1;
        }
        out.write_all(&line)?;
        written += line.len() as u64;
        if !line.ends_with(b"\n") {
            out.write_all(b"\n")?;
        }
        line.clear();
    }
    out.write_all(b"\n")?;
    Ok(written)
}

/// A mail whose text is one line of words.
pub fn line(lab: &mut Lab) -> Result<Input, Failure> {
    lab.say("writing a line");
    let path = lab.path("line.eml");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    out.write_all(b"From: bench@bench.invalid\nSubject: one line\nDate: Thu, 1 Jan 1970 00:00:00 +0000\n\n")?;
    let (mut written, mut n) = (0, 0_u64);
    while written < LINE {
        // Words of eight letters, some new ones all along: Weyl's sequence.
        n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = format!("{:x} ", (n >> 40) % 1_000_003);
        out.write_all(word.as_bytes())?;
        written += word.len();
    }
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Input { path, name: format!("a mail with a line of {}", bytes(written as u64)), made: true })
}

/// The machine in words: nothing that names it.
fn machine() -> String {
    let file = |path: &str| {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(1 << 20).read_to_string(&mut text))
            .map(|_| text)
            .unwrap_or_default()
    };
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = field(&file("/proc/cpuinfo"), "model name").unwrap_or("unknown processor".to_owned());
    let memory = field(&file("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    let memory = memory.map_or("unknown".to_owned(), |kilobytes| bytes(kilobytes.saturating_mul(1024)));
    let kernel = file("/proc/sys/kernel/osrelease");
    let kernel = kernel.split('.').take(2).collect::<Vec<_>>().join(".");
    let build = if cfg!(debug_assertions) { "development build" } else { "release build" };
    let version = env!("CARGO_PKG_VERSION");
    format!("{cores} cores, {processor}, {memory} of memory, Linux {kernel}; tamis {version}, {build}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_quotes_what_looks_like_its_separator() {
        let dir = std::env::temp_dir().join(format!("tamis-bench-test-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mail = dir.join("mail");
        fs::write(&mail, "Subject: a\n\nFrom here\nto there").unwrap();
        let mut out = Vec::new();
        let written = mail_in_mailbox(&mail, 3, &mut out).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("X-Bench-Round: 3\nSubject: a\n\n>From here\nto there\n\n"), "{text}");
        assert!(written <= text.len() as u64 && written + 2 > text.len() as u64);
    }
}
