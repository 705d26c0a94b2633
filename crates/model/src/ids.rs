//! Identity of content and of occurrences. What stands here cannot change after the first case is
//! written: it names every row of every case.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 of some bytes: the identity of *content*. Shown as 64 lower-hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Blob(pub [u8; 32]);

/// Identity of an *occurrence* of content within one source: the first 128 bits of a SHA-256 chain
/// from the source's root to the item. Shown as 32 lower-hex digits.
///
/// An id depends on nothing but the item's own way down (raw names, ordinals and the top-level file's
/// content): it exists while reading, survives a folder that grows, and is equal at two desks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ItemId(pub [u8; 16]);

/// Number of a source within a case, from 1, in the order in which sources were added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(pub u32);

/// A text that is not an id: wrong length or a character that is not a lower-hex digit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected {expected} lower-hex digits, got {got:?}")]
pub struct NotAnId {
    expected: usize,
    got: String,
}

impl Blob {
    /// The blob of bytes held in memory.
    pub fn of(bytes: &[u8]) -> Blob {
        Blob(Sha256::digest(bytes).into())
    }
}

impl ItemId {
    /// Id of a top-level file: `H("tamis/item/1" ‖ path ‖ blob)`, each field preceded by its length as
    /// a little-endian u64. `path` is relative to the source, raw, with `/` between its steps; a file
    /// whose bytes could not be read has no blob, which is the empty field.
    pub fn top(path: &[u8], blob: Option<&Blob>) -> ItemId {
        chain([b"tamis/item/1".as_slice(), path, blob.map_or(&[], |b| b.0.as_slice())])
    }

    /// Id of a child: `H(parent ‖ ordinal as little-endian u64 ‖ raw name)`, each field preceded by
    /// its length. A child without a name has the empty one.
    pub fn child(self, ordinal: u64, name: &[u8]) -> ItemId {
        chain([self.0.as_slice(), &ordinal.to_le_bytes(), name])
    }
}

fn chain(fields: [&[u8]; 3]) -> ItemId {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    let mut id = [0; 16];
    id.copy_from_slice(hash.finalize().split_at(16).0);
    ItemId(id)
}

/// Lower-hex text of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?') as char;
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N], NotAnId> {
    let error = || NotAnId { expected: 2 * N, got: text.chars().take(80).collect() };
    let nibble = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return Err(error());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return Err(error()) };
        *byte = nibble(*high).zip(nibble(*low)).map(|(h, l)| h << 4 | l).ok_or_else(error)?;
    }
    Ok(bytes)
}

macro_rules! hex_text {
    ($($id:ty),*) => {$(
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $id {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                unhex(text).map(Self)
            }
        }
    )*};
}
hex_text!(Blob, ItemId);

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "source {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frozen values: a change here orphans every case that exists.
    #[test]
    fn ids_are_frozen() {
        let blob = Blob::of(b"abc");
        assert_eq!(blob.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let top = ItemId::top(b"box/a.eml", Some(&blob));
        assert_eq!(top.to_string(), "5c8908300c47770062ae21b2cc0f45c5");
        assert_eq!(top.child(0, b"x").to_string(), "a460645702d6bafec0eaddb01f056855");
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let top = ItemId::top(b"a", None);
        assert_ne!(top, ItemId::top(b"", None));
        assert_ne!(top.child(0, b""), top.child(1, b""));
        assert_ne!(top.child(0, b"a"), top.child(0, b""));
    }

    #[test]
    fn text_round_trips_and_rejects() {
        let blob = Blob::of(b"");
        assert_eq!(blob.to_string().parse::<Blob>(), Ok(blob));
        for bad in ["", "abc", &"A".repeat(64), &"g".repeat(64), &"é".repeat(32)] {
            assert!(bad.parse::<Blob>().is_err(), "{bad}");
        }
    }
}
