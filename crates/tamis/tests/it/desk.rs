//! A desk of its own for each test: a folder in which the program runs, and what it said.
//!
//! Every run is checked for what must never happen, whatever the test is about: a panic, and a byte
//! that steers a terminal.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, Weak},
};

use serde_json::Value;
use tamis_demo::{Layout, Plan, Scale, Truth};
use tamis_model::names::is_hidden;
use tempfile::TempDir;

/// The program under test.
pub const TAMIS: &str = env!("CARGO_BIN_EXE_tamis");

/// A folder in which the program runs. Paths given to it are relative to the folder.
pub struct Desk {
    dir: TempDir,
}

/// What a run said.
#[derive(Debug, Clone)]
pub struct Said {
    /// The exit code; of a process that was killed, minus the signal.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Desk {
    pub fn new() -> Desk {
        Desk { dir: tempfile::Builder::new().prefix("tamis-it-").tempdir().unwrap() }
    }

    /// A path on this desk.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.dir.path().join(name.as_ref())
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a file with a raw name.
    pub fn write_raw(&self, name: &[u8], bytes: impl AsRef<[u8]>) -> PathBuf {
        self.write(OsStr::from_bytes(name), bytes)
    }

    /// The program with these arguments, not started.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(TAMIS);
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env_remove("NO_COLOR").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    #[track_caller]
    pub fn tamis<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        Said::of(self.command(args).output().unwrap())
    }

    /// Runs the program, which must exit with 0.
    #[track_caller]
    pub fn ok<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        self.tamis(args).exits(0)
    }

    /// Runs the program, whom permissions bind.
    #[track_caller]
    pub fn bound<S: AsRef<OsStr>>(&self, args: &[S]) -> Said {
        Said::of(bound_by_permissions(&mut self.command(args)).output().unwrap())
    }

    /// Starts the program.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Opens `dump` into the case `case`, which must succeed; the summary.
    #[track_caller]
    pub fn open(&self, dump: &str, case: &str) -> Value {
        self.open_with(&[dump, "--case", case])
    }

    /// As [`Desk::open`], with these arguments.
    #[track_caller]
    pub fn open_with(&self, args: &[&str]) -> Value {
        let args: Vec<&str> =
            ["open", "--json", "--no-desk", "--quiet"].iter().chain(args).copied().collect();
        self.ok(&args).json()
    }

    /// The line of `tamis digest`.
    #[track_caller]
    pub fn digest(&self, case: &str) -> String {
        self.ok(&["digest", case]).out
    }

    /// The case holds, says `tamis verify`.
    #[track_caller]
    pub fn holds(&self, case: &str) {
        let said = self.tamis(&["verify", case, "--json"]);
        let value = said.json();
        assert!(said.code == 0 && value["ok"] == true, "{case} does not hold: {value:#}");
    }

    /// What `tamis verify` finds wrong, as `what` and `where`.
    #[track_caller]
    pub fn problems(&self, case: &str) -> Vec<(String, String)> {
        let said = self.tamis(&["verify", case, "--json"]).exits(1);
        let value = said.json();
        assert_eq!(value["ok"], false);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        value["problems"].as_array().unwrap().iter().map(|p| (text(&p["what"]), text(&p["where"]))).collect()
    }

    /// The ledger by path, each row as `state` or `state: reason`.
    #[track_caller]
    pub fn ledger(&self, case: &str) -> BTreeMap<String, String> {
        let rows = self.ok(&["ledger", case, "--json"]).rows();
        rows.iter().map(|row| (row["path"].as_str().unwrap().to_owned(), became(row))).collect()
    }

    /// Paths of the items that a query finds, sorted.
    #[track_caller]
    pub fn finds(&self, case: &str, query: &str) -> Vec<String> {
        let rows = self.ok(&["search", case, query, "--json", "--limit", "100000"]).rows();
        let mut paths: Vec<_> = rows.iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect();
        paths.sort();
        paths
    }

    /// The rows that a statement gives.
    #[track_caller]
    pub fn sql(&self, case: &str, statement: &str) -> Vec<Value> {
        self.ok(&["sql", case, statement, "--format", "json"]).rows()
    }

    /// Names of the committed batches, in order.
    pub fn batches(&self, case: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(case).join("batches")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A ledger row's state and reason as one text.
pub fn became(row: &Value) -> String {
    match row["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", row["state"].as_str().unwrap()),
        None => row["state"].as_str().unwrap().to_owned(),
    }
}

impl Said {
    /// Of a process that ended. Fails on a panic, and on bytes that steer a terminal.
    #[track_caller]
    pub fn of(output: Output) -> Said {
        let code = output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0));
        let said = Said {
            code,
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        };
        assert!(code != 101 && !said.err.contains("panicked"), "a panic: {said:#?}");
        assert_eq!(steering(&said.out), None, "on standard output: {said:?}");
        assert_eq!(steering(&said.err), None, "on standard error: {said:?}");
        said
    }

    /// It exited with `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// It failed with `code` and the three lines of an error, the first of which contains `what`.
    #[track_caller]
    pub fn fails(self, code: i32, what: &str) -> Said {
        let said = self.exits(code);
        let lines: Vec<&str> = said.err.lines().rev().take(3).collect();
        let labels = ["hint: ", "because: ", "error: "];
        let labelled =
            lines.len() == 3 && lines.iter().zip(labels).all(|(line, label)| line.starts_with(label));
        assert!(labelled, "not three lines of error, because, hint: {said:#?}");
        assert!(lines[2].contains(what), "{what:?} is not what it says: {said:#?}");
        assert_eq!(said.out, "", "a failure leaves standard output empty");
        said
    }

    /// Standard output as one JSON value on one line.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "one value on one line: {self:#?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Standard output as JSON Lines.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(parse).collect()
    }
}

/// The first character that could steer a terminal, or reorder what stands beside it. Lines of CSV end
/// with CRLF.
fn steering(text: &str) -> Option<char> {
    let before = text.chars().zip(text.chars().skip(1).chain(['\n']));
    let steers = |(c, next): &(char, char)| match c {
        '\n' | '\t' => false,
        '\r' => *next != '\n',
        c => is_hidden(*c),
    };
    before.filter(steers).map(|(c, _)| c).next()
}

/// The small dump and the case made of it, for tests that only look. Shared by the tests that run at
/// the same time, and gone with the last of them.
pub struct Shared {
    pub desk: Desk,
    pub truth: Truth,
}

/// See [`Shared`]. The case is `case`, the dump `dump`.
pub fn shared() -> Arc<Shared> {
    static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
    // A test that failed while it held the lock has left nothing half done: what is made is made anew.
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(made) = shared.upgrade() {
        return made;
    }
    let desk = Desk::new();
    let truth = demo(&desk, "dump", Scale::Small, Layout::Mixed);
    desk.open("dump", "case");
    let made = Arc::new(Shared { desk, truth });
    *shared = Arc::downgrade(&made);
    made
}

/// Writes a synthetic dump into the folder `name`.
pub fn demo(desk: &Desk, name: &str, scale: Scale, layout: Layout) -> Truth {
    tamis_demo::write_dump(&Plan { scale, layout, seed: 1 }, &desk.path(name)).unwrap()
}

/// A mail with this subject and text.
pub fn mail(subject: &str, text: &str) -> Vec<u8> {
    let id: String = subject.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "From: Alix Dupont <alix@example.org>\r\nTo: bo@example.org\r\nSubject: {subject}\r\n\
         Date: Mon, 1 May 2017 10:00:00 +0200\r\nMessage-ID: <{id}@example.org>\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

/// An mbox of mails.
pub fn mbox<'m>(mails: impl IntoIterator<Item = &'m [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for mail in mails {
        bytes.extend_from_slice(b"From alix@example.org Mon May  1 10:00:00 2017\n");
        bytes.extend_from_slice(mail);
        bytes.extend_from_slice(b"\n");
    }
    bytes
}

/// A mail with attachments: name, media type, content.
pub fn mail_with(subject: &str, text: &str, attachments: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut bytes = format!(
        "From: Alix Dupont <alix@example.org>\nTo: bo@example.org\nSubject: {subject}\n\
         Date: Mon, 1 May 2017 10:00:00 +0200\nMIME-Version: 1.0\n\
         Content-Type: multipart/mixed; boundary=\"=_b\"\n\n\
         --=_b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    )
    .into_bytes();
    for (name, media_type, content) in attachments {
        let head = format!(
            "--=_b\nContent-Type: {media_type}\nContent-Disposition: attachment; filename=\"{name}\"\n\
             Content-Transfer-Encoding: base64\n\n"
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(base64(content).as_bytes());
    }
    bytes.extend_from_slice(b"--=_b--\n");
    bytes
}

/// Base64 in lines of 76.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let bits = (0..3).fold(0_u32, |bits, n| bits << 8 | u32::from(*group.get(n).unwrap_or(&0)));
            for n in 0..4 {
                let sextet = (bits >> (18 - 6 * n)) as usize & 63;
                text.push(if n <= group.len() { char::from(ALPHABET[sextet]) } else { '=' });
            }
        }
        text.push('\n');
    }
    text
}

/// A copy of a folder and everything in it. Times of files are kept, as a restored backup keeps them.
pub fn copy_tree(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}

/// Makes permissions bind the program even where the test runs as root: without these capabilities
/// root is an owner like any other.
pub fn bound_by_permissions(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
    const CAP_DAC_READ_SEARCH: libc::c_ulong = 2;
    // SAFETY: prctl is async-signal-safe. Where it is not permitted, the capability is not there either.
    unsafe {
        command.pre_exec(|| {
            for capability in [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH] {
                libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
            }
            Ok(())
        })
    }
}

/// Sets the mode of a file or folder, and of everything in it: `files` for files, `folders` for folders.
pub fn set_modes(path: &Path, files: u32, folders: u32) {
    use std::os::unix::fs::PermissionsExt;
    let is_dir = fs::symlink_metadata(path).unwrap().is_dir();
    if is_dir {
        // Open while its entries are changed.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            set_modes(&entry.unwrap().path(), files, folders);
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(if is_dir { folders } else { files })).unwrap();
}

/// Numbers that look like chance and are the same in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    /// Text of about `bytes` bytes that compresses as prose does.
    pub fn prose(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            let word = self.below(3000) * self.below(3000) % 3000;
            text.push_str(&format!("mot{word:x}"));
            text.push(if self.below(12) == 0 { '\n' } else { ' ' });
        }
        text
    }
}

/// A dump of several batches with all that is big in its own way: mails one by one, an mbox, an archive
/// with a member that is spooled to disk, a gzip file.
pub fn big_dump(desk: &Desk, name: &str) {
    demo(desk, &format!("{name}/demo"), Scale::Fraction(0.015), Layout::OneFileAMail);
    let mut dice = Dice::new(7);
    let mails: Vec<_> = (0..800).map(|n| mail(&format!("letter {n}"), &dice.prose(12_000))).collect();
    desk.write(format!("{name}/box.mbox"), mbox(mails.iter().map(Vec::as_slice)));
    let texts: Vec<_> = [6_000_000, 40_000, 50].map(|bytes| dice.prose(bytes)).into();
    let members: Vec<_> = texts.iter().zip(["big.txt", "small.txt", "tiny.txt"]).collect();
    let members: Vec<_> = members.iter().map(|(text, name)| (*name, text.as_bytes())).collect();
    desk.write(format!("{name}/archive.zip"), zip(&members));
    desk.write(
        format!("{name}/letters.mbox.gz"),
        gzip(&mbox(mails.iter().rev().take(50).map(Vec::as_slice))),
    );
}

/// A zip of these members, deflated.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::{Cursor, Write};
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A gzip file of this content.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}
