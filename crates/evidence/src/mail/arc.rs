//! ARC chains, hop by hop (RFC 8617).
//!
//! Facts bring an AMS and a seal for each instance; a seal's digest covers all fields of the chain up to it,
//! the Authentication-Results included. What a key cannot say yet is never "fails".

use std::collections::BTreeMap;

use serde::Serialize;
use tamis_model::keys::TrustedSealer;

use super::verdict::SignatureResult;
use super::verify::Judged;
use crate::domains::normal_domain;

/// What became of a chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainResult {
    /// All seals and the last message signature hold as they stand, and no link is missing.
    Pass,
    /// A link is missing, says so itself (`cv=fail`), or does not hold.
    Fail,
    /// There is no chain, a key is missing to tell, or it holds only once known damage is undone.
    #[default]
    None,
}

/// The ARC chain of a message. Serialises to `arc` in the JSON of `tamis check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// What became of it.
    pub result: ChainResult,
    /// Highest instance.
    pub hops: u32,
    /// Why it is not a pass, for people; `None` where it is, or where there is no chain.
    #[serde(skip)]
    pub why: Option<String>,
    /// Ordinals of message signatures of trusted sealers that hold, in the order of the instances: what
    /// came in at that relay has not changed since.
    #[serde(skip)]
    pub trusted: Vec<u32>,
}

/// RFC 8617 section 4.2.1: no more instances than this.
const MOST_HOPS: u32 = 50;

/// What is told of a field and breaks a chain, though a DKIM signature may have it: chains came after the
/// drafts, so a= was never optional, and a tag that stands twice was never one of two habits (RFC 8617 section
/// 4.1; RFC 6376 section 3.2).
const ILL_FORMED: [&str; 3] = ["duplicate-tag", "no-algorithm", "seal-tags"];

/// One instance: its seal and its message signature.
#[derive(Default)]
struct Hop<'a> {
    seals: Vec<&'a Judged<'a>>,
    messages: Vec<&'a Judged<'a>>,
}

/// Judges the chain. Of a rebuilt copy (`is_source` false) a message signature that differs says nothing.
pub(crate) fn chain(judged: &[Judged<'_>], sealers: &[TrustedSealer], is_source: bool) -> Chain {
    let mut hops: BTreeMap<u32, Hop<'_>> = BTreeMap::new();
    let mut any = false;
    for link in judged.iter().filter(|link| !link.is_plain()) {
        any = true;
        let hop = hops.entry(link.signature.instance.unwrap_or(0)).or_default();
        match link.signature.kind.as_str() {
            "arc-seal" => hop.seals.push(link),
            _ => hop.messages.push(link),
        }
    }
    if !any {
        return Chain::default();
    }
    let highest = hops.keys().next_back().copied().unwrap_or(0);
    let (result, why) = match broken(&hops, highest, is_source) {
        Some(why) => (ChainResult::Fail, Some(why)),
        None => match unknown(&hops) {
            Some(why) => (ChainResult::None, Some(why)),
            None => (ChainResult::Pass, None),
        },
    };
    let trusted = match result {
        ChainResult::Fail => vec![],
        _ => hops.values().filter_map(|hop| trusted(hop, sealers)).collect(),
    };
    Chain { result, hops: highest.min(MOST_HOPS + 1), why, trusted }
}

/// The first thing that breaks the chain (RFC 8617 section 5.2, steps 2 to 4).
fn broken(hops: &BTreeMap<u32, Hop<'_>>, highest: u32, is_source: bool) -> Option<String> {
    if highest > MOST_HOPS {
        return Some(format!("more than {MOST_HOPS} hops"));
    }
    for (expected, (&instance, hop)) in (1..).zip(hops) {
        if instance != expected {
            return Some(format!("hop {expected} is missing"));
        }
        let ([seal], [message]) = (hop.seals.as_slice(), hop.messages.as_slice()) else {
            return Some(format!("hop {instance} has not one seal and one message signature"));
        };
        let odd = |link: &Judged<'_>, words: &[&str]| {
            link.signature.defects.iter().any(|defect| words.contains(&defect.as_str()))
        };
        if odd(seal, &["chain-gap", "chain-doubled"]) {
            return Some(format!("a field of the chain is missing or doubled at hop {instance}"));
        }
        let malformed = |link: &Judged<'_>| link.verdict.result == SignatureResult::Malformed;
        let ill_formed = |link: &Judged<'_>| malformed(link) || odd(link, &ILL_FORMED);
        if ill_formed(seal) || ill_formed(message) {
            return Some(format!("hop {instance} has a field that is not well formed"));
        }
        if instance == highest && odd(message, &["seal-signed"]) {
            return Some(format!("the message signature of hop {instance} names seals"));
        }
        let wanted = if instance == 1 { "none" } else { "pass" };
        match seal.signature.chain.as_deref() {
            Some(cv) if cv == wanted => {}
            Some("fail") => return Some(format!("the sealer of hop {instance} says that the chain fails")),
            _ => return Some(format!("cv= of hop {instance} is not {wanted}")),
        }
        if fails(seal) {
            return Some(format!("the seal of hop {instance} does not hold"));
        }
        // Earlier message signatures may fail: a later hop changed the message and said so by sealing it.
        if instance == highest && is_source && fails(message) {
            return Some(format!("the message signature of hop {instance} does not hold"));
        }
    }
    None
}

/// Whether a key says that it does not hold. A key that does not fit may be the wrong one, which is no
/// statement about the link.
fn fails(link: &Judged<'_>) -> bool {
    let verdict = &link.verdict;
    verdict.key_fits == Some(true)
        && !link.verifies()
        && (verdict.header_holds == Some(false) || verdict.body_holds == Some(false))
}

/// The first link that no key can say anything about, or that holds in another form than it stands.
fn unknown(hops: &BTreeMap<u32, Hop<'_>>) -> Option<String> {
    let last = hops.len();
    for (position, (instance, hop)) in hops.iter().enumerate() {
        if !hop.seals.iter().all(|seal| seal.verifies()) {
            return Some(format!("the seal of hop {instance} cannot be checked"));
        }
        let messages = if position + 1 == last { hop.messages.as_slice() } else { &[] };
        if !messages.iter().all(|message| message.verifies()) {
            return Some(format!("the message signature of hop {instance} cannot be checked"));
        }
        if hop.seals.iter().chain(messages).any(|link| link.verdict.repair.is_some()) {
            return Some(format!("hop {instance} holds only once known damage is undone"));
        }
    }
    None
}

/// The message signature of a hop whose sealer is trusted, if it holds and so does the same sealer's seal, as
/// it stands, both under a key that somebody else than the case saw. The seal covers the whole chain
/// below it, so a missing key of an earlier hop takes nothing from it.
fn trusted(hop: &Hop<'_>, sealers: &[TrustedSealer]) -> Option<u32> {
    let ([seal], [message]) = (hop.seals.as_slice(), hop.messages.as_slice()) else { return None };
    let domain = normal_domain(&message.signature.domain)?;
    let holds = |link: &Judged<'_>| link.verifies() && link.is_observed();
    let is_trusted = sealers.iter().any(|sealer| normal_domain(&sealer.domain).as_ref() == Some(&domain));
    let same = seal.signature.domain == message.signature.domain;
    (is_trusted && same && holds(seal) && seal.verdict.repair.is_none() && holds(message))
        .then_some(message.verdict.ordinal)
}
