//! Header fields as they may have been before lists and gateways changed them. Whether one of these is
//! what was signed, only the key can say, so only those are offered whose trigger stands in the header.

use std::{borrow::Cow, collections::BTreeSet};

use super::super::{
    canon::HeaderForm,
    chosen::{Changes, Fields, Spaces, after_colon},
    fields::{Kind, Parsed},
    tags,
};
use crate::formats::{charset, mime::address};

/// A header read in another way.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub name: String,
    pub changes: Changes,
    /// For people.
    pub undone: String,
}

/// Longest value that is read in other ways; those who write longer ones have other aims.
const SHORT: usize = 8 << 10;
/// Fields that are looked at for white space.
const LOOKED_AT: usize = 200;

/// Fields of a name instead of those that stand there; see [`Changes::fields`].
pub(super) type Replaced = Vec<(String, Vec<Vec<u8>>)>;

/// One way to read some fields, and its name; nothing for the way they stand.
type Choice = (String, Replaced);

/// Variants of one signature that are offered at most, and those among them that are of other fields.
const VARIANTS: usize = 40;
/// See [`VARIANTS`].
const JOINED: usize = 32;

/// The variants of a signature's header, the likeliest first. `content`: fields of MIME as they may have
/// been. `is_changed`: the body does not hold as it stands, or is not known to.
pub(super) fn variants(
    fields: &Fields,
    parsed: &Parsed,
    own: usize,
    content: &[Choice],
    is_changed: bool,
) -> Vec<Variant> {
    let signed = |name: &str| parsed.row.signed_headers.iter().any(|listed| listed == name);
    let is_of_signed = |choice: &Choice| choice.1.iter().any(|(name, _)| signed(name));
    let none = || vec![(String::new(), Replaced::new())];
    let with = |choices: Vec<Choice>| {
        let mut all = none();
        all.extend(choices.into_iter().filter(is_of_signed));
        all
    };
    let contents = with(content.to_vec());
    let subjects = with(subjects(fields));
    let others = with(others(fields));
    let mut variants = Vec::new();
    for content in &contents {
        variants.extend(subjects.iter().filter_map(|subject| joined(fields, &[content, subject])));
    }
    // Several changes at once are likely where the body was changed as well.
    let several = if is_changed { subjects.len() } else { 1 };
    for content in contents.iter().take(2) {
        for other in others.iter().skip(1) {
            let subjects = subjects.iter().take(several);
            variants.extend(subjects.filter_map(|subject| joined(fields, &[content, subject, other])));
        }
    }
    variants.truncate(JOINED);
    variants.extend(orders(fields, parsed));
    variants.extend(copies(fields, parsed));
    variants.extend(spaces(fields, parsed, own));
    variants.truncate(VARIANTS);
    variants
}

/// Several choices as one variant; `None` where all fields stand as they are.
fn joined(fields: &Fields, choices: &[&Choice]) -> Option<Variant> {
    let names = choices.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty());
    let name = names.collect::<Vec<_>>().join("+");
    let replaced: Replaced = choices.iter().flat_map(|(_, replaced)| replaced.clone()).collect();
    if name.is_empty() {
        return None;
    }
    let undone = told(fields, &replaced);
    Some(Variant { name, changes: Changes { fields: replaced, ..Changes::default() }, undone })
}

/// What becomes of which field, for people.
fn told(fields: &Fields, replaced: &Replaced) -> String {
    let shown = |raw: &[u8]| {
        let text = charset::raw(raw.get(..raw.len().min(200)).unwrap_or_default()).into_owned();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut lines = Vec::new();
    for (name, now) in replaced.iter().take(8) {
        let stands = fields.named(name).iter().map(|index| fields.raw(*index)).collect::<Vec<_>>();
        if stands.iter().copied().eq(now.iter().map(Vec::as_slice)) {
            continue;
        }
        let join = |raws: &mut dyn Iterator<Item = &[u8]>| {
            let all = raws.take(3).map(shown).collect::<Vec<_>>().join(" | ");
            if all.is_empty() { format!("no {name}") } else { all }
        };
        let (before, after) = (join(&mut stands.iter().copied()), join(&mut now.iter().map(Vec::as_slice)));
        lines.push(format!("{before} → {after}"));
    }
    lines.join("\n")
}

/// A value that is worth to be read in other ways.
fn short<'f>(fields: &'f Fields, name: &str) -> Option<Cow<'f, [u8]>> {
    let index = fields.named(name).first()?;
    (fields.value(*index).len() <= SHORT).then(|| fields.first(name)).flatten()
}

/// Words that clients put before the subject of an answer, in lower case.
const REPLIES: [&str; 12] = ["re", "aw", "fwd", "fw", "sv", "antw", "r", "res", "rif", "tr", "vs", "wg"];
/// Tags that gateways put before subjects, in lower case.
const GATEWAYS: [&str; 8] =
    ["[external]", "[ext]", "external:", "[spam]", "*****spam*****", "***spam***", "[externe]", "[extern]"];

/// Whether a list handled the message.
fn is_of_list(fields: &Fields) -> bool {
    let names = ["list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailman-version", "x-loop"];
    let precedence = short(fields, "precedence").unwrap_or_default();
    names.iter().any(|name| fields.has(name))
        || precedence.eq_ignore_ascii_case(b"list")
        || precedence.eq_ignore_ascii_case(b"bulk")
}

/// The length of `Re: ` and the like at the beginning.
fn reply_word(text: &str) -> Option<usize> {
    let (word, _) = text.split_once(':')?;
    let is_reply = REPLIES.iter().any(|known| word.eq_ignore_ascii_case(known));
    let rest = text.get(word.len() + 1..)?;
    is_reply.then(|| word.len() + 1 + (rest.len() - rest.trim_start().len()))
}

/// The length of `[tag] ` at the beginning, and of the tag alone.
fn tag(text: &str) -> Option<(usize, usize)> {
    let end = text.strip_prefix('[')?.find(']')? + 2;
    // What authors of patches write themselves.
    let inner = text.get(..end)?.to_ascii_lowercase();
    if end > 80 || inner.contains("patch") || inner.len() < 3 {
        return None;
    }
    let rest = text.get(end..)?;
    Some((end + (rest.len() - rest.trim_start().len()), end))
}

/// The subject without the tag of a list, or with it where the author had it.
fn subjects(fields: &Fields) -> Vec<Choice> {
    let [index] = fields.named("subject") else { return Vec::new() };
    if fields.value(*index).len() > SHORT {
        return Vec::new();
    }
    let Ok(value) = std::str::from_utf8(fields.value(*index)) else { return Vec::new() };
    let text = value.trim_start();
    let mut found: Vec<(&str, String)> = Vec::new();
    let lower = text.to_lowercase();
    if let Some(mark) = GATEWAYS.iter().find(|mark| lower.starts_with(**mark)) {
        found.push((
            "subject-mark-removed",
            text.get(mark.len()..).unwrap_or_default().trim_start().to_owned(),
        ));
    } else if is_of_list(fields) {
        if let Some((len, end)) = tag(text) {
            let (tag, rest) = (text.get(..end).unwrap_or_default(), text.get(len..).unwrap_or_default());
            if let Some(word) = reply_word(rest) {
                let (reply, after) = rest.split_at_checked(word).unwrap_or((rest, ""));
                let reply = reply.trim_end();
                found.push(("subject-tag-moved", format!("{reply} {tag} {rest}")));
                found.push(("subject-tag-after-reply", format!("{reply} {tag} {after}")));
            }
            found.push(("subject-tag-removed", rest.to_owned()));
        } else if let Some(word) = reply_word(text) {
            let (reply, rest) = text.split_at_checked(word).unwrap_or((text, ""));
            if let Some((len, _)) = tag(rest) {
                let rest = rest.get(len..).unwrap_or_default();
                found.push(("subject-tag-removed", format!("{reply}{rest}")));
            }
        }
    }
    let field = |text: String| vec![("subject".to_owned(), vec![format!("Subject: {text}").into_bytes()])];
    found.into_iter().map(|(name, text)| (name.to_owned(), field(text))).collect()
}

/// Fields that lists put in place of the author's, or add.
fn others(fields: &Fields) -> Vec<Choice> {
    let mut choices = Vec::new();
    for from in authors(fields) {
        choices.push(("from-restored".to_owned(), vec![("from".to_owned(), vec![from])]));
    }
    if !is_of_list(fields) {
        return choices;
    }
    let added = ["reply-to", "sender", "errors-to", "precedence"];
    let lists = [
        "list-id",
        "list-post",
        "list-help",
        "list-subscribe",
        "list-unsubscribe",
        "list-archive",
        "list-owner",
    ];
    for name in added {
        if fields.has(name) {
            choices.push((format!("{name}-removed"), vec![(name.to_owned(), vec![])]));
        }
    }
    if lists.iter().any(|name| fields.has(name)) {
        let gone = lists.iter().chain(&added).map(|name| ((*name).to_owned(), vec![]));
        choices.push(("list-fields-removed".to_owned(), gone.collect()));
    }
    choices.extend(copies_to_list(fields));
    choices
}

/// The author where a list wrote itself into From.
fn authors(fields: &Fields) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for name in ["x-original-from", "x-mailman-original-from", "original-from"] {
        if let Some(value) = short(fields, name) {
            found.push([b"From: ", value.as_ref()].concat());
        }
    }
    let (Some(from), Some(reply)) = (short(fields, "from"), short(fields, "reply-to")) else { return found };
    let first = |value: &[u8]| address::parse(value, 1);
    let name = first(&from).into_iter().next().and_then(|mailbox| mailbox.name);
    let Some((name, _)) = name.as_deref().and_then(|name| name.rsplit_once(" via ")) else { return found };
    let name = name.trim_matches(['"', '\'', ' ']);
    if let Some(address) = first(&reply).into_iter().next().and_then(|mailbox| mailbox.address) {
        found.push(format!("From: {name} <{address}>").into_bytes());
        found.push(format!("From: \"{name}\" <{address}>").into_bytes());
    }
    found.push([b"From: ", reply.as_ref()].concat());
    found
}

/// Cc without the list, which some lists add at its end.
fn copies_to_list(fields: &Fields) -> Option<Choice> {
    let post = String::from_utf8_lossy(&short(fields, "list-post")?).to_lowercase();
    let list = post.split_once("mailto:")?.1.split(['>', '?']).next()?.to_owned();
    let [index] = fields.named("cc") else { return None };
    let value = fields.value(*index);
    if value.len() > SHORT {
        return None;
    }
    let is_list = |part: &[u8]| String::from_utf8_lossy(part).to_lowercase().contains(&list);
    let kept = match memchr::memrchr(b',', value) {
        Some(comma) if is_list(value.get(comma..).unwrap_or_default()) => {
            vec![[b"Cc:", value.get(..comma).unwrap_or_default()].concat()]
        }
        None if is_list(value) => Vec::new(),
        _ => return None,
    };
    Some(("cc-list-removed".to_owned(), vec![("cc".to_owned(), kept)]))
}

/// Fields that stand more than once, from the top down; the form that early sealers used.
fn orders(fields: &Fields, parsed: &Parsed) -> Vec<Variant> {
    let mut variants = Vec::new();
    let is_doubled = parsed.row.signed_headers.iter().any(|name| fields.named(name).len() > 1);
    if parsed.kind == Kind::ArcMessage && !parsed.has_canon {
        let changes = Changes { form: Some(HeaderForm::Relaxed), ..Changes::default() };
        let undone = "the header is relaxed although c= does not say so".to_owned();
        variants.push(Variant { name: "relaxed-header".to_owned(), changes, undone });
    }
    if is_doubled {
        let changes = Changes { top_down: true, ..Changes::default() };
        let undone = "fields that stand more than once are taken from the top".to_owned();
        variants.push(Variant { name: "top-down".to_owned(), changes, undone });
    }
    variants
}

/// The fields that the signer copied into `z=` (RFC 6376 §3.5).
fn copies(fields: &Fields, parsed: &Parsed) -> Option<Variant> {
    let copies = parsed.copies.as_ref()?;
    let copies = copies.get(..copies.len().min(256 << 10)).unwrap_or_default();
    let mut replaced = Replaced::new();
    for copy in copies.split(|b| *b == b'|').take(200) {
        let copy = tags::quoted(copy);
        let Some(colon) = memchr::memchr(b':', &copy) else { continue };
        let (name, value) = copy.split_at(colon);
        let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
        if name.is_empty() {
            continue;
        }
        // The name stands as in the message, if it does.
        let stands = fields.named(&name).first().map(|index| fields.raw(*index));
        let shown = stands.and_then(|raw| raw.get(..raw.len() - after_colon(raw).len() - 1));
        let field = [shown.unwrap_or(name.as_bytes()), value].concat();
        match replaced.iter_mut().find(|(known, _)| *known == name) {
            Some((_, fields)) => fields.push(field),
            None => replaced.push((name, vec![field])),
        }
    }
    let undone = told(fields, &replaced);
    let changes = Changes { fields: replaced, ..Changes::default() };
    (!undone.is_empty()).then(|| Variant { name: "copied-fields".to_owned(), changes, undone })
}

/// White space as it may have been; the relaxed form does not care.
fn spaces(fields: &Fields, parsed: &Parsed, own: usize) -> Vec<Variant> {
    if parsed.header != HeaderForm::Simple || parsed.kind == Kind::DomainKeys {
        return Vec::new();
    }
    let names: BTreeSet<&str> = parsed.row.signed_headers.iter().map(String::as_str).collect();
    let listed = names.into_iter().flat_map(|name| fields.named(name)).chain([&own]).take(LOOKED_AT);
    let raws: Vec<&[u8]> = listed
        .map(|index| fields.raw(*index))
        .map(|raw| raw.get(..raw.len().min(SHORT)).unwrap_or_default())
        .collect();
    let has = |sequence: &[u8]| raws.iter().any(|raw| memchr::memmem::find(raw, sequence).is_some());
    let is_loose =
        |raw: &&[u8]| !matches!(after_colon(raw), [b' ', next, ..] if !matches!(next, b' ' | b'\t'));
    let table = [
        ("unfolded", Spaces::Unfold, has(b"\n"), "folds taken out"),
        ("folded-with-space", Spaces::FoldWithSpace, has(b"\n\t"), "folds begin with a space"),
        ("folded-with-tab", Spaces::FoldWithTab, has(b"\n "), "folds begin with a tab"),
        ("one-space", Spaces::OneAfterColon, raws.iter().any(is_loose), "one space follows each colon"),
    ];
    let variant = |(name, spaces, _, undone): (&str, Spaces, bool, &str)| Variant {
        name: name.to_owned(),
        changes: Changes { spaces: Some(spaces), ..Changes::default() },
        undone: undone.to_owned(),
    };
    table.into_iter().filter(|(_, _, applies, _)| *applies).map(variant).collect()
}
