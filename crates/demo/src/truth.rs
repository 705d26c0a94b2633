//! What is true of a dump: the figures, the planted things, and what a reader should report of each.
//! Collected while writing, from the bytes as they are stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::BufWriter,
    path::Path,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tamis_model::{Reason, State};

use crate::{
    DemoError, Plan,
    mail::{Attached, Rendered},
    signed::SignedTruth,
    store::Quoting,
};

/// What is true of a dump. Paths are in the form of `items.path`: relative, `#n` for the n-th message
/// of an mbox (from 0, by offset), `!name` for a member of an archive; they lead to the mail or file
/// at top level or in its mbox or archive, never below it (to an attachment).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Truth {
    /// The plan that the dump was written from.
    pub plan: Plan,
    /// The figures.
    pub counts: Counts,
    /// Words that occur only where they were planted.
    pub planted: Vec<Planted>,
    /// Words that stand only inside encrypted content: a search finds 0 items.
    pub absent: Vec<String>,
    /// Special files and what becomes of them.
    pub ledger: Vec<Expected>,
    /// Threads with known members, one of them without its first mail.
    pub threads: Vec<Thread>,
    /// The first 200 mails that stand at several places.
    pub copies: Vec<Copies>,
    /// Signatures.
    pub signed: SignedTruth,
}

/// The figures of a dump. *Occurrence*: a thing at a place; *unique*: its bytes, counted once.
///
/// A mail occurs wherever it stands: as a file (eml, Maildir), in an mbox, in an archive, and as a
/// `message/rfc822` part of another mail. Its bytes are the stored ones: line ends and the `>From ` of
/// an mbox belong to them, the mbox's `From ` line and the empty line after the mail do not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Entries of the dump that are not directories, links included.
    pub files: u64,
    /// Sum of the sizes of regular files, in bytes.
    pub bytes: u64,
    /// Mail occurrences, as defined above.
    pub mails: u64,
    /// Mails with distinct stored bytes.
    pub mails_unique: u64,
    /// Mail occurrences that are `message/rfc822` parts of other mails; counted in `mails` as well.
    pub mails_nested: u64,
    /// Distinct `Message-ID` values. Smaller than `mails_unique`: copies that differ in their trace
    /// fields share one.
    pub message_ids: u64,
    /// Mail occurrences without a Message-ID.
    pub without_message_id: u64,
    /// Distinct addresses in `From`, lower-cased.
    pub senders: u64,
    /// Earliest instant of a `Date` field that can be read, RFC 3339, UTC.
    pub first: String,
    /// Latest instant of a `Date` field that can be read, RFC 3339, UTC.
    pub last: String,
    /// Mail occurrences whose `Date` is missing or cannot be read.
    pub without_date: u64,
    /// Occurrences of attachments: leaf parts of a mail (nested mails included) that carry a file name
    /// in `Content-Disposition` or `Content-Type`, inline pictures included; `message/rfc822` parts,
    /// text bodies and uuencoded files are not.
    pub attachments: u64,
    /// Attachments with distinct decoded bytes.
    pub attachments_unique: u64,
    /// Mail occurrences with a uuencoded file in their text.
    pub uuencoded: u64,
}

/// One planted word or phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// The word, or words with one space between them.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// How many items contain it: a mail for words in its body or header, the attachment (or member)
    /// for words in one. A mail at two places is two items.
    pub items: u64,
    /// Where the mails or files stand that hold it, one entry an occurrence.
    pub paths: Vec<String>,
}

/// Where a planted word stands, and in which disguise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// text/plain, us-ascii, 7bit.
    Body,
    /// text/plain, UTF-8, 8bit; the word has an accent.
    BodyUtf8,
    /// quoted-printable; a soft line break cuts the word.
    BodyQuotedPrintable,
    /// base64.
    BodyBase64,
    /// ISO-8859-1, quoted-printable; the word has an accent.
    BodyLatin1,
    /// windows-1252, 8bit; the word has an accent.
    BodyWindows1252,
    /// UTF-16, base64.
    BodyUtf16,
    /// ISO-8859-1 bytes declared as UTF-8; the word itself is ASCII.
    BodyWrongCharset,
    /// A phrase broken by a hard line break of plain text.
    BodyPhrase,
    /// A phrase broken by a soft line break of format=flowed.
    BodyFlowed,
    /// In a line that an mbox escapes: `From …`.
    BodyFromLine,
    /// In a quoted line (`> `).
    BodyQuote,
    /// Only in the HTML part of a multipart/alternative.
    HtmlBody,
    /// In HTML, the accented letter as a character reference.
    HtmlEntity,
    /// In the plain and in the HTML part: one item all the same.
    BothBodies,
    /// `Subject`, ASCII.
    Subject,
    /// `Subject`, RFC 2047 Q.
    SubjectQ,
    /// `Subject`, RFC 2047 B.
    SubjectB,
    /// Display name in `From`.
    FromName,
    /// The file name of an attachment, in RFC 2231 form. The item is the attachment.
    FileName,
    /// An attached text file.
    AttachmentText,
    /// An attached CSV file, ISO-8859-1.
    AttachmentCsv,
    /// An attached HTML file.
    AttachmentHtml,
    /// An attached PDF, compressed page.
    AttachmentPdf,
    /// An attached word processor document (OOXML).
    AttachmentDocx,
    /// An attached spreadsheet (OOXML).
    AttachmentXlsx,
    /// A text file in an attached zip. The item is the member.
    AttachmentZipMember,
    /// An attached gzip file. The item is its content.
    AttachmentGzip,
    /// An attached calendar file.
    AttachmentIcs,
    /// An attached visiting card.
    AttachmentVcf,
    /// The body of a mail attached to a mail. The item is the inner mail.
    NestedMail,
    /// A text file attached to a mail attached to a mail. The item is that file.
    NestedAttachment,
    /// A uuencoded text file in the body.
    Uuencoded,
    /// The body of the mail that a bounce returns. The item is the returned mail.
    BouncedMail,
    /// A text file in `documents/` (mixed layout).
    FileText,
    /// An HTML file in `documents/` (mixed layout).
    FileHtml,
    /// A gzip file in `documents/` (mixed layout). The item is its content.
    FileGzip,
    /// A text file in a zip in `archives/`, deflated (mixed layout). The item is the member.
    FileZipMember,
    /// A text file in a zip in a zip (mixed layout). The item is the inner member.
    FileZipInZip,
}

/// A special file and what the ledger should say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Its path, in the form of `items.path`.
    pub path: String,
    /// What it is, in one sentence.
    pub what: String,
    /// The states that are right; more than one where a reader has a choice.
    pub states: Vec<State>,
    /// The reasons that are right, by their word in the ledger; empty: any or none.
    pub reasons: Vec<String>,
}

/// A planted thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Message-IDs in order, with brackets; all but `missing` are in the dump.
    pub message_ids: Vec<String>,
    /// The parent of each, by place in `message_ids`; `None` for the first.
    pub parents: Vec<Option<usize>>,
    /// The Message-ID that is referred to and not in the dump.
    pub missing: Option<String>,
}

/// One mail at several places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Its Message-ID.
    pub message_id: String,
    /// Its places; those of one group hold the same bytes, those of two groups differ in trace fields
    /// or line ends.
    pub groups: Vec<Vec<String>>,
}

impl Truth {
    /// Writes the truth as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), DemoError> {
        let file = File::create(path).map_err(|error| DemoError::write(path, error))?;
        serde_json::to_writer_pretty(BufWriter::new(file), self)
            .map_err(|error| DemoError::write(path, error.into()))
    }
}

/// Counts what is written, occurrence by occurrence.
#[derive(Default)]
pub(crate) struct Tally {
    counts: Counts,
    mails: BTreeSet<[u8; 16]>,
    attachments: BTreeSet<[u8; 16]>,
    message_ids: BTreeSet<[u8; 16]>,
    senders: BTreeSet<String>,
    first: Option<i64>,
    last: Option<i64>,
}

impl Tally {
    /// Mail occurrences so far.
    pub(crate) fn mails(&self) -> u64 {
        self.counts.mails
    }

    /// Attachment occurrences so far.
    pub(crate) fn attachments(&self) -> u64 {
        self.counts.attachments
    }

    /// Notes a mail whose stored bytes are `stored`, and all that it contains. Returns the SHA-256 of
    /// the stored bytes.
    pub(crate) fn mail(&mut self, stored: &[u8], mail: &Rendered, quoting: Quoting) -> [u8; 32] {
        let hash = Sha256::digest(stored).into();
        self.counts.mails += 1;
        self.mails.insert(short(&hash));
        self.meta(mail);
        for attached in &mail.attachments {
            let hash = match attached {
                Attached::Fixed(hash) => short(hash),
                Attached::AsIs(bytes) => short(&Sha256::digest(quoting.apply(bytes)).into()),
            };
            self.counts.attachments += 1;
            self.attachments.insert(hash);
        }
        for inner in &mail.nested {
            self.counts.mails_nested += 1;
            self.mail(&quoting.apply(&inner.bytes), inner, quoting);
        }
        hash
    }

    /// Notes a mail with a uuencoded file.
    pub(crate) fn uuencoded(&mut self, occurrences: u64) {
        self.counts.uuencoded += occurrences;
    }

    /// Notes an entry of the dump; `bytes` is 0 for a link.
    pub(crate) fn file(&mut self, bytes: u64) {
        self.counts.files += 1;
        self.counts.bytes += bytes;
    }

    /// The figures.
    pub(crate) fn counts(mut self) -> Counts {
        self.counts.mails_unique = self.mails.len() as u64;
        self.counts.attachments_unique = self.attachments.len() as u64;
        self.counts.message_ids = self.message_ids.len() as u64;
        self.counts.senders = self.senders.len() as u64;
        self.counts.first = self.first.map(crate::clock::rfc3339).unwrap_or_default();
        self.counts.last = self.last.map(crate::clock::rfc3339).unwrap_or_default();
        self.counts
    }

    fn meta(&mut self, mail: &Rendered) {
        match &mail.meta.message_id {
            Some(id) => {
                self.message_ids.insert(short(&Sha256::digest(id).into()));
            }
            None => self.counts.without_message_id += 1,
        }
        if let Some(from) = &mail.meta.from {
            self.senders.insert(from.to_lowercase());
        }
        match mail.meta.date {
            Some(at) => {
                self.first = Some(self.first.map_or(at, |first| first.min(at)));
                self.last = Some(self.last.map_or(at, |last| last.max(at)));
            }
            None => self.counts.without_date += 1,
        }
    }
}

/// 128 bits are enough to tell 100,000 things apart.
fn short(hash: &[u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    out
}

/// Places grouped by equal bytes, in the order of their first place.
pub(crate) fn group(places: &[(String, [u8; 32])]) -> Vec<Vec<String>> {
    let mut order: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let mut groups: Vec<Vec<String>> = Vec::new();
    for (path, hash) in places {
        let at = *order.entry(*hash).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(at) {
            group.push(path.clone());
        }
    }
    groups
}

/// An expectation with one state and reason.
pub(crate) fn expect(path: String, what: &str, states: &[State], reasons: &[Reason]) -> Expected {
    Expected {
        path,
        what: what.to_owned(),
        states: states.to_vec(),
        reasons: reasons.iter().map(|reason| reason.as_str().to_owned()).collect(),
    }
}
