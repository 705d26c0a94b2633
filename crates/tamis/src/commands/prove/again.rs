//! What is known of a mail, derived again: its bytes are read by a fresh jailed process, and judged with
//! nothing but the keys that its own signatures name. What comes out has to be what the case says.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use tamis_case::{Case, Options};
use tamis_evidence::{
    keys::observations::{KeyBook, normal_event, normal_observation, normal_pair},
    mail::{Context, Judgement, MessageFacts, SignatureResult, Verdict, judge, with_rate},
};
use tamis_model::{
    Blob, ItemId,
    findings::MessageState,
    keys::{Delegate, KeyEvent, KeyObservation, TrustedSealer},
    tables::{FindingRow, Item, StateRow, Time},
};
use tamis_pipeline::examine::{self, Told};

use crate::{
    cli::Global,
    commands::{Scratch, examine::as_of, open, open_case},
    failure::Failure,
    screen::Screen,
};

/// What came of deriving it again.
pub enum Again {
    /// The same as in the case.
    Same(Box<Proof>),
    /// Something else; what, in words.
    Differs(Vec<String>),
}

/// All that the folder is made of.
pub struct Proof {
    pub item_id: ItemId,
    pub media_type: String,
    pub as_of: Time,
    /// Read again.
    pub facts: MessageFacts,
    /// Of them.
    pub judgement: Judgement,
    /// The signature that the state rests on.
    pub rests_on: Option<u32>,
    /// What was told of the pairs that the signatures name, sorted.
    pub keys: Vec<KeyObservation>,
    pub events: Vec<KeyEvent>,
    /// What was told of the domains that signed.
    pub sealers: Vec<TrustedSealer>,
    pub delegates: Vec<Delegate>,
}

impl Proof {
    pub fn state(&self) -> MessageState {
        MessageState::parse(&self.judgement.state.state).unwrap_or(MessageState::D)
    }

    /// The verdict that the state rests on.
    pub fn deciding(&self) -> Option<&Verdict> {
        self.judgement.verdicts.iter().find(|verdict| Some(verdict.ordinal) == self.rests_on)
    }
}

/// Derives it again from `mail`, a file with the bytes of `blob`.
pub fn derive(
    case: &Case,
    item: &Item,
    blob: Blob,
    mail: &Path,
    global: &Global,
    screen: &Screen,
) -> Result<Again, Failure> {
    let Some(stored) = examine::facts(case, &HashSet::from([blob]))?.remove(&blob) else {
        return Err(Failure::unusable(
            format!("{} cannot be proven", item.path),
            "the case holds no facts about it: it was not read to its end",
            "tamis ledger shows what became of it",
        ));
    };
    let Some(mut facts) = read_again(mail, blob, global, screen)? else {
        return Ok(Again::Differs(vec!["in the case it is a mail, read again it is none".to_owned()]));
    };
    facts.places.clone_from(&stored.places);
    facts.first_seen = stored.first_seen;

    let first_capture = case.made_at()?.as_deref().and_then(examine::parse_time);
    let now = as_of(global);
    let told = Told::of(case)?;
    let own = own(&told, &facts);
    let (keys, events) = (own.keys.clone(), own.events.clone());
    let all = told.context(first_capture, now);
    let mut own = own.context(first_capture, now);
    let mut judgement = judge(&facts, &own);
    let mut what = differences(&judge(&stored, &all), &judgement);
    if let Some(kept) = Kept::of(case, &blob)? {
        kept.rate(&mut judgement);
        own.as_of = kept.as_of.unwrap_or(now);
        what.extend(kept.differences(&facts, &own));
    }
    let mut seen = HashSet::new();
    what.retain(|said| seen.insert(said.clone()));
    if !what.is_empty() {
        return Ok(Again::Differs(what));
    }
    let signers: BTreeSet<String> = facts.signatures.iter().map(|found| name(&found.domain)).collect();
    Ok(Again::Same(Box::new(Proof {
        item_id: item.item_id,
        media_type: item.media_type.clone(),
        as_of: now,
        rests_on: rests_on(&judgement),
        sealers: all.sealers.into_iter().filter(|sealer| signers.contains(&name(&sealer.domain))).collect(),
        delegates: all.delegates.into_iter().filter(|found| signers.contains(&name(&found.signer))).collect(),
        facts,
        judgement,
        keys,
        events,
    })))
}

fn name(domain: &str) -> String {
    normal_pair(domain, "").0
}

/// Reads the file into a case that is gone afterwards, as any dump is read. `None`: it is no mail.
fn read_again(
    mail: &Path,
    blob: Blob,
    global: &Global,
    screen: &Screen,
) -> Result<Option<MessageFacts>, Failure> {
    let scratch = Scratch::new()?;
    let folder = scratch.path().join("prove.case");
    let mut quiet = screen.clone();
    quiet.quiet = true;
    open::read(&[mail.to_owned()], &folder, Options::default(), None, global, &quiet)?;
    let case = open_case(&folder)?;
    Ok(examine::facts(&case, &HashSet::from([blob]))?.remove(&blob))
}

/// What was told, without the keys of other pairs than those that this mail names.
fn own(told: &Told, facts: &MessageFacts) -> Told {
    let mut pairs: BTreeSet<(String, String)> =
        facts.signatures.iter().map(|found| normal_pair(&found.domain, &found.selector)).collect();
    // What happened to one of its keys under another name happened to it.
    let book = KeyBook::new(told.keys.clone(), told.events.clone());
    let happened: BTreeSet<(String, String)> =
        told.events.iter().map(|event| normal_pair(&event.domain, &event.selector)).collect();
    let named: Vec<(String, String)> = pairs.iter().cloned().collect();
    for (domain, selector) in &named {
        let others = book.same_keys(domain, selector).into_iter();
        let others = others.map(|(domain, selector)| (domain.to_owned(), selector.to_owned()));
        pairs.extend(others.filter(|other| happened.contains(other)));
    }
    let is_own = |domain: &String, selector: &String| pairs.contains(&(domain.clone(), selector.clone()));
    let keys: BTreeSet<KeyObservation> = told
        .keys
        .iter()
        .cloned()
        .map(normal_observation)
        .filter(|seen| is_own(&seen.domain, &seen.selector))
        .collect();
    let events: BTreeSet<KeyEvent> = told
        .events
        .iter()
        .cloned()
        .map(normal_event)
        .filter(|event| is_own(&event.domain, &event.selector))
        .collect();
    Told {
        keys: keys.into_iter().collect(),
        events: events.into_iter().collect(),
        incidents: told.incidents.clone(),
        sealers: told.sealers.clone(),
        delegates: told.delegates.clone(),
    }
}

// ---- what the case says ----

/// What the last examination wrote of a mail.
struct Kept {
    as_of: Option<Time>,
    state: StateRow,
    findings: Vec<FindingRow>,
}

impl Kept {
    /// `None` where the case was not examined since it changed: a word on standard error says so.
    fn of(case: &Case, blob: &Blob) -> Result<Option<Kept>, Failure> {
        let last = examine::last(case);
        let Some((dir, run)) = last.filter(|(_, run)| examine::is_current(case, run).unwrap_or(false)) else {
            eprintln!(
                "the case was not examined since it changed: what is proven is compared with its facts only"
            );
            return Ok(None);
        };
        let mut state = None;
        examine::message_states(
            &dir,
            |other| other == blob,
            |_, row| {
                state = Some(row);
                Ok(())
            },
        )?;
        let (mut findings, subject) = (Vec::new(), blob.to_string());
        examine::findings(&dir, |row| {
            if row.subjects.contains(&subject) {
                findings.push(row);
            }
            Ok(())
        })?;
        Ok(state.map(|state| Kept { as_of: examine::parse_time(&run.as_of), state, findings }))
    }

    /// Tells a judgement how many comparable mails of the case fail, which no mail shows by itself.
    fn rate(&self, judgement: &mut Judgement) {
        let rate = self.findings.iter().find_map(|row| {
            let observed: serde_json::Value = serde_json::from_str(&row.observed).ok()?;
            let rate = observed.get("comparable")?;
            Some((rate.get("failed")?.as_u64()?, rate.get("of")?.as_u64()?))
        });
        if let Some((failed, of)) = rate {
            with_rate(judgement, failed, of);
        }
    }

    fn differences(&self, facts: &MessageFacts, context: &Context) -> Vec<String> {
        let mut judgement = judge(facts, context);
        self.rate(&mut judgement);
        let mut what = of_states(&self.state, &judgement.state);
        let kept = self.findings.iter().map(|row| (row.rule.as_str(), row.finding_id.clone())).collect();
        what.extend(of_findings(&kept, &ids(&judgement)));
        what
    }
}

/// What differs, in words; empty where nothing does.
fn differences(kept: &Judgement, again: &Judgement) -> Vec<String> {
    let mut what = of_states(&kept.state, &again.state);
    if kept.verdicts.len() != again.verdicts.len() {
        what.push(format!("signatures: {} in the case, {} now", kept.verdicts.len(), again.verdicts.len()));
    }
    for (kept, again) in kept.verdicts.iter().zip(&again.verdicts).filter(|(kept, again)| kept != again) {
        let (ordinal, kept, again) = (kept.ordinal, kept.result.as_str(), again.result.as_str());
        what.push(match kept == again {
            true => format!("signature {ordinal}: {kept}, and not in the same way"),
            false => format!("signature {ordinal}: {kept} in the case, {again} now"),
        });
    }
    if kept.chain != again.chain {
        what.push("the chain of seals (ARC)".to_owned());
    }
    what.extend(of_findings(&ids(kept), &ids(again)));
    what
}

fn ids(judgement: &Judgement) -> BTreeSet<(&str, String)> {
    judgement.findings.iter().map(|finding| (finding.rule.as_str(), finding.id())).collect()
}

fn of_states(kept: &StateRow, again: &StateRow) -> Vec<String> {
    let state = |row: &StateRow| format!("{} ({})", row.state, row.reason);
    let mut what = Vec::new();
    if state(kept) != state(again) {
        what.push(format!("state: {} in the case, {} now", state(kept), state(again)));
    } else if kept.flags != again.flags {
        what.push(format!("flags: {:?} in the case, {:?} now", kept.flags, again.flags));
    } else if kept != again {
        what.push("the words, limits or times of the state".to_owned());
    }
    what
}

fn of_findings(kept: &BTreeSet<(&str, String)>, again: &BTreeSet<(&str, String)>) -> Vec<String> {
    let rules: BTreeSet<&str> = kept.symmetric_difference(again).map(|(rule, _)| *rule).collect();
    rules.into_iter().map(|rule| format!("findings of {rule}")).collect()
}

// ---- what the state rests on ----

/// The signature that decided: of the deciding pair the one that shows what the state says, the one that
/// covers most first.
fn rests_on(judgement: &Judgement) -> Option<u32> {
    let row = &judgement.state;
    if let Some(sealed) = judgement.chain.trusted.first().filter(|_| row.reason == "sealed") {
        return Some(*sealed);
    }
    let kind_fits = |verdict: &Verdict| match row.reason.as_str() {
        "sealer-not-trusted" => verdict.kind == "arc-message",
        _ => !verdict.kind.starts_with("arc-"),
    };
    let shows = |verdict: &Verdict| match row.state.as_str() {
        "E" => verdict.result == SignatureResult::DoesNotVerify,
        _ => verdict.result == SignatureResult::Verified || verdict.header_holds == Some(true),
    };
    let of_pair = judgement.verdicts.iter().filter(|verdict| {
        row.domain.as_ref() == Some(&verdict.domain) && row.selector.as_ref() == Some(&verdict.selector)
    });
    let best = of_pair.filter(|verdict| kind_fits(verdict) && shows(verdict)).min_by_key(|verdict| {
        (
            verdict.result != SignatureResult::Verified,
            verdict.repair.is_some(),
            verdict.unsigned_visible.len(),
            verdict.uncovered > 0,
            verdict.ordinal,
        )
    });
    best.map(|verdict| verdict.ordinal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tamis_evidence::keys::observations::KeyBook;

    use super::*;

    /// Of a mail without any signature, whose sender is shown with another address.
    fn judgement() -> Judgement {
        let message = json!({
            "form": "source", "message_id": null, "date_raw": null, "date": null, "utc_offset_min": null,
            "from_addr": "a@example.org", "from_name": "b@example.net", "from_domain": "example.org", "to": [], "cc": [],
            "bcc": [], "subject": null, "in_reply_to": [], "references": [], "mailer": null, "list_id": null,
            "received": 1, "marks": [], "lang": null, "attachments": 0,
        });
        let facts = MessageFacts {
            blob: Blob([7; 32]),
            message: serde_json::from_value(message).unwrap(),
            signatures: vec![],
            digests: vec![],
            part_signatures: vec![],
            places: vec![],
            first_seen: None,
        };
        judge(&facts, &Context::new(KeyBook::default(), Time(0)))
    }

    type Change = fn(&mut Judgement);

    #[test]
    fn whatever_comes_out_differently_is_named() {
        let cases: [(Change, &str); 6] = [
            (|again| again.state.state = "A".to_owned(), "state: D (unsigned) in the case, A (unsigned) now"),
            (|again| again.state.flags = vec!["list".to_owned()], "flags: [] in the case, [\"list\"] now"),
            (|again| again.state.not_before = Some(Time(1)), "the words, limits or times of the state"),
            (|again| again.chain.hops = 1, "the chain of seals (ARC)"),
            (|again| again.findings.clear(), "findings of mail.origin.display_name"),
            (|again| again.findings[0].observed = json!(1), "findings of mail.origin.display_name"),
        ];
        assert_eq!(differences(&judgement(), &judgement()), Vec::<String>::new());
        for (change, expected) in cases {
            let mut again = judgement();
            change(&mut again);
            assert_ne!(judgement(), again, "{expected}");
            assert_eq!(differences(&judgement(), &again), [expected]);
        }
    }
}
