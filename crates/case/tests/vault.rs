//! The vault from the outside: what is stored comes back, whatever its size; what is damaged does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::{collections::BTreeMap, fs, path::Path};

use tamis_case::{Case, CaseError, Options, Totals, Writer};
use tamis_model::Blob;

const NOW: &str = "2017-05-05T18:00:00Z";

/// Bytes that do not compress, by a small generator.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn contents() -> Vec<Vec<u8>> {
    const MIB: usize = 1 << 20;
    let sizes = [0, 1, 5, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 7, 2, 0x1_0000];
    let mut all: Vec<Vec<u8>> = sizes.iter().zip(1..).map(|(len, seed)| noise(*len, seed)).collect();
    all.push(vec![0; 5 * MIB]);
    all.extend((0..300).map(|n| format!("a small text, number {n}").into_bytes()));
    all
}

fn stored(dir: &Path) -> Vec<Vec<u8>> {
    let contents = contents();
    let mut writer = Writer::open(dir, Options::default(), NOW).unwrap();
    for half in contents.chunks(contents.len() / 2 + 1) {
        let mut draft = writer.draft().unwrap();
        for (n, content) in half.iter().enumerate() {
            // The same from memory as from a file.
            match n % 2 {
                0 => draft.store_bytes(Blob::of(content), content).unwrap(),
                _ => assert!(
                    draft.store(Blob::of(content), content.len() as u64, &mut content.as_slice()).unwrap()
                ),
            }
        }
        writer.commit(draft, &Totals::default(), &[], NOW).unwrap();
    }
    contents
}

#[test]
fn what_is_stored_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let contents = stored(&dir.path().join("case"));
    let case = Case::open(&dir.path().join("case"), dir.path()).unwrap();
    let mut vault = case.vault().unwrap();
    // Backwards, so that frames are asked for out of order.
    for content in contents.iter().rev() {
        assert_eq!(vault.bytes(&Blob::of(content), u64::MAX).unwrap(), *content);
    }
    assert!(matches!(vault.bytes(&Blob::of(b"never stored"), 10), Err(CaseError::Unknown { .. })));
    assert!(vault.bytes(&Blob::of(&contents[7]), 10).is_err(), "the limit holds");
    assert_eq!(case.verify(|_| true).problems, []);
}

#[test]
fn ranges_of_ranges_and_references() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("dump");
    fs::create_dir(&source).unwrap();
    let file = noise(2_500_000, 99);
    fs::write(source.join("a\nb"), &file).unwrap();
    let options = Options { by_reference: true, ..Options::default() };
    let mut writer = Writer::open(&dir.path().join("case"), options, NOW).unwrap();
    let id = writer.source(&source, 1, file.len() as u64, NOW).unwrap();
    let (part, inner) = (&file[1_000_000..2_200_000], &file[1_500_000..1_500_100]);
    let mut draft = writer.draft().unwrap();
    draft.store_reference(Blob::of(&file), file.len() as u64, id, b"a\nb").unwrap();
    draft.store_range(Blob::of(part), part.len() as u64, Blob::of(&file), 1_000_000).unwrap();
    draft.store_range(Blob::of(inner), inner.len() as u64, Blob::of(part), 500_000).unwrap();
    writer.commit(draft, &Totals::default(), &[], NOW).unwrap();
    let mut vault = writer.case().vault().unwrap();
    for content in [&file[..], part, inner] {
        assert_eq!(vault.bytes(&Blob::of(content), u64::MAX).unwrap(), content);
    }
    // The source is the user's: if it changes, the vault says so instead of handing out other bytes.
    fs::write(source.join("a\nb"), &file[1..]).unwrap();
    assert!(matches!(vault.bytes(&Blob::of(inner), 1000), Err(CaseError::Damaged { .. })));
}

#[test]
fn a_file_that_changed_since_it_was_hashed_is_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(&dir.path().join("case"), Options::default(), NOW).unwrap();
    let mut draft = writer.draft().unwrap();
    assert!(!draft.store(Blob::of(b"before"), 6, &mut b"after!".as_slice()).unwrap());
    assert!(draft.store(Blob::of(b"next"), 4, &mut b"next".as_slice()).unwrap());
    writer.commit(draft, &Totals::default(), &[], NOW).unwrap();
    let mut vault = writer.case().vault().unwrap();
    assert!(vault.bytes(&Blob::of(b"before"), 10).is_err());
    assert_eq!(vault.bytes(&Blob::of(b"next"), 10).unwrap(), b"next");
}

/// One byte of the pack changed, at many places: nothing wrong is handed out, and `verify` names it.
#[test]
fn damage_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let case_dir = dir.path().join("case");
    let contents: BTreeMap<Blob, Vec<u8>> =
        stored(&case_dir).into_iter().map(|content| (Blob::of(&content), content)).collect();
    let case = Case::open(&case_dir, dir.path()).unwrap();
    let pack = case.batches()[0].dir.join("vault.pack");
    let good = fs::read(&pack).unwrap();
    for at in [0, 4, 8, 9, 1000, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        fs::write(&pack, &bad).unwrap();
        let mut vault = case.vault().unwrap();
        for (blob, content) in &contents {
            if let Ok(bytes) = vault.bytes(blob, u64::MAX) {
                assert_eq!(bytes, *content, "byte {at} was changed");
            }
        }
        let problems = case.verify(|_| true).problems;
        let named = problems.iter().any(|problem| problem.what.contains("not as it was committed"));
        assert!(named, "{at}: {problems:?}");
    }
}
