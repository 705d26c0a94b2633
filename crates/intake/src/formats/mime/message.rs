//! The row of a message: what its fields say, decoded for people.

use tamis_model::tables::Message;

use super::{address, date, entity::Entity, ids, words};

/// Addresses of one field that are kept.
const ADDRESSES: usize = 10_000;
/// Identifiers of one field that are kept.
const IDS: usize = 1000;
/// Bytes of one list, or of one text, in the row: the row has to fit its limit.
const BYTES: usize = 256 << 10;

/// Collects the row from fields in their order, and what breaks the rules.
pub(super) struct Collector {
    row: Message,
    /// What the header says of the body.
    pub entity: Entity,
    seen: u32,
    x_mailer: Option<String>,
    /// Kinds and notes of what was met in the field taken last.
    pub defects: Vec<(&'static str, String)>,
}

/// Fields that stand once in a message (RFC 5322 §3.6, RFC 2045 §3).
const UNIQUE: [&str; 16] = [
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "message-id",
    "in-reply-to",
    "references",
    "subject",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
];

impl Collector {
    pub(super) fn new() -> Collector {
        Collector {
            row: Message {
                form: "source".to_owned(),
                message_id: None,
                date_raw: None,
                date: None,
                utc_offset_min: None,
                from_addr: None,
                from_name: None,
                from_domain: None,
                to: Vec::new(),
                cc: Vec::new(),
                bcc: Vec::new(),
                subject: None,
                in_reply_to: Vec::new(),
                references: Vec::new(),
                mailer: None,
                list_id: None,
                received: 0,
                marks: Vec::new(),
                lang: None,
                attachments: 0,
            },
            entity: Entity::plain(false),
            seen: 0,
            x_mailer: None,
            defects: Vec::new(),
        }
    }

    /// Takes a field; `value` is unfolded, `text` the same with encoded words decoded.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], text: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if let Some(unique) = UNIQUE.iter().position(|known| is(known)) {
            if self.seen & 1 << unique != 0 {
                let name = String::from_utf8_lossy(name).into_owned();
                self.defects
                    .push(("repeated-field", format!("{name} stands more than once; the first counts")));
                return;
            }
            self.seen |= 1 << unique;
        }
        match name.to_ascii_lowercase().as_slice() {
            b"message-id" => self.row.message_id = ids::one(value),
            b"date" => self.date(value, text),
            b"from" => self.from(value),
            b"to" => self.row.to = self.addresses(value),
            b"cc" => self.row.cc = self.addresses(value),
            b"bcc" => self.row.bcc = self.addresses(value),
            b"subject" => self.row.subject = Some(cut(text)),
            b"in-reply-to" => self.row.in_reply_to = self.ids(value),
            b"references" => self.row.references = self.ids(value),
            b"user-agent" if self.row.mailer.is_none() => {
                self.row.mailer = Some(cut(text)).filter(|m| !m.is_empty())
            }
            b"x-mailer" if self.x_mailer.is_none() => {
                self.x_mailer = Some(cut(text)).filter(|m| !m.is_empty())
            }
            name if name.starts_with(b"content-") => self.entity.field(name, value),
            _ => {}
        }
    }

    fn date(&mut self, value: &[u8], text: &str) {
        self.row.date_raw = Some(cut(text));
        match date::parse(value) {
            Some(date) => {
                self.row.date = Some(date.time);
                self.row.utc_offset_min = date.offset_min;
                self.defects.extend(date.defect.map(|kind| (kind, cut_note(text))));
            }
            None => self.defects.push(("date-unreadable", cut_note(text))),
        }
    }

    fn from(&mut self, value: &[u8]) {
        let found = address::parse(value, 2);
        // A name without an address may only be the first half of what was meant.
        let first = found.iter().find(|mailbox| mailbox.address.is_some()).or(found.first());
        let Some(first) = first else { return };
        self.row.from_domain = first.domain().map(cut);
        self.row.from_addr = first.address.as_deref().map(cut);
        self.row.from_name = first.name.as_deref().map(cut);
    }

    fn addresses(&mut self, value: &[u8]) -> Vec<String> {
        let mailboxes = address::parse(value, ADDRESSES + 1);
        let found = mailboxes.len();
        let list = mailboxes.into_iter().filter_map(|mailbox| mailbox.address);
        self.bounded(list.take(ADDRESSES), found > ADDRESSES)
    }

    fn ids(&mut self, value: &[u8]) -> Vec<String> {
        let found = ids::parse(value, IDS + 1);
        let more = found.len() > IDS;
        self.bounded(found.into_iter().take(IDS), more)
    }

    /// As much of a list as fits the row.
    fn bounded(&mut self, list: impl Iterator<Item = String>, mut more: bool) -> Vec<String> {
        let mut bytes = 0;
        let mut kept = Vec::new();
        for text in list {
            // Each needs its length as well.
            bytes += text.len() + 4;
            if bytes > BYTES {
                more = true;
                break;
            }
            kept.push(text);
        }
        if more {
            self.defects.push(("long-list", "the list of this field is longer than is kept".to_owned()));
        }
        kept
    }

    /// The row, with what the body showed.
    pub(super) fn row(self, lang: Option<&str>, attachments: u32) -> Message {
        let mut row = self.row;
        row.mailer = row.mailer.or(self.x_mailer);
        row.lang = lang.map(str::to_owned);
        row.attachments = attachments;
        row
    }
}

/// Text of a field as it goes into the row.
fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(64 << 10)).unwrap_or(text).to_owned()
}

fn cut_note(text: &str) -> String {
    text.chars().take(100).collect()
}

/// A value for people: unfolded, white space around gone, encoded words decoded.
pub(super) fn shown(unfolded: &[u8]) -> String {
    words::decode(unfolded.trim_ascii())
}
