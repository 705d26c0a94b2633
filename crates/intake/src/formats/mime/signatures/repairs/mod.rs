//! The repair search: known damage of transport, lists and export undone, before anybody judges. A body is
//! its own judge (`bh=`), of a header only the key can say which reading was signed; so of bodies the first
//! that holds is said, and of headers each reading whose trigger stands in the message.
//!
//! Names in `digests.repair`, joined by `+` where several were needed. Of bodies, in the order of the tries:
//! `first-part`, `part-footer`, `last-part`, `blank-lines-removed`, `text-footer`, `decoded`, `encoded`,
//! `decoded-8bit`, `decoded-7bit`, `decoded-bare`, `from-unquoted`, `from-unquoted-once`,
//! `from-unquoted-line`, `banner`, `links`, `dots-unstuffed`, `dots-stuffed`, `lines-joined`, `nul-removed`, `cr-removed`,
//! `blank-line-first`, `other-canonicalization`, `length-ignored`, `empty-as-line`. Of headers: `first-part`,
//! `decoded-8bit`, `decoded-7bit`, `decoded-bare` and `encoded` (the MIME fields that go with such a body),
//! `subject-mark-removed`, `subject-tag-moved`, `subject-tag-after-reply`, `subject-tag-removed`,
//! `from-restored`, `reply-to-removed`, `sender-removed`, `errors-to-removed`, `precedence-removed`,
//! `list-fields-removed`, `cc-list-removed`, `relaxed-header`, `top-down`, `copied-fields`, `unfolded`,
//! `folded-with-space`, `folded-with-tab`, `one-space`; of DomainKeys `header-order`.

mod bodies;
mod cuts;
mod headers;
mod links;
mod pieces;
mod shape;
#[cfg(test)]
mod tests;

use tamis_model::tables::Digest;

use self::{bodies::Try, headers::Replaced};
use super::{
    Entry, Joint,
    bodies::{Bodies, BodyDigest, Digests, Wanted},
    canon::BodyForm,
    chosen::{Changes, Fields},
    fields::{Scheme, body_word},
};
use crate::{
    formats::mime::header::Eol,
    out::{Out, Stop},
    source::Source,
};

/// Named tries of one signature, of its header and its body together.
const TRIES: usize = 64;
/// Of them, those of the body.
const BODY_TRIES: usize = 24;
/// Bytes that are hashed for the repairs of one message at the least.
const BYTES: u64 = 32 << 20;
/// Bytes of [`Digest::undone`].
const UNDONE: usize = 1 << 10;
/// Ways to read the header of a signature that hashes its body along.
const JOINTS: usize = 6;

/// What repairs may cost one message.
struct Budget {
    left: u64,
}

impl Budget {
    /// Takes what a try costs, or says that it costs too much.
    fn take(&mut self, bytes: u64) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// A message whose signatures are looked at.
pub(super) struct Message<'m, 'a> {
    pub fields: &'m Fields<'a>,
    pub source: &'m Source<'m>,
    /// Where its body begins.
    pub body: u64,
}

/// The rows of repairs, by signature.
pub(super) type Rows = Vec<(u32, Vec<Digest>)>;

/// A signature whose body does not hold as it stands.
struct Failed<'e> {
    entry: &'e Entry,
    wanted: Wanted,
    found: Option<Digest>,
}

/// Tries what may undo damage. `digests` are those of the body as it stands.
pub(super) fn search(
    message: &Message,
    entries: &[Entry],
    digests: &Digests,
    out: &mut Out,
) -> Result<Rows, Stop> {
    let len = message.source.len().saturating_sub(message.body);
    let mut budget = Budget { left: len.saturating_mul(4).max(BYTES) };
    let sound = || entries.iter().filter(|entry| entry.parsed.is_sound());
    let mut failed: Vec<Failed> = sound()
        .filter_map(|entry| {
            let wanted = entry.wanted()?;
            let holds = digests.get(&wanted).is_some_and(|body| entry.holds(&wanted, body));
            (!holds).then_some(Failed { entry, wanted, found: None })
        })
        .collect();
    let has_joint = sound().any(|entry| matches!(entry.parsed.scheme, Scheme::Together | Scheme::DomainKeys));
    let mut rows = Rows::new();
    let (mut tries, mut contents) = (Vec::new(), Vec::new());
    // A message with lone CRs as line breaks was converted by a program of old; nothing is known of it.
    if (!failed.is_empty() || has_joint) && message.fields.eol == Eol::Lf {
        (tries, contents) = bodies::tries(message, out)?;
        tries.truncate(BODY_TRIES);
    }
    if !failed.is_empty() && message.fields.eol == Eol::Lf {
        bodies_of(message, &mut failed, &tries, &mut budget, out)?;
    }
    for entry in sound() {
        let mut mine = Vec::new();
        let failed = failed.iter_mut().find(|failed| failed.entry.ordinal == entry.ordinal);
        let content = failed.is_some().then_some(contents.as_slice());
        match entry.parsed.scheme {
            Scheme::Apart => header_of(message, entry, content, &mut budget, &mut mine, out)?,
            Scheme::Together | Scheme::DomainKeys => {
                let is_footer =
                    |attempt: &&Try| matches!(attempt.name.as_str(), "first-part" | "text-footer");
                let footer = tries.iter().find(is_footer);
                joints_of(message, entry, (footer, &digests.joints), &mut budget, &mut mine, out)?;
            }
            Scheme::Chain => {}
        }
        mine.extend(failed.and_then(|failed| failed.found.take()));
        if !mine.is_empty() {
            rows.push((entry.ordinal, mine));
        }
    }
    Ok(rows)
}

/// Looks for a body that gives `bh=`, for all signatures together; the first one ends a signature's search.
fn bodies_of(
    message: &Message,
    failed: &mut [Failed],
    tries: &[Try],
    budget: &mut Budget,
    out: &mut Out,
) -> Result<(), Stop> {
    for attempt in tries {
        let open = || failed.iter().filter(|failed| failed.found.is_none()).map(|failed| failed.wanted);
        if open().next().is_none() {
            return Ok(());
        }
        let bodies = Bodies::new(message.fields.eol, open(), Vec::new());
        if !budget.take(attempt.len() * bodies.hashes()) {
            continue;
        }
        let digests = attempt.run(message.source, bodies, out)?;
        for failed in failed.iter_mut().filter(|failed| failed.found.is_none()) {
            let Some(body) = digests.get(&failed.wanted) else { continue };
            if failed.entry.holds(&failed.wanted, body) {
                failed.found = Some(failed.row(&attempt.name, &failed.wanted, body, &attempt.undone));
            }
        }
    }
    other_forms(message, failed, budget, out)
}

impl Failed<'_> {
    fn row(&self, repair: &str, wanted: &Wanted, body: &BodyDigest, undone: &str) -> Digest {
        Digest {
            repair: Some(repair.to_owned()),
            holds: Some(true),
            uncovered: super::uncovered(wanted, body),
            undone: told(undone),
            ..self.entry.digest("body", body.digest.clone())
        }
    }
}

/// The body as it stands, in canonical forms other than declared, and without regard to `l=`.
fn other_forms(
    message: &Message,
    failed: &mut [Failed],
    budget: &mut Budget,
    out: &mut Out,
) -> Result<(), Stop> {
    const FORMS: [BodyForm; 3] = [BodyForm::Simple, BodyForm::Relaxed, BodyForm::Nowsp];
    let others = |wanted: Wanted| {
        let form = move |form: &BodyForm| Wanted { form: *form, ..wanted };
        let whole = Wanted { length: None, ..wanted };
        FORMS.iter().map(form).chain([whole]).filter(move |other| *other != wanted)
    };
    let open = || failed.iter().filter(|failed| failed.found.is_none()).map(|failed| failed.wanted);
    if open().next().is_none() {
        return Ok(());
    }
    let attempt = Try::as_stored(message);
    let bodies = Bodies::new(message.fields.eol, open().flat_map(others), Vec::new());
    if !budget.take(attempt.len() * bodies.hashes()) {
        return Ok(());
    }
    let digests = attempt.run(message.source, bodies, out)?;
    for failed in failed.iter_mut().filter(|failed| failed.found.is_none()) {
        for other in others(failed.wanted) {
            let Some(body) = digests.get(&other) else { continue };
            if !failed.entry.holds(&other, body) {
                continue;
            }
            let (name, undone) = match other.form == failed.wanted.form {
                true => ("length-ignored", "l= is not what was signed".to_owned()),
                false => {
                    ("other-canonicalization", format!("the body was signed as {}", body_word(other.form)))
                }
            };
            failed.found = Some(failed.row(name, &other, body, &undone));
            break;
        }
        let is_empty = failed.wanted.form == BodyForm::Relaxed
            && digests
                .get(&Wanted { form: BodyForm::Nowsp, ..failed.wanted })
                .is_some_and(|body| body.total == 0);
        if failed.found.is_none() && is_empty {
            // Early programs hashed a line break for an empty relaxed body.
            let digest = failed.entry.parsed.algorithm.of(b"\r\n");
            let body = BodyDigest { digest, total: 2 };
            if failed.entry.holds(&failed.wanted, &body) {
                failed.found = Some(failed.row("empty-as-line", &failed.wanted, &body, "an empty body"));
            }
        }
    }
    Ok(())
}

/// The readings of a header that may have been signed, each digest once. `content`: of its MIME fields,
/// where the body does not hold as it stands.
fn header_of(
    message: &Message,
    entry: &Entry,
    content: Option<&[(String, Replaced)]>,
    budget: &mut Budget,
    rows: &mut Vec<Digest>,
    out: &mut Out,
) -> Result<(), Stop> {
    let (fields, parsed) = (message.fields, &entry.parsed);
    let variants =
        headers::variants(fields, parsed, entry.own, content.unwrap_or_default(), content.is_some());
    if variants.is_empty() {
        return Ok(());
    }
    let stored = fields.data(parsed, entry.own, &Changes::default());
    let mut seen: Vec<Vec<u8>> = vec![parsed.algorithm.of(&stored)];
    for variant in variants.into_iter().take(TRIES - BODY_TRIES) {
        let data = fields.data(parsed, entry.own, &variant.changes);
        out.spend(2 * data.len() as u64)?;
        if !budget.take(data.len() as u64) {
            return Ok(());
        }
        let digest = parsed.algorithm.of(&data);
        if seen.contains(&digest) {
            continue;
        }
        seen.push(digest.clone());
        let row = entry.digest("header", digest);
        rows.push(Digest { repair: Some(variant.name), undone: told(&variant.undone), ..row });
    }
    Ok(())
}

/// The same where header and body are hashed in one, so that only the key can say of the body as well:
/// with the body as it stands and with one other, and nothing that is among the digests as stored.
fn joints_of(
    message: &Message,
    entry: &Entry,
    (body, known): (Option<&Try>, &[BodyDigest]),
    budget: &mut Budget,
    rows: &mut Vec<Digest>,
    out: &mut Out,
) -> Result<(), Stop> {
    let variants = headers::variants(message.fields, &entry.parsed, entry.own, &[], true);
    let variants: Vec<_> =
        variants.into_iter().filter(|variant| !variant.changes.top_down).take(JOINTS).collect();
    let stored = Try::as_stored(message);
    for (attempt, is_stored) in [(Some(&stored), true), (body, false)] {
        let Some(attempt) = attempt else { continue };
        let mut joints: Vec<Joint> = Vec::new();
        let mut names = Vec::new();
        let unchanged = (String::new(), Changes::default(), String::new());
        let changed = variants.iter().map(|v| (v.name.clone(), v.changes.clone(), v.undone.clone()));
        for (name, changes, undone) in std::iter::once(unchanged).chain(changed) {
            if is_stored && name.is_empty() {
                continue;
            }
            let body = if is_stored { "" } else { attempt.name.as_str() };
            for (order, joint) in super::joint(message.fields, entry, &changes, out)? {
                let parts = [body, name.as_str(), order.unwrap_or_default()];
                let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("+");
                let mut undone = undone.clone();
                if !is_stored {
                    undone = [attempt.undone.as_str(), &undone].join("\n").trim().to_owned();
                }
                joints.push(joint);
                names.push((name, undone));
            }
        }
        let bodies = Bodies::new(message.fields.eol, std::iter::empty(), joints);
        if names.is_empty() || !budget.take(attempt.len() * bodies.hashes()) {
            continue;
        }
        let digests = attempt.run(message.source, bodies, out)?;
        for ((name, undone), digest) in names.into_iter().zip(digests.joints) {
            let is_known = |known: &BodyDigest| known.digest == digest.digest;
            if known.iter().any(is_known) || rows.iter().any(|row| row.digest == digest.digest) {
                continue;
            }
            let Some(row) = entry.both(&digest) else { continue };
            rows.push(Digest { repair: Some(name), undone: told(&undone), ..row });
        }
    }
    Ok(())
}

/// What an undoing did, bounded and on one screen.
fn told(undone: &str) -> Option<String> {
    let undone = undone.trim();
    let cut = undone.get(..undone.floor_char_boundary(UNDONE)).unwrap_or_default();
    (!cut.is_empty()).then(|| cut.to_owned())
}
