//! Words of a dump within sentences of ours: bounded, and safe to print.

/// A name from a mail as it may stand in a sentence: control and bidirectional characters escaped, at most 100
/// characters.
pub(crate) fn shown(name: &str) -> String {
    const MOST: usize = 100;
    let short: String = name.chars().take(MOST).collect();
    let printable = tamis_model::names::printable(&short);
    if short.len() < name.len() { format!("{printable}…") } else { printable }
}

/// Names as a list: `cc, reply-to`; at most eight, then how many more.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const MOST: usize = 8;
    let names: Vec<&String> = names.into_iter().collect();
    let mut text = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
