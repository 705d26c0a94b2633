//! The table of formats. A new format is one file here and one line in [`ALL`]; what is only
//! recognised, and waits for its reader, is a line in [`known`].

pub mod charset;
mod code_pages;
pub mod emlx;
pub mod gzip;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod html_text;
mod inflate;
pub mod known;
pub mod language;
pub mod mbox;
pub mod mime;
pub mod text;
pub mod zip;

use tamis_model::Reason;

use crate::reader::{Claim, Hint, Look, Reader};

/// All readers. Where two claim content with the same certainty, the earlier one gets it.
pub const ALL: &[&dyn Reader] =
    &[&mbox::Mbox, &emlx::Emlx, &gzip::Gzip, &zip::Zip, &mime::Mail, &html::Html, &text::PlainText];

/// Who reads a thing.
#[derive(Clone, Copy)]
pub enum Choice {
    /// This reader.
    Reader(&'static dyn Reader),
    /// Nobody, and why it is opaque.
    None {
        /// Media type by content.
        media_type: &'static str,
        /// The ledger's reason.
        reason: Reason,
    },
}

/// Chooses the reader of a thing: the surest claim, then the order of [`ALL`]; a known signature stands
/// above any claim that is not sure, so that a picture declared as text is not read as one.
///
/// Also whether content alone decided, so that no other hint could have led elsewhere.
pub fn choose(look: &Look) -> (Choice, bool) {
    let mut best: Option<(Claim, &'static dyn Reader)> = None;
    for reader in ALL {
        let claim = reader.claims(look);
        if claim == Claim::Sure {
            return (Choice::Reader(*reader), true);
        }
        if claim > best.map_or(Claim::No, |(claim, _)| claim) {
            best = Some((claim, *reader));
        }
    }
    match (best, known::media_type(look)) {
        (Some((_, reader)), None) => (Choice::Reader(reader), false),
        (_, Some(media_type)) => {
            let nameless = known::media_type(&Look { hint: &Hint::default(), ..*look });
            (Choice::None { media_type, reason: Reason::NoReader }, nameless == Some(media_type))
        }
        (None, None) => {
            (Choice::None { media_type: "application/octet-stream", reason: Reason::UnknownType }, false)
        }
    }
}

/// Whether a reader is asked under `--only mail`.
pub fn is_mail(reader: &dyn Reader) -> bool {
    matches!(reader.media_type(), "message/rfc822" | "application/mbox" | "application/x-emlx")
}

/// Whether `reader`, as a row names it, is an older version of a reader that is here.
pub fn is_older(reader: &str) -> bool {
    let Some((name, version)) = reader.split_once('/') else { return false };
    let now = ALL.iter().map(|reader| reader.id()).find(|id| id.name == name);
    now.zip(version.parse::<u32>().ok()).is_some_and(|(id, version)| version < id.version)
}
