//! Whether signed bytes can be read in one way only. Content-Type and Content-Transfer-Encoding say how a
//! body is to be read; where they are not signed, anybody may have changed them, and then the body itself
//! has to leave no choice. And a signature that drops white space covers no reading that hangs on it. In doubt
//! there is more than one.

use super::{
    canon::BodyForm,
    chosen::{Fields, VISIBLE},
    fields::{Parsed, Scheme},
    summary::Summary,
};
use crate::formats::mime::header::{self, is_white};

/// Longest run of white space in a header on which no limit of any reader can hang.
const WHITE: usize = 200;
/// Longest field whose value every reader shows as a whole.
const SHOWN: usize = 32 << 10;

/// Whether the header can be taken apart in one way only: no line that is no field, on which readers
/// disagree where the body begins, and no CR that some take for a line break.
pub(super) fn is_plain_header(
    bytes: &[u8],
    head: &header::Block,
    end: header::End,
    eol: header::Eol,
) -> bool {
    let before = bytes.get(..head.body).unwrap_or_default();
    let has_lone_cr = eol == header::Eol::Lf
        && memchr::memchr_iter(b'\r', before).any(|at| before.get(at + 1).is_some_and(|next| *next != b'\n'));
    let has_odd_line = head.fields.iter().any(|field| field.name.is_empty())
        || head.other.iter().any(|(kind, range)| *kind != "mbox-from-line" || range.start > 0);
    !has_lone_cr
        && !has_odd_line
        && end != header::End::NoBlank
        && !hangs_on_white_space(before, eol)
        && head.fields.iter().all(|field| is_plain_field(bytes, field))
}

/// White space that a relaxed form drops and some readers do not: a line of nothing else, which some take for
/// the end of the header, or so much that what follows is beyond what is read.
fn hangs_on_white_space(header: &[u8], eol: header::Eol) -> bool {
    let mut at = 0;
    while let Some(line) = header::line(header, at, eol) {
        if is_white(header.get(line.content).unwrap_or_default()) {
            return true;
        }
        at = line.next;
    }
    let mut run = 0;
    header.iter().any(|byte| {
        run = if matches!(byte, b' ' | b'\t') { run + 1 } else { 0 };
        run > WHITE
    })
}

/// Whether everybody finds a field by its name, and shows all of it.
fn is_plain_field(bytes: &[u8], field: &header::Field) -> bool {
    let name = bytes.get(field.name.clone()).unwrap_or_default();
    let is = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
    let is_mime = name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
    let is_shown = is_mime || VISIBLE.iter().any(is);
    !is_shown || (bytes.get(field.name.end) == Some(&b':') && field.range.len() <= SHOWN)
}

/// Whether a signature covers all fields of a name; `None` where that says nothing, as there are several.
fn is_signed(fields: &Fields, parsed: &Parsed, own: usize, name: &str) -> Option<bool> {
    let may_be_absent = matches!(parsed.scheme, Scheme::Apart | Scheme::Together);
    match fields.covered(parsed, own, name) {
        // Signed as absent: one that was there would have broken the signature.
        (_, 0) => Some(may_be_absent && parsed.row.signed_headers.iter().any(|listed| listed == name)),
        (covered, 1) => Some(covered == 1),
        _ => None,
    }
}

/// Whether a canonical body does not have the white space of the body that is shown.
fn drops_white_space(form: BodyForm) -> bool {
    !matches!(form, BodyForm::Simple | BodyForm::Plain)
}

/// What readers should know beside the answer, one word each.
pub(super) fn notes(
    fields: &Fields,
    parsed: &Parsed,
    own: usize,
    body: &Summary,
) -> impl Iterator<Item = &'static str> {
    let (covered, there) = fields.covered(parsed, own, "bcc");
    let hangs_on_ends = drops_white_space(parsed.body) && body.is_flowed();
    [(covered < there, "bcc-not-signed"), (hangs_on_ends, "flowed-text")]
        .into_iter()
        .filter_map(|(holds, word)| holds.then_some(word))
}

/// Whether what a signature covers can be read in one way only.
pub(super) fn one_reading(fields: &Fields, parsed: &Parsed, own: usize, body: &Summary) -> bool {
    let signed = |name| is_signed(fields, parsed, own, name);
    if drops_white_space(parsed.body) && body.hangs_on_white_space() {
        return false;
    }
    // Where it says so, what is text becomes an attachment with a name; a bare `inline` says what is so anyway.
    let is_inline = || fields.first("content-disposition").is_none_or(|v| v.eq_ignore_ascii_case(b"inline"));
    if signed("content-disposition").is_none_or(|is_signed| !is_signed && !is_inline()) {
        return false;
    }
    let (Some(is_type_signed), Some(is_coding_signed)) =
        (signed("content-type"), signed("content-transfer-encoding"))
    else {
        return false;
    };
    if is_type_signed && is_coding_signed {
        return true;
    }
    let declared = match fields.first("content-type") {
        None => Some(Declared { media_type: "text/plain".to_owned(), parameters: Vec::new() }),
        Some(value) => Declared::parse(&value),
    };
    let coding = fields.first("content-transfer-encoding");
    let is_identity = coding.is_none_or(|word| {
        [b"7bit".as_slice(), b"8bit", b"binary"].iter().any(|known| word.eq_ignore_ascii_case(known))
    });
    let Some(declared) = declared else { return false };
    let says = |name: &&str| declared.get(name).is_some();
    if !is_type_signed && ["name", "filename", "format", "delsp"].iter().any(says) {
        return false;
    }
    if declared.is_multipart() {
        let kind = declared.media_type.strip_prefix("multipart/").unwrap_or_default();
        let is_shown = ["mixed", "alternative", "related", "report", "signed"].contains(&kind);
        let boundary = declared.get("boundary");
        // A multipart is never encoded itself (RFC 2045 §6.4); which parts it has, its boundary says.
        return is_identity
            && match is_type_signed {
                true => boundary.is_some(),
                false => is_shown && boundary.is_some_and(|boundary| body.is_multipart(boundary)),
            };
    }
    if !is_identity || body.may_be_encoded() {
        return false;
    }
    if is_type_signed {
        return true;
    }
    // Markup that is shown as text and text that is read as markup are two readings: of HTML none is left.
    declared.media_type == "text/plain"
        && declared.get("charset").is_none_or(has_ascii)
        && body.is_ascii()
        && !body.may_be_markup()
        && !body.may_be_parts()
}

/// Whether a charset has ASCII where ASCII has it.
fn has_ascii(label: &str) -> bool {
    encoding_rs::Encoding::for_label(label.as_bytes()).is_some_and(|encoding| encoding.is_ascii_compatible())
}

/// A Content-Type that nobody reads in another way: no comments, no escapes, each parameter once.
#[derive(Debug, PartialEq, Eq)]
struct Declared {
    media_type: String,
    parameters: Vec<(String, String)>,
}

impl Declared {
    fn parse(value: &[u8]) -> Option<Declared> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii() && text.len() < 4096)?;
        let (media_type, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let media_type = media_type.trim().to_ascii_lowercase();
        let (kind, sub) = media_type.split_once('/')?;
        if !is_token(kind) || !is_token(sub) {
            return None;
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_ascii_start();
            if rest.is_empty() {
                return Some(Declared { media_type, parameters });
            }
            let (name, after) = rest.split_once('=')?;
            let name = name.trim_ascii().to_ascii_lowercase();
            let after = after.trim_ascii_start();
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').filter(|(value, _)| !value.contains('\\'))?,
                None => {
                    let bare = after.split_at_checked(after.find(';').unwrap_or(after.len()))?;
                    Some(bare).filter(|(value, _)| !value.contains(['"', '(', ')']))?
                }
            };
            let value = value.trim_ascii_end();
            let is_bare_token = after.is_empty() || after.trim_ascii_start().starts_with(';');
            let is_value = !value.is_empty() && !value.contains("=?");
            if !is_token(&name) || name.contains('*') || !is_bare_token || !is_value {
                return None;
            }
            if parameters.len() > 32 || parameters.iter().any(|(known, _)| *known == name) {
                return None;
            }
            parameters.push((name, value.to_owned()));
            rest = after.trim_ascii_start().strip_prefix(';').unwrap_or("");
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{canon::Splitter, fields::Kind},
        *,
    };
    use crate::formats::mime::header::Eol;

    /// `h` names what is signed of a message of these MIME fields and this body.
    fn reading(h: &str, mime: &str, body: &str, step: usize) -> bool {
        read(&format!("h=from:{h}"), mime, body, step).0
    }

    /// The same of a signature with these tags, and what is to be noted.
    fn read(tags: &str, mime: &str, body: &str, step: usize) -> (bool, Vec<&'static str>) {
        let head = format!("DKIM-Signature: v=1\nFrom: a@x.example\n{mime}");
        let (block, _) = header::scan(head.as_bytes(), Eol::Lf, true).unwrap();
        let fields = Fields::new(head.as_bytes(), &block.fields, Eol::Lf);
        let signature = format!("v=1; a=rsa-sha256; d=x; s=s; {tags}; bh=AA==; b=AAAA");
        let parsed = Parsed::new(Kind::Dkim, signature.as_bytes());
        let mut summary = Summary::new(&fields);
        let mut splitter = Splitter::new(Eol::Lf);
        body.as_bytes().chunks(step).for_each(|piece| splitter.feed(piece, &mut summary));
        splitter.end(&mut summary);
        summary.end();
        let notes = notes(&fields, &parsed, 0, &summary).collect();
        (one_reading(&fields, &parsed, 0, &summary), notes)
    }

    #[test]
    fn readings() {
        const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n";
        const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\n";
        const HTML: &str = "Content-Type: text/html\n";
        const QUOTED: &str = "Content-Transfer-Encoding: quoted-printable\n";
        const BOTH: &str = "content-type:content-transfer-encoding";
        let parts = "--b\n\none\n--b\n\ntwo\n--b--\n";
        let mime = "This is a multi-part message in MIME format.\n";
        let cases: &[(&str, String, String, bool)] = &[
            // Signed where they stand.
            (BOTH, format!("{PLAIN}{QUOTED}"), "caf=C3=A9\n".into(), true),
            (BOTH, PLAIN.into(), "caf=C3=A9\n".into(), true),
            (BOTH, String::new(), "caf\u{e9}\n".into(), true),
            (BOTH, format!("{PLAIN}{PLAIN}{QUOTED}"), "x\n".into(), false),
            ("content-type", format!("{PLAIN}{QUOTED}"), "x\n".into(), false),
            ("content-transfer-encoding", format!("{PLAIN}{QUOTED}"), "x\n".into(), false),
            // The type alone is signed, and a coding may have been taken away.
            ("content-type", PLAIN.into(), "Hello caf\u{e9}, a=b\n".into(), true),
            ("content-type", PLAIN.into(), "x=y, caf=c3=a9\n".into(), false),
            ("content-type", PLAIN.into(), "x=y, soft= \t\nbreak\n".into(), false),
            ("content-type", PLAIN.into(), "x = \ty =g0 ==\n\n=".into(), false),
            ("content-type", PLAIN.into(), "x = y =g0 =3\n3 =\t. \n".into(), true),
            ("content-type", PLAIN.into(), "SGVsbG8s IHdvcm xkLCBo \t\n ZWxsbw== \n".into(), false),
            ("content-type", PLAIN.into(), "see:\nbegin 644 a.txt\n#86)C\n`\nend\n".into(), false),
            ("content-type", PLAIN.into(), "caf=C3=A9\n".into(), false),
            ("content-type", PLAIN.into(), "soft=\nbreak\n".into(), false),
            ("content-type", PLAIN.into(), "SGVsbG8sIHdvcmxkLCBoZWxsbw==\n".into(), false),
            ("content-type", PLAIN.into(), "Thanks\n".into(), true),
            ("content-type", MIXED.into(), "pre\n--b\n\none\n--b--\nafter\n".into(), true),
            // Nothing is signed: text that is only text.
            ("", String::new(), "Hello,\nI owe you 5 < 6\n".into(), true),
            ("", PLAIN.into(), "Hello\n".into(), true),
            ("", "Content-Transfer-Encoding: 7bit\n".into(), "Hello\n".into(), true),
            ("", format!("{PLAIN}{QUOTED}"), "Hello\n".into(), false),
            ("", PLAIN.into(), "caf\u{e9}\n".into(), false),
            ("", "Content-Type: text/plain; charset=utf-7\n".into(), "a +AGI- c\n".into(), false),
            ("", "Content-Type: text/plain; charset=utf-16\n".into(), "abcd\n".into(), false),
            ("", "Content-Type: text/plain; charset=iso-2022-jp\n".into(), "abcd\n".into(), false),
            ("", PLAIN.into(), "a \x1b$B b\n".into(), false),
            ("", PLAIN.into(), "a ~{ b\n".into(), false),
            ("", PLAIN.into(), "a\rb\n".into(), false),
            ("", HTML.into(), "\n <p>Hello\n".into(), false),
            ("", PLAIN.into(), "Alice <alice@x.example> wrote:\n> 1 <2\n".into(), true),
            ("", PLAIN.into(), "Hello<!-- not -->\n".into(), false),
            ("", PLAIN.into(), "Hello <b>you</b>\n".into(), false),
            ("", PLAIN.replace("utf-8", "utf-8; name=a.txt"), "Hello\n".into(), false),
            ("", PLAIN.replace("utf-8", "utf-8; format=fixed"), "Hello\n".into(), false),
            ("", PLAIN.replace("utf-8", "utf-8; delsp=yes"), "Hello\n".into(), false),
            ("content-type", PLAIN.replace("utf-8", "utf-8; name=a.txt"), "Hello\n".into(), true),
            ("", HTML.into(), "Alice <alice@x.example> wrote:\n".into(), false),
            ("", "Content-Type: application/pdf\n".into(), "Hello\n".into(), false),
            ("", "Content-Type: message/rfc822\n".into(), "Subject: a\n\nb\n".into(), false),
            // How the text is presented: what is signed, or nothing but the usual.
            (BOTH, format!("{PLAIN}Content-Disposition: inline\n"), "x\n".into(), true),
            ("", format!("Content-Disposition: INLINE\n{PLAIN}"), "Hello\n".into(), true),
            (BOTH, format!("{PLAIN}Content-Disposition: attachment\n"), "x\n".into(), false),
            (BOTH, format!("{PLAIN}Content-Disposition: inline; filename=a.pdf\n"), "x\n".into(), false),
            (
                "content-type:content-transfer-encoding:content-disposition",
                format!("{PLAIN}Content-Disposition: attachment; filename=a.txt\n"),
                "x\n".into(),
                true,
            ),
            (
                "content-type:content-transfer-encoding:content-disposition:content-disposition",
                format!("{PLAIN}Content-Disposition: inline\nContent-Disposition: attachment\n"),
                "x\n".into(),
                false,
            ),
            // A multipart that cannot be another.
            ("", MIXED.into(), parts.into(), true),
            ("", MIXED.into(), format!("\n{parts}\n\n"), true),
            ("", MIXED.into(), format!("{mime}{parts}"), true),
            ("", MIXED.replace("=b", "=\"b\""), parts.into(), true),
            ("", MIXED.replace("=b", "=\"b(1)\""), parts.replace("--b", "--b(1)"), true),
            ("", MIXED.replace("=b", "=\"b"), parts.into(), false),
            ("", MIXED.replace("=b", "=\"b\" x=y"), parts.into(), false),
            ("", MIXED.replace("mixed", "alternative"), parts.into(), true),
            ("", MIXED.replace("mixed", "digest"), parts.into(), false),
            ("", format!("{MIXED}{QUOTED}"), parts.into(), false),
            ("", MIXED.into(), format!("I will pay.\n{parts}"), false),
            ("", MIXED.into(), format!("{parts}and more\n"), false),
            ("", MIXED.into(), "--b\n\none\n--b\n".into(), false),
            ("", MIXED.into(), format!("--a\n\nhidden\n{parts}"), false),
            ("", MIXED.replace("=b", "=inner"), "--b\n\n--inner\n\nx\n--inner--\n--b--\n".into(), false),
            ("", MIXED.replace("=b", "=-"), "I agree\n---\n not\n-----\n".into(), false),
            ("", MIXED.replace("=b", "=b; boundary=c"), parts.into(), false),
            ("", MIXED.replace("=b", "=b (c)"), parts.into(), false),
            ("", MIXED.replace("boundary=", "boundary*=us-ascii''"), parts.into(), false),
            ("", "Content-Type: multipart/mixed\n".into(), parts.into(), false),
            ("", PLAIN.into(), parts.into(), false),
            ("", PLAIN.into(), format!("{parts}and more\n"), false),
            ("", PLAIN.into(), format!("I will pay.\n{parts}"), false),
            ("", PLAIN.into(), "--a\n--b \nx\n--a-- \t\n".into(), false),
            ("", PLAIN.into(), "---\nx\n-----\n".into(), false),
            ("", PLAIN.into(), "--b--\n--b\n-- \nme\n----\n".into(), true),
            ("", PLAIN.into(), "--b\ncontent-type: text/html\n\nx\n".into(), false),
            ("", PLAIN.into(), format!("--{}\nx\n", "b".repeat(300)), false),
            ("", PLAIN.into(), (0..2000).map(|n| format!("--{n}\n")).collect(), false),
            ("", PLAIN.into(), "<p>Hello\n".into(), false),
        ];
        for (h, mime, body, expect) in cases {
            for step in [1, 3, 1000] {
                assert_eq!(reading(h, mime, body, step), *expect, "{h:?} {mime:?} {body:?} {step}");
            }
        }
    }

    #[test]
    fn what_hangs_on_white_space_that_is_not_signed() {
        const SIGNED: &str = "h=from:content-type:content-transfer-encoding";
        const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\n";
        const MAIL: &str = "--b\nContent-Type: message/rfc822\n\n";
        let many = "x".to_owned() + &" ".repeat(500) + "y\n";
        let spaces = " ".repeat(500);
        let cases: &[(&str, String)] = &[
            // A line that is blank and not empty, where a header may end.
            (MIXED, "--b\nContent-Type: text/plain\n \nNote: one\n\ntwo\n--b--\n".into()),
            (MIXED, "--b\n\t\nNote: one\n--b--\n".into()),
            (MIXED, format!("{MAIL}From: a\nSubject: b\n \nNote: one\n\ntwo\n--b--\n")),
            (MIXED, format!("{MAIL} \nFrom: a\n\ntwo\n--b--\n")),
            ("Content-Type: message/rfc822\n", "From: a\n \nNote: one\n\ntwo\n".into()),
            (
                MIXED,
                "--b\nContent-Type: multipart/digest; boundary=c\n\n--c\n\nFrom: a\n \nB: c\n--c--\n--b--\n"
                    .into(),
            ),
            (
                MIXED,
                "--b\nContent-Type: multipart/mixed;\n boundary=\"c\"\n\n--c\nA: b\n \nc\n--c--\n--b--\n"
                    .into(),
            ),
            // A boundary with white space in it.
            ("Content-Type: multipart/mixed; boundary=\"b c\"\n", "--b c\n\nx\n--b c--\n".into()),
            (
                MIXED,
                "--b\nContent-Type: multipart/mixed;\n boundary=\"c d\"\n\n--c d\n\nc\n--c d--\n--b--\n"
                    .into(),
            ),
            (MIXED, "no parts\n".into()),
            // So much that what follows is beyond what readers look at.
            (MIXED, format!("--b\n\none\n--b{spaces}\n\ntwo\n--b--\n")),
            ("", many.clone()),
            ("", format!("{}\n", many.trim_end().repeat(1000))),
            // Text whose line breaks hang on the blanks before them.
            ("Content-Type: text/plain; format=Flowed\n", "now \nhere\n".into()),
            ("Content-Type: text/plain; format=flowed; delsp=yes\n", "now \nhere\n".into()),
            ("Content-Type: text/enriched\n", "now\n\nhere\n".into()),
            (MIXED, "--b\nContent-Type: text/plain;\n\tformat=\"flowed\"\n\nnow \nhere\n--b--\n".into()),
            (MIXED, format!("{MAIL}From: a\nContent-Type: text/plain; format=flowed\n\nnow \nhere\n--b--\n")),
            // Encodings in which a blank is data.
            ("", "see:\nbegin 644 a.txt\n#86)C\n`\nend\n".into()),
            ("", "=ybegin line=128 size=3 name=a\nabc\n=yend size=3\n".into()),
            ("Content-Transfer-Encoding: x-uuencode\n", "abc\n".into()),
        ];
        for (mime, body) in cases {
            for step in [1, 3, 1 << 20] {
                let form = |form: &str| read(&format!("{SIGNED}; c={form}"), mime, body, step).0;
                let name = format!("{mime:?} {body:.100?} {step}");
                assert!(form("relaxed/simple") && form("simple"), "{name}");
                assert!(!form("simple/relaxed") && !form("relaxed/nowsp"), "{name}");
            }
        }
        let parts = "--b\nContent-Type: text/plain; format=fixed\n\n \none\n \n--c\n \nFrom: x\n \ntwo\n--b\n\n \nA: b\n \n";
        let mails = format!("{MAIL}\n\nFrom: a\nSubject: b\n c\n\n \nNote: one\n \n--b--\n");
        for (mime, body) in [
            (MIXED, parts),
            (MIXED, mails.as_str()),
            ("", "\n \nFrom: x\n \nbegin here 644\n"),
            ("Content-Type: text/plain; format=fixed\n", "now \nhere\n"),
        ] {
            for step in [1, 3, 1 << 20] {
                assert!(
                    read(&format!("{SIGNED}; c=relaxed/relaxed"), mime, body, step).0,
                    "{mime:?} {body:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_noted() {
        let flowed = "Content-Type: text/plain; format=flowed\n";
        for (tags, mime, notes) in [
            ("h=from; c=relaxed/relaxed", "Bcc: b@x.example\n", &["bcc-not-signed"][..]),
            ("h=from:bcc; c=relaxed/relaxed", "Bcc: b@x.example\n", &[]),
            ("h=from:bcc; c=relaxed/relaxed", "Bcc: b@x.example\nBcc: c@x.example\n", &["bcc-not-signed"]),
            ("h=from; c=relaxed/relaxed", flowed, &["flowed-text"]),
            ("h=from; c=relaxed/simple", flowed, &[]),
            ("h=from", "", &[]),
        ] {
            assert_eq!(read(tags, mime, "Hello\n", 9).1, notes, "{tags} {mime}");
        }
    }

    #[test]
    fn headers_on_which_readers_agree() {
        for (head, expect) in [
            ("A: b\n\n", true),
            ("A: b\r\n c\r\n\r\n", true),
            ("From x@y Mon\nA: b\n\n", true),
            ("A: b\nno field\nFrom: x\n\n", false),
            ("A: b\n>From x\nFrom: x\n\n", false),
            ("A: b\rSubject: c\nD: e\n\n", false),
            ("\n\nFrom: b\n\n", false),
            ("A: b\nno field at all\n", false),
            ("A: b", true),
            ("Subject: b\n \n c\n\n", false),
            ("Subject: b\r\n\t\r\nTo: c\r\n\r\n", false),
            ("Subject: b\n \tc \n\n", true),
            (&format!("A: b{}\n\n", " ".repeat(201)), false),
            (&format!("A: b{}\n\n", " ".repeat(200)), true),
            ("From : b\n\n", false),
            ("content-type\t: b\n\n", false),
            ("X-A : b\n\n", true),
            (&format!("Subject: {}\n\n", "a ".repeat(20_000)), false),
            (&format!("X-A: {}\n\n", "a ".repeat(20_000)), true),
        ] {
            let (block, end) = header::scan(head.as_bytes(), Eol::Lf, true).unwrap();
            assert_eq!(is_plain_header(head.as_bytes(), &block, end, Eol::Lf), expect, "{head:?}");
        }
    }
}
