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
    let comparable = comparable(&judged, folded.state, folded.deciding, facts);
    let verdicts = judged.into_iter().map(|judged| judged.verdict).collect();
    Judgement { state: folded.row, verdicts, chain, findings, comparable }
}

/// Of state E its signature; of others the nearest to the author whose key fits.
fn comparable(
    judged: &[verify::Judged<'_>],
    state: MessageState,
    deciding: Option<u32>,
    facts: &MessageFacts,
) -> Option<Comparable> {
    let failed = state == MessageState::E;
    let judged = judged
        .iter()
        .filter(|judged| judged.is_plain() && judged.verdict.key_fits == Some(true))
        .filter(|judged| !failed || Some(judged.verdict.ordinal) == deciding)
        .min_by_key(|judged| (verify::distance(judged.verdict.alignment), judged.verdict.ordinal))?;
    let list = facts.message.list_id.as_deref().unwrap_or_default();
    let parts = [&judged.signature.domain, &judged.signature.selector, &facts.message.form, list];
    // Lengths in front: no name can be written so that two routes are one.
    let key = parts.iter().map(|part| format!("{}:{part}", part.len())).collect::<Vec<_>>().join(" ");
    Some(Comparable { key, failed })
}

/// Fills in how many of the comparable mails of the case fail (`failed` of `of`, this one among them), in the
/// sentence and in the finding. Nothing happens to another state than E.
///
/// Where others fail as well, more than one in twenty, the route does it: the finding is a pointer then.
pub fn with_rate(judgement: &mut Judgement, failed: u64, of: u64) {
    if judgement.state.state != MessageState::E.letter() {
        return;
    }
    judgement.state.words = states::mismatch_words(Some((failed, of)));
    let route_does_it = failed >= 2 && failed.saturating_mul(20) > of;
    let mismatches = ["mail.dkim.body_differs", "mail.dkim.header_differs"];
    for finding in judgement.findings.iter_mut().filter(|finding| mismatches.contains(&finding.rule.as_str()))
    {
        if let serde_json::Value::Object(observed) = &mut finding.observed {
            let rate = serde_json::json!({ "failed": failed, "of": of });
            observed.insert("comparable".to_owned(), rate);
            observed.sort_keys();
        }
        if route_does_it && finding.strength.level() > Strength::Pointer.level() {
            finding.strength = Strength::Pointer;
        }
    }
}
