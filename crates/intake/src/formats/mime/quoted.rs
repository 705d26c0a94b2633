//! Quoted-printable (RFC 2045 §6.7): soft line breaks go, white space that transport left at the end
//! of a line goes, an escape that is none stays as it stands.

use super::{
    decode::{Damage, Decoder},
    words::hex,
};

/// White space at the end of a line beyond which it is content.
const SPACES: usize = 16 << 10;

/// The decoder.
#[derive(Debug, Default)]
pub(super) struct Quoted {
    /// What follows an `=` and is not decided yet: at most white space, or one digit.
    escape: Option<Escape>,
    /// Bytes at the end of the output that are white space as it stands: deleted if a line ends here.
    spaces: usize,
    damage: Damage,
}

#[derive(Debug)]
struct Escape {
    /// Offset of the `=`.
    at: u64,
    after: Vec<u8>,
}

impl Quoted {
    fn literal(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(bytes);
        let spaces = bytes.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
        self.spaces = if spaces == bytes.len() { self.spaces + spaces } else { spaces };
        if self.spaces > SPACES {
            self.spaces = 0;
        }
    }

    fn line_break(&mut self, to: &mut Vec<u8>) {
        let crlf = self.spaces > 0 && to.last() == Some(&b'\r');
        to.truncate(to.len() - self.spaces.min(to.len()));
        to.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
        self.spaces = 0;
    }

    /// One more byte after an `=`. Whether it was used.
    fn escaped(&mut self, mut escape: Escape, byte: u8, to: &mut Vec<u8>) -> bool {
        match (escape.after.as_slice(), byte) {
            ([], b' ' | b'\t' | b'\r') => {}
            ([], b) if b.is_ascii_hexdigit() => {}
            ([digit], b) if digit.is_ascii_hexdigit() => {
                if let Some(byte) = hex(*digit, b) {
                    to.push(byte);
                    self.spaces = 0;
                    return true;
                }
                self.invalid(&escape, to);
                return false;
            }
            // A soft line break, perhaps with white space before it.
            (_, b'\n') => return true,
            (_, b' ' | b'\t' | b'\r') if escape.after.len() < 1024 => {}
            _ => {
                self.invalid(&escape, to);
                return false;
            }
        }
        escape.after.push(byte);
        self.escape = Some(escape);
        true
    }

    fn invalid(&mut self, escape: &Escape, to: &mut Vec<u8>) {
        self.damage.note("quoted-printable-escape", escape.at);
        self.literal(b"=", to);
        self.literal(&escape.after, to);
    }
}

impl Decoder for Quoted {
    fn feed(&mut self, bytes: &[u8], at: u64, to: &mut Vec<u8>) {
        let mut i = 0;
        while let Some(rest) = bytes.get(i..).filter(|rest| !rest.is_empty()) {
            if let Some(escape) = self.escape.take() {
                let byte = rest.first().copied().unwrap_or_default();
                i += usize::from(self.escaped(escape, byte, to));
                continue;
            }
            let end = memchr::memchr2(b'=', b'\n', rest).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            if !run.is_empty() {
                self.literal(run, to);
            }
            i += end + 1;
            match after {
                [b'\n', ..] => self.line_break(to),
                // The usual escapes at once.
                [b'=', b'\r', b'\n', ..] => i += 2,
                [b'=', b'\n', ..] => i += 1,
                [b'=', high, low, ..] if hex(*high, *low).is_some() => {
                    to.extend(hex(*high, *low));
                    self.spaces = 0;
                    i += 2;
                }
                [b'=', ..] => self.escape = Some(Escape { at: at + (i - 1) as u64, after: Vec::new() }),
                _ => {}
            }
        }
    }

    fn end(&mut self, to: &mut Vec<u8>) {
        // The line break before a boundary belongs to the boundary: a last `=` is a soft line break,
        // and white space before it stands at the end of a line.
        if let Some(escape) = self.escape.take()
            && escape.after.iter().any(u8::is_ascii_hexdigit)
        {
            self.invalid(&escape, to);
        }
        to.truncate(to.len() - self.spaces.min(to.len()));
        self.spaces = 0;
    }

    fn held(&self) -> usize {
        self.spaces
    }

    fn damage(&mut self) -> Damage {
        std::mem::take(&mut self.damage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_and_broken() {
        type Case<'a> = (&'a str, &'a str, &'a [(&'static str, u64, u64)]);
        let cases: &[Case] = &[
            ("", "", &[]),
            ("caf=E9=e9", "caf\u{e9}\u{e9}", &[]),
            ("a=\r\nb", "ab", &[]),
            ("a=\nb", "ab", &[]),
            ("a= \t\r\nb", "ab", &[]),
            ("a  \r\nb\t\nc ", "a\r\nb\nc", &[]),
            ("a=20 \r\nb", "a \r\nb", &[]),
            ("a\rb\r\n", "a\rb\r\n", &[]),
            ("a=", "a", &[]),
            ("a=4", "a=4", &[("quoted-printable-escape", 1, 1)]),
            ("a=XYb=4Z", "a=XYb=4Z", &[("quoted-printable-escape", 1, 2)]),
            ("a= b", "a= b", &[("quoted-printable-escape", 1, 1)]),
            ("a==41", "a=A", &[("quoted-printable-escape", 1, 1)]),
            ("1=3D1", "1=1", &[]),
            ("=\r\n=\r\nx", "x", &[]),
            ("\n\n", "\n\n", &[]),
        ];
        for (coded, text, damage) in cases {
            for size in 1..=coded.len().max(1) {
                let mut decoder = Quoted::default();
                let mut to = Vec::new();
                let mut ready = Vec::new();
                for (i, piece) in coded.as_bytes().chunks(size).enumerate() {
                    decoder.feed(piece, (i * size) as u64, &mut to);
                    let keep = to.len() - decoder.held();
                    ready.extend(to.drain(..keep));
                }
                decoder.end(&mut to);
                ready.extend(to);
                let got: String = ready.iter().map(|b| char::from(*b)).collect();
                assert_eq!(
                    (got.as_str(), decoder.damage().list.as_slice()),
                    (*text, *damage),
                    "{coded:?} by {size}"
                );
            }
        }
    }

    #[test]
    fn a_line_of_spaces_holds_no_memory() {
        let mut decoder = Quoted::default();
        let mut to = Vec::new();
        for i in 0..64 {
            decoder.feed(&[b' '; 64 << 10], i << 16, &mut to);
            let keep = to.len() - decoder.held();
            to.drain(..keep);
        }
        assert!(to.len() <= 2 * SPACES);
    }
}
