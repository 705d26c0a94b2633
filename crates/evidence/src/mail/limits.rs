//! What a signature that holds leaves open, in the order in which it is printed.

/// The seven limits. One would be left out only by a finding that excludes it; no rule of today can: a mail
/// does not show who used the account, whether the key was copied, or whether it is a decoy.
pub(crate) const LIMITS: [&str; 7] = [
    "Someone else may have used the account or the server.",
    "The owner of the signing domain can sign any text with any date.",
    "The private key may have been published, stolen, shared or factored before this copy was first seen.",
    "A relay may have signed for a stranger.",
    "The sender's address may be an alias that the provider allowed.",
    "It may have been sent again to others: To is what the header says; Bcc and the envelope are not signed.",
    "It may be a decoy.",
];

/// All of them, in order.
pub(crate) fn all() -> Vec<String> {
    LIMITS.iter().map(|&limit| limit.to_owned()).collect()
}
