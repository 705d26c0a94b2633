//! Snippets: the piece of an item's text around the first good match, safe to print.

use std::ops::Range;

use tamis_model::names::is_hidden;

use crate::{
    fold::{self, Tokens},
    query::{Node, Query, Text},
};

/// Most characters of a snippet, without the `…` at a cut end.
const MAX_CHARS: usize = 200;
/// Characters shown before the first match.
const BEFORE: usize = 60;
/// Longest stretch between two matches, in bytes, for which both count as one place.
const REACH: usize = 160;
/// Bytes of text looked at after the first match.
const MAX_BEYOND: usize = 8 * 1024;
/// Most phrases of a query that are looked for.
const MAX_PHRASES: usize = 64;
/// Most phrases that can be half matched at once.
const MAX_STARTED: usize = 64;

/// What of a query can be marked in text: its words and phrases that are not excluded.
#[derive(Debug, Default)]
pub(crate) struct Marker {
    phrases: Vec<Phrase>,
}

#[derive(Debug)]
struct Phrase {
    words: Vec<String>,
    prefix: bool,
}

impl Phrase {
    /// Whether the word at `at` may be `word`.
    fn fits(&self, at: usize, word: &str) -> bool {
        let Some(wanted) = self.words.get(at) else { return false };
        match self.prefix && at + 1 == self.words.len() {
            true => word.starts_with(wanted.as_str()),
            false => word == wanted,
        }
    }
}

/// A match: which phrase, and the bytes of the text that it covers.
#[derive(Debug, Clone)]
struct Match {
    phrase: usize,
    range: Range<usize>,
}

impl Marker {
    pub fn new(query: &Query) -> Marker {
        let mut marker = Marker::default();
        if let Some(root) = query.root() {
            marker.collect(root);
        }
        marker
    }

    fn collect(&mut self, node: &Node) {
        match node {
            Node::Anywhere(Text { text, prefix, .. }) if self.phrases.len() < MAX_PHRASES => {
                self.phrases.push(Phrase { words: fold::words(text), prefix: *prefix });
            }
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| self.collect(node)),
            Node::Anywhere(_)
            | Node::In(..)
            | Node::Is { .. }
            | Node::Evidence(_)
            | Node::Dated(..)
            | Node::Not(_) => {}
        }
    }

    /// The snippet of the first of `texts` with a match, or the beginning of the first that is not empty,
    /// without marks. Marks are ranges of bytes of the snippet, in order and apart from each other.
    pub fn snippet(&self, texts: &[&str]) -> (String, Vec<Range<usize>>) {
        for text in texts {
            let matches = self.matches(text);
            if let Some(best) = best_place(&matches) {
                return cut_out(text, best);
            }
        }
        let first = texts.iter().find(|text| !text.trim().is_empty());
        first.map_or_else(Default::default, |text| cut_out(text, &[]))
    }

    fn matches(&self, text: &str) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        if self.phrases.is_empty() {
            return found;
        }
        // (phrase, words matched, start)
        let mut started: Vec<(usize, usize, usize)> = Vec::new();
        let mut tokens = Tokens::new(text);
        let mut word = String::new();
        let mut end = usize::MAX;
        while let Some(range) = tokens.next_into(&mut word)
            && range.start < end
        {
            let mut going_on = Vec::new();
            let fresh = (0..self.phrases.len()).map(|phrase| (phrase, 0, range.start));
            for (phrase, matched, start) in started.drain(..).chain(fresh) {
                let Some(wanted) = self.phrases.get(phrase) else { continue };
                if !wanted.fits(matched, &word) {
                    continue;
                }
                if matched + 1 == wanted.words.len() {
                    found.push(Match { phrase, range: start..range.end });
                    end = end.min(start + MAX_BEYOND);
                } else if going_on.len() < MAX_STARTED {
                    going_on.push((phrase, matched + 1, start));
                }
            }
            started = going_on;
        }
        found.sort_by_key(|found| (found.range.start, found.range.end));
        found
    }
}

/// The run of matches within [`REACH`] of its first in which most different phrases occur; the earliest of
/// equal ones.
fn best_place(matches: &[Match]) -> Option<&[Match]> {
    let mut best: Option<(usize, &[Match])> = None;
    for (at, first) in matches.iter().enumerate() {
        let rest = matches.get(at..).unwrap_or_default();
        let within = rest.iter().take_while(|next| next.range.start <= first.range.start + REACH).count();
        let place = rest.get(..within).unwrap_or_default();
        let mut phrases: Vec<usize> = place.iter().map(|found| found.phrase).collect();
        phrases.sort_unstable();
        phrases.dedup();
        if best.is_none_or(|(most, _)| phrases.len() > most) {
            best = Some((phrases.len(), place));
        }
    }
    best.map(|(_, place)| place)
}

/// The text around `matches` with white space as one space and hidden characters replaced.
fn cut_out(text: &str, matches: &[Match]) -> (String, Vec<Range<usize>>) {
    let first = matches.first().map_or(0, |found| found.range.start);
    let start = start_of_snippet(text, first);
    let mut snippet = String::with_capacity(2 * MAX_CHARS);
    if start > 0 {
        snippet.push('…');
    }
    let opening = snippet.len();
    // The bytes of the source that each character of the snippet comes from, to place the marks.
    let mut places: Vec<(usize, Range<usize>)> = Vec::with_capacity(MAX_CHARS);
    let mut gap = false;
    for (at, c) in text.get(start..).unwrap_or_default().char_indices() {
        if c.is_whitespace() {
            gap = snippet.len() > opening;
            continue;
        }
        if places.len() + usize::from(gap) >= MAX_CHARS {
            snippet.push('…');
            break;
        }
        if std::mem::take(&mut gap) {
            places.push((start + at - 1, snippet.len()..snippet.len() + 1));
            snippet.push(' ');
        }
        let shown = if is_hidden(c) { '\u{fffd}' } else { c };
        places.push((start + at, snippet.len()..snippet.len() + shown.len_utf8()));
        snippet.push(shown);
    }
    let marks = marks(matches, &places);
    (snippet, marks)
}

fn marks(matches: &[Match], places: &[(usize, Range<usize>)]) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    for found in matches {
        let from = places.partition_point(|(at, _)| *at < found.range.start);
        let to = places.partition_point(|(at, _)| *at < found.range.end);
        // A match that goes on beyond the snippet is marked as far as it is shown.
        let Some([first, .., last] | [first @ last]) = places.get(from..to) else { continue };
        match marks.last_mut() {
            Some(before) if before.end >= first.1.start => before.end = before.end.max(last.1.end),
            _ => marks.push(first.1.start..last.1.end),
        }
    }
    marks
}

/// Up to [`BEFORE`] characters before the match, from the beginning of a word on where there is one.
fn start_of_snippet(text: &str, first: usize) -> usize {
    let before = text.get(..first).unwrap_or_default();
    let Some((start, _)) = before.char_indices().rev().nth(BEFORE - 1).filter(|(at, _)| *at > 0) else {
        return 0;
    };
    let cut = before.get(start..).unwrap_or_default();
    cut.find(char::is_whitespace).map_or(start, |space| {
        let rest = cut.get(space..).unwrap_or_default();
        start + space + (rest.len() - rest.trim_start().len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(query: &str, texts: &[&str]) -> String {
        let (mut snippet, marks) = Marker::new(&Query::parse(query).unwrap()).snippet(texts);
        assert!(snippet.chars().count() <= MAX_CHARS + 2, "{snippet}");
        for mark in marks.iter().rev() {
            snippet.insert(mark.end, ']');
            snippet.insert(mark.start, '[');
        }
        snippet
    }

    #[test]
    fn snippets() {
        for (query, text, expected) in [
            ("election", "L\u{2019}Élection, demain", "L\u{2019}[Élection], demain"),
            ("\"marks & spencer\"", "at Marks  &\n Spencer. Marks", "at [Marks & Spencer]. Marks"),
            ("elec*", "les ÉLECTEURS", "les [ÉLECTEURS]"),
            ("\"les elec\"*", "elec, les ÉLECTEURS", "elec, [les ÉLECTEURS]"),
            ("\"les elec\"*", "", ""),
            ("a b", "x a b a x", "x [a] [b] [a] x"),
            ("\"a b\" \"b c\"", "a b c", "[a b c]"),
            ("-a b", "a b", "a [b]"),
            ("subject:a b", "a b", "a [b]"),
            ("zzz", "  nothing \u{202e}here\x07 ", "nothing \u{fffd}here\u{fffd}"),
            ("", "all", "all"),
            ("\"a a b\"", "a a a b", "a [a a b]"),
            ("1", "½ x", "[½] x"),
        ] {
            assert_eq!(marked(query, &[text]), expected, "{query}");
        }
    }

    #[test]
    fn the_best_place_of_a_long_text() {
        let far = format!("alpha {} alpha beta {}", "lorem ".repeat(100), "ipsum ".repeat(100));
        let shown = marked("alpha beta", &[&far]);
        assert!(
            shown.starts_with("…lorem") && shown.contains("[alpha] [beta]") && shown.ends_with('…'),
            "{shown}"
        );
        assert_eq!(marked("b", &["", "a", "b"]), "[b]");
        assert_eq!(marked("zzz", &[" ", "a", "b"]), "a");
    }

    #[test]
    fn odd_texts_stay_bounded() {
        let letters = "é".repeat(70_000);
        let same = "a ".repeat(30_000);
        for text in [letters.as_str(), &same, "\u{301}\u{301}", "a"] {
            marked("a", &[text]);
            marked("\"a a a a a a\"", &[text]);
            marked("é*", &[text]);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_snippet(text in "\\PC{0,300}", query in "[a-zé]{1,2}") {
            marked(&query, &[&text]);
        }
    }
}
