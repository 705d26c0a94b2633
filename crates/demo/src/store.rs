//! Where mails come to lie: mboxes, Maildirs, a tree of eml files and archives, or one file a mail.
//! Streams are written through; no more than one mail is held.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use tamis_model::names::Step;
use zip::ZipWriter;

use crate::{
    DemoError, Layout, clock, files,
    mail::Rendered,
    people::{People, fold},
    truth::Tally,
};

/// Escaping of `From ` lines in an mbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FromLines {
    /// Not an mbox.
    #[default]
    Keep,
    /// mboxo: `From ` gets a `>`.
    Mboxo,
    /// mboxrd: `>*From ` gets one more `>`.
    Mboxrd,
}

/// What a box does to the bytes of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Quoting {
    /// Line ends are CRLF.
    pub(crate) crlf: bool,
    /// Escaping of lines that look like an mbox separator.
    pub(crate) from_lines: FromLines,
}

impl Quoting {
    /// The bytes as the box stores them. `bytes` has `\n` line ends; lone `\r\n` in text stay one.
    pub(crate) fn apply<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if *self == Quoting::default() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.escapes(line) {
                out.push(b'>');
            }
            match line.strip_suffix(b"\n") {
                Some(content) if self.crlf => {
                    out.extend_from_slice(content.strip_suffix(b"\r").unwrap_or(content));
                    out.extend_from_slice(b"\r\n");
                }
                _ => out.extend_from_slice(line),
            }
        }
        Cow::Owned(out)
    }

    /// Whether a line of `bytes` gets a `>`.
    fn changes_lines(&self, bytes: &[u8]) -> bool {
        self.from_lines != FromLines::Keep
            && bytes.split_inclusive(|byte| *byte == b'\n').any(|line| self.escapes(line))
    }

    fn escapes(&self, line: &[u8]) -> bool {
        match self.from_lines {
            FromLines::Keep => false,
            FromLines::Mboxo => line.starts_with(b"From "),
            FromLines::Mboxrd => {
                let marks = line.iter().take_while(|byte| **byte == b'>').count();
                line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
            }
        }
    }
}

/// Which folder of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// Received.
    Inbox,
    /// Sent.
    Sent,
}

enum Kind {
    Mbox { out: BufWriter<File>, path: String },
    Maildir { path: String },
    Eml,
    Zip { out: Box<ZipWriter<BufWriter<File>>>, path: String },
    Files { path: String },
}

struct MailBox {
    kind: Kind,
    quoting: Quoting,
    mails: u64,
}

/// A mail in its box.
pub(crate) struct Stored {
    /// Its path.
    pub(crate) path: String,
    /// SHA-256 of what is stored.
    pub(crate) blob: [u8; 32],
    /// Whether the box has put `>` before lines of it.
    pub(crate) escaped: bool,
}

/// All boxes of a dump.
pub(crate) struct Store {
    root: PathBuf,
    boxes: Vec<MailBox>,
    serial: u64,
}

impl Store {
    /// Makes the folders and opens the boxes of everybody who has one.
    pub(crate) fn new(root: &Path, layout: Layout, people: &People) -> Result<Store, DemoError> {
        let mut boxes = Vec::new();
        for (who, human) in people.mailboxes() {
            let name = fold(human.local_part());
            boxes.push(match layout {
                Layout::Mixed => open_mixed(root, who, &name)?,
                Layout::OneFileAMail => {
                    let path = format!("mails/{name}");
                    maildir(root, &path)?;
                    MailBox { kind: Kind::Files { path }, quoting: Quoting::default(), mails: 0 }
                }
            });
        }
        Ok(Store { root: root.to_owned(), boxes, serial: 0 })
    }

    /// Puts a mail into the box of `who`: `trace` fields first. `None` where `who` has no box.
    pub(crate) fn put(
        &mut self,
        who: usize,
        folder: Folder,
        at: i64,
        trace: &[u8],
        mail: &Rendered,
        tally: &mut Tally,
    ) -> Result<Option<Stored>, DemoError> {
        let Some(mailbox) = who.checked_sub(1).and_then(|i| self.boxes.get_mut(i)) else { return Ok(None) };
        self.serial += 1;
        let whole = [trace, &mail.bytes].concat();
        let stored = mailbox.quoting.apply(&whole);
        let blob = tally.mail(&stored, mail, mailbox.quoting);
        let escaped = mailbox.quoting.changes_lines(&whole);
        let n = mailbox.mails;
        mailbox.mails += 1;
        let path = match &mut mailbox.kind {
            Kind::Mbox { out, path } => {
                let end: &[u8] = if mailbox.quoting.crlf { b"\r\n" } else { b"\n" };
                let from = format!("From mx@demain.example {}", clock::asctime(at));
                for piece in [from.as_bytes(), end, &stored, end] {
                    out.write_all(piece)
                        .map_err(|error| DemoError::write(Path::new(path.as_str()), error))?;
                }
                Step::Message(n).below(path)
            }
            Kind::Maildir { path } | Kind::Files { path } => {
                let fresh = folder == Folder::Inbox && n % 17 == 16;
                let (place, flags) = match (fresh, n % 5) {
                    (true, _) => ("new", ""),
                    (false, 0) => ("cur", ":2,RS"),
                    (false, 1) => ("cur", ":2,"),
                    (false, _) => ("cur", ":2,S"),
                };
                let name = format!(
                    "{path}/{place}/{at}.M{}P{}.mx{flags}",
                    self.serial * 37 % 1_000_000,
                    self.serial
                );
                write_file(&self.root, &name, &stored, tally)?;
                tamis_model::names::escape(name.as_bytes())
            }
            Kind::Eml => {
                let clock::Local { year, month, day, .. } = clock::local(at, clock::Zone::Paris);
                let name = format!("eml/{year}/{month:02}/{day:02}-{:06}.eml", self.serial);
                write_file(&self.root, &name, &stored, tally)?;
                name
            }
            Kind::Zip { out, path } => {
                let folder = match folder {
                    Folder::Inbox => "Boîte de réception",
                    Folder::Sent => "Éléments envoyés",
                };
                let name = format!("{folder}/{n:05}.eml");
                out.start_file(name.as_str(), files::zip_options(n % 4 != 0)).map_err(DemoError::zip)?;
                out.write_all(&stored).map_err(DemoError::pack)?;
                Step::Named(name.as_bytes()).below(path)
            }
        };
        Ok(Some(Stored { path, blob, escaped }))
    }

    /// Closes all boxes.
    pub(crate) fn finish(self, tally: &mut Tally) -> Result<(), DemoError> {
        for mailbox in self.boxes {
            let path = match mailbox.kind {
                Kind::Mbox { out, path } => {
                    out.into_inner()
                        .map_err(|error| DemoError::write(Path::new(&path), error.into_error()))?;
                    path
                }
                Kind::Zip { out, path } => {
                    let inner = out.finish().map_err(DemoError::zip)?;
                    inner
                        .into_inner()
                        .map_err(|error| DemoError::write(Path::new(&path), error.into_error()))?;
                    path
                }
                Kind::Maildir { .. } | Kind::Eml | Kind::Files { .. } => continue,
            };
            let full = self.root.join(&path);
            let meta = fs::metadata(&full).map_err(|error| DemoError::write(&full, error))?;
            tally.file(meta.len());
        }
        Ok(())
    }
}

/// Three of eight people keep a Maildir, two each an mbox and eml files, one an archive; every form
/// occurs with LF and with CRLF where it exists with both.
fn open_mixed(root: &Path, who: usize, name: &str) -> Result<MailBox, DemoError> {
    let lf = Quoting::default();
    let crlf = Quoting { crlf: true, ..lf };
    let mbox = |quoting: Quoting| -> Result<MailBox, DemoError> {
        let path = format!("boites/{name}.mbox");
        let out = create(root, &path)?;
        Ok(MailBox { kind: Kind::Mbox { out, path }, quoting, mails: 0 })
    };
    match who % 8 {
        1 => mbox(Quoting { from_lines: FromLines::Mboxrd, ..if who % 16 == 9 { crlf } else { lf } }),
        4 => mbox(Quoting { from_lines: FromLines::Mboxo, ..lf }),
        3 => {
            let path = format!("archives/{name}.zip");
            let mut out = ZipWriter::new(create(root, &path)?);
            for folder in ["Boîte de réception/", "Éléments envoyés/"] {
                out.add_directory(folder, files::zip_options(false)).map_err(DemoError::zip)?;
            }
            Ok(MailBox { kind: Kind::Zip { out: Box::new(out), path }, quoting: crlf, mails: 0 })
        }
        5 => Ok(MailBox { kind: Kind::Eml, quoting: crlf, mails: 0 }),
        6 => Ok(MailBox { kind: Kind::Eml, quoting: lf, mails: 0 }),
        _ => {
            let path = format!("maildir/{name}");
            maildir(root, &path)?;
            Ok(MailBox { kind: Kind::Maildir { path }, quoting: lf, mails: 0 })
        }
    }
}

fn maildir(root: &Path, path: &str) -> Result<(), DemoError> {
    for place in ["cur", "new", "tmp"] {
        let dir = root.join(path).join(place);
        fs::create_dir_all(&dir).map_err(|error| DemoError::write(&dir, error))?;
    }
    Ok(())
}

fn create(root: &Path, path: &str) -> Result<BufWriter<File>, DemoError> {
    let full = root.join(path);
    if let Some(parent) = full.parent() {
        fs::create_dir_all(parent).map_err(|error| DemoError::write(parent, error))?;
    }
    let file = File::create(&full).map_err(|error| DemoError::write(&full, error))?;
    Ok(BufWriter::with_capacity(64 * 1024, file))
}

/// Writes one file of the dump and counts it.
pub(crate) fn write_file(
    root: &Path,
    path: impl AsRef<Path>,
    bytes: &[u8],
    tally: &mut Tally,
) -> Result<(), DemoError> {
    let full = root.join(path);
    let written = fs::write(&full, bytes).or_else(|_| {
        // The folder is made when it is first missed.
        full.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&full, bytes)
    });
    written.map_err(|error| DemoError::write(&full, error))?;
    tally.file(bytes.len() as u64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_change_bytes_as_they_say() {
        let text = b"From a\n>From b\nx\n";
        let apply = |crlf, from_lines| Quoting { crlf, from_lines }.apply(text).into_owned();
        assert_eq!(apply(false, FromLines::Keep), text);
        assert_eq!(apply(false, FromLines::Mboxo), b">From a\n>From b\nx\n");
        assert_eq!(apply(false, FromLines::Mboxrd), b">From a\n>>From b\nx\n");
        assert_eq!(apply(true, FromLines::Keep), b"From a\r\n>From b\r\nx\r\n");
    }
}
