//! The tokeniser: the one place that says what a word is, for what is indexed and for what is typed.
//!
//! A word is a run of letters, digits and the marks that belong to them; everything else separates:
//! `l'élection` is `l election`, `a.martin@example.org` is `a martin example org`, `A/S` is `a s`. Whole
//! addresses, names and numbers are found as phrases of their parts.
//!
//! Folding: compatibility decomposition (NFKD, so full-width and styled letters are plain ones), lower
//! case, and no accents. Marks of scripts in which they carry vowels (Devanagari, Thai, kana) stay.
//! Characters of scripts written without spaces are words of one character, so that phrases work.
//! Characters that do not show (zero-width, bidirectional controls, soft hyphens) are passed over: text
//! is found as it looks.
//!
//! A change of what this file does is a new name in `schema::TOKENISER`: indexes are then rebuilt.

use std::{collections::VecDeque, ops::Range};

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Longest token in bytes. A longer run is cut into consecutive tokens of at most this length, which a
/// phrase of the same cut finds; so the whole run and each beginning of it can be searched for.
pub const MAX_TOKEN_BYTES: usize = 64;

/// The words of a text, one after the other, without allocation per word.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    /// Where the next character starts.
    at: usize,
    /// What the last character that is not ASCII folded to, and where it stands.
    folded: VecDeque<char>,
    source: Range<usize>,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a str) -> Tokens<'a> {
        Tokens { text, at: 0, folded: VecDeque::new(), source: 0..0 }
    }

    /// Writes the next word into `token` and returns the range of bytes that it comes from; `None` at
    /// the end.
    pub fn next_into(&mut self, token: &mut String) -> Option<Range<usize>> {
        token.clear();
        let mut range = 0..0;
        let mut single = false;
        while let Some((c, source)) = self.peek() {
            let class = class(c);
            let ends = match class {
                Class::Passed => false,
                Class::Mark => token.len() + c.len_utf8() > MAX_TOKEN_BYTES,
                Class::Word => single || token.len() + c.len_utf8() > MAX_TOKEN_BYTES,
                Class::Single | Class::Break => true,
            };
            if ends && !token.is_empty() {
                return Some(range);
            }
            self.skip();
            match class {
                Class::Passed | Class::Break => continue,
                // A mark that follows no letter.
                Class::Mark if token.is_empty() => continue,
                Class::Single => single = true,
                Class::Mark | Class::Word => {}
            }
            if token.is_empty() {
                range.start = source.start;
            }
            range.end = source.end;
            token.push(c);
        }
        (!token.is_empty()).then_some(range)
    }

    /// The next folded character and the bytes it comes from.
    fn peek(&mut self) -> Option<(char, Range<usize>)> {
        loop {
            if let Some(c) = self.folded.front() {
                return Some((*c, self.source.clone()));
            }
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte.is_ascii() {
                return Some((char::from(byte.to_ascii_lowercase()), self.at..self.at + 1));
            }
            let c = self.text.get(self.at..)?.chars().next()?;
            self.source = self.at..self.at + c.len_utf8();
            self.at = self.source.end;
            fold_char(c, |folded| self.folded.push_back(folded));
        }
    }

    fn skip(&mut self) {
        if self.folded.pop_front().is_none() {
            self.at += 1;
        }
    }
}

/// All words of `text`; for queries, which are short.
pub fn words(text: &str) -> Vec<String> {
    let mut tokens = Tokens::new(text);
    let mut words = Vec::new();
    let mut word = String::new();
    while tokens.next_into(&mut word).is_some() {
        words.push(word.clone());
    }
    words
}

/// `text` folded but not cut into words, for values compared as a whole (domains, kinds).
pub fn whole(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        fold_char(c, |c| {
            if !matches!(class(c), Class::Passed) {
                folded.push(c);
            }
        });
    }
    folded
}

/// How a folded character takes part in words.
enum Class {
    /// Letter or digit.
    Word,
    /// Letter of a script without spaces: a word of its own.
    Single,
    /// A mark that belongs to the letter before it.
    Mark,
    /// An accent or a character that does not show.
    Passed,
    /// Anything else.
    Break,
}

fn class(c: char) -> Class {
    match c {
        '0'..='9' | 'a'..='z' | 'A'..='Z' => Class::Word,
        '\0'..='\u{7f}' | '\u{2122}' | '\u{2120}' => Class::Break,
        c if is_accent(c) || is_unseen(c) => Class::Passed,
        c if is_combining_mark(c) => Class::Mark,
        c if !c.is_alphanumeric() => Class::Break,
        c if is_unspaced(c) => Class::Single,
        _ => Class::Word,
    }
}

/// Calls `push` with each character that `c` folds to.
fn fold_char(c: char, mut push: impl FnMut(char)) {
    if c == '\u{2122}' || c == '\u{2120}' {
        // Trade mark signs would decompose to letters and stick to the word before them.
        return push(c);
    }
    decompose_compatible(c, |plain| {
        for lower in plain.to_lowercase() {
            match LETTERS.iter().find(|(letter, _)| *letter == lower) {
                Some((_, letters)) => letters.chars().for_each(&mut push),
                None => push(lower),
            }
        }
    });
}

/// Letters that people type as others and that no decomposition covers.
const LETTERS: &[(char, &str)] = &[
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ø', "o"),
    ('ł', "l"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('ħ', "h"),
    ('ŧ', "t"),
    ('ı', "i"),
    ('ς', "σ"),
];

/// Accents and other signs that people leave out when they type: Latin, Greek, Cyrillic, Hebrew, Arabic.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that take no room: soft hyphen, zero-width and bidirectional controls, variation selectors.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e01ef}')
}

/// Scripts written without spaces: Han, kana, Thai, Lao, Burmese, Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The tokeniser as the index wants it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Folder;

impl Tokenizer for Folder {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        Stream { tokens: Tokens::new(text), token: Token { position: usize::MAX, ..Token::default() } }
    }
}

/// Words with their positions.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    tokens: Tokens<'a>,
    token: Token,
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let Some(range) = self.tokens.next_into(&mut self.token.text) else { return false };
        self.token.offset_from = range.start;
        self.token.offset_to = range.end;
        self.token.position = self.token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_word_is() {
        for (text, expected) in [
            ("", ""),
            (" -- & / * ", ""),
            ("Hello, World", "hello|world"),
            ("l'élection", "l|election"),
            ("l\u{2019}E\u{301}LECTION", "l|election"),
            ("aujourd'hui", "aujourd|hui"),
            ("œuvre ŒUVRE", "oeuvre|oeuvre"),
            ("Straße STRASSE ẞ", "strasse|strasse|ss"),
            ("Łódź Ærø İstanbul ılık", "lodz|aero|istanbul|ilik"),
            ("ΟΔΟΣ οδος", "οδοσ|οδοσ"),
            ("Ёлка ёлка", "елка|елка"),
            ("a.martin+x@mail.example.org", "a|martin|x|mail|example|org"),
            ("A/S R*T Marks & Spencer", "a|s|r|t|marks|spencer"),
            ("FR76 3000-6000 +33 1.42", "fr76|3000|6000|33|1|42"),
            ("snake_case-kebab", "snake|case|kebab"),
            ("ＦＵＬＬ\u{3000}ｗｉｄｔｈ", "full|width"),
            ("ﬁn 𝐛𝐨𝐥𝐝 m²", "fin|bold|m2"),
            ("½ Acme™", "1|2|acme"),
            ("elec\u{ad}tion e\u{200b}l\u{202e}ection", "election|election"),
            ("東京都 ガ \u{30ab}\u{3099}", "東|京|都|カ\u{3099}|カ\u{3099}"),
            ("ที่นี่", "ท\u{e35}\u{e48}|น\u{e35}\u{e48}"),
            ("हिन्दी", "हिन्दी"),
            ("أَهْلًا", "اهلا"),
            ("שָׁלוֹם", "שלום"),
            ("\u{301}\u{301} x", "x"),
            ("👍 ok", "ok"),
        ] {
            assert_eq!(words(text).join("|"), expected, "{text}");
        }
    }

    #[test]
    fn ranges_are_those_of_the_source() {
        let text = "«L\u{2019}Élection», ½";
        let mut tokens = Tokens::new(text);
        let mut word = String::new();
        let mut shown = Vec::new();
        while let Some(range) = tokens.next_into(&mut word) {
            shown.push((&text[range], word.clone()));
        }
        assert_eq!(
            shown,
            [("L", "l".into()), ("Élection", "election".into()), ("½", "1".into()), ("½", "2".into())]
        );
    }

    #[test]
    fn long_runs_are_cut_and_lose_nothing() {
        for text in ["x".repeat(200), "é".repeat(200), "ж".repeat(100), "a\u{94d}".repeat(99)] {
            let words = words(&text);
            assert!(words.iter().all(|word| word.len() <= MAX_TOKEN_BYTES), "{words:?}");
            let whole = whole(&text);
            assert_eq!(words.concat(), whole);
        }
    }

    proptest::proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = words(&text);
            proptest::prop_assert_eq!(words(&once.join(" ")), once);
        }
    }
}
