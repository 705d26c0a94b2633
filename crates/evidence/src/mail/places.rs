//! What the names of folders say of how a copy came to be: sent or draft.

/// Names of folders for sent mail, as mail programs and providers write them; lower case, without accents.
const SENT: [&str; 26] = [
    "sent",
    "sent items",
    "sent mail",
    "sent messages",
    "sent-mail",
    "sentmail",
    "sentitems",
    "outbox",
    "envoyes",
    "messages envoyes",
    "elements envoyes",
    "courrier envoye",
    "courriers envoyes",
    "envoye",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "postausgang",
    "enviados",
    "elementos enviados",
    "itens enviados",
    "posta inviata",
    "inviati",
    "posta in uscita",
    "verzonden",
    "verzonden items",
];
/// Names of folders for drafts.
const DRAFTS: [&str; 14] = [
    "draft",
    "drafts",
    "brouillon",
    "brouillons",
    "entwurf",
    "entwurfe",
    "borrador",
    "borradores",
    "bozza",
    "bozze",
    "rascunho",
    "rascunhos",
    "concept",
    "concepten",
];
/// Endings of mail stores that are not part of a folder's name.
const ENDINGS: [&str; 6] = [".mbox", ".mbx", ".sbd", ".maildir", ".imapmbox", ".mboxrd"];

/// Whether a copy lies in a folder of sent mail, of drafts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    pub sent: bool,
    pub draft: bool,
}

/// Looks at the folders of all places of a content. The last step is the copy itself and counts only where it
/// names a member of a store (`Sent.mbox#3`).
pub(crate) fn folder(places: &[String]) -> Folder {
    /// Places of one content that are looked at: beyond them nothing new is to be expected.
    const MOST: usize = 64;
    let mut found = Folder::default();
    for place in places.iter().take(MOST) {
        let mut steps: Vec<&str> = place.split(['/', '!', '\\', '#', ':']).collect();
        steps.pop();
        for step in steps {
            let name = plain(step);
            found.sent |= SENT.contains(&name.as_str());
            found.draft |= DRAFTS.contains(&name.as_str());
        }
    }
    found
}

/// A folder's name for comparison: lower case, without accents, endings, a leading dot (Maildir++) and the
/// front of a dotted name (`INBOX.Sent`).
fn plain(step: &str) -> String {
    let lower: String = step.chars().take(120).flat_map(char::to_lowercase).filter_map(bare).collect();
    let mut name = lower.trim();
    for ending in ENDINGS {
        name = name.strip_suffix(ending).unwrap_or(name);
    }
    let name = name.strip_prefix("inbox.").unwrap_or(name).trim_start_matches(['.', '[']);
    name.trim_end_matches(']').trim().to_owned()
}

/// A letter without its accent; `None` for a combining accent on its own.
fn bare(letter: char) -> Option<char> {
    match letter {
        '\u{300}'..='\u{36f}' => None,
        'à' | 'á' | 'â' | 'ä' | 'ã' => Some('a'),
        'è' | 'é' | 'ê' | 'ë' => Some('e'),
        'ì' | 'í' | 'î' | 'ï' => Some('i'),
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => Some('o'),
        'ù' | 'ú' | 'û' | 'ü' => Some('u'),
        'ç' => Some('c'),
        'ñ' => Some('n'),
        '_' => Some(' '),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_by_name() {
        for (place, sent, draft) in [
            ("mbox/Sent.mbox#3", true, false),
            ("mail/INBOX.Sent/cur/1.eml", true, false),
            ("maildir/.Sent Items/cur/1", true, false),
            ("a.pst!Éléments envoyés!12", true, false),
            ("a.pst!E\u{301}le\u{301}ments envoye\u{301}s!12", true, false),
            ("Takeout/[Gmail]/Messages envoyés.mbox#0", true, false),
            ("Brouillons#7", false, true),
            ("ENTWÜRFE/1.eml", false, true),
            // A name that only contains such a word, and the copy's own name, say nothing.
            ("Presentations/1.eml", false, false),
            ("inbox/sent", false, false),
            ("inbox/Drafts of the law/1.eml", false, false),
        ] {
            assert_eq!(folder(&[place.to_owned()]), Folder { sent, draft }, "{place}");
        }
    }
}
