//! Merkle tree hash of RFC 6962 section 2.1, over SHA-256, and the digest line of a case.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{Blob, ItemId, Outcome, ids::hex};

/// Merkle tree hash of `leaves` in the order given; of no leaf at all, SHA-256 of nothing.
/// Time and hashing linear, memory logarithmic in the number of leaves.
pub fn root<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> [u8; 32] {
    // Complete subtrees from left to right, each strictly higher than the next: RFC 6962 splits at the
    // largest power of two, so the open right edge is folded from the right at the end.
    let mut edge: Vec<(u32, [u8; 32])> = Vec::new();
    for leaf in leaves {
        let mut node = (0, Sha256::new().chain_update([0]).chain_update(leaf).finalize().into());
        while let Some((height, left)) = edge.pop_if(|(height, _)| *height == node.0) {
            node = (height + 1, join(&left, &node.1));
        }
        edge.push(node);
    }
    let mut right_to_left = edge.into_iter().rev().map(|(_, hash)| hash);
    match right_to_left.next() {
        None => Sha256::digest([]).into(),
        Some(last) => right_to_left.fold(last, |right, left| join(&left, &right)),
    }
}

fn join(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The one line that two desks compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseDigest {
    /// Root over the top-level files: equal for the same dump, whatever version read it.
    pub received: [u8; 32],
    /// Root over all settled items: equal for the same dump, version and options.
    pub read: [u8; 32],
    /// Items whose outcome depended on the machine; outside `read`, tried again at the next `open`.
    pub unsettled: u64,
}

impl fmt::Display for CaseDigest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let CaseDigest { received, read, unsettled } = self;
        write!(f, "tamis1 received={} read={} unsettled={unsettled}", hex(received), hex(read))
    }
}

impl CaseDigest {
    /// Reads the line that `Display` writes.
    pub fn parse(line: &str) -> Option<CaseDigest> {
        let mut words = line.strip_prefix("tamis1 ")?.split(' ');
        let mut value = |key: &str| words.next()?.strip_prefix(key);
        let root = |text: &str| text.parse::<Blob>().ok().map(|blob| blob.0);
        Some(CaseDigest {
            received: root(value("received=")?)?,
            read: root(value("read=")?)?,
            unsettled: value("unsettled=")?.parse().ok()?,
        })
    }
}

/// Collects leaves in any order and computes the digest over them sorted.
#[derive(Debug, Default)]
pub struct DigestBuilder {
    received: Vec<Vec<u8>>,
    read: Vec<Vec<u8>>,
    unsettled: u64,
}

impl DigestBuilder {
    /// A top-level file: its relative raw path, its blob (none where it could not be read), its size.
    pub fn received(&mut self, path: &[u8], blob: Option<&Blob>, bytes: u64) {
        self.received.push(leaf(&[path, blob.map_or(&[], |b| b.0.as_slice()), &bytes.to_le_bytes()]));
    }

    /// An item and what became of it; a duplicate passes the outcome of its blob's first occurrence.
    pub fn read(&mut self, item: ItemId, blob: Option<&Blob>, bytes: u64, outcome: &Outcome) {
        if outcome.is_unsettled() {
            self.unsettled += 1;
            return;
        }
        self.read.push(leaf(&[
            &item.0,
            blob.map_or(&[], |b| b.0.as_slice()),
            &bytes.to_le_bytes(),
            outcome.to_string().as_bytes(),
        ]));
    }

    /// Sorts the leaves and folds them.
    pub fn finish(mut self) -> CaseDigest {
        self.received.sort_unstable();
        self.read.sort_unstable();
        CaseDigest { received: root(&self.received), read: root(&self.read), unsettled: self.unsettled }
    }
}

/// Fields, each preceded by its length as a little-endian u64.
fn leaf(fields: &[&[u8]]) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|field| (field.len() as u64).to_le_bytes().into_iter().chain(field.iter().copied()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of the Certificate Transparency reference implementation (seven leaves).
    #[test]
    fn known_roots() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (n, expected) in roots.iter().enumerate() {
            assert_eq!(hex(&root(&leaves[..n])), *expected, "{n} leaves");
        }
    }

    #[test]
    fn order_of_arrival_does_not_matter() {
        let blobs = [Blob::of(b"1"), Blob::of(b"2"), Blob::of(b"3")];
        let digest = |order: [usize; 3]| {
            let mut builder = DigestBuilder::default();
            for n in order {
                let path = [b'a' + n as u8];
                builder.received(&path, Some(&blobs[n]), n as u64);
                builder.read(
                    ItemId::top(&path, Some(&blobs[n])),
                    Some(&blobs[n]),
                    n as u64,
                    &Outcome::PARSED,
                );
            }
            builder.finish()
        };
        assert_eq!(digest([0, 1, 2]), digest([2, 0, 1]));
        assert_eq!(CaseDigest::parse(&digest([0, 1, 2]).to_string()), Some(digest([0, 1, 2])));
    }
}
