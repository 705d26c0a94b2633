//! Which texts of an item say something that the ones before did not: only those are indexed. Half of the
//! work on ordinary mail would otherwise go into its HTML twin.

use memchr::memmem;

/// Texts that are compared with those before them.
const COMPARED: usize = 4;

/// The texts without those whose words all stand in one before, in one run: of a mail that says the same in
/// plain text and in HTML, any word or phrase is found in the first. More than `most` bytes are not compared.
pub fn once<'a>(texts: &[&'a str], most: usize) -> Vec<&'a str> {
    let small = texts.iter().map(|text| text.len()).sum::<usize>() <= most;
    if texts.len() < 2 || !small {
        return texts.to_vec();
    }
    let mut runs: Vec<String> = Vec::new();
    let mut is_new = |text: &str| {
        let run = run_of_words(text);
        let said = runs.iter().any(|before| memmem::find(before.as_bytes(), run.as_bytes()).is_some());
        if !said && runs.len() < COMPARED {
            runs.push(run);
        }
        !said
    };
    texts.iter().filter(|text| is_new(text)).copied().collect()
}

/// The words of a text between single spaces. Signs that separate words everywhere are gone; others stay,
/// so that two texts with equal runs are cut into the same words.
fn run_of_words(text: &str) -> String {
    let mut run = String::with_capacity(text.len() + 2);
    run.push(' ');
    for c in text.chars() {
        let separates = match c {
            '\0'..='\u{7f}' => !c.is_ascii_alphanumeric(),
            '\u{a0}' | '\u{202f}' | '«' | '»' | '‘' | '’' | '“' | '”' | '–' | '—' | '•' | '…' => {
                true
            }
            _ => false,
        };
        match separates {
            false => run.push(c),
            true if run.ends_with(' ') => {}
            true => run.push(' '),
        }
    }
    if !run.ends_with(' ') {
        run.push(' ');
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_indexed_again() {
        let plain = "Bonjour,\n\n> L’élection de mai\n\n- un\n- deux\n\n-- \nÉlodie";
        for (texts, kept) in [
            (vec![plain, "Bonjour, L'élection de mai • un • deux"], vec![0]),
            (vec!["un", "un deux"], vec![0, 1]),
            (vec!["un deux", "un"], vec![0]),
            // Parts of words, other words, another order.
            (vec!["undeux", "un"], vec![0, 1]),
            (vec!["un deux trois", "un trois"], vec![0, 1]),
            (vec!["un deux", "deux un"], vec![0, 1]),
            // Signs that may belong to a word stay.
            (vec!["e\u{301}tat", "etat"], vec![0, 1]),
            (vec!["a", "b", "a", "b c", "c"], vec![0, 1, 3]),
            (vec!["a", ""], vec![0]),
            (vec![], vec![]),
        ] {
            let expected: Vec<&str> = kept.iter().map(|n: &usize| texts[*n]).collect();
            assert_eq!(once(&texts, 1000), expected, "{texts:?}");
        }
    }
}
