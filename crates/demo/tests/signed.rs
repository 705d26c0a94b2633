//! What the truth says of signatures, held against the mails as they lie there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use sha2::{Digest, Sha256};
use tamis_demo::{
    KeyEventLine, KeyLine, Layout, Plan, Scale, SignedKind, SignedMail, Truth, key_events_path, keys_path,
    write,
};
use tamis_model::findings::MessageState::{self, A, B, D, E};

fn small(scale: Scale) -> (tempfile::TempDir, Truth) {
    let dir = tempfile::tempdir().unwrap();
    let plan = Plan { scale, layout: Layout::OneFileAMail, ..Plan::default() };
    let truth = write(&plan, &dir.path().join("dump")).unwrap();
    (dir, truth)
}

fn read(dir: &Path, mail: &SignedMail) -> Vec<u8> {
    fs::read(dir.join("dump").join(&mail.path)).unwrap()
}

/// The header, unfolded, without line ends.
fn fields(mail: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(mail).into_owned();
    let head = text.split("\n\n").next().unwrap().replace("\n\t", "\t").replace("\n ", " ");
    head.lines().map(str::to_owned).collect()
}

fn tag(field: &str, name: &str) -> Option<String> {
    let value = field.split_once(':').unwrap().1;
    let tag = value.split(';').filter_map(|tag| tag.trim().split_once('=')).find(|(key, _)| *key == name)?;
    Some(tag.1.split_whitespace().collect())
}

#[test]
fn every_mail_lies_there_as_it_is_described() {
    let (dir, truth) = small(Scale::Small);
    let signed = &truth.signed;
    let mut states: BTreeMap<String, u64> = BTreeMap::new();
    for mail in &signed.mails {
        let bytes = read(dir.path(), mail);
        let blob: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(blob, mail.blob, "{}", mail.path);
        let fields = fields(&bytes);
        let signatures = ["DKIM-Signature:", "DomainKey-Signature:", "ARC-Message-Signature:"];
        let bears = fields.iter().any(|field| signatures.iter().any(|name| field.starts_with(name)));
        assert_eq!(bears, !mail.kind.is_unsigned(), "{:?} {}", mail.kind, mail.path);
        let id = fields.iter().find_map(|field| field.strip_prefix("Message-ID: "));
        assert_eq!(id.map(str::trim), mail.message_id.as_deref(), "{}", mail.path);
        assert!(!mail.states.is_empty());
        if !mail.kind.is_unsigned() {
            *states.entry(mail.states[0].letter().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(states, signed.states);
    let of = |states: &[MessageState]| {
        let bears = |mail: &&SignedMail| !mail.kind.is_unsigned() && states.contains(&mail.states[0]);
        signed.mails.iter().filter(bears).count() as u64
    };
    assert_eq!(of(&[A, B]), signed.verifiable);
    assert!(of(&[D]) > 0 && of(&[E]) > 5);
    for kind in SignedKind::ALL {
        let listed = signed.mails.iter().filter(|mail| mail.kind == kind).count() as u64;
        let counted = signed.kinds.get(&kind).copied().unwrap_or(0);
        assert!(counted > 0, "no mail shows {kind:?}");
        assert!(listed == counted || kind.is_unsigned() && listed <= counted, "{kind:?}");
    }
    // One mail alone; enough to compute a key from.
    assert_eq!(signed.kinds[&SignedKind::KeyNever], 1);
    assert!(signed.kinds[&SignedKind::KeyRecoverable] >= 6);
}

#[test]
fn keys_are_known_as_the_world_has_seen_them() {
    let (dir, truth) = small(Scale::Small);
    let mut used: BTreeMap<(String, String), BTreeSet<SignedKind>> = BTreeMap::new();
    for mail in truth.signed.mails.iter().filter(|mail| !mail.kind.is_unsigned()) {
        for field in fields(&read(dir.path(), mail)) {
            let lower = field.to_lowercase();
            if ["dkim-signature:", "domainkey-signature:", "arc-seal:", "arc-message-signature:"]
                .iter()
                .any(|name| lower.starts_with(name))
            {
                let pair = (tag(&field, "d").unwrap(), tag(&field, "s").unwrap());
                used.entry(pair).or_default().insert(mail.kind);
            }
        }
    }
    let keys = &truth.signed.keys;
    let seen: BTreeSet<(String, String)> =
        keys.iter().map(|key| (key.domain.clone(), key.selector.clone())).collect();
    assert!(seen.iter().all(|pair| used.contains_key(pair)), "a key that signed nothing");
    let unseen: BTreeSet<SignedKind> =
        used.iter().filter(|(pair, _)| !seen.contains(*pair)).flat_map(|(_, kinds)| kinds.clone()).collect();
    assert!(unseen.contains(&SignedKind::KeyRecoverable) && unseen.contains(&SignedKind::KeyNever));
    assert!(!unseen.contains(&SignedKind::OwnDomain) && !unseen.contains(&SignedKind::ArcSealed));
    for (domain, _) in used.keys() {
        let reserved = ["example.org", "example.net", "example.com"].contains(&domain.as_str())
            || [".example", ".test"].iter().any(|end| domain.ends_with(end));
        assert!(reserved, "{domain}");
    }
    // A key that was withdrawn was seen before and after; a name that had two keys shows both.
    let withdrawn = keys.iter().filter(|key| key.domain == "poste.example");
    let records: Vec<&str> = withdrawn.filter_map(|key| key.record.as_deref()).collect();
    assert!(records.len() == 2 && records.contains(&"v=DKIM1; p="), "{records:?}");
    assert!(
        keys.iter().any(|key| key.spki.is_some()) && keys.iter().any(|key| key.channel == "archive-unstated")
    );
    assert!(!truth.signed.key_events.is_empty() && !truth.signed.delegates.is_empty());
    // The files beside the dump say the same.
    let lines = |path: &Path| fs::read_to_string(path).unwrap();
    let dump = dir.path().join("dump");
    let read: Vec<KeyLine> =
        lines(&keys_path(&dump)).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&read, keys);
    let read: Vec<KeyEventLine> =
        lines(&key_events_path(&dump)).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, truth.signed.key_events);
}

#[test]
fn altered_mails_and_their_lookalikes_differ_from_what_was_signed_where_they_say() {
    let (dir, truth) = small(Scale::Small);
    let text = |kind: SignedKind| {
        let mail = truth.signed.mails.iter().find(|mail| mail.kind == kind).unwrap();
        String::from_utf8_lossy(&read(dir.path(), mail)).into_owned()
    };
    for (kind, has) in [
        (SignedKind::AlteredBody, "48000 euros"),
        (SignedKind::AlteredSubject, "\nSubject: Point contrat"),
        (SignedKind::AlteredType, "iso-8859-1"),
        (SignedKind::AddedCc, "\nCc: "),
        (SignedKind::AppendedText, "9600 euros"),
        (SignedKind::LookalikeList, "\nSubject: [presse] "),
        (SignedKind::LookalikeTag, "\nSubject: [EXTERNE] "),
        (SignedKind::LookalikeFooter, "l="),
        (SignedKind::LookalikeBanner, "\n\nATTENTION"),
        (SignedKind::LookalikeRecoded, "quoted-printable"),
        (SignedKind::LookalikeBlankLines, "\n\n\n\n"),
        (SignedKind::LookalikeRefolded, "Point\n\t budget"),
        (SignedKind::LookalikeFromLine, "\nFrom Monday"),
        (SignedKind::ArcChain, "ARC-Seal: i=2;"),
        (SignedKind::ArcSealed, "ARC-Seal: i=1;"),
        (SignedKind::DomainKeys, "c=nofws"),
        (SignedKind::Ed25519, "a=ed25519-sha256"),
        (SignedKind::Sha1, "c=simple/simple"),
        (SignedKind::Draft, "X-Mozilla-Draft-Info: "),
    ] {
        let text = text(kind);
        assert!(text.contains(has), "{kind:?}: {text}");
    }
    assert_eq!(text(SignedKind::DoubledFrom).matches("\nFrom: ").count(), 2);
    // An altered text whose original stands in another box.
    let truth = &truth.signed;
    let altered = truth.mails.iter().find(|mail| mail.kind == SignedKind::AlteredBody).unwrap();
    let same = truth.mails.iter().filter(|mail| mail.message_id == altered.message_id);
    assert!(same.count() == 2, "{altered:?}");
}

#[test]
fn about_three_mails_of_ten_can_be_verified() {
    let (_dir, truth) = small(Scale::Fraction(0.04));
    let share = truth.signed.verifiable * 1_000 / truth.counts.mails;
    // In the case that this one is modelled on: 21,075 of 71,848.
    assert!((240..350).contains(&share), "{share}");
}
