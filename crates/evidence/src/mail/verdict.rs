//! What became of one signature, as it is shown and printed.

use serde::{Serialize, Serializer};
use tamis_model::keys::Channel;
use tamis_model::tables::Time;

use super::time::rfc3339;
use crate::domains::Alignment;

/// What became of one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureResult {
    /// The key made it over what this copy holds, or held before damage that is known and undone.
    Verified,
    /// The key made it, and over something else than this copy holds.
    DoesNotVerify,
    /// No known key of the pair made it.
    KeyDoesNotFit,
    /// No key of the pair is known.
    NoKey,
    /// The field cannot be judged.
    Malformed,
    /// An algorithm, a canonicalisation or a key that is not ours to judge.
    Unsupported,
    /// All that was ever seen of the pair is its withdrawal.
    RevokedKey,
}

impl SignatureResult {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            SignatureResult::Verified => "verified",
            SignatureResult::DoesNotVerify => "does-not-verify",
            SignatureResult::KeyDoesNotFit => "key-does-not-fit",
            SignatureResult::NoKey => "no-key",
            SignatureResult::Malformed => "malformed",
            SignatureResult::Unsupported => "unsupported",
            SignatureResult::RevokedKey => "revoked-key",
        }
    }
}

/// Who saw the key that fits: its strongest observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsedKey {
    /// How the observation came to us.
    pub channel: Channel,
    /// Who looked.
    pub witness: Option<String>,
    /// When somebody first looked and saw it.
    #[serde(serialize_with = "as_rfc3339")]
    pub first_seen: Option<Time>,
    /// When somebody last looked and saw it.
    #[serde(serialize_with = "as_rfc3339")]
    pub last_seen: Option<Time>,
}

/// One signature, judged. Serialises to an object of `signatures` in the JSON of `tamis check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Position among the message's signature fields from the top, from 0.
    pub ordinal: u32,
    /// `dkim`, `domainkeys`, `arc-seal` or `arc-message`.
    pub kind: String,
    /// As in [`tamis_model::tables::Signature::dialect`].
    pub dialect: String,
    /// `d=`.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// `a=`.
    pub algorithm: String,
    /// Size of the key that fits, or of the strongest one that does not; 256 for Ed25519.
    pub key_bits: Option<u32>,
    /// What became of it.
    pub result: SignatureResult,
    /// Whether the key made this signature. Ed25519 does not tell: there a key fits that verifies, or that was
    /// seen published within 90 days of Date.
    pub key_fits: Option<bool>,
    /// Whether the header is what was signed; null where no key can say, or header and body are one digest
    /// that differs.
    pub header_holds: Option<bool>,
    /// Whether the body has the hash that the field states; null where it is not kept. What the field states
    /// is proven only if the header holds.
    pub body_holds: Option<bool>,
    /// Whose domain signed, seen from the author's.
    #[serde(serialize_with = "as_word")]
    pub alignment: Alignment,
    /// The repairs that were needed, joined by `+`.
    pub repair: Option<String>,
    /// What they took away or changed, for people.
    #[serde(skip)]
    pub undone: Option<String>,
    /// `h=`.
    pub signed_headers: Vec<String>,
    /// Of From, Sender, Reply-To, To, Cc, Date, Subject: those present and not signed, or not each of them.
    #[serde(rename = "unsigned_visible_headers")]
    pub unsigned_visible: Vec<String>,
    /// Octets of the canonical body that are not signed.
    #[serde(rename = "uncovered_body_bytes")]
    pub uncovered: u64,
    /// Who saw the key that fits.
    pub key: Option<UsedKey>,
    /// One word each: defects of the field, what the standard holds against it, what is odd.
    pub notes: Vec<String>,
}

fn as_rfc3339<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    time.and_then(rfc3339).serialize(serializer)
}

fn as_word<S: Serializer>(alignment: &Alignment, serializer: S) -> Result<S::Ok, S::Error> {
    alignment.as_str().serialize(serializer)
}
