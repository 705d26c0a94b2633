//! Language of a text, where it can be told. Shared by every reader of text.

use whatlang::Info;

/// Characters below which no language is told.
const FEWEST: usize = 40;
/// Bytes looked at: enough to be sure, and the cost of a long text stays that of a short one.
const SAMPLE: usize = 600;

/// Short words that one of these languages uses all the time and the others do not. They answer for
/// most mail at a tenth of the cost of trigrams. Sorted.
const WORDS: &[(&str, &str)] = &[
    ("aan", "nl"),
    ("aber", "de"),
    ("about", "en"),
    ("after", "en"),
    ("alla", "it"),
    ("anche", "it"),
    ("and", "en"),
    ("any", "en"),
    ("après", "fr"),
    ("are", "en"),
    ("auch", "de"),
    ("auf", "de"),
    ("aussi", "fr"),
    ("aux", "fr"),
    ("avant", "fr"),
    ("avec", "fr"),
    ("avez", "fr"),
    ("avons", "fr"),
    ("be", "en"),
    ("because", "en"),
    ("been", "en"),
    ("before", "en"),
    ("bij", "nl"),
    ("bonjour", "fr"),
    ("bonne", "fr"),
    ("but", "en"),
    ("can", "en"),
    ("ce", "fr"),
    ("cela", "fr"),
    ("ces", "fr"),
    ("cette", "fr"),
    ("ceux", "fr"),
    ("che", "it"),
    ("chez", "fr"),
    ("com", "pt"),
    ("comme", "fr"),
    ("could", "en"),
    ("dans", "fr"),
    ("das", "de"),
    ("dat", "nl"),
    ("dei", "it"),
    ("della", "it"),
    ("delle", "it"),
    ("dem", "de"),
    ("depuis", "fr"),
    ("der", "de"),
    ("deux", "fr"),
    ("deze", "nl"),
    ("don", "en"),
    ("donc", "fr"),
    ("dont", "fr"),
    ("een", "nl"),
    ("ein", "de"),
    ("eine", "de"),
    ("el", "es"),
    ("elle", "fr"),
    ("elles", "fr"),
    ("encore", "fr"),
    ("est", "fr"),
    ("fait", "fr"),
    ("foi", "pt"),
    ("from", "en"),
    ("fue", "es"),
    ("für", "de"),
    ("gli", "it"),
    ("haben", "de"),
    ("had", "en"),
    ("has", "en"),
    ("have", "en"),
    ("he", "en"),
    ("heeft", "nl"),
    ("here", "en"),
    ("het", "nl"),
    ("how", "en"),
    ("ich", "de"),
    ("if", "en"),
    ("il", "it"),
    ("ils", "fr"),
    ("into", "en"),
    ("isso", "pt"),
    ("ist", "de"),
    ("it", "en"),
    ("its", "en"),
    ("jamais", "fr"),
    ("just", "en"),
    ("know", "en"),
    ("las", "es"),
    ("les", "fr"),
    ("leur", "fr"),
    ("leurs", "fr"),
    ("like", "en"),
    ("lors", "fr"),
    ("los", "es"),
    ("maar", "nl"),
    ("merci", "fr"),
    ("met", "nl"),
    ("mit", "de"),
    ("moins", "fr"),
    ("more", "en"),
    ("muito", "pt"),
    ("muy", "es"),
    ("my", "en"),
    ("más", "es"),
    ("même", "fr"),
    ("naar", "nl"),
    ("nel", "it"),
    ("nicht", "de"),
    ("niet", "nl"),
    ("non", "it"),
    ("not", "en"),
    ("notre", "fr"),
    ("nous", "fr"),
    ("não", "pt"),
    ("of", "en"),
    ("one", "en"),
    ("only", "en"),
    ("ont", "fr"),
    ("ook", "nl"),
    ("os", "pt"),
    ("other", "en"),
    ("our", "en"),
    ("out", "en"),
    ("où", "fr"),
    ("pas", "fr"),
    ("pelo", "pt"),
    ("per", "it"),
    ("pero", "es"),
    ("peut", "fr"),
    ("più", "it"),
    ("pour", "fr"),
    ("qu", "fr"),
    ("quand", "fr"),
    ("quelque", "fr"),
    ("questo", "it"),
    ("rien", "fr"),
    ("sans", "fr"),
    ("sera", "fr"),
    ("seu", "pt"),
    ("she", "en"),
    ("should", "en"),
    ("sich", "de"),
    ("sie", "de"),
    ("some", "en"),
    ("sono", "it"),
    ("sont", "fr"),
    ("sua", "pt"),
    ("suis", "fr"),
    ("sus", "es"),
    ("são", "pt"),
    ("también", "es"),
    ("também", "pt"),
    ("than", "en"),
    ("that", "en"),
    ("the", "en"),
    ("their", "en"),
    ("there", "en"),
    ("these", "en"),
    ("they", "en"),
    ("think", "en"),
    ("this", "en"),
    ("those", "en"),
    ("through", "en"),
    ("tous", "fr"),
    ("tout", "fr"),
    ("toute", "fr"),
    ("très", "fr"),
    ("uma", "pt"),
    ("und", "de"),
    ("une", "fr"),
    ("usted", "es"),
    ("van", "nl"),
    ("você", "pt"),
    ("voor", "nl"),
    ("vos", "fr"),
    ("votre", "fr"),
    ("vous", "fr"),
    ("we", "en"),
    ("werden", "de"),
    ("were", "en"),
    ("what", "en"),
    ("when", "en"),
    ("which", "en"),
    ("while", "en"),
    ("who", "en"),
    ("wij", "nl"),
    ("wir", "de"),
    ("wird", "de"),
    ("with", "en"),
    ("wordt", "nl"),
    ("would", "en"),
    ("you", "en"),
    ("your", "en"),
    ("zijn", "nl"),
    ("zu", "de"),
    ("è", "it"),
    ("était", "fr"),
    ("été", "fr"),
    ("être", "fr"),
];
const LANGUAGES: [&str; 7] = ["de", "en", "fr", "it", "nl", "pt", "es"];

/// Two-letter codes of the languages that trigrams tell and that have one (ISO 639-1 by ISO 639-3): the
/// shortest code is the one to use (RFC 5646 section 2.2.1), and the one that people type.
const SHORT: &[(&str, &str)] = &[
    ("afr", "af"),
    ("aka", "ak"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cmn", "zh"),
    ("cym", "cy"),
    ("dan", "da"),
    ("deu", "de"),
    ("ell", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("guj", "gu"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ind", "id"),
    ("ita", "it"),
    ("jav", "jv"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mya", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("nob", "nb"),
    ("ori", "or"),
    ("pan", "pa"),
    ("pes", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slv", "sl"),
    ("sna", "sn"),
    ("spa", "es"),
    ("srp", "sr"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tuk", "tk"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("yid", "yi"),
    ("zul", "zu"),
];

/// The language of `text` as its shortest ISO 639 code (`fr`); `None` where the text is short or the answer not reliable.
/// Quoted lines (`>`) are somebody else's words and do not count.
pub fn of(text: &str) -> Option<&'static str> {
    let sample = sample(text);
    if sample.bytes().filter(u8::is_ascii_alphabetic).take(FEWEST).count() < FEWEST
        && sample.chars().filter(|c| c.is_alphabetic()).take(FEWEST).count() < FEWEST
    {
        return None;
    }
    by_words(&sample).or_else(|| by_trigrams(&sample))
}

/// The language that trigrams tell. Latin script is compared with the languages of Europe and a few
/// neighbours only: each costs as much as all the rest of reading a mail.
fn by_trigrams(sample: &str) -> Option<&'static str> {
    use whatlang::{Detector, Lang::*, Script};
    const LATIN: [whatlang::Lang; 20] =
        [Eng, Fra, Deu, Ita, Spa, Por, Nld, Cat, Swe, Dan, Nob, Fin, Pol, Ces, Slk, Hun, Ron, Hrv, Slv, Tur];
    let info = match whatlang::detect_script(sample)? {
        Script::Latin => Detector::with_allowlist(LATIN.to_vec()).detect(sample)?,
        _ => whatlang::detect(sample)?,
    };
    Some(info).filter(Info::is_reliable).map(|info| short(info.lang().code()))
}

fn short(code: &'static str) -> &'static str {
    SHORT.iter().find(|(long, _)| *long == code).map_or(code, |(_, short)| short)
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
    let enough = if *lang == "en" { 2 } else { 4 };
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
            ("The committee will meet on Thursday to discuss the budget for the coming year.", Some("en")),
            (
                "Der Ausschuss trifft sich am Donnerstag, um über den Haushalt des nächsten Jahres zu beraten.",
                Some("de"),
            ),
            ("Комитет соберётся в четверг, чтобы обсудить бюджет на следующий год и отчёт.", Some("ru")),
            (
                "Le comité se réunira jeudi pour discuter du budget de l'année prochaine avec vous.",
                Some("fr"),
            ),
            (
                "Il comitato si riunirà giovedì per discutere il bilancio del prossimo anno, che è urgente.",
                Some("it"),
            ),
            (
                "Wydział zbierze się w czwartek, żeby omówić budżet na przyszły rok i sprawozdanie.",
                Some("pl"),
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
            ("I have not been there, but they told me that you would be in the office with your team", "en"),
            (
                "Ich habe das nicht gewusst, aber wir werden sie mit dem Bericht auf den neuen Stand bringen",
                "de",
            ),
            (
                "Vous avez reçu une lettre dans laquelle nous sommes invités, mais ce n'est pas pour vous",
                "fr",
            ),
            (
                "Los documentos fueron enviados ayer, pero el director no los ha visto y su firma es muy necesaria",
                "es",
            ),
            (
                "Os documentos foram enviados ontem, mas o diretor não os viu e uma cópia foi para o seu gabinete",
                "pt",
            ),
            ("Het bestuur heeft een brief van de minister gekregen, maar dat is niet voor deze week", "nl"),
        ] {
            assert_eq!(by_words(&sample(text)), Some(lang), "{text}");
            assert_eq!(whatlang::detect_lang(text).map(|lang| short(lang.code())), Some(lang), "{text}");
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
