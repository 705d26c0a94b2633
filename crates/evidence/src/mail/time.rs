//! When a message was signed in the form shown, as far as anybody can say; and how times are printed.
//!
//! Date is never a bound. A signer's `t=` bounds from below only: who signs later than he says still signed
//! after `t=`, so backdating cannot break it, while nothing stops him from naming an early time. From above
//! only somebody else's clock counts. When a key was first or last seen is no bound either: it may have been
//! made before anybody looked, and used after; it is told beside the bounds.

use tamis_model::keys::Channel;
use tamis_model::tables::Time;

use super::arc::Chain;
use super::verify::Judged;
use super::words::shown;
use super::{Context, MessageFacts};

/// Bounds of the time of signing, each with its witness. `None`: unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub not_before: Option<(Time, String)>,
    pub not_after: Option<(Time, String)>,
}

impl Bounds {
    /// Who says so, of both; `None` if both are unknown.
    pub fn witness(&self) -> Option<String> {
        let name = |what: &str, bound: &Option<(Time, String)>| {
            bound.as_ref().map(|(_, witness)| format!("{what}: {witness}"))
        };
        let both: Vec<String> = [name("not before", &self.not_before), name("not after", &self.not_after)]
            .into_iter()
            .flatten()
            .collect();
        (!both.is_empty()).then(|| both.join("; "))
    }
}

/// The bounds, from the signature that decided (if one did), the seals of trusted relays, and the day on which
/// the desk first saw the copy.
pub(crate) fn bounds(
    deciding: Option<&Judged<'_>>,
    judged: &[Judged<'_>],
    chain: &Chain,
    facts: &MessageFacts,
    context: &Context,
) -> Bounds {
    // A key computed from the case witnesses nothing, and so neither does a clock that it signs.
    let not_before = deciding
        .filter(|judged| {
            judged.is_plain() && judged.channel().is_some_and(|channel| channel != Channel::Recovered)
        })
        .and_then(|judged| {
            let at = judged.signature.signed_at?;
            Some((at, format!("the signer's clock (t= of {})", shown(&judged.signature.domain))))
        });
    let sealed = chain.trusted.iter().filter_map(|ordinal| {
        let seal = judged.iter().find(|judged| judged.verdict.ordinal == *ordinal)?;
        let at = seal.signature.signed_at?;
        Some((at, format!("the clock of a trusted sealer (t= of {})", shown(&seal.signature.domain))))
    });
    let captured =
        facts.first_seen.or(context.first_capture).map(|at| (at, "first capture of the dump".to_owned()));
    let not_after = sealed.chain(captured).min_by_key(|(at, _)| *at);
    // A signer's clock that runs ahead of what others saw is wrong, and bounds nothing.
    let ahead = |at: &Time| not_after.as_ref().is_some_and(|(after, _)| after < at);
    Bounds { not_before: not_before.filter(|(at, _)| !ahead(at)), not_after }
}

/// RFC 3339 in UTC; `None` outside the years −9999 to 9999.
pub(crate) fn rfc3339(time: Time) -> Option<String> {
    jiff::Timestamp::from_microsecond(time.0).ok().map(|time| time.to_string())
}

/// The day, for sentences: `2016-03-19`.
pub(crate) fn day(time: Time) -> String {
    match jiff::Timestamp::from_microsecond(time.0) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => "an impossible date".to_owned(),
    }
}
