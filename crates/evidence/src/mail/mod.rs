//! Rules about one message: signatures, chains, and the state they fold into.
//!
//! Pure: facts and keys in, one [`Judgement`] out, the same for the same input whatever ran beside it.

use tamis_model::Blob;
use tamis_model::findings::{Finding, MessageState, Strength};
use tamis_model::keys::{Delegate, Incident, TrustedSealer};
use tamis_model::tables::{Digest, Message, PartSignature, Signature, StateRow, Time};

use crate::keys::observations::KeyBook;

mod arc;
mod findings;
mod incidents;
pub(crate) mod limits;
mod places;
mod policy;
mod prepared;
mod states;
#[cfg(test)]
mod tests;
mod time;
mod touched;
mod verdict;
mod verify;
mod words;

pub use arc::{Chain, ChainResult};
pub use prepared::Prepared;
pub use verdict::{SignatureResult, UsedKey, Verdict};

/// All that intake knows of one message's content.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageFacts {
    /// The content.
    pub blob: Blob,
    /// Its row of `messages`.
    pub message: Message,
    /// Its signature fields, in any order.
    pub signatures: Vec<Signature>,
    /// Their digests; repairs of one part in the order in which they were tried.
    pub digests: Vec<Digest>,
    /// S/MIME and OpenPGP signatures.
    pub part_signatures: Vec<PartSignature>,
    /// Paths of its occurrences, for the names of folders (Sent, Drafts, Envoyés, …).
    pub places: Vec<String>,
    /// When the desk first held it; `None`: see [`Context::first_capture`].
    pub first_seen: Option<Time>,
}

/// All that a case knows beyond one message. Made once, shared by all threads.
#[derive(Debug)]
pub struct Context {
    /// The keys.
    pub keys: KeyBook,
    /// Dated intrusions.
    pub incidents: Vec<Incident>,
    /// Sealers of ARC chains whose word the case takes.
    pub sealers: Vec<TrustedSealer>,
    /// Providers' names of the case's organisations.
    pub delegates: Vec<Delegate>,
    /// When the dump was first seen by the desk; `None` outside a case.
    pub first_capture: Option<Time>,
    /// The "now" of the judgement.
    pub as_of: Time,
    /// Keys that are ready for use: start with `Prepared::default()`.
    pub prepared: Prepared,
}

impl Context {
    /// Of keys alone, as `tamis check` has them.
    pub fn new(keys: KeyBook, as_of: Time) -> Context {
        Context {
            keys,
            incidents: vec![],
            sealers: vec![],
            delegates: vec![],
            first_capture: None,
            as_of,
            prepared: Prepared::default(),
        }
    }
}

/// What may be said of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Its state.
    pub state: StateRow,
    /// Its signatures, in the order of their fields from the top.
    pub verdicts: Vec<Verdict>,
    /// Its ARC chain.
    pub chain: Chain,
    /// What was found.
    pub findings: Vec<Finding>,
    /// With which other messages it is to be compared, if its signature tells; see [`with_rate`].
    pub comparable: Option<Comparable>,
}

/// Messages with the same `key` have the same signer, route and form: how many of them fail tells whether the
/// route changes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Comparable {
    /// Signer, selector, form and list: opaque.
    pub key: String,
    /// Whether its content does not match.
    pub failed: bool,
}

/// Judges one message. Work is bounded whatever the facts hold; nothing is read but the arguments.
pub fn judge(facts: &MessageFacts, context: &Context) -> Judgement {
    let judged = verify::verify_all(facts, context);
    let chain = arc::chain(&judged, &context.sealers, facts.message.form == "source");
    let folded = states::fold(&judged, &chain, facts, context);
    let findings = findings::findings(&judged, &chain, &folded, facts, context);
    let comparable = comparable(&judged, facts);
    let verdicts = judged.into_iter().map(|judged| judged.verdict).collect();
    Judgement { state: folded.row, verdicts, chain, findings, comparable }
}

/// Of the signature nearest to the author that a key made and that can be compared with what this copy holds; of
/// state E that is the one that decided. Which one it is does not depend on whether it holds, nor on the state,
/// or the share of those that fail would be that of something else.
fn comparable(judged: &[verify::Judged<'_>], facts: &MessageFacts) -> Option<Comparable> {
    let differs = |judged: &verify::Judged<'_>| judged.mismatch != verify::Mismatch::None;
    let judged = judged
        .iter()
        .filter(|judged| judged.is_plain() && judged.verdict.key_fits == Some(true))
        .filter(|judged| judged.verifies() || differs(judged))
        .min_by_key(|judged| (verify::distance(judged.verdict.alignment), judged.verdict.ordinal))?;
    let list = facts.message.list_id.as_deref().unwrap_or_default();
    let signer = signer_key(&judged.signature.domain, &judged.signature.selector);
    let key = format!("{signer}{}", joined(&[&facts.message.form, list]));
    Some(Comparable { key, failed: differs(judged) })
}

/// With what the key of comparables of this signer begins.
fn signer_key(domain: &str, selector: &str) -> String {
    joined(&[domain, selector])
}

/// Lengths in front: no name can be written so that two routes are one.
fn joined(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{}:{part} ", part.len())).collect()
}

/// Fills in how many of the comparable mails of the case fail (`failed` of `of`, this one among them): in the
/// sentence of state E, and in the findings that say that a signature of this signer does not match, whatever the
/// state. To be called for every judgement whose [`Comparable::failed`] is true; nothing happens to others.
///
/// Where there are enough of them, and the others fail no more often than honest mail does, the finding is more
/// than a pointer; else something on the route changes mail, or nothing is known of the route.
pub fn with_rate(judgement: &mut Judgement, failed: u64, of: u64) {
    let Some(comparable) = judgement.comparable.as_ref().filter(|comparable| comparable.failed) else {
        return;
    };
    if judgement.state.state == MessageState::E.letter() {
        judgement.state.words = states::mismatch_words(Some((failed, of)));
    }
    let mismatches = ["mail.dkim.body_differs", "mail.dkim.header_differs"];
    for finding in judgement.findings.iter_mut().filter(|finding| mismatches.contains(&finding.rule.as_str()))
    {
        let serde_json::Value::Object(observed) = &mut finding.observed else { continue };
        let text = |key: &str| observed.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        if !comparable.key.starts_with(&signer_key(text("domain"), text("selector"))) {
            continue;
        }
        let rate = serde_json::json!({ "failed": failed, "of": of });
        observed.insert("comparable".to_owned(), rate);
        observed.sort_keys();
        if let Some(unusual) = findings::unusual(finding, failed, of) {
            finding.strength = Strength::Unusual(unusual);
        }
    }
}
