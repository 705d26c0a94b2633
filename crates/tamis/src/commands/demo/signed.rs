//! The check of signatures: the states that the case gives its mails, held against those that are right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tamis_demo::{SignedKind, SignedMail, SignedTruth};

use super::check::Check;

/// State and reason of a message by its content (lower hex), as the table `states` has them.
pub type States = BTreeMap<String, (String, String)>;

/// What was found of the mails that show one thing. Mails with the same bytes count once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    /// The thing.
    pub kind: String,
    /// The state that is to be expected, by its letter.
    pub expected: String,
    /// Different mails that show it.
    pub planted: u64,
    /// Those that bear a right state, and a right reason where the reason is fixed.
    pub found: u64,
    /// Those that bear another state, or none.
    pub missed: u64,
    /// Those that bear more than is right: A or B where nothing is proven that far, E or F where an honest
    /// way explains it.
    pub flagged: u64,
}

impl Kind {
    /// Whether each of them was found.
    pub fn check(&self) -> Check {
        Check::equal(format!("signatures: {}", self.kind), self.planted, self.found)
    }

    /// As in `tamis demo --json`.
    pub fn json(&self) -> Value {
        json!({
            "kind": self.kind,
            "expected": self.expected,
            "planted": self.planted,
            "found": self.found,
            "missed": self.missed,
            "wrongly_flagged": self.flagged,
        })
    }

    fn note(&mut self, mail: &SignedMail, got: Option<&(String, String)>) {
        self.planted += 1;
        let Some((state, reason)) = got else {
            self.missed += 1;
            return;
        };
        let right = mail.states.iter().any(|right| right.letter() == state)
            && (mail.reasons.is_empty() || mail.reasons.contains(reason));
        if right {
            self.found += 1;
        } else if claims_too_much(mail, state) {
            self.flagged += 1;
        } else {
            self.missed += 1;
        }
    }
}

/// Whether a state that is not right says more than the mail bears out.
fn claims_too_much(mail: &SignedMail, state: &str) -> bool {
    let may = |letters: &[&str]| mail.states.iter().any(|right| letters.contains(&right.letter()));
    match state {
        "A" => true,
        "B" => !may(&["A", "B"]),
        "E" | "F" => !may(&["E", "F"]),
        _ => false,
    }
}

/// The name of the mails that the truth does not list: none of them bears a signature.
const OTHERS: &str = "all other mails";

/// What was found of each thing in the truth, in its order, and last of all mails that the truth does not
/// list: of those a signature must neither hold nor fail.
pub fn signed_checks(truth: &SignedTruth, states: &States) -> Vec<Kind> {
    let mut kinds: BTreeMap<SignedKind, Kind> = BTreeMap::new();
    let mut seen: BTreeSet<(SignedKind, &str)> = BTreeSet::new();
    for mail in &truth.mails {
        if !seen.insert((mail.kind, &mail.blob)) {
            continue;
        }
        let kind = kinds.entry(mail.kind).or_insert_with(|| Kind {
            kind: name(mail.kind),
            expected: mail.states.first().map_or("", |state| state.letter()).to_owned(),
            ..Kind::default()
        });
        kind.note(mail, states.get(&mail.blob));
    }
    let listed: BTreeSet<&str> = truth.mails.iter().map(|mail| mail.blob.as_str()).collect();
    let mut others = Kind { kind: OTHERS.to_owned(), expected: "D".to_owned(), ..Kind::default() };
    for (state, _) in states.iter().filter(|(blob, _)| !listed.contains(blob.as_str())).map(|(_, got)| got) {
        others.planted += 1;
        match state.as_str() {
            "A" | "B" | "E" | "F" => others.flagged += 1,
            _ => others.found += 1,
        }
    }
    kinds.into_values().chain([others]).collect()
}

/// The kind's word in `truth.json`.
fn name(kind: SignedKind) -> String {
    match serde_json::to_value(kind) {
        Ok(Value::String(name)) => name,
        _ => format!("{kind:?}"),
    }
}

#[cfg(test)]
mod tests {
    use tamis_model::findings::MessageState::{self, A, B, C, D, E, F};

    use super::*;

    fn mail(blob: &str, kind: SignedKind, states: &[MessageState], reasons: &[&str]) -> SignedMail {
        SignedMail {
            path: format!("{blob}.eml"),
            message_id: None,
            blob: blob.to_owned(),
            kind,
            states: states.to_vec(),
            reasons: reasons.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    fn one(states: &[MessageState], reasons: &[&str], got: Option<(&str, &str)>) -> (u64, u64, u64) {
        let truth = SignedTruth {
            mails: vec![mail("x", SignedKind::OwnDomain, states, reasons)],
            ..SignedTruth::default()
        };
        let got = got.map(|(state, reason)| ("x".to_owned(), (state.to_owned(), reason.to_owned())));
        let kinds = signed_checks(&truth, &got.into_iter().collect());
        assert_eq!((kinds.len(), kinds[0].planted), (2, 1));
        (kinds[0].found, kinds[0].missed, kinds[0].flagged)
    }

    #[test]
    fn what_is_right_missed_and_too_much() {
        const FOUND: (u64, u64, u64) = (1, 0, 0);
        const MISSED: (u64, u64, u64) = (0, 1, 0);
        const FLAGGED: (u64, u64, u64) = (0, 0, 1);
        for (states, reasons, got, want) in [
            (&[A][..], &[][..], Some(("A", "")), FOUND),
            (&[A], &[], Some(("B", "x")), MISSED),
            (&[A], &[], Some(("E", "")), FLAGGED),
            (&[A], &[], None, MISSED),
            (&[B], &[], Some(("A", "")), FLAGGED),
            (&[B, E], &[], Some(("E", "")), FOUND),
            (&[B, E], &[], Some(("F", "")), MISSED),
            (&[E, F], &[], Some(("B", "")), FLAGGED),
            (&[E, F], &[], Some(("D", "")), MISSED),
            (&[D], &["no-key"], Some(("D", "no-key")), FOUND),
            (&[D], &["no-key"], Some(("D", "unsigned")), MISSED),
            (&[D, C], &[], Some(("B", "")), FLAGGED),
        ] {
            assert_eq!(one(states, reasons, got), want, "{states:?} {got:?}");
        }
    }

    #[test]
    fn the_same_bytes_count_once_and_other_mails_are_looked_at() {
        let twice = mail("x", SignedKind::Sha1, &[A], &[]);
        let truth = SignedTruth {
            mails: vec![twice.clone(), twice, mail("y", SignedKind::AlteredBody, &[E], &[])],
            ..SignedTruth::default()
        };
        let got = |blob: &str, state: &str| (blob.to_owned(), (state.to_owned(), String::new()));
        let states = [got("x", "A"), got("y", "E"), got("p", "D"), got("q", "E"), got("r", "C")];
        let kinds = signed_checks(&truth, &states.into_iter().collect());
        let rows: Vec<(&str, u64, u64, u64)> =
            kinds.iter().map(|kind| (kind.kind.as_str(), kind.planted, kind.found, kind.flagged)).collect();
        assert_eq!(rows, [("sha1", 1, 1, 0), ("altered-body", 1, 1, 0), (OTHERS, 3, 2, 1)]);
        assert!(!kinds[2].check().ok && kinds[0].check().ok);
    }
}
