//! ASN.1 as S/MIME has it (X.690): BER is made DER in what matters, lengths and strings in pieces; what
//! comes out is read by a reader that borrows. Sets stay in the order they have: signers hash them so.

/// Deepest nesting; honest signatures stay below 20.
const DEPTH: usize = 40;

/// Universal and context-specific tags as they stand in the first octet.
#[allow(missing_docs)]
pub(super) mod tag {
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OID: u8 = 0x06;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// `[0]` of a value made of others.
    pub const C0: u8 = 0xa0;
    /// `[1]` of the same.
    pub const C1: u8 = 0xa1;
    /// `[3]` of the same.
    pub const C3: u8 = 0xa3;
    /// `[0]` in place of a tag of a value that is made of no others.
    pub const P0: u8 = 0x80;
    /// `[1]` of the same.
    pub const P1: u8 = 0x81;
}

/// The first element of `bytes` with definite lengths in their shortest form and strings of octets in one
/// piece; what follows it is ignored. `None`: it is cut, broken, nested too deep, or has tags of more than
/// one octet, which no signature has. At most as long as `bytes`, and each octet is copied at most as
/// often as it is nested deep.
pub(super) fn normal(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut normal = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    element(&mut rest, DEPTH, &mut normal)?;
    Some(normal)
}

/// How long the content is.
enum Length {
    Known(usize),
    /// Up to the end-of-contents octets.
    Open,
}

fn element(rest: &mut &[u8], depth: usize, to: &mut Vec<u8>) -> Option<()> {
    let tag = octet(rest)?;
    let is_constructed = tag & 0x20 != 0;
    let length = length(rest)?;
    if tag & 0x1f == 0x1f || tag == 0 {
        return None;
    }
    if !is_constructed {
        let Length::Known(length) = length else { return None };
        write(tag, take(rest, length)?, to);
        return Some(());
    }
    let depth = depth.checked_sub(1)?;
    let mut inner = Vec::new();
    match length {
        Length::Known(length) => {
            let mut content = take(rest, length)?;
            while !content.is_empty() {
                element(&mut content, depth, &mut inner)?;
            }
        }
        Length::Open => {
            while !rest.starts_with(&[0, 0]) {
                element(rest, depth, &mut inner)?;
            }
            take(rest, 2)?;
        }
    }
    if tag == tag::OCTET_STRING | 0x20 {
        write(tag::OCTET_STRING, &joined(&inner)?, to);
    } else {
        write(tag, &inner, to);
    }
    Some(())
}

/// The content of strings of octets, one after the other.
fn joined(pieces: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::with_capacity(pieces.len());
    let mut reader = Reader(pieces);
    for piece in reader.by_ref() {
        whole.extend_from_slice(piece.of(tag::OCTET_STRING)?.content);
    }
    reader.0.is_empty().then_some(whole)
}

fn write(tag: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(tag);
    let length = (content.len() as u64).to_be_bytes();
    let zeros = length.iter().take_while(|octet| **octet == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    match length {
        [] => to.push(0),
        [short] if *short < 0x80 => to.push(*short),
        long => {
            // At most eight.
            to.push(0x80 | long.len() as u8);
            to.extend_from_slice(long);
        }
    }
    to.extend_from_slice(content);
}

fn octet(rest: &mut &[u8]) -> Option<u8> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(*first)
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn length(rest: &mut &[u8]) -> Option<Length> {
    let first = octet(rest)?;
    match first {
        0x80 => Some(Length::Open),
        0..0x80 => Some(Length::Known(usize::from(first))),
        _ => {
            let mut length = 0usize;
            for octet in take(rest, usize::from(first & 0x7f))? {
                length = length.checked_mul(256)?.checked_add(usize::from(*octet))?;
            }
            Some(Length::Known(length))
        }
    }
}

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'b> {
    /// The first octet.
    pub tag: u8,
    /// All of it.
    pub raw: &'b [u8],
    /// Without tag and length.
    pub content: &'b [u8],
}

impl<'b> Element<'b> {
    /// Itself if it has this tag.
    pub(super) fn of(self, tag: u8) -> Option<Element<'b>> {
        (self.tag == tag).then_some(self)
    }

    /// What it is made of.
    pub(super) fn inside(self) -> Reader<'b> {
        Reader(self.content)
    }
}

/// Elements one after the other, as [`normal`] writes them; ends at the first that is broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    /// The next element if it has this tag; it stays where it is if it has another.
    pub(super) fn next_of(&mut self, tag: u8) -> Option<Element<'b>> {
        let mut ahead = *self;
        let element = ahead.next()?.of(tag)?;
        *self = ahead;
        Some(element)
    }
}

impl<'b> Iterator for Reader<'b> {
    type Item = Element<'b>;

    fn next(&mut self) -> Option<Element<'b>> {
        let mut rest = self.0;
        let tag = octet(&mut rest)?;
        let Length::Known(length) = length(&mut rest)? else { return None };
        let content = take(&mut rest, length)?;
        let raw = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element { tag, raw, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_normal() {
        type Case<'a> = (&'a [u8], Option<&'a [u8]>);
        let cases: &[Case] = &[
            (&[0x02, 1, 5], Some(&[0x02, 1, 5])),
            (&[0x02, 1, 5, 9, 9], Some(&[0x02, 1, 5])),
            (&[0x02, 0x82, 0, 1, 5], Some(&[0x02, 1, 5])),
            (&[0x30, 0x80, 0x02, 1, 5, 0, 0], Some(&[0x30, 3, 0x02, 1, 5])),
            (&[0x30, 0x80, 0, 0], Some(&[0x30, 0])),
            (&[0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0], Some(&[4, 3, b'a', b'b', b'c'])),
            (&[0x24, 8, 0x24, 3, 4, 1, b'a', 4, 1, b'b'], Some(&[4, 2, b'a', b'b'])),
            (&[0xa0, 0x80, 0x24, 0x80, 0, 0, 0, 0], Some(&[0xa0, 2, 4, 0])),
            (&[], None),
            (&[0x02], None),
            (&[0x02, 2, 5], None),
            (&[0x02, 0x80, 5, 0, 0], None),
            (&[0x30, 0x80, 0x02, 1, 5], None),
            (&[0x30, 0x80, 0x02, 1, 5, 0], None),
            (&[0x24, 3, 2, 1, 5], None),
            (&[0x1f, 0x81, 1, 0], None),
            (&[0x02, 0xff, 1], None),
            (&[0x02, 0x89, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], None),
        ];
        for (bytes, expect) in cases {
            assert_eq!(normal(bytes).as_deref(), *expect, "{bytes:02x?}");
        }
        let long = [&[0x24, 0x80, 4, 0x82, 1, 0][..], &[7; 256], &[0, 0]].concat();
        assert_eq!(normal(&long).unwrap(), [&[4, 0x82, 1, 0][..], &[7; 256]].concat());
    }

    #[test]
    fn nesting_ends() {
        for (open, deep) in [(&[0x30u8, 0x80][..], 1 << 19), (&[0x24, 0x80], 1 << 19), (&[0x30, 0x80], 41)] {
            let bytes = [open.repeat(deep), [0, 0].repeat(deep)].concat();
            assert_eq!(normal(&bytes), None);
        }
        let bytes = [[0x30, 0x80].repeat(40), [0, 0].repeat(40)].concat();
        assert!(normal(&bytes).is_some());
    }
}
