//! Language of a text, where it can be told. Shared by every reader of text.

use whatlang::Info;

/// Characters below which no language is told.
const FEWEST: usize = 40;
/// Bytes looked at: enough to be sure, and the cost of a long text stays that of a short one.
const SAMPLE: usize = 600;

/// Short words that one of these languages uses all the time and the others do not. They answer for
/// most mail at a tenth of the cost of trigrams. Sorted.
const WORDS: &[(&str, &str)] = &[
    ("aan", "nld"),
    ("aber", "deu"),
    ("about", "eng"),
    ("after", "eng"),
    ("alla", "ita"),
    ("anche", "ita"),
    ("and", "eng"),
    ("any", "eng"),
    ("are", "eng"),
    ("auch", "deu"),
    ("auf", "deu"),
    ("avec", "fra"),
    ("be", "eng"),
    ("because", "eng"),
    ("been", "eng"),
    ("before", "eng"),
    ("bij", "nld"),
    ("but", "eng"),
    ("can", "eng"),
    ("ce", "fra"),
    ("cette", "fra"),
    ("che", "ita"),
    ("com", "por"),
    ("could", "eng"),
    ("dans", "fra"),
    ("das", "deu"),
    ("dat", "nld"),
    ("dei", "ita"),
    ("della", "ita"),
    ("delle", "ita"),
    ("dem", "deu"),
    ("der", "deu"),
    ("deze", "nld"),
    ("don", "eng"),
    ("een", "nld"),
    ("ein", "deu"),
    ("eine", "deu"),
    ("el", "spa"),
    ("est", "fra"),
    ("foi", "por"),
    ("from", "eng"),
    ("fue", "spa"),
    ("für", "deu"),
    ("gli", "ita"),
    ("haben", "deu"),
    ("had", "eng"),
    ("has", "eng"),
    ("have", "eng"),
    ("he", "eng"),
    ("heeft", "nld"),
    ("here", "eng"),
    ("het", "nld"),
    ("how", "eng"),
    ("ich", "deu"),
    ("if", "eng"),
    ("il", "ita"),
    ("into", "eng"),
    ("isso", "por"),
    ("ist", "deu"),
    ("it", "eng"),
    ("its", "eng"),
    ("just", "eng"),
    ("know", "eng"),
    ("las", "spa"),
    ("les", "fra"),
    ("like", "eng"),
    ("los", "spa"),
    ("maar", "nld"),
    ("met", "nld"),
    ("mit", "deu"),
    ("more", "eng"),
    ("muito", "por"),
    ("muy", "spa"),
    ("my", "eng"),
    ("más", "spa"),
    ("naar", "nld"),
    ("nel", "ita"),
    ("nicht", "deu"),
    ("niet", "nld"),
    ("non", "ita"),
    ("not", "eng"),
    ("nous", "fra"),
    ("não", "por"),
    ("of", "eng"),
    ("one", "eng"),
    ("only", "eng"),
    ("ook", "nld"),
    ("os", "por"),
    ("other", "eng"),
    ("our", "eng"),
    ("out", "eng"),
    ("pas", "fra"),
    ("pelo", "por"),
    ("per", "ita"),
    ("pero", "spa"),
    ("più", "ita"),
    ("pour", "fra"),
    ("questo", "ita"),
    ("seu", "por"),
    ("she", "eng"),
    ("should", "eng"),
    ("sich", "deu"),
    ("sie", "deu"),
    ("some", "eng"),
    ("sono", "ita"),
    ("sont", "fra"),
    ("sua", "por"),
    ("sus", "spa"),
    ("são", "por"),
    ("también", "spa"),
    ("também", "por"),
    ("than", "eng"),
    ("that", "eng"),
    ("the", "eng"),
    ("their", "eng"),
    ("there", "eng"),
    ("these", "eng"),
    ("they", "eng"),
    ("think", "eng"),
    ("this", "eng"),
    ("those", "eng"),
    ("through", "eng"),
    ("uma", "por"),
    ("und", "deu"),
    ("une", "fra"),
    ("usted", "spa"),
    ("van", "nld"),
    ("você", "por"),
    ("voor", "nld"),
    ("votre", "fra"),
    ("vous", "fra"),
    ("we", "eng"),
    ("werden", "deu"),
    ("were", "eng"),
    ("what", "eng"),
    ("when", "eng"),
    ("which", "eng"),
    ("while", "eng"),
    ("who", "eng"),
    ("wij", "nld"),
    ("wir", "deu"),
    ("wird", "deu"),
    ("with", "eng"),
    ("wordt", "nld"),
    ("would", "eng"),
    ("you", "eng"),
    ("your", "eng"),
    ("zijn", "nld"),
    ("zu", "deu"),
    ("è", "ita"),
    ("être", "fra"),
];
const LANGUAGES: [&str; 7] = ["deu", "eng", "fra", "ita", "nld", "por", "spa"];

/// The language of `text` as ISO 639-3; `None` where the text is short or the answer not reliable.
/// Quoted lines (`>`) are somebody else's words and do not count.
pub fn of(text: &str) -> Option<&'static str> {
    let sample = sample(text);
    if sample.bytes().filter(u8::is_ascii_alphabetic).take(FEWEST).count() < FEWEST
        && sample.chars().filter(|c| c.is_alphabetic()).take(FEWEST).count() < FEWEST
    {
        return None;
    }
    by_words(&sample)
        .or_else(|| whatlang::detect(&sample).filter(Info::is_reliable).map(|info| info.lang().code()))
}

/// The language whose words make up a good part of the sample, far more than those of any other.
fn by_words(sample: &str) -> Option<&'static str> {
    let mut hits = [0u32; LANGUAGES.len()];
    let mut words = 0;
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || *b >= 0x80;
    for word in sample.as_bytes().split(|b| !is_letter(b)).filter(|word| !word.is_empty()) {
        words += 1;
        let Some(key) = key(word) else { continue };
        if let Ok(found) = KEYS.binary_search_by_key(&key, |(known, _)| *known)
            && let Some((_, language)) = KEYS.get(found)
            && let Some(count) = hits.get_mut(usize::from(*language))
        {
            *count += 1;
        }
    }
    let best = *hits.iter().max()?;
    let others = hits.iter().sum::<u32>() - best;
    let lang = LANGUAGES.get(hits.iter().position(|count| *count == best)?)?;
    // Those of the other languages have neighbours that share some of them (Afrikaans, Catalan).
    let enough = if *lang == "eng" { 2 } else { 4 };
    (best >= enough + 4 * others && best * 12 >= words).then_some(*lang)
}

/// A word of at most eight bytes as a number that sorts like the word.
const fn key(word: &[u8]) -> Option<u64> {
    if word.len() > 8 {
        return None;
    }
    let (mut key, mut rest) = (0, word);
    while let Some((byte, after)) = rest.split_first() {
        key = key << 8 | *byte as u64;
        rest = after;
    }
    Some(if word.is_empty() { 0 } else { key << (64 - 8 * word.len()) })
}

/// [`WORDS`] as numbers and places in [`LANGUAGES`].
static KEYS: [(u64, u8); WORDS.len()] = {
    let mut keys = [(0, 0); WORDS.len()];
    let mut i = 0;
    #[allow(clippy::indexing_slicing)] // Evaluated at compile time.
    while i < WORDS.len() {
        let mut language = 0;
        while !same(LANGUAGES[language], WORDS[i].1) {
            language += 1;
        }
        keys[i] = (if let Some(key) = key(WORDS[i].0.as_bytes()) { key } else { 0 }, language as u8);
        i += 1;
    }
    keys
};

/// Whether two words of at most eight bytes are one.
const fn same(a: &str, b: &str) -> bool {
    matches!((key(a.as_bytes()), key(b.as_bytes())), (Some(a), Some(b)) if a == b)
}

/// The first lines that are prose, in lower case: not quoted, and without words that are addresses.
fn sample(text: &str) -> String {
    let mut sample = String::with_capacity(2 * SAMPLE);
    let text = text.get(..text.floor_char_boundary(SAMPLE * 16)).unwrap_or(text);
    'lines: for line in text.split('\n') {
        let line = line.trim_ascii();
        if line.starts_with('>') {
            continue;
        }
        for word in line.split([' ', '\t', '\r']).filter(|word| !word.is_empty()) {
            if word.bytes().any(|b| matches!(b, b'@' | b'/' | b'_' | b'=' | b'<' | b'{')) {
                continue;
            }
            if sample.len() + word.len() > SAMPLE {
                break 'lines;
            }
            if word.is_ascii() {
                sample.push_str(word);
                let at = sample.len() - word.len();
                if let Some(word) = sample.get_mut(at..) {
                    word.make_ascii_lowercase();
                }
            } else {
                sample.push_str(&word.to_lowercase());
            }
            sample.push(' ');
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_only_where_sure() {
        for (text, lang) in [
            ("The committee will meet on Thursday to discuss the budget for the coming year.", Some("eng")),
            (
                "Der Ausschuss trifft sich am Donnerstag, um über den Haushalt des nächsten Jahres zu beraten.",
                Some("deu"),
            ),
            ("Комитет соберётся в четверг, чтобы обсудить бюджет на следующий год и отчёт.", Some("rus")),
            (
                "Le comité se réunira jeudi pour discuter du budget de l'année prochaine avec vous.",
                Some("fra"),
            ),
            (
                "Il comitato si riunirà giovedì per discutere il bilancio del prossimo anno, che è urgente.",
                Some("ita"),
            ),
            (
                "Wydział zbierze się w czwartek, żeby omówić budżet na przyszły rok i sprawozdanie.",
                Some("pol"),
            ),
            ("ok", None),
            ("", None),
            ("0123456789 0123456789 0123456789 0123456789 0123456789", None),
            ("> The committee will meet on Thursday to discuss the budget for the coming year.\nok", None),
        ] {
            assert_eq!(of(text), lang, "{text}");
        }
    }

    #[test]
    fn words_agree_with_trigrams() {
        for (text, lang) in [
            ("I have not been there, but they told me that you would be in the office with your team", "eng"),
            (
                "Ich habe das nicht gewusst, aber wir werden sie mit dem Bericht auf den neuen Stand bringen",
                "deu",
            ),
            (
                "Vous avez reçu une lettre dans laquelle nous sommes invités, mais ce n'est pas pour vous",
                "fra",
            ),
            (
                "Los documentos fueron enviados ayer, pero el director no los ha visto y su firma es muy necesaria",
                "spa",
            ),
            (
                "Os documentos foram enviados ontem, mas o diretor não os viu e uma cópia foi para o seu gabinete",
                "por",
            ),
            ("Het bestuur heeft een brief van de minister gekregen, maar dat is niet voor deze week", "nld"),
        ] {
            assert_eq!(by_words(&sample(text)), Some(lang), "{text}");
            assert_eq!(whatlang::detect_lang(text).map(|lang| lang.code()), Some(lang), "{text}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(WORDS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(KEYS.is_sorted_by_key(|(key, _)| *key) && KEYS.iter().all(|(key, _)| *key != 0));
    }

    #[test]
    fn a_long_text_costs_no_more() {
        let long = "> quoted words\n".repeat(1 << 20);
        assert_eq!(of(&long), None);
    }
}
