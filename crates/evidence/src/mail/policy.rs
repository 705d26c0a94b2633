//! What a standard of the time or of today holds against a signature: told, and never counted, except for what
//! the owner of the key says of its use (see [`forbidden`]).

use tamis_model::tables::Signature;

use super::states::first_seen;
use super::{Context, MessageFacts};
use crate::keys::PublicKey;
use crate::keys::observations::{KnownKey, worth};

/// What the owner's own record forbids the key, if it was used so: to sign mail at all (`s=`), or with this hash
/// (`h=`). No server of his that follows his own record made such a signature (RFC 6376 section 3.6.1).
pub(crate) fn forbidden(notes: &[String]) -> bool {
    notes.iter().any(|note| matches!(note.as_str(), "hash-not-allowed" | "service-not-email"))
}

/// What a standard of the time or of today holds against it, one word each.
pub(crate) fn policy(
    signature: &Signature,
    known: &KnownKey,
    bits: Option<u32>,
    facts: &MessageFacts,
    context: &Context,
) -> impl Iterator<Item = &'static str> {
    let record = &known.record;
    let hash = signature.algorithm.rsplit('-').next().unwrap_or_default();
    let is_rsa = matches!(known.key, PublicKey::Rsa { .. });
    let identity = signature.identity.as_deref();
    let identity_domain = identity
        .and_then(|identity| identity.rsplit_once('@'))
        .map(|(_, domain)| domain.trim_end_matches('.').to_ascii_lowercase());
    let below = |domain: &String| {
        domain
            .strip_suffix(signature.domain.as_str())
            .is_some_and(|front| front.is_empty() || front.ends_with('.'))
    };
    let from_signed = signature.signed_headers.iter().any(|name| name == "from");
    let wants_from = matches!(signature.kind.as_str(), "dkim" | "arc-message");
    let services = &record.services;
    [
        ("sha1", hash == "sha1"),
        ("short-key", is_rsa && bits.is_some_and(|bits| bits < 1024)),
        ("testing", record.flags.testing),
        ("expired", signature.expires_at.is_some_and(|at| at <= context.as_of)),
        ("expires-before-signed", signature.expires_at.zip(signature.signed_at).is_some_and(|(x, t)| x < t)),
        ("signed-in-the-future", signature.signed_at.is_some_and(|at| at > first_seen(facts, context))),
        ("from-not-signed", wants_from && !from_signed),
        ("identity-outside-domain", identity_domain.as_ref().is_some_and(|domain| !below(domain))),
        (
            "subdomain-not-allowed",
            record.flags.strict && identity_domain.as_ref().is_some_and(|domain| *domain != signature.domain),
        ),
        (
            "hash-not-allowed",
            record.hashes.as_ref().is_some_and(|allowed| !allowed.iter().any(|h| h == hash)),
        ),
        ("service-not-email", !services.is_empty() && !services.iter().any(|s| s == "*" || s == "email")),
        ("witness-not-named", known.best().is_some_and(|best| best.channel != worth(best))),
        (
            "granularity-differs",
            record.granularity.as_deref().is_some_and(|g| !granted(g, identity, &signature.dialect)),
        ),
    ]
    .into_iter()
    .filter_map(|(note, holds)| holds.then_some(note))
}

/// Whether `g=` lets the local part of `i=` sign (RFC 4871 section 3.6.1; RFC 4870 section 3.2.3: empty lets
/// everybody). RFC 6376 ignores the tag; where there is no `i=` it cannot be told, and is not.
fn granted(pattern: &str, identity: Option<&str>, dialect: &str) -> bool {
    let pattern = pattern.trim();
    if pattern == "*" || (pattern.is_empty() && dialect == "rfc4870") {
        return true;
    }
    let Some(local) = identity.and_then(|identity| identity.rsplit_once('@')).map(|(local, _)| local) else {
        return !pattern.is_empty();
    };
    match pattern.split_once('*') {
        None => pattern == local && !pattern.is_empty(),
        Some((front, back)) => {
            local.len() >= front.len() + back.len() && local.starts_with(front) && local.ends_with(back)
        }
    }
}
