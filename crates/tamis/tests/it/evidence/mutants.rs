//! No false proof: verified mails of the demo, changed in every way that a reader or a verifier could be
//! fooled by. None that shows something else is proven; no signature that covers something else is verified.

mod changes;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
};

use mail_parser::{MessageParser, MimeHeaders, PartType};
use serde_json::Value;
use tamis_demo::{Layout, Scale, SignedKind, SignedMail};
use tamis_model::findings::MessageState;

use self::changes::{CHANGES, Hand, How};
use super::{
    KNOWN, NOW, check, file_of,
    letter::{self, Letter, Signer},
    signed_demo,
};
use crate::desk::{Desk, Dice};

/// Mutants of each mail, where the environment does not say how many (`TAMIS_MUTANTS=1000`: of every verified
/// mail of the small dump; some minutes).
const MUTANTS: u64 = 40;
/// Files that the program looks at in one run.
const AT_ONCE: usize = 4_000;

/// A changed mail.
struct Mutant {
    file: String,
    change: &'static str,
    original: usize,
    /// As it is stored.
    bytes: Vec<u8>,
    letter: Letter,
    /// `b=` of the signature that another domain put on it.
    foreign: Option<String>,
}

/// A mail that is verified as it stands.
struct Original {
    kind: SignedKind,
    path: String,
    letter: Letter,
    state: String,
}

#[test]
fn no_changed_mail_is_proven() {
    let desk = Desk::new();
    let (originals, mutants_each) = originals(&desk);
    let foreign = Signer::new("tiers.example", "ed");
    desk.write("foreign.jsonl", foreign.line());
    let mut tally = Tally { mails: originals.len(), ..Tally::default() };
    let mut failures = Vec::new();
    let mut waiting = Vec::new();
    let mut round = 0;
    for (n, original) in originals.iter().enumerate() {
        // Other mails' signatures and bodies are what a change may borrow.
        let other = &originals[(n + 1) % originals.len()].letter;
        let mut dice = Dice::new(2017 + n as u64);
        waiting.extend((0..mutants_each).map(|m| {
            let file = format!("mutants-{round}/{n:04}-{m:05}.eml");
            mutant(file, (n, original), other, &foreign, m, &mut dice)
        }));
        if waiting.len() >= AT_ONCE || n + 1 == originals.len() {
            failures.extend(judge(&desk, &originals, &waiting, round == 0, &mut tally));
            let _ = fs::remove_dir_all(desk.path(format!("mutants-{round}")));
            waiting.clear();
            round += 1;
        }
    }
    tally.print();
    assert!(
        failures.is_empty(),
        "{} of {} mutants pass for what they are not:\n{}",
        failures.len(),
        tally.mutants,
        failures[..failures.len().min(20)].join("\n")
    );
    // A test that changes nothing, or all alike, would prove nothing.
    assert!(tally.lost * 2 > tally.mutants, "most changes must cost a mail its proof");
    assert!(tally.kept > 0, "changes that show nothing else must leave some proof");
}

/// One verified mail of each kind and signer; all of them where the environment wants many mutants.
fn originals(desk: &Desk) -> (Vec<Original>, u64) {
    let many: Option<u64> =
        std::env::var("TAMIS_MUTANTS").ok().map(|n| n.parse().expect("TAMIS_MUTANTS is a number"));
    let scale = if many.is_some() { Scale::Small } else { Scale::Fraction(0.012) };
    let truth = signed_demo(desk, scale, Layout::OneFileAMail);
    let verifiable = |mail: &&SignedMail| matches!(mail.states[0], MessageState::A | MessageState::B);
    let mut seen = BTreeSet::new();
    let mails: Vec<&SignedMail> = truth
        .signed
        .mails
        .iter()
        .filter(verifiable)
        // A mail inside another is no file.
        .filter(|mail| file_of(desk, &mail.path).is_file())
        .filter(|mail| {
            seen.insert(if many.is_some() { mail.blob.clone() } else { format!("{:?}", mail.kind) })
        })
        .collect();
    let files: Vec<String> = mails.iter().map(|mail| format!("dump/{}", mail.path)).collect();
    let judged = check(desk, &files, &KNOWN);
    let originals: Vec<Original> = mails
        .iter()
        .zip(&judged)
        .map(|(mail, judged)| Original {
            kind: mail.kind,
            path: mail.path.clone(),
            letter: Letter::parse(&fs::read(file_of(desk, &mail.path)).unwrap()),
            state: judged["state"].as_str().unwrap().to_owned(),
        })
        .collect();
    // What honest ways did may be undone or not; what does not hold as it stands is nothing to change.
    let originals: Vec<Original> =
        originals.into_iter().filter(|original| matches!(original.state.as_str(), "A" | "B")).collect();
    let proven = originals.iter().filter(|original| original.state == "A").count();
    assert!(originals.len() >= 20 && proven >= 8, "too few: {} verified, {proven} proven", originals.len());
    for wanted in [
        SignedKind::OwnDomain,
        SignedKind::ProviderDelegate,
        SignedKind::Ed25519,
        SignedKind::Sha1,
        SignedKind::DomainKeys,
        SignedKind::ArcSealed,
        SignedKind::ArcChain,
        SignedKind::ListSigned,
    ] {
        assert!(originals.iter().any(|original| original.kind == wanted), "no {wanted:?} in the dump");
    }
    (originals, many.unwrap_or(MUTANTS))
}

fn mutant(
    file: String,
    (n, original): (usize, &Original),
    other: &Letter,
    foreign: &Signer,
    m: u64,
    dice: &mut Dice,
) -> Mutant {
    // Every change in turn; for one that this mail has no place for, another at random.
    let mut hand = Hand { dice, other };
    let mut at = (m as usize + n * 7) % CHANGES.len();
    for _ in 0..1000 {
        let (change, apply) = CHANGES[at];
        let mut letter = original.letter.clone();
        let (fits, bytes) = match apply {
            How::Letter(apply) => (apply(&mut letter, &mut hand), None),
            How::Bytes(apply) => (true, Some(apply(&letter, &mut hand))),
        };
        at = hand.dice.below(CHANGES.len() as u64) as usize;
        if let Some(bytes) = bytes {
            let letter = Letter::parse(&bytes);
            return Mutant { file, change, original: n, bytes, letter, foreign: None };
        }
        if !fits || letter == original.letter {
            continue;
        }
        let foreign = (hand.dice.below(6) == 0).then(|| {
            let field = foreign.sign(&letter);
            letter.insert(0, &field);
            field.rsplit_once("b=").unwrap().1.to_owned()
        });
        return Mutant { file, change, original: n, bytes: letter.bytes(), letter, foreign };
    }
    panic!("no change fits {}", original.path);
}

/// Has the program look at mutants; what is wrong, one line each.
fn judge(
    desk: &Desk,
    originals: &[Original],
    mutants: &[Mutant],
    in_case: bool,
    tally: &mut Tally,
) -> Vec<String> {
    let known: Vec<&str> = KNOWN.into_iter().chain(["--keys", "foreign.jsonl"]).collect();
    for mutant in mutants {
        desk.write(&mutant.file, &mutant.bytes);
    }
    let files: Vec<String> = mutants.iter().map(|mutant| mutant.file.clone()).collect();
    let judged = check(desk, &files, &known);
    let mut failures = Vec::new();
    for (mutant, value) in mutants.iter().zip(&judged) {
        let original = &originals[mutant.original];
        let wrong = wrong(original, mutant, value);
        tally.count(original, mutant, value);
        if !wrong.is_empty() {
            keep(mutant);
            failures.push(format!(
                "{} ({:?} {}, {}): {}",
                mutant.file,
                original.kind,
                original.path,
                mutant.change,
                wrong.join("; ")
            ));
        }
    }
    if in_case {
        agrees_with_a_case(desk, mutants, &judged, &known);
    }
    failures
}

/// Leaves the mail in the folder that the environment names, for a look at what went wrong.
fn keep(mutant: &Mutant) {
    if let Ok(folder) = std::env::var("TAMIS_KEEP") {
        fs::create_dir_all(&folder).unwrap();
        fs::write(format!("{folder}/{}", mutant.file.replace('/', "-")), &mutant.bytes).unwrap();
    }
}

/// The case says of each mutant what `check` says.
fn agrees_with_a_case(desk: &Desk, mutants: &[Mutant], judged: &[Value], known: &[&str]) {
    let dump = mutants[0].file.split('/').next().unwrap();
    let args: Vec<&str> =
        [dump, "--case", "mutants.case", "--as-of", NOW].into_iter().chain(known.iter().copied()).collect();
    desk.open_with(&args);
    let hits = desk.ok(&["search", "mutants.case", "kind:mail", "--json", "--limit", "1000000"]).rows();
    let states: HashMap<&str, &Value> =
        hits.iter().map(|hit| (hit["path"].as_str().unwrap(), &hit["state"])).collect();
    for (mutant, value) in mutants.iter().zip(judged) {
        let name = mutant.file.split_once('/').unwrap().1;
        match states.get(name) {
            Some(state) => assert_eq!(**state, value["state"], "{name}"),
            // What is no mail any more has no state.
            None => assert!(value["state"].is_null(), "{name}: {value:#}"),
        }
    }
}

fn wrong(original: &Original, mutant: &Mutant, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if value["state"] == "A" {
        // What was changed before it was signed in part can be put right: then all that is shown is signed.
        let mut verified =
            value["signatures"].as_array().unwrap().iter().filter(|v| v["result"] == "verified");
        let is_whole = |verdict: &Value| {
            let at = field_of(&mutant.letter, verdict["ordinal"].as_u64().unwrap() as usize);
            at.and_then(|at| letter::b_of(&mutant.letter.fields[at]))
                .is_some_and(|b| mutant.letter.is_covered_by(&b))
        };
        match original.state.as_str() {
            "A" if shown(&mutant.letter) != shown(&original.letter) => {
                wrong.push("state A, and it shows something else".to_owned());
            }
            "A" => {}
            _ if verified.any(is_whole) => {}
            _ => wrong.push("state A, and not all that is shown is signed".to_owned()),
        }
    }
    // What was signed: of each `b=` what it covers in the original, or what the other domain signed.
    let mut signed = original.letter.covered();
    let mut covered = mutant.letter.covered();
    covered.extend(mutant.letter.ending_early().covered());
    signed.extend(covered.iter().filter(|(b, _)| Some(b) == mutant.foreign.as_ref()).cloned());
    for verdict in value["signatures"].as_array().unwrap() {
        let plainly = verdict["result"] == "verified" && verdict["repair"].is_null();
        if !plainly {
            if verdict["result"] == "verified" && verdict["repair"] == "" {
                wrong.push("a repair without a name".to_owned());
            }
            continue;
        }
        let field = field_of(&mutant.letter, verdict["ordinal"].as_u64().unwrap() as usize);
        let b = field.and_then(|at| letter::b_of(&mutant.letter.fields[at]));
        let holds = covered.iter().any(|of| Some(&of.0) == b.as_ref() && signed.contains(of));
        if !holds {
            wrong.push(format!(
                "signature {} of {} verified, and what it covers differs",
                verdict["ordinal"], verdict["domain"]
            ));
        }
    }
    wrong
}

/// The n-th field that is a signature.
fn field_of(letter: &Letter, n: usize) -> Option<usize> {
    const NAMES: [&str; 4] = ["dkim-signature", "domainkey-signature", "arc-seal", "arc-message-signature"];
    (0..letter.fields.len()).filter(|at| NAMES.contains(&letter::name(&letter.fields[*at]).as_str())).nth(n)
}

/// What a reader sees of a mail: the fields shown, and its parts as another library reads them, whichever it
/// takes of fields that stand more than once. White space is no difference.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    fields: Vec<Vec<Vec<String>>>,
    readings: [Vec<Part>; 2],
}

fn shown(letter: &Letter) -> Shown {
    let words = |value: String| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let fields = letter::SHOWN
        .map(|name| letter.all(name).into_iter().map(|n| words(letter::value(&letter.fields[n]))).collect())
        .into();
    let reading = |last: bool| {
        let mut letter = letter.clone();
        for name in ["content-type", "content-transfer-encoding", "content-disposition", "mime-version"] {
            let mut all = letter.all(name);
            let kept = if last { all.pop() } else { (!all.is_empty()).then(|| all.remove(0)) };
            if kept.is_some() {
                all.into_iter().rev().for_each(|n| drop(letter.fields.remove(n)));
            }
        }
        parts(&letter.bytes())
    };
    Shown { fields, readings: [reading(false), reading(true)] }
}

/// A part as a reader shows it.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    kind: &'static str,
    name: Option<String>,
    /// Its words; of a file its bytes.
    content: Vec<Vec<u8>>,
}

fn parts(mail: &[u8]) -> Vec<Part> {
    let Some(message) = MessageParser::default().parse(mail) else { return Vec::new() };
    let words = |bytes: &[u8]| -> Vec<Vec<u8>> {
        bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let of = |part: &mail_parser::MessagePart| {
        let (kind, content) = match &part.body {
            PartType::Text(text) => ("text", words(text.as_bytes())),
            PartType::Html(text) => ("html", words(text.as_bytes())),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => ("file", vec![bytes.to_vec()]),
            PartType::Message(_) => {
                let range = part.offset_body as usize..part.offset_end as usize;
                ("mail", words(mail.get(range).unwrap_or_default()))
            }
            PartType::Multipart(parts) => ("parts", vec![parts.len().to_string().into_bytes()]),
        };
        Part { kind, name: part.attachment_name().map(str::to_owned), content }
    };
    message.parts.iter().map(of).collect()
}

/// What became of the mutants.
#[derive(Default)]
struct Tally {
    mails: usize,
    mutants: u64,
    /// Of mails in state A those that are so no more, or of the others those with another state or result.
    lost: u64,
    kept: u64,
    by_change: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

impl Tally {
    fn count(&mut self, original: &Original, mutant: &Mutant, value: &Value) {
        self.mutants += 1;
        let state = value["state"].as_str().unwrap_or("none").to_owned();
        match state == original.state {
            true => self.kept += 1,
            false => self.lost += 1,
        }
        *self
            .by_change
            .entry(mutant.change)
            .or_default()
            .entry(format!("{}→{state}", original.state))
            .or_default() += 1;
    }

    fn print(&self) {
        println!("{} mutants of {} mails; {} keep their state", self.mutants, self.mails, self.kept);
        for (change, states) in &self.by_change {
            let states: Vec<String> = states.iter().map(|(state, n)| format!("{state} {n}")).collect();
            println!("  {change:<34} {}", states.join("  "));
        }
    }
}
