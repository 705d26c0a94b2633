//! Folds what was judged into one state a message.
//!
//! Every way to A leads through [`lacks`]: a signature that holds, and none of the six conditions missing.

use tamis_model::findings::MessageState;
use tamis_model::keys::{Channel, KeyEventKind};
use tamis_model::tables::{StateRow, Time};

use super::arc::Chain;
use super::incidents::after_intrusion;
use super::places::folder;
use super::policy::forbidden;
use super::time::{Bounds, bounds, day};
use super::verdict::SignatureResult;
use super::verify::{Judged, Mismatch, distance};
use super::words::{listed, shown};
use super::{Context, MessageFacts, limits};
use crate::domains::Alignment;
use crate::keys::PublicKey;
use crate::keys::events::counts_as_factored;
use crate::keys::observations::normal_pair;

/// What a signature that holds still lacks for "signed by the author's domain, unchanged", in the order of the
/// conditions (1) to (6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lack {
    /// (1) Nobody outside the case saw the key published.
    KeyNotWitnessed,
    /// (1) Something happened to the key before this copy was first seen.
    KeyEvent(String),
    /// (1) The key's own record does not let it sign mail, or not with this hash.
    RecordForbids,
    /// (2) The signer is not the author's domain.
    NotAuthor,
    /// (2) Which domain is the author's cannot be told for certain.
    AuthorUnclear,
    /// (2) The signer is a provider, under a name that can be that of several of its customers.
    ProviderAmbiguous,
    /// (3) A field that readers see is not signed, or not each of them.
    Unsigned(Vec<String>),
    /// (3) A field that readers see stands more than once.
    Doubled(Vec<String>),
    /// (4) The body is not the one signed, or not kept.
    BodyNotKept,
    /// (4) So many octets at the end are not signed.
    BodyOpen(u64),
    /// (4) Only so many octets are signed, and how many there are is not known.
    BodyEndOpen(u64),
    /// (4) The canonicalisation drops white space within lines: "now here" and "nowhere" are one.
    SpacesOpen,
    /// (5) What is signed can be read in more than one way.
    Readings,
    /// (6) Something was repaired.
    Repaired(String),
}

impl Lack {
    /// One word.
    pub fn reason(&self) -> &'static str {
        match self {
            Lack::KeyNotWitnessed => "key-not-witnessed",
            Lack::KeyEvent(_) => "key-event",
            Lack::RecordForbids => "record-forbids",
            Lack::NotAuthor | Lack::AuthorUnclear => "third-party-signer",
            Lack::ProviderAmbiguous => "provider-ambiguous",
            Lack::Unsigned(_) => "headers-not-signed",
            Lack::Doubled(_) => "headers-doubled",
            Lack::BodyNotKept => "body-not-kept",
            Lack::BodyOpen(_) | Lack::BodyEndOpen(_) => "body-not-covered",
            Lack::SpacesOpen => "spaces-not-covered",
            Lack::Readings => "more-than-one-reading",
            Lack::Repaired(_) => "repaired",
        }
    }

    /// The sentence of state B that says so, of a signature of `domain`.
    fn sentence(&self, domain: &str) -> String {
        let start = format!("The signature of {domain} holds for the marked parts");
        match self {
            Lack::KeyNotWitnessed => {
                format!("{start}, but nobody outside this case is known to have seen its key published.")
            }
            Lack::KeyEvent(what) => {
                format!(
                    "{start}, but before this copy was first seen {what}: others may have been able to sign."
                )
            }
            Lack::RecordForbids => {
                format!("{start}, but the key's own record does not let it sign mail, or not in this way.")
            }
            Lack::NotAuthor => format!("{start}, but {domain} is not the author's domain."),
            Lack::AuthorUnclear => {
                format!("{start}, but which domain is the author's cannot be told for certain.")
            }
            Lack::ProviderAmbiguous => {
                format!(
                    "{start}, but {domain} can be the provider's name for another customer than the author's domain."
                )
            }
            Lack::Unsigned(names) => format!("{start}. Not covered: {}.", listed(names)),
            Lack::Doubled(names) => {
                format!(
                    "{start}. Not covered: which one counts of the fields that stand more than once ({}).",
                    listed(names)
                )
            }
            Lack::BodyNotKept => {
                format!("{start}. Not covered: the text, which this copy does not keep as it was signed.")
            }
            Lack::BodyOpen(octets) => format!("{start}. Not covered: {octets} bytes at the end of the text."),
            Lack::BodyEndOpen(octets) => {
                format!("{start}. Not covered: the text beyond its first {octets} bytes, if there is more.")
            }
            Lack::SpacesOpen => format!("{start}. Not covered: spaces within the text."),
            Lack::Readings => {
                format!("{start}. Not covered: how the text is to be read (its type or encoding).")
            }
            Lack::Repaired(names) => {
                format!(
                    "{start} once known damage is undone ({}). Not covered: what was undone.",
                    shown(names)
                )
            }
        }
    }
}

/// The state, and what it rests on.
pub(crate) struct Folded {
    pub row: StateRow,
    /// Ordinal of the signature that decided.
    pub deciding: Option<u32>,
    pub bounds: Bounds,
}

/// When this copy was first seen: by the desk, or else now.
pub(crate) fn first_seen(facts: &MessageFacts, context: &Context) -> Time {
    facts.first_seen.or(context.first_capture).unwrap_or(context.as_of)
}

/// All that a signature lacks, in the order of the conditions; nothing only for a signature that gives A.
pub(crate) fn lacks(judged: &Judged<'_>, facts: &MessageFacts, context: &Context) -> Vec<Lack> {
    let signature = judged.signature;
    let verdict = &judged.verdict;
    let complete = judged.verifies();
    let mut unsigned = signature.unsigned_visible.clone();
    // Without From nothing is signed in the author's name. DomainKeys without h= signs all below it.
    let signs_all = signature.dialect == "rfc4870" && signature.signed_headers.is_empty();
    let signs_from = signs_all || signature.signed_headers.iter().any(|name| name == "from");
    if !signs_from && !unsigned.iter().any(|name| name == "from") {
        unsigned.insert(0, "from".to_owned());
    }
    let drops_spaces = signature.canon.split('/').any(|canon| matches!(canon, "nofws" | "nowsp"));
    // Two values of one tag are two readings of the field itself.
    let ambiguous =
        signature.defects.iter().any(|defect| defect.contains("duplicate") || defect.contains("doubled"));
    let aligned =
        matches!(verdict.alignment, Alignment::Same { .. } | Alignment::Provider { tenant_known: true, .. });
    let ambiguous_name = !aligned && matches!(verdict.alignment, Alignment::Provider { .. });
    // Of an author whom a repair brought back, the repair is what there is to say.
    let restored = verdict.alignment == Alignment::None && judged.touched.field("from");
    let unclear = verdict.alignment == Alignment::None && !restored;
    let third_party = !aligned && !ambiguous_name && !restored && !unclear;
    // Where header and body are one digest, nobody counted what lies beyond l=.
    let uncounted = signature.body_length.filter(|_| judged.is_one_digest && verdict.uncovered == 0);
    [
        (!judged.is_witnessed()).then_some(Lack::KeyNotWitnessed),
        key_event(judged, facts, context).map(Lack::KeyEvent),
        forbidden(&verdict.notes).then_some(Lack::RecordForbids),
        if restored { verdict.repair.clone().map(Lack::Repaired) } else { None },
        third_party.then_some(Lack::NotAuthor),
        unclear.then_some(Lack::AuthorUnclear),
        ambiguous_name.then_some(Lack::ProviderAmbiguous),
        (!unsigned.is_empty()).then_some(Lack::Unsigned(unsigned)),
        (!signature.doubled_visible.is_empty()).then(|| Lack::Doubled(signature.doubled_visible.clone())),
        (!complete).then_some(Lack::BodyNotKept),
        (complete && verdict.uncovered > 0).then_some(Lack::BodyOpen(verdict.uncovered)),
        if complete { uncounted.map(Lack::BodyEndOpen) } else { None },
        drops_spaces.then_some(Lack::SpacesOpen),
        (!signature.one_reading || ambiguous).then_some(Lack::Readings),
        if restored { None } else { verdict.repair.clone().map(Lack::Repaired) },
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first event of the key before this copy was first seen, as a clause; keys of a size that the public
/// record calls factored count from that day.
pub(crate) fn key_event(judged: &Judged<'_>, facts: &MessageFacts, context: &Context) -> Option<String> {
    let known = judged.known?;
    let seen = first_seen(facts, context);
    if let Some(event) = known.first_event.as_deref().filter(|event| event.at <= seen) {
        let what = match event.event {
            KeyEventKind::Published => "its private key was published",
            KeyEventKind::Stolen => "its private key was taken",
            KeyEventKind::Factored => "its private key was computed from the public one",
            KeyEventKind::Shared => "others had its private key as well",
            KeyEventKind::Revoked => "its owner revoked the key",
        };
        let (when, source) = (day(event.at), shown(&event.source));
        let own = normal_pair(&judged.signature.domain, &judged.signature.selector);
        if (&event.domain, &event.selector) == (&own.0, &own.1) {
            return Some(format!("{what} ({when}, {source})"));
        }
        // The same key under another name.
        let name = shown(&format!("{}._domainkey.{}", event.selector, event.domain));
        return Some(format!("{what} (as {name}: {when}, {source})"));
    }
    let bits = judged.verdict.key_bits.filter(|_| matches!(known.key, PublicKey::Rsa { .. }))?;
    let record = counts_as_factored(bits, seen)?;
    Some(format!("keys of {bits} bits could be computed ({}, {})", day(record.at), record.number))
}

/// Folds all verdicts into the state.
pub(crate) fn fold(judged: &[Judged<'_>], chain: &Chain, facts: &MessageFacts, context: &Context) -> Folded {
    let is_source = facts.message.form == "source";
    let fold = Fold { judged, chain, facts, context, is_source };
    let decision = (fold.signed())
        .or_else(|| fold.sealed())
        .or_else(|| fold.differs())
        .or_else(|| fold.consistent())
        .unwrap_or_else(|| fold.nothing());
    fold.finish(decision)
}

/// A state, before flags and bounds are put beside it.
struct Decision<'a> {
    state: MessageState,
    reason: &'static str,
    words: String,
    help: Option<String>,
    deciding: Option<&'a Judged<'a>>,
}

struct Fold<'a> {
    judged: &'a [Judged<'a>],
    chain: &'a Chain,
    facts: &'a MessageFacts,
    context: &'a Context,
    is_source: bool,
}

impl<'a> Fold<'a> {
    /// Author's and relay's signatures that hold under a key of a kind: whole, or of a rebuilt copy (or one
    /// without its body) the header. The best one first.
    fn holding(&self, observed: bool) -> Vec<(&'a Judged<'a>, Vec<Lack>)> {
        let part = |judged: &Judged<'_>| {
            judged.header_alone_holds() && (!self.is_source || judged.verdict.body_holds.is_none())
        };
        let mut holding: Vec<_> = self
            .judged
            .iter()
            .filter(|judged| judged.is_plain() && judged.is_observed() == observed)
            .filter(|judged| judged.verifies() || part(judged))
            .map(|judged| (judged, lacks(judged, self.facts, self.context)))
            .collect();
        holding.sort_by_key(|(judged, lacks)| {
            (!judged.verifies(), distance(judged.verdict.alignment), lacks.len(), judged.verdict.ordinal)
        });
        holding
    }

    /// A, or B by a signature.
    fn signed(&self) -> Option<Decision<'a>> {
        let holding = self.holding(true);
        let whole = holding.iter().find(|(judged, lacks)| judged.verifies() && lacks.is_empty());
        if let Some((judged, _)) = whole {
            return Some(Decision {
                state: MessageState::A,
                reason: "signed",
                words: proven(judged),
                help: None,
                deciding: Some(judged),
            });
        }
        let (judged, lacks) = holding.into_iter().next()?;
        let first = lacks.first()?;
        let help = match first {
            Lack::KeyNotWitnessed => {
                "An observation of the key by somebody outside this case: an archive of DNS that says when it looked, or a mail from elsewhere that the key verifies."
            }
            Lack::KeyEvent(_) => "A copy of this message that was seen by others before that day.",
            Lack::BodyNotKept | Lack::Repaired(_) => {
                "The original file as the server keeps it, or another recipient's copy."
            }
            Lack::NotAuthor if self.facts.message.list_id.is_some() => {
                "The copy of a recipient who was addressed besides the list."
            }
            _ => "Another recipient's copy, or another signature of the author's domain.",
        };
        Some(Decision {
            state: MessageState::B,
            reason: first.reason(),
            words: first.sentence(&shown(&judged.signature.domain)) + &undone(Some(judged), Some(first)),
            help: Some(help.to_owned()),
            deciding: Some(judged),
        })
    }

    /// B by the seal of a trusted relay.
    fn sealed(&self) -> Option<Decision<'a>> {
        let ordinal = self.chain.trusted.first()?;
        let judged = self.judged.iter().find(|judged| judged.verdict.ordinal == *ordinal)?;
        let domain = shown(&judged.signature.domain);
        let undone = match &judged.verdict.repair {
            Some(names) => format!(", once known damage is undone ({})", shown(names)),
            None => String::new(),
        };
        Some(Decision {
            state: MessageState::B,
            reason: "sealed",
            words: format!(
                "Sealed on receipt by {domain}: the signature of {domain} holds for the marked parts{undone}, but {domain} is not the author's domain."
            ),
            help: Some("A key of the author's domain, or another recipient's copy.".to_owned()),
            deciding: Some(judged),
        })
    }

    /// E: the source form is kept, a key made the signature, and no known damage explains the difference. A
    /// signature that holds and is nearer to the author speaks louder.
    fn differs(&self) -> Option<Decision<'a>> {
        if !self.is_source {
            return None;
        }
        let judged = self
            .judged
            .iter()
            .filter(|judged| judged.is_plain() && judged.mismatch != Mismatch::None)
            .min_by_key(|judged| (distance(judged.verdict.alignment), judged.verdict.ordinal))?;
        let holds = self.holding(false).into_iter().map(|(holds, _)| distance(holds.verdict.alignment)).min();
        if holds.is_some_and(|holds| holds <= distance(judged.verdict.alignment)) {
            return None;
        }
        let reason = match judged.mismatch {
            Mismatch::Header => "header-differs",
            Mismatch::Body => "body-differs",
            _ => "content-differs",
        };
        Some(Decision {
            state: MessageState::E,
            reason,
            words: mismatch_words(None),
            help: Some("Another copy of the same message, from the recipient or the sender.".to_owned()),
            deciding: Some(judged),
        })
    }

    /// C: something holds, and everything that it rests on comes from the case itself.
    ///
    /// A certificate or key inside a mail belongs here as well: who can write the mail can make both, and an
    /// issuer's name that nobody checked against a root is text. So S/MIME and OpenPGP alone never give more.
    fn consistent(&self) -> Option<Decision<'a>> {
        let recovered = self.holding(false).into_iter().next().map(|(judged, _)| judged);
        let seal = || {
            let holds = |judged: &&Judged<'_>| judged.signature.kind == "arc-message" && judged.verifies();
            self.judged.iter().find(holds)
        };
        let inside = || self.facts.part_signatures.iter().any(|part| part.result == "verified");
        let (reason, help, deciding) = if let Some(judged) = recovered {
            let help = "An observation of the key by somebody outside this case, or a mail from elsewhere that the key verifies.";
            ("recovered-key", help, Some(judged))
        } else if let Some(judged) = seal() {
            (
                "sealer-not-trusted",
                "A reason to trust the relay that sealed it, or a key of the author's domain.",
                Some(judged),
            )
        } else if inside() {
            ("key-inside", "The same certificate or key from somewhere else than this case.", None)
        } else {
            return None;
        };
        Some(Decision {
            state: MessageState::C,
            reason,
            words: format!(
                "No signature can be checked. What can be compared agrees. A careful person could produce the same.{}",
                undone(deciding, None)
            ),
            help: Some(help.to_owned()),
            deciding,
        })
    }

    /// D: why nothing can be checked.
    fn nothing(&self) -> Decision<'a> {
        let reason = self.nothing_because();
        let (_, what, help) =
            NOTHING.iter().find(|(key, ..)| *key == reason).copied().unwrap_or(NOTHING_SIGNED);
        let wanted =
            self.judged.iter().filter(|judged| judged.verdict.result == SignatureResult::NoKey).min_by_key(
                |judged| (!judged.is_plain(), distance(judged.verdict.alignment), judged.verdict.ordinal),
            );
        let help = match wanted.filter(|_| reason == "no-key") {
            Some(judged) => format!(
                "The key {}._domainkey.{} as an archive of DNS saw it.",
                shown(&judged.signature.selector),
                shown(&judged.signature.domain)
            ),
            None => help.to_owned(),
        };
        Decision {
            state: MessageState::D,
            reason,
            words: format!(
                "This copy carries nothing that can be checked ({what}). That is normal and says nothing for or against it."
            ),
            help: Some(help),
            deciding: None,
        }
    }

    /// The signature nearest to the author tells, and a relay's only where there is no nearer one.
    fn nothing_because(&self) -> &'static str {
        let message = &self.facts.message;
        let far = |judged: &Judged<'_>| (!judged.is_plain(), distance(judged.verdict.alignment));
        let nearest = self.judged.iter().map(far).min();
        let judged = || self.judged.iter().filter(|judged| Some(far(judged)) == nearest);
        let any = |result| judged().any(|judged| judged.verdict.result == result);
        let folder = folder(&self.facts.places);
        let mark = |mark: &str| message.marks.iter().any(|found| found == mark);
        // A relay's seal speaks of the chain alone, and what the source form keeps is kept.
        let fits = judged()
            .filter(|judged| judged.is_plain() || !self.is_source)
            .any(|judged| judged.verdict.key_fits == Some(true));
        let unfitting = judged().any(|judged| {
            judged.verdict.result == SignatureResult::DoesNotVerify && judged.verdict.key_fits != Some(true)
        });
        let bare = !self.is_source
            && message.received == 0
            && message.message_id.is_none()
            && message.date_raw.is_none();
        let cases = [
            ("not-judged", judged().any(Judged::is_beyond_limits)),
            ("no-key", any(SignatureResult::NoKey) || any(SignatureResult::RevokedKey)),
            ("bytes-not-kept", fits),
            ("no-fitting-key", any(SignatureResult::KeyDoesNotFit) || unfitting),
            ("not-judged", any(SignatureResult::Unsupported)),
            ("draft", mark("draft") || folder.draft),
            ("sent-copy", mark("sent") || folder.sent),
            ("internal", mark("internal")),
            ("text-only", message.form == "text" || bare),
        ];
        cases.into_iter().find_map(|(reason, holds)| holds.then_some(reason)).unwrap_or(NOTHING_SIGNED.0)
    }

    fn finish(&self, decision: Decision<'a>) -> Folded {
        let Decision { state, reason, words, help, deciding } = decision;
        // Who decided a mismatch witnesses no time.
        let witness = deciding.filter(|_| matches!(state, MessageState::A | MessageState::B));
        let bounds = bounds(witness, self.judged, self.chain, self.facts, self.context);
        let holds = deciding.filter(|_| state != MessageState::E);
        let row = StateRow {
            state: state.letter().to_owned(),
            reason: reason.to_owned(),
            words,
            flags: self.flags(deciding, holds, &bounds),
            limits: if holds.is_some() || state == MessageState::C { limits::all() } else { vec![] },
            help,
            not_before: bounds.not_before.as_ref().map(|(at, _)| *at),
            not_after: bounds.not_after.as_ref().map(|(at, _)| *at),
            time_witness: bounds.witness(),
            domain: deciding.map(|judged| judged.signature.domain.clone()),
            selector: deciding.map(|judged| judged.signature.selector.clone()),
        };
        Folded { row, deciding: deciding.map(|judged| judged.verdict.ordinal), bounds }
    }

    /// What stands beside the state, in alphabetical order.
    fn flags(
        &self,
        deciding: Option<&Judged<'_>>,
        holds: Option<&Judged<'_>>,
        bounds: &Bounds,
    ) -> Vec<String> {
        let has = |note: &str| {
            deciding.is_some_and(|judged| judged.verdict.notes.iter().any(|found| found == note))
        };
        let third = |judged: &Judged<'_>| {
            judged.is_plain()
                && matches!(judged.verdict.alignment, Alignment::ThirdParty { .. } | Alignment::None)
        };
        [
            (
                "after-intrusion",
                holds.is_some_and(|judged| after_intrusion(judged, bounds, self.facts, self.context)),
            ),
            ("key-event", holds.is_some_and(|judged| key_event(judged, self.facts, self.context).is_some())),
            ("list", self.facts.message.list_id.is_some()),
            ("rebuilt-form", !self.is_source),
            (
                "standard-says-ignore",
                has("sha1")
                    || has("short-key")
                    || has("testing")
                    || deciding.is_some_and(|judged| forbidden(&judged.verdict.notes)),
            ),
            ("third-party-signer", holds.is_some_and(third)),
            ("weak-key", has("short-key")),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .map(|(flag, _)| flag.to_owned())
        .collect()
    }
}

/// Reason, words and help of state D.
type Nothing = (&'static str, &'static str, &'static str);

const NOTHING_SIGNED: Nothing =
    ("unsigned", "it is not signed", "Another copy of the same message, or a mail that quotes it.");

const NOTHING: [Nothing; 9] = [
    NOTHING_SIGNED,
    (
        "sent-copy",
        "it is the sender's own copy, made before any server signs",
        "Ask the recipient for the copy received.",
    ),
    ("draft", "it is a draft", "If it was sent: ask the recipient for the copy received."),
    (
        "internal",
        "it never left the organisation's own servers, which do not sign such mail",
        "The server's own log of messages, or a copy that was sent outside.",
    ),
    ("no-key", "its signing key is not known here", "The signing key as an archive of DNS saw it."),
    (
        "no-fitting-key",
        "no key known here made its signature",
        "Older or newer observations of the signing key.",
    ),
    (
        "bytes-not-kept",
        "the program that made this copy did not keep the signed bytes",
        "The original file as the server keeps it.",
    ),
    (
        "not-judged",
        "this program did not check its signature: it is of a kind, or its mail of a size, that is not checked here",
        "Another program that checks signatures.",
    ),
    ("text-only", "only its text is kept", "The message itself, with its header."),
];

/// That something was undone, where `first` says something else: no sentence lets a reader believe that the copy
/// is as it was signed.
fn undone(judged: Option<&Judged<'_>>, first: Option<&Lack>) -> String {
    match judged.and_then(|judged| judged.verdict.repair.as_deref()) {
        Some(names) if !matches!(first, Some(Lack::Repaired(_))) => {
            format!(" It holds only once known damage is undone ({}).", shown(names))
        }
        _ => String::new(),
    }
}

/// The sentence of state A.
fn proven(judged: &Judged<'_>) -> String {
    let domain = shown(&judged.signature.domain);
    let signer = match judged.verdict.alignment {
        Alignment::Provider { name, .. } => format!("{domain} ({name}, for the author's domain)"),
        _ => domain,
    };
    format!(
        "A server of {signer} signed this message with the names, date, subject and text shown; they have not changed since. It does not say who typed it, that the date is honest, that it was received, or that it is true."
    )
}

/// The sentence of state E, with the rate among comparable mails of the case where it is known: `(n, m)`.
pub(crate) fn mismatch_words(rate: Option<(u64, u64)>) -> String {
    let rate = match rate {
        Some((failed, of)) => format!("{failed} of {of} comparable mails in this case show the same."),
        None => "How many comparable mails show the same is not known here.".to_owned(),
    };
    format!(
        "The signature on this copy does not match its content. {rate} It does not say who or what changed it."
    )
}

/// Whether a key computed from the case is all that a signature rests on.
pub(crate) fn is_recovered(judged: &Judged<'_>) -> bool {
    judged.channel() == Some(Channel::Recovered)
}
