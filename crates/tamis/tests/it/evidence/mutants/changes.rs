//! Changes of a mail: what somebody would do who wants it to say something else and keep its proof, and what
//! honest ways do to mails.

use super::super::letter::{self, Letter};
use crate::desk::{Dice, base64};

/// What a change is made with.
pub struct Hand<'h> {
    pub dice: &'h mut Dice,
    /// Another mail of the dump, to borrow from.
    pub other: &'h Letter,
}

impl Hand<'_> {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn below(&mut self, n: usize) -> usize {
        self.dice.below(n as u64) as usize
    }
}

/// How a change is made.
#[derive(Clone, Copy)]
pub enum How {
    /// In the mail taken apart; false where the mail has no place for it.
    Letter(fn(&mut Letter, &mut Hand) -> bool),
    /// As the mail is stored.
    Bytes(fn(&Letter, &mut Hand) -> Vec<u8>),
}
use How::{Bytes, Letter as In};

/// A change, with its name.
pub type Change = (&'static str, How);

/// All of them.
pub const CHANGES: &[Change] = &[
    (
        "byte of a field shown",
        In(|mail, hand| {
            let name = hand.pick(&letter::SHOWN);
            let at = mail.all(name);
            !at.is_empty() && other_letter(&mut mail.fields[at[0]], name.len() + 1, hand)
        }),
    ),
    (
        "byte of any field",
        In(|mail, hand| {
            let at = hand.below(mail.fields.len());
            let value = letter::name(&mail.fields[at]).len() + 1;
            other_letter(&mut mail.fields[at], value, hand)
        }),
    ),
    ("byte of the body", In(|mail, hand| other_letter(&mut mail.rest, 2, hand))),
    (
        "bit of the body",
        In(|mail, hand| {
            if mail.rest.len() < 4 {
                return false;
            }
            let at = 2 + hand.below(mail.rest.len() - 2);
            mail.rest[at] ^= 1 << hand.below(8);
            true
        }),
    ),
    (
        "space in a word",
        In(|mail, hand| {
            let at = between_letters(&mail.rest, hand);
            at.inspect(|at| mail.rest.insert(*at, b' ')).is_some()
        }),
    ),
    ("space between words removed", In(|mail, hand| remove(&mut mail.rest, b' ', hand))),
    ("line joined", In(|mail, hand| remove(&mut mail.rest, b'\n', hand))),
    (
        "line broken",
        In(|mail, hand| {
            let at = between_letters(&mail.rest, hand);
            at.inspect(|at| mail.rest.insert(*at, b'\n')).is_some()
        }),
    ),
    (
        "field changed",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            let at = mail.all(name);
            if at.is_empty() {
                return false;
            }
            mail.replace(at[0], &format!("{name}: {value}"));
            true
        }),
    ),
    (
        "field on top",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            mail.insert(0, &format!("{name}: {value}"));
            true
        }),
    ),
    (
        "field at the bottom",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            mail.insert(mail.fields.len(), &format!("{name}: {value}"));
            true
        }),
    ),
    ("field below its like", In(|mail, hand| beside(mail, hand, 1))),
    ("field above its like", In(|mail, hand| beside(mail, hand, 0))),
    (
        "field doubled",
        In(|mail, hand| {
            let (name, _) = hand.pick(OTHERS);
            let at = mail.all(name);
            let Some(field) = at.first().map(|at| mail.fields[*at].clone()) else { return false };
            let to = hand.pick(&[0, at[0], mail.fields.len()]);
            mail.fields.insert(to, field);
            true
        }),
    ),
    (
        "field removed",
        In(|mail, hand| {
            let (name, _) = hand.pick(OTHERS);
            let at = mail.all(name);
            at.first().inspect(|at| drop(mail.fields.remove(**at))).is_some()
        }),
    ),
    (
        "field with a space before its colon",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            let space = hand.pick(&[" ", "\t", "  "]);
            let at = hand.pick(&[0, mail.fields.len()]);
            mail.insert(at, &format!("{name}{space}: {value}"));
            true
        }),
    ),
    (
        "field in other letters",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            let at = hand.pick(&[0, mail.fields.len()]);
            mail.insert(at, &format!("{}:{value}", name.to_ascii_uppercase()));
            true
        }),
    ),
    (
        "field folded at once",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            mail.insert(hand.pick(&[0, mail.fields.len()]), &format!("{name}:\n {value}"));
            true
        }),
    ),
    (
        "field after a folded blank",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            let at = hand.below(mail.fields.len());
            let end = mail.line_end();
            mail.fields[at].extend(format!(" \t{end}{name}: {value}{end}").bytes());
            *mail = Letter::parse(&mail.bytes());
            true
        }),
    ),
    (
        "field behind a bare CR",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            let at = hand.below(mail.fields.len());
            let end = mail.line_end();
            let field = &mut mail.fields[at];
            field.truncate(field.len() - end.len());
            field.extend(format!("\r{name}: {value}{end}").bytes());
            true
        }),
    ),
    (
        "field behind a NUL",
        In(|mail, hand| {
            let (name, value) = hand.pick(OTHERS);
            mail.insert(hand.pick(&[0, mail.fields.len()]), &format!("X-A: b\0\n {name}: {value}"));
            true
        }),
    ),
    (
        "line that is no field",
        In(|mail, hand| {
            let at = hand.below(mail.fields.len());
            mail.insert(
                at,
                hand.pick(&["no field at all", ":", ": nothing", "\u{e9}\u{e8}: x", "Subject x: y"]),
            );
            true
        }),
    ),
    (
        "line of an mbox",
        In(|mail, _| {
            mail.insert(0, "From alix@example.org Mon May  1 10:00:00 2017");
            true
        }),
    ),
    (
        "empty line in the header",
        In(|mail, hand| {
            let at = 1 + hand.below(mail.fields.len() - 1);
            mail.fields.insert(at, mail.line_end().as_bytes().to_vec());
            *mail = Letter::parse(&mail.bytes());
            true
        }),
    ),
    (
        "second author",
        In(|mail, hand| {
            let Some(from) = mail.value("from") else { return false };
            let at = mail.all("from")[0];
            let other = "Carla Nemo <carla@tiers.example>";
            mail.replace(
                at,
                &match hand.below(2) {
                    0 => format!("From:{from}, {other}"),
                    _ => format!("From: {other},{from}"),
                },
            );
            true
        }),
    ),
    (
        "subject in an encoded word",
        In(|mail, _| {
            let Some(subject) = mail.value("subject") else { return false };
            let at = mail.all("subject")[0];
            let word = base64(format!("{}!", subject.trim()).as_bytes()).replace('\n', "");
            mail.replace(at, &format!("Subject: =?utf-8?b?{word}?="));
            true
        }),
    ),
    (
        "resent",
        In(|mail, _| {
            mail.insert(0, "Resent-From: Carla Nemo <carla@autre.example>");
            mail.insert(0, "Resent-Date: Tue, 2 May 2017 11:00:00 +0200");
            true
        }),
    ),
    (
        "text behind the body",
        In(|mail, hand| {
            let text = hand.pick(TEXTS);
            mail.rest.extend(text.bytes());
            true
        }),
    ),
    (
        "text before the body",
        In(|mail, hand| {
            let text = [hand.pick(TEXTS).as_bytes(), mail.body()].concat();
            mail.set_body(text);
            true
        }),
    ),
    ("part behind the others", In(|mail, hand| add_part(mail, hand, Where::End))),
    ("part before the others", In(|mail, hand| add_part(mail, hand, Where::Start))),
    ("part behind the end", In(|mail, hand| add_part(mail, hand, Where::Epilogue))),
    (
        "parts in another order",
        In(|mail, _| {
            let Some(boundary) = boundary(mail) else { return false };
            let text = String::from_utf8_lossy(mail.body()).into_owned();
            let mark = format!("--{boundary}");
            let mut parts: Vec<&str> = text.split(&mark).collect();
            if parts.len() < 4 {
                return false;
            }
            parts.swap(1, 2);
            let body = parts.join(&mark);
            mail.set_body(body);
            true
        }),
    ),
    (
        "wrapped in a multipart",
        In(|mail, hand| {
            let end = mail.line_end();
            let kind = mail.value("content-type").unwrap_or(" text/plain".to_owned());
            let body = format!(
                "--=_w{end}Content-Type: text/plain{end}{end}{}{end}--=_w{end}Content-Type:{kind}{end}{end}{}{end}--=_w--{end}",
                hand.pick(TEXTS),
                String::from_utf8_lossy(mail.body()),
            );
            put(mail, "Content-Type", " multipart/mixed; boundary=\"=_w\"", hand);
            mail.set_body(body);
            true
        }),
    ),
    (
        "other boundary",
        In(|mail, hand| {
            let Some(boundary) = boundary(mail) else { return false };
            let kind = mail.value("content-type").unwrap();
            let shorter = &boundary[..boundary.len() / 2];
            let changed = match hand.below(5) {
                0 => kind.replace(&boundary, shorter),
                1 => kind.replace(&boundary, &format!("{boundary}x")),
                2 => format!("{kind}; boundary=\"{shorter}\""),
                3 => kind.replacen("boundary", &format!("boundary={shorter}; boundary"), 1),
                _ => kind.replacen("boundary", "(boundary=x) boundary", 1),
            };
            put(mail, "Content-Type", &changed, hand);
            true
        }),
    ),
    (
        "other type",
        In(|mail, hand| {
            let kind = mail.value("content-type").unwrap_or(" text/plain".to_owned());
            let swapped = match hand.below(4) {
                0 => kind.replace("text/plain", "text/html").replace("alternative", "mixed"),
                1 => kind.replace("utf-8", "iso-8859-1").replace("mixed", "alternative"),
                2 => format!("{kind}; charset=utf-16"),
                _ => format!(" {}", hand.pick(TYPES)),
            };
            put(mail, "Content-Type", &swapped, hand);
            true
        }),
    ),
    (
        "other encoding",
        In(|mail, hand| {
            let encoding =
                hand.pick(&[" base64", " quoted-printable", " 8bit", " binary", " x-uuencode", " 7bit"]);
            put(mail, "Content-Transfer-Encoding", encoding, hand);
            true
        }),
    ),
    (
        "disposition",
        In(|mail, hand| {
            let value = hand.pick(&["attachment; filename=\"facture.pdf\"", "inline; filename=a.html"]);
            mail.insert(hand.pick(&[0, mail.fields.len()]), &format!("Content-Disposition: {value}"));
            true
        }),
    ),
    (
        "version of MIME",
        In(|mail, hand| {
            let at = mail.all("mime-version");
            let Some(at) = at.first() else { return false };
            match hand.below(2) {
                0 => drop(mail.fields.remove(*at)),
                _ => mail.replace(*at, "MIME-Version: 2.0"),
            }
            true
        }),
    ),
    (
        "tag of a signature",
        In(|mail, hand| {
            let there: Vec<&str> = SIGNATURES.into_iter().filter(|name| !mail.all(name).is_empty()).collect();
            let name = hand.pick(&there);
            let all = mail.all(name);
            let at = hand.pick(&all);
            let value = letter::value(&mail.fields[at]);
            let subject = hand.pick(&[":subject", ":from", ":to", ":date", ":content-type", ":cc"]);
            let changed = match hand.below(9) {
                0 => value.replacen(subject, "", 1),
                1 => value.replace("relaxed", "simple"),
                2 => value.replacen("simple", "relaxed", 1),
                3 => value.replacen(" t=", " t=1", 1),
                4 => value.replacen("bh=", "bh=A", 1),
                5 => value.replacen(" c=", " l=4; c=", 1),
                6 => format!("{value}; l=4"),
                7 => value.replacen("sha256", "sha1", 1),
                _ => format!(" h=from; {}", value.trim_start()),
            };
            mail.replace(at, &format!("{name}:{}", changed.replace("\r\n", "\n")));
            true
        }),
    ),
    (
        "signature of another mail",
        In(|mail, hand| {
            let from: Vec<usize> = SIGNATURES.iter().flat_map(|name| hand.other.all(name)).collect();
            let Some(at) = from.first() else { return false };
            let field = hand.other.fields[*at].clone();
            mail.fields.insert(0, field);
            true
        }),
    ),
    (
        "body of another mail",
        In(|mail, hand| {
            let body = hand.other.body().to_vec();
            mail.set_body(body);
            true
        }),
    ),
    (
        "signature twice",
        In(|mail, _| {
            let all: Vec<usize> = SIGNATURES.iter().flat_map(|name| mail.all(name)).collect();
            let Some(at) = all.first() else { return false };
            let field = mail.fields[*at].clone();
            mail.fields.insert(0, field);
            true
        }),
    ),
    (
        "white space that relaxed ignores",
        In(|mail, hand| {
            let at = hand.below(mail.fields.len());
            let end = mail.line_end();
            match hand.below(5) {
                0 => mail.rest.extend(end.repeat(3).bytes()),
                1 => {
                    let text = String::from_utf8_lossy(&mail.rest).replacen(
                        &format!("e{end}"),
                        &format!("e \t{end}"),
                        1,
                    );
                    mail.rest = text.into_bytes();
                }
                2 => {
                    let text = String::from_utf8_lossy(&mail.rest).replacen(' ', "  ", 3);
                    mail.rest = text.into_bytes();
                }
                3 => {
                    let text =
                        String::from_utf8_lossy(&mail.fields[at]).replacen(' ', &format!("{end}\t "), 1);
                    mail.fields[at] = text.into_bytes();
                }
                _ => {
                    let text = String::from_utf8_lossy(&mail.fields[at]).into_owned();
                    let (name, rest) = text.split_once(':').unwrap_or((&text, ""));
                    mail.fields[at] = format!("{}:{rest}", name.to_ascii_uppercase()).into_bytes();
                }
            }
            true
        }),
    ),
    (
        "line ends",
        Bytes(|mail, hand| {
            const ENDS: [&str; 4] = ["\r\n", "\n", "\r", "\n\r"];
            let header = hand.pick(&ENDS);
            mail.with_line_ends(header, if hand.below(2) == 0 { header } else { hand.pick(&ENDS) })
        }),
    ),
    (
        "line end of one line",
        Bytes(|mail, hand| {
            let mut bytes = mail.bytes();
            let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
            let at = hand.pick(&places[..places.len().min(40)]);
            bytes[at] = b'\r';
            bytes
        }),
    ),
    (
        "first lines of an old Macintosh",
        Bytes(|mail, _| {
            let header = mail.with_line_ends("\r", "\n");
            [b"From: Carla Nemo <carla@autre.example>\rSubject: Autre chose\r", &header[..]].concat()
        }),
    ),
    (
        "fields in another order",
        In(|mail, hand| {
            let (one, two) = (hand.below(mail.fields.len()), hand.below(mail.fields.len()));
            mail.fields.swap(one, two);
            true
        }),
    ),
];

const SIGNATURES: [&str; 4] = ["DKIM-Signature", "DomainKey-Signature", "ARC-Message-Signature", "ARC-Seal"];

/// What an added or changed field says.
const OTHERS: &[(&str, &str)] = &[
    ("From", "Carla Nemo <carla@autre.example>"),
    ("Sender", "carla@autre.example"),
    ("Reply-To", "Carla Nemo <carla@autre.example>"),
    ("To", "Didier Personne <didier@autre.example>"),
    ("Cc", "Didier Personne <didier@autre.example>"),
    ("Date", "Tue, 2 May 2017 11:00:00 +0200"),
    ("Subject", "Autre chose"),
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Type", "multipart/mixed; boundary=\"4800\""),
    ("Content-Transfer-Encoding", "base64"),
    ("Content-Transfer-Encoding", "quoted-printable"),
];

const TYPES: &[&str] = &[
    "application/octet-stream; name=\"a.exe\"",
    "message/rfc822",
    "text/rtf",
    "text/plain; format=flowed; delsp=yes",
    "text/html",
    "multipart/digest; boundary=x",
];

const TEXTS: &[&str] = &[
    "PS: le montant est de 48000 euros.\n",
    "\n\n-- \nPS: faites le virement sur l'autre compte.\n",
    "<div style=\"position:absolute;top:0\">48000 euros</div>\n",
    "_______________________________________________\nliste mailing list\nhttps://listes.example/\n",
    ".\n",
    "\n \n x",
];

/// Puts another letter or digit for one from `from` on.
fn other_letter(bytes: &mut [u8], from: usize, hand: &mut Hand) -> bool {
    let places: Vec<usize> = (from..bytes.len()).filter(|at| bytes[*at].is_ascii_alphanumeric()).collect();
    if places.is_empty() {
        return false;
    }
    let at = hand.pick(&places);
    let other = hand.pick(b"abcXYZ0123456789");
    let changed = bytes[at] != other;
    bytes[at] = other;
    changed
}

fn between_letters(bytes: &[u8], hand: &mut Hand) -> Option<usize> {
    let is_letter = |at: usize| bytes[at].is_ascii_alphabetic();
    let places: Vec<usize> = (3..bytes.len()).filter(|at| is_letter(at - 1) && is_letter(*at)).collect();
    (!places.is_empty()).then(|| hand.pick(&places))
}

fn remove(bytes: &mut Vec<u8>, byte: u8, hand: &mut Hand) -> bool {
    let last = bytes.len().saturating_sub(2);
    let places: Vec<usize> = (3..last).filter(|at| bytes[*at] == byte).collect();
    if places.is_empty() {
        return false;
    }
    let at = hand.pick(&places);
    bytes.remove(at);
    true
}

/// A field beside the one of its name.
fn beside(mail: &mut Letter, hand: &mut Hand, after: usize) -> bool {
    let (name, value) = hand.pick(OTHERS);
    let at = mail.all(name);
    at.first().inspect(|at| mail.insert(**at + after, &format!("{name}: {value}"))).is_some()
}

/// Changes the field, or adds one above or below where it stands or does not.
fn put(mail: &mut Letter, name: &str, value: &str, hand: &mut Hand) {
    let field = format!("{name}:{}", value.replace("\r\n", "\n"));
    match mail.all(name).first() {
        Some(at) if hand.below(3) > 0 => mail.replace(*at, &field),
        _ => mail.insert(hand.pick(&[0, mail.fields.len()]), &field),
    }
}

fn boundary(mail: &Letter) -> Option<String> {
    let kind = mail.value("content-type")?;
    let (_, rest) = kind.split_once("boundary=")?;
    let text = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([';', ' ', '\r', '\n']).next(),
    };
    text.filter(|text| text.len() > 1).map(str::to_owned)
}

enum Where {
    Start,
    End,
    Epilogue,
}

fn add_part(mail: &mut Letter, hand: &mut Hand, place: Where) -> bool {
    let Some(boundary) = boundary(mail) else { return false };
    let end = mail.line_end();
    let kind = hand.pick(&["text/plain", "text/html", "application/pdf; name=a.pdf"]);
    let part = format!("--{boundary}{end}Content-Type: {kind}{end}{end}{}{end}", hand.pick(TEXTS));
    let text = String::from_utf8_lossy(mail.body()).into_owned();
    let first = text.find(&format!("--{boundary}"));
    let last = text.rfind(&format!("--{boundary}--"));
    let (Some(first), Some(last)) = (first, last) else { return false };
    let at = match place {
        Where::Start => first,
        Where::End => last,
        Where::Epilogue => text.len(),
    };
    mail.set_body(format!("{}{part}{}", &text[..at], &text[at..]));
    true
}
