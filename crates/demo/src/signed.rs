//! What a dump tells of its signatures: each signed mail with the states that are right for it, the keys
//! that were seen, and what is known of them; written into the truth and beside the dump.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use tamis_model::findings::MessageState::{self, A, B, C, D, E, F};

use crate::DemoError;

/// What is true of the signatures of a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTruth {
    /// Each mail that bears a signature, at each of its places, and some that bear none.
    pub mails: Vec<SignedMail>,
    /// Mail occurrences by kind; unsigned ones are counted here as well where `mails` has only some.
    pub kinds: BTreeMap<SignedKind, u64>,
    /// Mail occurrences that bear a signature, by the first state of each, by its letter.
    pub states: BTreeMap<String, u64>,
    /// Mail occurrences whose first state is A or B.
    pub verifiable: u64,
    /// What was seen of keys: the lines of `keys.jsonl`.
    pub keys: Vec<KeyLine>,
    /// What happened to keys: the lines of `key-events.jsonl`.
    pub key_events: Vec<KeyEventLine>,
    /// Sealers of ARC chains whose word is taken, and why.
    pub sealers: Vec<Reasoned>,
    /// Provider's names for customers.
    pub delegates: Vec<DelegateLine>,
    /// When the dump was taken.
    pub stolen_at: String,
}

/// One mail at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedMail {
    /// Its place, in the form of `items.path`.
    pub path: String,
    /// Message-ID with brackets.
    pub message_id: Option<String>,
    /// SHA-256 of its stored bytes, lower hex: in an mbox without its `From ` line and the empty line
    /// behind it, and still escaped.
    pub blob: String,
    /// What it shows.
    pub kind: SignedKind,
    /// The states that are right, the one to be expected first.
    pub states: Vec<MessageState>,
    /// The reasons that are right, by their words; empty: any.
    pub reasons: Vec<String>,
}

/// What a mail shows of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignedKind {
    /// Signed by the author's domain.
    OwnDomain,
    /// Signed by a provider under its name for the author's domain; the delegate is known.
    ProviderDelegate,
    /// Signed by an unrelated service only.
    ThirdParty,
    /// Signed with SHA-1, canonicalisation `simple`.
    Sha1,
    /// Signed with Ed25519.
    Ed25519,
    /// The key was withdrawn later; an archive saw it before.
    KeyWithdrawn,
    /// The owner published the private key afterwards.
    KeyPublished,
    /// The key has 512 bits.
    WeakKey,
    /// The key comes from a store that does not say where it has it from.
    KeyUnstated,
    /// Nobody saw the key; enough mails bear its signature to compute it.
    KeyRecoverable,
    /// Nobody saw the key, and one mail alone bears its signature.
    KeyNever,
    /// DomainKeys, 1024 bits.
    DomainKeys,
    /// DomainKeys, 768 bits, all fields signed.
    DomainKeysWeak,
    /// Changed and sealed by a trusted forwarder.
    ArcSealed,
    /// Sealed by a stranger, then by a trusted forwarder.
    ArcChain,
    /// Of a list that signs what it sends; the author is a stranger to it.
    ListSigned,
    /// The same; the list is of the author's own organisation.
    ListOwnDomain,
    /// Content-Type is not signed; nothing was changed.
    TypeUncovered,

    /// Altered: a number in the text.
    AlteredBody,
    /// Altered: a word of the subject.
    AlteredSubject,
    /// Altered: the date.
    AlteredDate,
    /// Altered: the author's name.
    AlteredFrom,
    /// Altered: the charset in a signed Content-Type.
    AlteredType,
    /// Altered: the charset in a Content-Type that is not signed.
    AlteredTypeUncovered,
    /// Altered: a Cc where none was signed.
    AddedCc,
    /// Altered: a Cc where the signature says that there is none.
    AddedCcOversigned,
    /// Altered: a second From.
    DoubledFrom,
    /// Altered: text behind the length that is signed.
    AppendedText,
    /// Altered: the signature of another mail.
    MovedSignature,
    /// Altered: the author; another domain's signature holds.
    OtherDomain,
    /// A damaged `b=`.
    DamagedSignature,

    /// Honest: a list's tag and footer on the author's signature.
    LookalikeList,
    /// Honest: a gateway's tag in the subject.
    LookalikeTag,
    /// Honest: a gateway's banner above the text.
    LookalikeBanner,
    /// Honest: 8bit made quoted-printable on the way (RFC 6152).
    LookalikeRecoded,
    /// Honest: empty lines at the end.
    LookalikeBlankLines,
    /// Honest: other line ends, under canonicalisation `simple`.
    LookalikeLineEnds,
    /// Honest: `>From ` of an mbox.
    LookalikeFromLine,
    /// Honest: fields folded elsewhere, under `relaxed`.
    LookalikeRefolded,
    /// Honest: a list's footer behind the length that is signed.
    LookalikeFooter,

    /// A sender's own copy.
    SentCopy,
    /// A draft.
    Draft,
    /// Mail within the organisation.
    Internal,
    /// Outside mail without a signature.
    Unsigned,
}

impl SignedKind {
    /// Each of them, in order.
    pub const ALL: [SignedKind; 44] = {
        use SignedKind::*;
        [
            OwnDomain,
            ProviderDelegate,
            ThirdParty,
            Sha1,
            Ed25519,
            KeyWithdrawn,
            KeyPublished,
            WeakKey,
            KeyUnstated,
            KeyRecoverable,
            KeyNever,
            DomainKeys,
            DomainKeysWeak,
            ArcSealed,
            ArcChain,
            ListSigned,
            ListOwnDomain,
            TypeUncovered,
            AlteredBody,
            AlteredSubject,
            AlteredDate,
            AlteredFrom,
            AlteredType,
            AlteredTypeUncovered,
            AddedCc,
            AddedCcOversigned,
            DoubledFrom,
            AppendedText,
            MovedSignature,
            OtherDomain,
            DamagedSignature,
            LookalikeList,
            LookalikeTag,
            LookalikeBanner,
            LookalikeRecoded,
            LookalikeBlankLines,
            LookalikeLineEnds,
            LookalikeFromLine,
            LookalikeRefolded,
            LookalikeFooter,
            SentCopy,
            Draft,
            Internal,
            Unsigned,
        ]
    };

    /// The states that are right where nothing else is known of the mail, the one to be expected first.
    pub(crate) fn states(self) -> &'static [MessageState] {
        match self {
            SignedKind::OwnDomain
            | SignedKind::ProviderDelegate
            | SignedKind::Sha1
            | SignedKind::Ed25519
            | SignedKind::KeyWithdrawn
            | SignedKind::LookalikeBlankLines
            | SignedKind::LookalikeLineEnds
            | SignedKind::LookalikeRefolded => &[A],
            // `nofws` lets words run together: whether that is one reading is left to the reader.
            SignedKind::DomainKeys => &[A, B],
            // A list's footer and Sender stand in the mail as well.
            SignedKind::ListOwnDomain => &[A, B],
            SignedKind::ThirdParty
            | SignedKind::KeyPublished
            | SignedKind::WeakKey
            | SignedKind::KeyUnstated
            | SignedKind::DomainKeysWeak
            | SignedKind::ArcSealed
            | SignedKind::ArcChain
            | SignedKind::ListSigned
            | SignedKind::TypeUncovered
            | SignedKind::AlteredTypeUncovered
            | SignedKind::AddedCc
            | SignedKind::DoubledFrom
            | SignedKind::AppendedText
            | SignedKind::OtherDomain
            | SignedKind::LookalikeList
            | SignedKind::LookalikeTag
            | SignedKind::LookalikeRecoded
            | SignedKind::LookalikeFromLine
            | SignedKind::LookalikeFooter => &[B],
            // Until the key is computed; then it agrees with the case's own mail and proves nothing.
            SignedKind::KeyRecoverable => &[D, C],
            SignedKind::KeyNever | SignedKind::DamagedSignature | SignedKind::Draft => &[D],
            SignedKind::AlteredBody
            | SignedKind::AlteredSubject
            | SignedKind::AlteredDate
            | SignedKind::AlteredFrom
            | SignedKind::AlteredType
            | SignedKind::MovedSignature => &[E, F],
            // A list's Cc is known damage: what it undoes it prints.
            SignedKind::AddedCcOversigned => &[E, B],
            // The banner can be undone where other mails show it.
            SignedKind::LookalikeBanner => &[B, E],
            SignedKind::SentCopy | SignedKind::Internal | SignedKind::Unsigned => &[D, C],
        }
    }

    /// The reasons that are right, where the words are fixed.
    pub(crate) fn reasons(self) -> &'static [&'static str] {
        match self {
            SignedKind::KeyNever => &["no-key"],
            SignedKind::DamagedSignature => &["no-fitting-key"],
            SignedKind::Draft => &["draft"],
            _ => &[],
        }
    }

    /// Whether the mail bears no signature.
    pub fn is_unsigned(self) -> bool {
        matches!(self, SignedKind::SentCopy | SignedKind::Draft | SignedKind::Internal | SignedKind::Unsigned)
    }
}

/// A line of a keys file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLine {
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// The text of the TXT record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// SubjectPublicKeyInfo, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spki: Option<String>,
    /// How it came to be known.
    pub channel: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Who looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Something that happened to a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEventLine {
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// What: a word of `tamis_model::keys::KeyEventKind`.
    pub event: String,
    /// RFC 3339.
    pub at: String,
    /// Where this is known from.
    pub source: String,
}

/// A domain and why it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoned {
    /// The domain.
    pub domain: String,
    /// Why.
    pub reason: String,
}

/// A provider's name for a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateLine {
    /// `d=` of the provider's signatures.
    pub signer: String,
    /// The customer.
    pub domain: String,
    /// Why.
    pub reason: String,
}

/// Unsigned mails of one kind that are listed.
const LISTED: u64 = 300;

impl SignedTruth {
    /// Notes a mail at a place. Of unsigned ones only some are listed.
    pub(crate) fn note(&mut self, mail: SignedMail) {
        let n = self.kinds.entry(mail.kind).or_default();
        *n += 1;
        if mail.kind.is_unsigned() {
            if *n <= LISTED {
                self.mails.push(mail);
            }
            return;
        }
        if let Some(state) = mail.states.first() {
            *self.states.entry(state.letter().to_owned()).or_default() += 1;
            self.verifiable += u64::from(matches!(state, A | B));
        }
        self.mails.push(mail);
    }

    /// Writes `keys.jsonl` and `key-events.jsonl` into a folder.
    pub(crate) fn save(&self, folder: &Path) -> Result<(), DemoError> {
        lines(&folder.join(KEYS), &self.keys)?;
        lines(&folder.join(KEY_EVENTS), &self.key_events)
    }
}

/// The keys file beside a dump.
pub(crate) const KEYS: &str = "keys.jsonl";
/// What happened to keys, beside a dump.
pub(crate) const KEY_EVENTS: &str = "key-events.jsonl";

/// JSON Lines.
fn lines<T: Serialize>(path: &Path, values: &[T]) -> Result<(), DemoError> {
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for value in values {
            serde_json::to_writer(&mut out, value)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    write().map_err(|error| DemoError::write(path, error))
}
