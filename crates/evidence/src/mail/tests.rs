//! Tables of cases: what is said of a small mail, of what was done to it, and of what is known of keys.

use tamis_model::keys::{Channel, Delegate, KeyEvent, KeyEventKind, KeyObservation, ObservedKey};
use tamis_model::tables::{Digest, Time};

use self::letter::{Claim, Key, Letter, ONE, SHORT, TWO, USUAL, day};
use super::*;
use crate::keys::rsa::HashKind;

mod around;
mod attacks;
pub(crate) mod letter;
mod proofs;

const OWN: &str = "example.org";
const OTHER: &str = "other.test";

fn context(observations: Vec<KeyObservation>) -> Context {
    Context { first_capture: Some(day(2000)), ..Context::new(KeyBook::new(observations, vec![]), day(3000)) }
}

/// Both domains' keys, seen by an archive.
fn known() -> Context {
    context(vec![ONE.seen(OWN, "s1", Channel::Archive), TWO.seen(OTHER, "s1", Channel::Archive)])
}

fn signed() -> Claim {
    Claim::of(OWN).by(ONE, &Letter::new())
}

fn short(judgement: &Judgement) -> (&str, &str) {
    (&judgement.state.state, &judgement.state.reason)
}

fn levels(judgement: &Judgement) -> Vec<(&str, u32)> {
    judgement.findings.iter().map(|finding| (finding.rule.as_str(), finding.strength.level())).collect()
}

fn level(judgement: &Judgement, rule: &str) -> Option<u32> {
    levels(judgement).into_iter().find(|(found, _)| *found == rule).map(|(_, level)| level)
}

#[test]
fn a_mail_as_it_was_signed_is_a() {
    let judgement = judge(&Letter::new().facts(&[&signed()]), &known());
    assert_eq!(short(&judgement), ("A", "signed"));
    assert_eq!(
        judgement.state.words,
        "A server of example.org signed this message with the names, date, subject and text shown; they have not changed since. It does not say who typed it, that the date is honest, that it was received, or that it is true."
    );
    assert_eq!(judgement.state.flags, Vec::<String>::new());
    assert_eq!(judgement.state.limits.len(), 7);
    assert_eq!((judgement.state.not_before, judgement.state.not_after), (Some(day(305)), Some(day(2000))));
    assert_eq!(
        judgement.state.time_witness.as_deref(),
        Some("not before: the signer's clock (t= of example.org); not after: first capture of the dump")
    );
    assert_eq!(levels(&judgement), [("mail.dkim.verified", 4), ("mail.time.bounds", 0)]);
    assert_eq!(judgement.comparable.map(|comparable| comparable.failed), Some(false));
}

#[test]
fn what_was_done_to_a_signed_mail() {
    let letter = Letter::new;
    let long = "We pay 100 euros.\r\nAnna\r\nAnd 900 more.\r\n";
    for (what, changed, expected) in [
        ("text", letter().saying("We pay 900 euros.\r\nAnna\r\n"), ("E", "body-differs")),
        ("text added", letter().saying(long), ("E", "body-differs")),
        ("subject", letter().set("Subject", "Budged"), ("E", "header-differs")),
        ("date", letter().set("Date", "Mon, 09 Nov 2015 10:00:00 +0000"), ("E", "header-differs")),
        ("subject removed", letter().without("Subject"), ("E", "header-differs")),
        ("name", letter().set("From", "Eve <anna@example.org>"), ("E", "header-differs")),
        ("subject and text", letter().set("Subject", "x").saying("x"), ("E", "content-differs")),
        ("a second From", letter().on_top("From", "eve@example.org"), ("B", "headers-not-signed")),
        ("another's From on top", letter().on_top("From", "eve@evil.test"), ("B", "third-party-signer")),
        ("From below", letter().at_end("From", "eve@example.org"), ("E", "header-differs")),
        (
            "a second From, other case",
            letter().on_top("FROM", "eve@example.org"),
            ("B", "headers-not-signed"),
        ),
        ("a second Subject", letter().on_top("Subject", "Other"), ("B", "headers-not-signed")),
        ("a second Date", letter().on_top("Date", "x"), ("B", "headers-not-signed")),
        ("Cc", letter().on_top("Cc", "press@example.com"), ("B", "headers-not-signed")),
        ("Sender", letter().on_top("Sender", "eve@evil.test"), ("B", "headers-not-signed")),
        ("Reply-To", letter().at_end("Reply-To", "eve@evil.test"), ("B", "headers-not-signed")),
        (
            "a second Content-Type",
            letter().on_top("Content-Type", "text/html"),
            ("B", "more-than-one-reading"),
        ),
        ("Content-Type", letter().set("Content-Type", "text/html"), ("E", "header-differs")),
    ] {
        let judgement = judge(&changed.facts(&[&signed()]), &known());
        assert_eq!(short(&judgement), expected, "{what}");
        assert!(
            judgement.state.words.contains("holds for the marked parts") == (expected.0 == "B"),
            "{what}"
        );
    }
}

#[test]
fn what_a_signer_leaves_open_keeps_a_mail_from_being_a() {
    let letter = Letter::new().at_end("Cc", "carl@example.net");
    let open = Letter::new().saying("We pay 100 euros.\r\nAnna\r\nAnd 900 more.\r\n");
    let length = |length| Claim { length: Some(length), ..Claim::of(OWN) };
    let twice: Vec<&str> = USUAL.into_iter().chain(["from", "cc", "reply-to", "sender"]).collect();
    let oversigned = Claim::of(OWN).over(&twice).by(ONE, &Letter::new());
    for (what, letter, claim, expected) in [
        ("Cc not signed", letter.clone(), Claim::of(OWN).by(ONE, &letter), ("B", "headers-not-signed")),
        (
            "no name signed",
            Letter::new(),
            Claim::of(OWN).over(&[]).by(ONE, &Letter::new()),
            ("B", "headers-not-signed"),
        ),
        (
            "From not signed",
            Letter::new(),
            Claim::of(OWN).over(&USUAL[1..]).by(ONE, &Letter::new()),
            ("B", "headers-not-signed"),
        ),
        (
            "type not signed",
            Letter::new(),
            Claim::of(OWN).over(&USUAL[..4]).by(ONE, &Letter::new()),
            ("B", "more-than-one-reading"),
        ),
        ("whole body by l=", Letter::new(), length(25).by(ONE, &Letter::new()), ("A", "signed")),
        ("text behind l=", open.clone(), length(25).by(ONE, &Letter::new()), ("B", "body-not-covered")),
        ("l=0", Letter::new(), length(0).by(ONE, &Letter::new()), ("B", "body-not-covered")),
        ("l= beyond the body", Letter::new(), length(99).by(ONE, &Letter::new()), ("E", "body-differs")),
        ("oversigned, as it was", Letter::new(), oversigned.clone(), ("A", "signed")),
        (
            "oversigned, From added",
            Letter::new().on_top("From", "e@example.org"),
            oversigned.clone(),
            ("E", "header-differs"),
        ),
        (
            "oversigned, Cc added",
            Letter::new().on_top("Cc", "e@example.org"),
            oversigned,
            ("E", "header-differs"),
        ),
    ] {
        let claim_facts = letter.facts(&[&claim]);
        assert_eq!(short(&judge(&claim_facts, &known())), expected, "{what}");
    }
}

#[test]
fn whose_domain_signed() {
    let by_other = |from: &str| {
        let letter = Letter::new().set("From", from);
        letter.facts(&[&Claim::of(OTHER).by(TWO, &letter)])
    };
    for (from, expected, rules) in [
        ("anna@example.org", ("B", "third-party-signer"), vec!["mail.dkim.third_party"]),
        ("anna@other.test", ("A", "signed"), vec![]),
        ("anna@mail.other.test", ("A", "signed"), vec![]),
        ("anna@other.test, boss@example.org", ("B", "third-party-signer"), vec!["mail.dkim.third_party"]),
        ("anna@notother.test", ("B", "third-party-signer"), vec!["mail.dkim.third_party"]),
        ("anna@other.test.evil.test", ("B", "third-party-signer"), vec!["mail.dkim.third_party"]),
        ("anna", ("B", "third-party-signer"), vec!["mail.dkim.third_party"]),
        ("anna@example.org <eve@other.test>", ("A", "signed"), vec!["mail.origin.display_name"]),
        ("Anna (example.org) <eve@other.test>", ("A", "signed"), vec![]),
    ] {
        let judgement = judge(&by_other(from), &known());
        assert_eq!(short(&judgement), expected, "{from}");
        for rule in ["mail.dkim.third_party", "mail.origin.display_name"] {
            assert_eq!(level(&judgement, rule).is_some(), rules.contains(&rule), "{from}: {rule}");
        }
    }
}

#[test]
fn a_providers_name_counts_where_it_is_one_customers() {
    let sign = |domain: &str| Claim::of(domain).by(ONE, &Letter::new());
    let keys = |domain: &str| context(vec![ONE.seen(domain, "s1", Channel::Dns)]);
    let own = "example-org.20230601.gappssmtp.com";
    let tenant = "contoso.onmicrosoft.com";
    assert_eq!(short(&judge(&Letter::new().facts(&[&sign(own)]), &keys(own))), ("A", "signed"));
    assert_eq!(
        short(&judge(&Letter::new().facts(&[&sign(tenant)]), &keys(tenant))),
        ("B", "third-party-signer")
    );
    // A hyphen of the label is a dot or a hyphen of the domain: `a-b.org` and `a.b.org` are written the same.
    let letter = Letter::new().set("From", "anna@a-b.org");
    let two = "a-b-org.20230601.gappssmtp.com";
    let judgement = judge(&letter.facts(&[&Claim::of(two).by(ONE, &letter)]), &keys(two));
    assert_eq!(short(&judgement), ("B", "provider-ambiguous"));
    let delegates =
        vec![Delegate { signer: tenant.into(), domain: OWN.into(), reason: "the case says so".into() }];
    let says = Context { delegates, ..keys(tenant) };
    assert_eq!(short(&judge(&Letter::new().facts(&[&sign(tenant)]), &says)), ("A", "signed"));
}

#[test]
fn who_saw_the_key_decides_what_it_is_worth() {
    for (channel, expected, strength) in [
        (Channel::Dnssec, ("A", "signed"), Some(4)),
        (Channel::Dns, ("A", "signed"), Some(4)),
        (Channel::Archive, ("A", "signed"), Some(4)),
        (Channel::OutsideMail, ("A", "signed"), Some(4)),
        (Channel::ArchiveUnstated, ("B", "key-not-witnessed"), Some(1)),
        (Channel::User, ("B", "key-not-witnessed"), Some(1)),
        (Channel::Recovered, ("C", "recovered-key"), None),
    ] {
        let judgement =
            judge(&Letter::new().facts(&[&signed()]), &context(vec![ONE.seen(OWN, "s1", channel)]));
        assert_eq!(short(&judgement), expected, "{channel:?}");
        assert_eq!(judgement.verdicts[0].result, SignatureResult::Verified, "{channel:?}");
        assert_eq!(level(&judgement, "mail.dkim.verified"), strength, "{channel:?}");
        assert_eq!(level(&judgement, "mail.key.recovered").is_some(), channel == Channel::Recovered);
        // Whose key nobody saw, his clock is nobody's either.
        assert_eq!(judgement.state.not_before.is_some(), channel != Channel::Recovered, "{channel:?}");
    }
}

#[test]
fn of_several_keys_the_one_that_made_it_counts() {
    let keys = [TWO.seen(OWN, "s1", Channel::Dnssec), ONE.seen(OWN, "s1", Channel::User)];
    let judgement = judge(&Letter::new().facts(&[&signed()]), &context(keys.to_vec()));
    assert_eq!(short(&judgement), ("B", "key-not-witnessed"));
    assert_eq!(judgement.verdicts[0].key.as_ref().map(|key| key.channel), Some(Channel::User));
    // A better observation of the same key, even a later one, lifts it.
    let keys = [ONE.seen(OWN, "s1", Channel::Archive), ONE.seen(OWN, "s1", Channel::Recovered)];
    assert_eq!(short(&judge(&Letter::new().facts(&[&signed()]), &context(keys.to_vec()))), ("A", "signed"));
}

#[test]
fn events_of_a_key_before_the_copy_was_seen_take_a_from_it() {
    for (event, at, capture, expected) in [
        (KeyEventKind::Published, 1999, Some(2000), ("B", "key-event")),
        (KeyEventKind::Published, 2000, Some(2000), ("B", "key-event")),
        (KeyEventKind::Published, 2001, Some(2000), ("A", "signed")),
        (KeyEventKind::Stolen, 1, Some(2000), ("B", "key-event")),
        (KeyEventKind::Factored, 1, Some(2000), ("B", "key-event")),
        (KeyEventKind::Shared, 1, Some(2000), ("B", "key-event")),
        (KeyEventKind::Revoked, 1, Some(2000), ("B", "key-event")),
        // Outside a case the copy was first seen now.
        (KeyEventKind::Published, 2001, None, ("B", "key-event")),
        (KeyEventKind::Published, 3001, None, ("A", "signed")),
    ] {
        let event = KeyEvent {
            domain: OWN.into(),
            selector: "s1".into(),
            event,
            at: day(at),
            source: "owner".into(),
        };
        let keys = KeyBook::new(vec![ONE.seen(OWN, "s1", Channel::Archive)], vec![event.clone()]);
        let context = Context { first_capture: capture.map(day), ..Context::new(keys, day(3000)) };
        let judgement = judge(&Letter::new().facts(&[&signed()]), &context);
        assert_eq!(short(&judgement), expected, "{event:?}");
        let is_event = expected.1 == "key-event";
        assert_eq!(judgement.state.flags.contains(&"key-event".to_owned()), is_event, "{event:?}");
        assert_eq!(level(&judgement, "mail.key.event").is_some(), is_event);
        assert_eq!(level(&judgement, "mail.dkim.verified"), Some(if is_event { 1 } else { 4 }));
    }
}

#[test]
fn a_key_of_512_bits_counts_as_factored_since_1999() {
    let claim = Claim { hash: HashKind::Sha1, ..Claim::of(OWN) }.by(SHORT, &Letter::new());
    let facts = Letter::new().facts(&[&claim]);
    let context = context(vec![SHORT.seen(OWN, "s1", Channel::Archive)]);
    let judgement = judge(&facts, &context);
    assert_eq!(short(&judgement), ("B", "key-event"));
    assert_eq!(judgement.state.flags, ["key-event", "standard-says-ignore", "weak-key"]);
    assert_eq!(
        (judgement.verdicts[0].result, judgement.verdicts[0].key_bits),
        (SignatureResult::Verified, Some(512))
    );
    // Had somebody seen the copy before, it would count.
    let before = Context { first_capture: Some(Time(900_000_000_000_000)), ..context };
    assert_eq!(short(&judge(&facts, &before)), ("A", "signed"));
}

#[test]
fn wrong_key_is_not_changed_content() {
    let book = |key: Key| context(vec![key.seen(OWN, "s1", Channel::Archive)]);
    let mut broken = signed();
    broken.b[40] ^= 1;
    for (what, claim, context, result, state) in [
        ("another key", signed(), book(TWO), SignatureResult::KeyDoesNotFit, ("D", "no-fitting-key")),
        ("b= altered", broken, book(ONE), SignatureResult::KeyDoesNotFit, ("D", "no-fitting-key")),
        ("no key", signed(), context(vec![]), SignatureResult::NoKey, ("D", "no-key")),
    ] {
        let judgement = judge(&Letter::new().facts(&[&claim]), &context);
        let verdict = &judgement.verdicts[0];
        assert_eq!((verdict.result, short(&judgement)), (result, state), "{what}");
        assert_eq!(verdict.header_holds, None, "{what}");
        assert_eq!(verdict.key, None, "{what}");
    }
    let record = KeyObservation {
        key: ObservedKey::Record("v=DKIM1; p=".into()),
        ..ONE.seen(OWN, "s1", Channel::Dns)
    };
    let judgement = judge(&Letter::new().facts(&[&signed()]), &context(vec![record]));
    assert_eq!(
        (judgement.verdicts[0].result, short(&judgement)),
        (SignatureResult::RevokedKey, ("D", "no-key"))
    );
}

#[test]
fn header_and_body_are_judged_apart() {
    let changed = Letter::new().saying("We pay 900 euros.\r\n");
    let mut facts = changed.facts(&[&signed()]);
    let judgement = judge(&facts, &known());
    let verdict = &judgement.verdicts[0];
    assert_eq!(
        (verdict.key_fits, verdict.header_holds, verdict.body_holds),
        (Some(true), Some(true), Some(false))
    );
    assert_eq!(verdict.result, SignatureResult::DoesNotVerify);
    assert_eq!(level(&judgement, "mail.dkim.header_holds"), Some(4));
    assert_eq!(level(&judgement, "mail.dkim.body_differs"), Some(1));
    // A rebuilt copy is never E: its header is proven, its body is what the program made of it.
    facts.message.form = "rebuilt".into();
    let judgement = judge(&facts, &known());
    assert_eq!(short(&judgement), ("B", "body-not-kept"));
    assert_eq!(judgement.state.flags, ["rebuilt-form"]);
    assert_eq!(level(&judgement, "mail.dkim.body_differs"), Some(0));
    // The same, where the body is gone.
    let mut facts = Letter::new().facts(&[&signed()]);
    facts.digests.retain(|digest| digest.part == "header");
    let judgement = judge(&facts, &known());
    assert_eq!((short(&judgement), judgement.verdicts[0].body_holds), (("B", "body-not-kept"), None));
    // And where the header is rebuilt: only that the key fits is left.
    let mut facts = Letter::new().set("Subject", "Re: Budget").facts(&[&signed()]);
    facts.message.form = "rebuilt".into();
    assert_eq!(short(&judge(&facts, &known())), ("D", "bytes-not-kept"));
}

#[test]
fn what_a_reader_says_of_the_body_is_compared_again() {
    let mut facts = Letter::new().saying("x").facts(&[&signed()]);
    facts.digests.iter_mut().for_each(|digest| digest.holds = Some(true));
    assert_eq!(judge(&facts, &known()).verdicts[0].body_holds, Some(false));
    // An empty bh= is no hash.
    let mut facts = Letter::new().facts(&[&signed()]);
    facts.signatures[0].body_hash = Some(vec![]);
    facts.digests[1].digest = vec![];
    assert_eq!(judge(&facts, &known()).verdicts[0].body_holds, Some(false));
}

#[test]
fn repaired_is_b_and_says_what_was_undone() {
    let as_signed = Letter::new().facts(&[&signed()]);
    let with = |changed: Letter, rows: [(&str, usize); 2]| {
        let mut facts = changed.facts(&[&signed()]);
        for (repair, row) in rows {
            let undone = Some(format!("undone by {repair}"));
            let digest = Digest { repair: Some(repair.into()), undone, ..as_signed.digests[row].clone() };
            facts.digests.push(digest);
        }
        judge(&facts, &known())
    };
    let list =
        Letter::new().set("Subject", "[list] Budget").saying("We pay 100 euros.\r\nAnna\r\n--\r\nlist\r\n");
    let judgement = with(list, [("subject-tag", 0), ("footer", 1)]);
    assert_eq!(short(&judgement), ("B", "repaired"));
    assert_eq!(judgement.verdicts[0].repair.as_deref(), Some("subject-tag+footer"));
    assert_eq!(judgement.verdicts[0].undone.as_deref(), Some("undone by subject-tag\nundone by footer"));
    assert_eq!(judgement.verdicts[0].result, SignatureResult::Verified);
    assert_eq!(
        levels(&judgement),
        [("mail.dkim.repaired", 1), ("mail.time.bounds", 0)],
        "nothing is said to hold as it stands"
    );
    let finding = &judgement.findings[0];
    assert_eq!(finding.scope, "from, to, date, content-type, content-transfer-encoding");
    assert_eq!(finding.observed["undone"], "undone by subject-tag\nundone by footer");
    assert_eq!(judgement.verdicts[0].unsigned_visible, ["subject"]);
    // Where something else is said first, this is said as well.
    let list =
        Letter::new().set("Subject", "[list] Budget").saying("We pay 100 euros.\r\nAnna\r\n--\r\nlist\r\n");
    let mut facts = list.facts(&[&signed()]);
    for (repair, row) in [("subject-tag", 0), ("footer", 1)] {
        facts.digests.push(Digest { repair: Some(repair.into()), ..as_signed.digests[row].clone() });
    }
    for (channel, state) in [(Channel::User, "B"), (Channel::Recovered, "C")] {
        let judgement = judge(&facts, &context(vec![ONE.seen(OWN, "s1", channel)]));
        assert_eq!(judgement.state.state, state);
        assert!(
            judgement
                .state
                .words
                .ends_with(" It holds only once known damage is undone (subject-tag+footer)."),
            "{}",
            judgement.state.words
        );
    }
    // Repairs that were not needed are not named.
    let judgement = with(Letter::new(), [("subject-tag", 0), ("footer", 1)]);
    assert_eq!((short(&judgement), judgement.verdicts[0].repair.as_deref()), (("A", "signed"), None));
    let judgement = with(Letter::new().saying("x"), [("footer", 1), ("other", 1)]);
    assert_eq!(judgement.verdicts[0].repair.as_deref(), Some("footer"));
}

#[test]
fn what_the_standard_holds_against_a_signature_is_told_and_not_counted() {
    let record = |tags: &str| {
        let spki = ONE.seen(OWN, "s1", Channel::Dns).key;
        let ObservedKey::Spki(spki) = spki else { unreachable!() };
        use base64::{Engine, engine::general_purpose::STANDARD};
        let record = ObservedKey::Record(format!("v=DKIM1; {tags}p={}", STANDARD.encode(spki)));
        context(vec![KeyObservation { key: record, ..ONE.seen(OWN, "s1", Channel::Dns) }])
    };
    let plain = Letter::new().facts(&[&signed()]);
    let with = |identity: &str| {
        let mut facts = plain.clone();
        facts.signatures[0].identity = Some(identity.into());
        facts
    };
    let mut expired = plain.clone();
    expired.signatures[0].expires_at = Some(day(306));
    for (facts, tags, notes) in [
        (plain.clone(), "", vec![]),
        (plain.clone(), "t=y; ", vec!["testing"]),
        (plain.clone(), "h=sha1; ", vec!["hash-not-allowed"]),
        (plain.clone(), "s=tlsrpt; ", vec!["service-not-email"]),
        (plain.clone(), "s=tlsrpt:email; ", vec![]),
        (plain.clone(), "s=*; h=sha256:sha1; ", vec![]),
        (expired, "", vec!["expired"]),
        (with("anna@mail.example.org"), "t=s; ", vec!["subdomain-not-allowed"]),
        (with("anna@mail.example.org"), "", vec![]),
        (with("anna@evilexample.org"), "", vec!["identity-outside-domain"]),
        (with("anna@example.org"), "g=bob; ", vec!["granularity-differs"]),
        (with("anna@example.org"), "g=an*a; ", vec![]),
        (with("anna@example.org"), "g=; ", vec!["granularity-differs"]),
    ] {
        let judgement = judge(&facts, &record(tags));
        // What the owner's own record forbids is the exception: it holds, and is never A.
        let is_forbidden = ["hash-not-allowed", "service-not-email"].iter().any(|note| notes == [*note]);
        let state = if is_forbidden { ("B", "record-forbids") } else { ("A", "signed") };
        assert_eq!(
            (short(&judgement), &judgement.verdicts[0].notes),
            (state, &notes.iter().map(|n| n.to_string()).collect()),
            "{tags}"
        );
        assert_eq!(judgement.verdicts[0].result, SignatureResult::Verified, "{tags}");
        assert_eq!(level(&judgement, "mail.dkim.verified"), Some(if is_forbidden { 1 } else { 4 }), "{tags}");
        assert_eq!(
            judgement.state.flags.contains(&"standard-says-ignore".into()),
            is_forbidden || notes == ["testing"],
            "{tags}"
        );
    }
}

#[test]
fn fields_that_cannot_be_judged() {
    for (defects, algorithm, canon, expected) in [
        (&["malformed", "no-domain"][..], "rsa-sha256", "simple/simple", SignatureResult::Malformed),
        (&["malformed", "algorithm"], "rsa-md5", "simple/simple", SignatureResult::Unsupported),
        (&["malformed", "algorithm", "no-headers"], "rsa-md5", "simple/simple", SignatureResult::Malformed),
        (&["malformed", "not-judged"], "rsa-sha256", "simple/simple", SignatureResult::Unsupported),
        (&[], "rsa-sha512", "simple/simple", SignatureResult::Unsupported),
        (&[], "rsa-sha256", "simple/strange", SignatureResult::Unsupported),
    ] {
        let mut facts = Letter::new().facts(&[&signed()]);
        let signature = &mut facts.signatures[0];
        signature.defects = defects.iter().map(|defect| defect.to_string()).collect();
        (signature.algorithm, signature.canon) = (algorithm.into(), canon.into());
        let judgement = judge(&facts, &known());
        assert_eq!(
            (judgement.verdicts[0].result, &*judgement.state.state),
            (expected, "D"),
            "{defects:?} {canon}"
        );
    }
    // A tag that stands twice leaves two readings of the field.
    let mut facts = Letter::new().facts(&[&signed()]);
    facts.signatures[0].defects = vec!["duplicate-tag".into()];
    assert_eq!(short(&judge(&facts, &known())), ("B", "more-than-one-reading"));
}

#[test]
fn a_digest_of_another_hash_than_the_tag_says() {
    // a= says SHA-256, what was signed is a SHA-1 block: the key fits, and the note says so.
    let sha1 = Claim { hash: HashKind::Sha1, ..Claim::of(OWN) }.by(ONE, &Letter::new());
    let mut facts = Letter::new().facts(&[&sha1]);
    facts.signatures[0].algorithm = "rsa-sha256".into();
    let verdict = judge(&facts, &known()).verdicts.remove(0);
    assert_eq!((verdict.key_fits, verdict.header_holds), (Some(true), Some(true)));
    assert!(verdict.notes.contains(&"hash-tag-differs".to_owned()));
    // The body hash is of the hash that the tag names, and there is none to compare.
    assert_eq!((verdict.body_holds, verdict.result), (None, SignatureResult::DoesNotVerify));
}

#[test]
fn header_and_body_in_one_digest() {
    let judged = |canon: &str, change: bool| {
        let mut facts = Letter::new().facts(&[&signed()]);
        facts.digests.remove(1);
        facts.digests[0].part = "both".into();
        if change {
            facts.digests[0].digest[0] ^= 1;
        }
        let signature = &mut facts.signatures[0];
        (signature.kind, signature.dialect, signature.canon) =
            ("domainkeys".into(), "rfc4870".into(), canon.into());
        signature.body_hash = None;
        judge(&facts, &known())
    };
    let judgement = judged("simple", false);
    assert_eq!(short(&judgement), ("A", "signed"));
    assert_eq!(level(&judgement, "mail.domainkeys.verified"), Some(4));
    // Without white space "now here" and "nowhere" are one: less than the whole text is signed.
    assert_eq!(short(&judged("nofws", false)), ("B", "spaces-not-covered"));
    // Fields in the order of h= are another reading of the standard, and nothing was damaged.
    let mut facts = Letter::new().facts(&[&signed()]);
    facts.digests.remove(1);
    facts.digests[0].part = "both".into();
    facts.digests.push(Digest { repair: Some("header-order".into()), ..facts.digests[0].clone() });
    facts.digests[0].digest[0] ^= 1;
    (facts.signatures[0].kind, facts.signatures[0].dialect) = ("domainkeys".into(), "rfc4870".into());
    facts.signatures[0].body_hash = None;
    let judgement = judge(&facts, &known());
    assert_eq!(short(&judgement), ("A", "signed"));
    assert_eq!(judgement.verdicts[0].notes, ["header-order"]);
    let judgement = judged("simple", true);
    assert_eq!(short(&judgement), ("E", "content-differs"));
    let verdict = &judgement.verdicts[0];
    assert_eq!((verdict.key_fits, verdict.header_holds, verdict.body_holds), (Some(true), None, None));
}

#[test]
fn ed25519_does_not_tell_who_signed() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    use base64::{Engine, engine::general_purpose::STANDARD};
    let record = format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(pair.public_key().as_ref()));
    let seen = |first: i64| KeyObservation {
        key: ObservedKey::Record(record.clone()),
        first_seen: Some(day(first)),
        last_seen: Some(day(first + 10)),
        ..ONE.seen(OWN, "s1", Channel::Archive)
    };
    let mut claim = Claim::of(OWN).by(ONE, &Letter::new());
    let facts = |letter: Letter, claim: &Claim| {
        let mut facts = letter.facts(&[claim]);
        (facts.signatures[0].algorithm, facts.signatures[0].dialect) =
            ("ed25519-sha256".into(), "rfc8463".into());
        facts
    };
    let digest = facts(Letter::new(), &claim).digests[0].digest.clone();
    claim.b = pair.sign(&digest).as_ref().to_vec();
    for (letter, first, state, fits, strength) in [
        (Letter::new(), 900, "A", Some(true), None),
        (Letter::new().saying("x"), 900, "E", Some(true), Some(1)),
        (Letter::new().set("Subject", "x"), 300, "E", Some(true), Some(1)),
        (Letter::new().set("Subject", "x"), 390, "E", Some(true), Some(1)),
        (Letter::new().set("Subject", "x"), 400, "D", None, None),
    ] {
        let judgement = judge(&facts(letter, &claim), &context(vec![seen(first)]));
        assert_eq!((&*judgement.state.state, judgement.verdicts[0].key_fits), (state, fits), "{first}");
        let found =
            level(&judgement, "mail.dkim.body_differs").or(level(&judgement, "mail.dkim.header_differs"));
        assert_eq!(found, strength, "{first}");
    }
    // A key of another type never fits, and nothing is made of it.
    let judgement = judge(&Letter::new().facts(&[&signed()]), &context(vec![seen(300)]));
    assert_eq!(judgement.verdicts[0].result, SignatureResult::KeyDoesNotFit);
}

#[test]
fn why_nothing_can_be_checked() {
    let bare = |change: fn(&mut MessageFacts)| {
        let mut facts = Letter::new().facts(&[]);
        change(&mut facts);
        facts
    };
    for (facts, reason) in [
        (bare(|_| {}), "unsigned"),
        (bare(|facts| facts.places = vec!["Sent.mbox#2".into()]), "sent-copy"),
        (bare(|facts| facts.message.marks = vec!["sent".into()]), "sent-copy"),
        (bare(|facts| facts.places = vec!["x/Brouillons/1.eml".into()]), "draft"),
        (bare(|facts| facts.message.marks = vec!["draft".into(), "sent".into()]), "draft"),
        (bare(|facts| facts.message.marks = vec!["internal".into()]), "internal"),
        (bare(|facts| facts.message.form = "text".into()), "text-only"),
    ] {
        let judgement = judge(&facts, &known());
        assert_eq!(short(&judgement), ("D", reason));
        assert!(judgement.state.words.starts_with("This copy carries nothing that can be checked ("));
        assert!(judgement.state.words.ends_with("That is normal and says nothing for or against it."));
        assert!(judgement.state.help.is_some() && judgement.state.limits.is_empty());
        assert_eq!(judgement.findings, vec![]);
        assert_eq!(judgement.comparable, None);
    }
    let help = judge(&Letter::new().facts(&[&signed()]), &context(vec![])).state.help;
    assert_eq!(help.as_deref(), Some("The key s1._domainkey.example.org as an archive of DNS saw it."));
}

#[test]
fn the_signature_nearest_to_the_author_says_why() {
    let relay = Claim::of(OTHER).by(TWO, &Letter::new());
    let facts = Letter::new().facts(&[&relay, &signed()]);
    for (keys, reason) in [
        (vec![TWO.seen(OWN, "s1", Channel::Archive)], "no-fitting-key"),
        (vec![ONE.seen(OTHER, "s1", Channel::Archive)], "no-key"),
        (vec![], "no-key"),
    ] {
        let judgement = judge(&facts, &context(keys));
        assert_eq!(short(&judgement), ("D", reason));
        if reason == "no-key" {
            assert_eq!(
                judgement.state.help.as_deref(),
                Some("The key s1._domainkey.example.org as an archive of DNS saw it.")
            );
        }
    }
}

#[test]
fn a_verdict_in_json_is_what_the_command_line_promises() {
    let judgement = judge(&Letter::new().facts(&[&signed()]), &known());
    let json = serde_json::to_value(&judgement.verdicts[0]).unwrap();
    let expected = serde_json::json!({
        "ordinal": 0, "kind": "dkim", "dialect": "rfc6376", "domain": "example.org", "selector": "s1",
        "algorithm": "rsa-sha256", "key_bits": 1024, "result": "verified", "key_fits": true,
        "header_holds": true, "body_holds": true, "alignment": "same", "repair": null,
        "signed_headers": ["from", "to", "date", "subject", "content-type", "content-transfer-encoding"],
        "unsigned_visible_headers": [], "uncovered_body_bytes": 0,
        "key": { "channel": "archive", "witness": "archive.example",
                 "first_seen": "2015-04-11T00:00:00Z", "last_seen": "2017-06-19T00:00:00Z" },
        "notes": [],
    });
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::to_value(&judgement.chain).unwrap(),
        serde_json::json!({ "result": "none", "hops": 0 })
    );
}

#[test]
fn work_is_bounded_for_ten_thousand_signatures() {
    let mut facts = Letter::new().facts(&[&signed()]);
    let (signature, digests) = (facts.signatures[0].clone(), facts.digests.clone());
    let mut junk = signature.clone();
    junk.signature[40] ^= 1;
    facts.signatures =
        (0..10_000).map(|ordinal| tamis_model::tables::Signature { ordinal, ..junk.clone() }).collect();
    facts.digests = (0..10_000)
        .flat_map(|ordinal| digests.iter().map(move |d| Digest { ordinal, ..d.clone() }))
        .collect();
    let judgement = judge(&facts, &known());
    let count = |result| judgement.verdicts.iter().filter(|verdict| verdict.result == result).count();
    assert_eq!(judgement.verdicts.len(), 10_000);
    assert!(count(SignatureResult::KeyDoesNotFit) > 1000);
    assert!(count(SignatureResult::Unsupported) > 1000);
    let last = judgement.verdicts.last().unwrap();
    assert_eq!(
        (last.result, &*last.notes),
        (SignatureResult::Unsupported, &["not-judged".into(), "too-much-work".into()][..])
    );
    // Nobody says of those that no key fits, or that none is known.
    assert_eq!(short(&judgement), ("D", "not-judged"));
}
