//! Whether an intrusion came before what a signature shows.

use tamis_model::keys::{Incident, IncidentWhat};
use tamis_model::tables::Time;

use super::time::Bounds;
use super::verify::Judged;
use super::{Context, MessageFacts};
use crate::domains::organisational_domain;

/// Whether one of the case's intrusions touches this message and its signing cannot be shown to be earlier.
///
/// An intruder in a mailbox, or one of whom only the theft is known, does not set the server's clock: there the
/// signer's `t=` tells. One who has the server or the key does: there only another's clock counts.
pub(crate) fn after_intrusion(
    judged: &Judged<'_>,
    bounds: &Bounds,
    facts: &MessageFacts,
    context: &Context,
) -> bool {
    context.incidents.iter().filter(|incident| touches(incident, judged, facts)).any(|incident| {
        let known_by = bounds.not_after.as_ref().map(|(at, _)| *at);
        if known_by.is_some_and(|at| at < incident.from) {
            return false;
        }
        match incident.what {
            IncidentWhat::Server | IncidentWhat::Key => true,
            IncidentWhat::Mailbox | IncidentWhat::Laptop | IncidentWhat::Theft => {
                let clock = judged.signature.signed_at.filter(|_| judged.is_observed());
                !clock.is_some_and(|at| outside(incident, at))
            }
        }
    })
}

/// Whether a time lies before an intrusion began or after it ended.
fn outside(incident: &Incident, at: Time) -> bool {
    at < incident.from || incident.to.is_some_and(|to| to < at)
}

/// Whether the intruder had something that this signature could have come from. An intrusion that names nobody
/// touches everybody.
fn touches(incident: &Incident, judged: &Judged<'_>, facts: &MessageFacts) -> bool {
    let Some(whose) = incident.whose.as_deref().map(|whose| whose.trim().to_lowercase()) else { return true };
    let message = &facts.message;
    let is = |other: &Option<String>| other.as_deref().is_some_and(|other| other.to_lowercase() == whose);
    let signer = [judged.signature.domain.as_str()];
    let authors = judged.signature.author_domains.iter().map(String::as_str);
    let of = |domain: &str| of_domain(domain, &whose);
    match incident.what {
        IncidentWhat::Theft => true,
        IncidentWhat::Key => signer.into_iter().any(of),
        IncidentWhat::Server => signer.into_iter().chain(authors).any(of),
        IncidentWhat::Mailbox | IncidentWhat::Laptop => {
            is(&message.from_addr) || is(&message.from_name) || authors.into_iter().any(of)
        }
    }
}

/// Whether a domain is that of `whose`, a domain, or an address for servers and keys; below or above it counts.
fn of_domain(domain: &str, whose: &str) -> bool {
    if whose.contains('@') {
        return false;
    }
    domain == whose
        || organisational_domain(domain).is_some_and(|own| organisational_domain(whose) == Some(own))
}

/// The first intrusion (theft included) that began before the key was first seen by anybody.
pub(crate) fn before_key<'c>(
    judged: &Judged<'_>,
    facts: &MessageFacts,
    context: &'c Context,
) -> Option<(&'c Incident, Time)> {
    let first_seen = judged.known?.observations.iter().filter_map(|seen| seen.first_seen).min()?;
    let incidents = context.incidents.iter().filter(|incident| touches(incident, judged, facts));
    incidents
        .filter(|incident| incident.from < first_seen)
        .min_by_key(|incident| incident.from)
        .map(|incident| (incident, first_seen))
}
