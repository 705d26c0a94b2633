//! Whether content is a mail, told by the lines at its beginning.

use super::header::{self, Eol, Kind, Known};
use crate::reader::{Claim, Look};

/// Lines at the beginning that are looked at.
const LINES: usize = 200;

/// By content: fields that mail has, from the first line on; a file name tips the scales where there are
/// few of them. What a container declares to be a message is read as one whatever it looks like.
pub(super) fn claims(look: &Look) -> Claim {
    let by_content = by_content(look.head, look.bytes > look.head.len() as u64);
    let is_declared =
        matches!(look.hint.media_type.as_str(), "message/rfc822" | "message/global" | "message/news");
    let is_named = matches!(look.hint.extension.as_str(), "eml" | "mht" | "mhtml" | "nws");
    match by_content {
        claim if is_declared => claim.max(Claim::Likely),
        Claim::Weak if is_named => Claim::Likely,
        // Keys and values of some other text.
        Claim::Weak => Claim::No,
        claim => claim,
    }
}

/// What Outlook puts in front of the fields it shows.
const OUTLOOK: &[u8] = b"Microsoft Mail Internet Headers";

/// `Weak`: only with a fitting name.
fn by_content(head: &[u8], more: bool) -> Claim {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let eol = Eol::of(head);
    let mut at = 0;
    // Fields that mail has and little else; that mail has as well; that it does not have.
    let (mut mail, mut shared, mut foreign) = (0u32, 0u32, 0u32);
    let mut addressed = false;
    let mut proofs = 0u32;
    let mut in_field = false;
    for _ in 0..LINES {
        let Some(line) = header::line(head, at, eol) else { break };
        if !line.ended && more {
            break;
        }
        at = line.next;
        let content = head.get(line.content).unwrap_or_default();
        match Kind::of(content) {
            Kind::Blank if mail + shared + foreign == 0 => {}
            Kind::Blank => break,
            Kind::Continuation if in_field => {}
            Kind::FromLine if !in_field => {}
            Kind::Other if !in_field && content.starts_with(OUTLOOK) => {}
            Kind::Field(len) => {
                in_field = true;
                let name = content.get(..len).unwrap_or_default();
                match header::known(name) {
                    Known::Mail => mail += 1,
                    Known::Shared => shared += 1,
                    Known::No => foreign += 1,
                }
                proofs += u32::from(is_proof(name));
                addressed |= is_address_field(name) && content.contains(&b'@');
            }
            // Text follows without an empty line, or this is no header at all.
            _ => break,
        }
    }
    match (mail, mail + shared) {
        (1.., 2..) if foreign > mail + shared => {
            if proofs >= 2 {
                Claim::Likely
            } else {
                Claim::Weak
            }
        }
        (2.., 3..) if proofs >= 2 || (proofs >= 1 && addressed) => Claim::Sure,
        (1.., 2..) if proofs >= 1 || addressed => Claim::Likely,
        (1.., _) => Claim::Weak,
        (_, 1..) if foreign == 0 => Claim::Weak,
        _ => Claim::No,
    }
}

/// Fields that programs write and nobody would type.
fn is_proof(name: &[u8]) -> bool {
    ["received", "message-id", "return-path", "mime-version", "delivered-to", "dkim-signature", "date"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        // In lower case these are the keys of some other file.
        && name.first().is_some_and(u8::is_ascii_uppercase)
}

fn is_address_field(name: &[u8]) -> bool {
    ["From", "To", "Cc", "Bcc", "Sender", "Reply-To", "FROM", "TO"]
        .iter()
        .any(|known| name == known.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Hint;

    fn claim(head: &str, name: &str, media_type: &str) -> Claim {
        let hint = Hint::new(name.as_bytes(), media_type);
        claims(&Look { head: head.as_bytes(), bytes: head.len() as u64, hint: &hint })
    }

    #[test]
    fn by_content_alone() {
        for (head, expect) in [
            ("Received: from a by b\nMessage-ID: <x@y>\nFrom: a@b\n\nhi", Claim::Sure),
            (
                "From: a@b\r\nTo: c@d\r\nSubject: x\r\nDate: Mon, 1 Jan 2001 00:00:00 +0000\r\n\r\n",
                Claim::Sure,
            ),
            ("\u{feff}\r\n\r\nFrom: a@b\nMIME-Version: 1.0\nX-Y: z\n\n", Claim::Sure),
            ("X-Exported: yes\nX-Store: pst\nSubject: x\nFrom: A <a@b>\n\n", Claim::Likely),
            ("From: a@b\nSubject: x", Claim::Likely),
            ("Return-Path: <a@b>\nX-Original-To: c@d\nReceived: x\n\ty\n\n", Claim::Sure),
            ("Microsoft Mail Internet Headers Version 2.0\nReceived: x\nFrom: a@b\nDate: y\n\n", Claim::Sure),
            ("A: b\nC: d\nE: f\nG: h\nReceived: x\nMessage-ID: <y>\nFrom: z\n\n", Claim::Likely),
            ("subject: x\nto: y\n", Claim::No),
            ("Subject: x\n\n", Claim::No),
            ("BEGIN:VCARD\nVERSION:3.0\nFN:A\nEND:VCARD\n", Claim::No),
            ("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\n", Claim::No),
            ("HTTP/1.1 200 OK\nDate: x\nContent-Type: text/html\n", Claim::No),
            ("Date: x\nServer: Apache\nContent-Type: text/html\nX-A: b\n", Claim::No),
            ("GET / HTTP/1.1\nHost: x\nUser-Agent: y\n", Claim::No),
            ("{\\rtf1\\ansi From: a@b\nTo: c@d\n", Claim::No),
            ("---\nfrom: a@b\nto: c@d\nsubject: x\n", Claim::No),
            ("from: a@b\nto: c@d\nsubject: x\ndate: y\n", Claim::No),
            ("#include <stdio.h>\nint main() {\n", Claim::No),
            ("Package: x\nVersion: 1\nMaintainer: a@b\nDescription: y\n", Claim::No),
            ("<html>\n<body>From: a@b\nTo: c@d\n", Claim::No),
            ("", Claim::No),
            ("plain text\nFrom: a@b\nTo: c@d\n", Claim::No),
        ] {
            assert_eq!(claim(head, "", ""), expect, "{head}");
        }
    }

    #[test]
    fn with_a_hint() {
        for (head, name, media_type, expect) in [
            ("", "", "message/rfc822", Claim::Likely),
            ("no header", "", "message/rfc822", Claim::Likely),
            ("subject: x\nto: y\n", "a.eml", "", Claim::Likely),
            ("Content-Type: multipart/mixed; boundary=x\n\n--x", "a.eml", "", Claim::Likely),
            ("no header", "a.eml", "", Claim::No),
            ("From: a@b\nDate: x\nTo: y", "a.txt", "text/plain", Claim::Sure),
        ] {
            assert_eq!(claim(head, name, media_type), expect, "{head}");
        }
    }
}
