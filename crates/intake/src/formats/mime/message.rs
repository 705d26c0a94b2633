//! The row of a message: what its fields say, decoded for people.

use std::collections::BTreeSet;

use tamis_model::tables::Message;

use super::{address, date, entity::Entity, form::Form, ids, words};

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
    list_post: Option<String>,
    marks: BTreeSet<&'static str>,
    form: Form,
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

/// A mark, and when the value of a field gives it.
type Says = (&'static str, fn(&str) -> bool);

/// Fields by lower-case name that say how a copy came to be.
const MARKS: &[(&str, &[Says])] = &[
    // Outlook's, Thunderbird's and Apple's drafts; Dovecot's flag in mbox files.
    ("x-unsent", &[("draft", |value| value == "1")]),
    ("x-mozilla-draft-info", &[("draft", |_| true)]),
    ("x-uniform-type-identifier", &[("draft", |value| value == "com.apple.mail-draft")]),
    ("x-status", &[("draft", |value| value.contains('T'))]),
    // Google Takeout writes the labels in the account's language.
    (
        "x-gmail-labels",
        &[("draft", |value| has_label(value, DRAFTS)), ("sent", |value| has_label(value, SENT))],
    ),
    // The sender's own copy: the file it was put into, the account it was sent through.
    ("fcc", &[("sent", |_| true)]),
    ("x-evolution-transport", &[("sent", |_| true)]),
    ("x-kmail-transport", &[("sent", |_| true)]),
    ("x-ms-exchange-organization-authas", &[("internal", |value| value.eq_ignore_ascii_case("internal"))]),
    ("auto-submitted", &[("automatic", |value| !first_word(value).eq_ignore_ascii_case("no"))]),
    ("precedence", &[("automatic", |value| first_word(value).eq_ignore_ascii_case("auto_reply"))]),
    ("return-path", &[("bounce", |value| value.split_whitespace().collect::<String>() == "<>")]),
];

const DRAFTS: &[&str] = &[
    "draft",
    "drafts",
    "brouillon",
    "brouillons",
    "entwurf",
    "entwürfe",
    "borrador",
    "borradores",
    "bozza",
    "bozze",
    "rascunho",
    "rascunhos",
    "concepten",
    "wersje robocze",
    "черновики",
];
const SENT: &[&str] = &[
    "sent",
    "sent mail",
    "envoyé",
    "envoyés",
    "messages envoyés",
    "gesendet",
    "enviado",
    "enviados",
    "inviata",
    "inviati",
    "posta inviata",
    "e-mails enviados",
    "verzonden",
    "wysłane",
    "отправленные",
];

fn has_label(value: &str, labels: &[&str]) -> bool {
    let mut words = value.split(',').map(|label| label.trim().trim_matches('"').to_lowercase());
    words.any(|word| labels.contains(&word.as_str()))
}

fn first_word(value: &str) -> &str {
    value.split(|c: char| c == ';' || c == '(' || c.is_whitespace()).next().unwrap_or("")
}

/// What stands in the last angle brackets (RFC 2919 §2); where there are none, all of it.
fn list_id(text: &str) -> Option<String> {
    let inner = text.rsplit_once('<').map(|(_, inner)| inner.split('>').next().unwrap_or(inner));
    word(inner.unwrap_or(text))
}

/// The address of a `mailto:` (RFC 2369 §3.4).
fn list_post(text: &str) -> Option<String> {
    let at = text.to_ascii_lowercase().find("mailto:")? + "mailto:".len();
    word(text.get(at..)?.split(['>', '?', ',']).next()?)
}

fn word(text: &str) -> Option<String> {
    let word: String = text.trim().chars().take(500).collect();
    Some(word).filter(|word| !word.is_empty())
}

impl Collector {
    pub(super) fn new() -> Collector {
        Collector {
            row: Message {
                form: String::new(),
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
            list_post: None,
            marks: BTreeSet::new(),
            form: Form::default(),
            defects: Vec::new(),
        }
    }

    /// Takes a field; `value` is unfolded, `text` the same with encoded words decoded.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8], text: &str) {
        self.form.field(name, text);
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
            b"received" => self.row.received = self.row.received.saturating_add(1),
            b"list-id" if self.row.list_id.is_none() => self.row.list_id = list_id(text),
            b"list-post" if self.list_post.is_none() => self.list_post = list_post(text),
            name if name.starts_with(b"content-") => self.entity.field(name, value),
            name => self.mark(name, text),
        }
    }

    /// What a field says of how the copy came to be.
    fn mark(&mut self, name: &[u8], text: &str) {
        let Some((.., says)) = MARKS.iter().find(|(known, _)| known.as_bytes() == name) else { return };
        let text = cut(text);
        self.marks.extend(says.iter().filter(|(_, when)| when(&text)).map(|(mark, _)| *mark));
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
        let Some(first) = address::Authors::of(value).shown else { return };
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
        row.form = self.form.word(&self.entity).to_owned();
        row.mailer = row.mailer.or(self.x_mailer);
        row.list_id = row.list_id.or(self.list_post);
        let mut marks = self.marks;
        let report = self.entity.content_type.get("report-type");
        if self.entity.media_type() == "multipart/report"
            && report.is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"))
        {
            marks.insert("bounce");
        }
        row.marks = marks.into_iter().map(str::to_owned).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[(&str, &str)]) -> Message {
        let mut collector = Collector::new();
        for (name, value) in fields {
            collector.field(name.as_bytes(), value.as_bytes(), value.trim());
        }
        collector.row(None, 0)
    }

    #[test]
    fn lists() {
        for (fields, expect) in [
            (vec![("List-Id", " Users of it <users.lists.x.example>")], Some("users.lists.x.example")),
            (vec![("list-id", "<a.x.example>"), ("List-ID", "<b.x.example>")], Some("a.x.example")),
            (vec![("List-Id", "bare.x.example")], Some("bare.x.example")),
            (vec![("List-Post", "<mailto:users@x.example?subject=a>")], Some("users@x.example")),
            (vec![("List-Post", "<MAILTO:users@x.example> (all)")], Some("users@x.example")),
            (vec![("List-Post", "NO (closed)")], None),
            (vec![("List-Post", "<mailto:u@x>"), ("List-Id", "<u.x>")], Some("u.x")),
            (vec![("List-Id", "<>")], None),
            (vec![], None),
        ] {
            assert_eq!(row(&fields).list_id.as_deref(), expect, "{fields:?}");
        }
    }

    #[test]
    fn hops() {
        assert_eq!(row(&[("Received", "a"), ("RECEIVED", "b"), ("X-Received", "c")]).received, 2);
    }

    #[test]
    fn marks() {
        for (name, value, expect) in [
            ("X-Unsent", "1", &["draft"][..]),
            ("X-Unsent", "0", &[]),
            ("X-Mozilla-Draft-Info", "internal/draft; vcard=0", &["draft"]),
            ("X-Uniform-Type-Identifier", "com.apple.mail-note", &[]),
            ("X-Uniform-Type-Identifier", "com.apple.mail-draft", &["draft"]),
            ("X-Gmail-Labels", "Inbox,Drafts", &["draft"]),
            ("X-Gmail-Labels", "\"Messages envoyés\", Important", &["sent"]),
            ("X-Gmail-Labels", "Brouillons,Envoyés", &["draft", "sent"]),
            ("X-Gmail-Labels", "Draft horses", &[]),
            ("Fcc", "imap://a/Sent", &["sent"]),
            ("X-MS-Exchange-Organization-AuthAs", "Internal", &["internal"]),
            ("X-MS-Exchange-Organization-AuthAs", "Anonymous", &[]),
            ("Auto-Submitted", "auto-replied; x=y", &["automatic"]),
            ("Auto-Submitted", "No (a human)", &[]),
            ("Precedence", "auto_reply", &["automatic"]),
            ("Precedence", "bulk", &[]),
            ("Return-Path", " < >", &["bounce"]),
            ("Return-Path", "<a@x.example>", &[]),
            ("Content-Type", "multipart/report; report-type=delivery-status; boundary=b", &["bounce"]),
            ("Content-Type", "multipart/report; report-type=disposition-notification", &[]),
        ] {
            assert_eq!(row(&[(name, value)]).marks, expect, "{name}: {value}");
        }
    }
}
