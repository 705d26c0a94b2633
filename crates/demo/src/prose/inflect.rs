//! Inflection: plurals, feminine forms, agreement and conjugation of the vocabulary.

use super::Person;
use crate::rng::Rng;

pub(super) struct Noun {
    pub(super) singular: String,
    pub(super) plural: String,
    pub(super) feminine: bool,
}

/// Masculine and feminine singular, masculine and feminine plural; in English all the same.
pub(super) struct Adjective {
    pub(super) forms: [String; 4],
    before: bool,
}

/// The forms a sentence needs. `first` (je), `we` and `you` are empty for irregular French verbs, and
/// `past` for all French ones.
pub(super) struct Verb {
    pub(super) infinitive: String,
    pub(super) one: String,
    pub(super) many: String,
    pub(super) first: String,
    we: String,
    you: String,
    future: String,
    past: String,
    imperfect: String,
    pub(super) participle: String,
}

impl Noun {
    pub(super) fn french(word: &str, feminine: bool) -> Noun {
        Noun { singular: word.to_owned(), plural: french_plural(word), feminine }
    }

    pub(super) fn english(word: &str) -> Noun {
        Noun { singular: word.to_owned(), plural: english_s(word), feminine: false }
    }
}

impl Adjective {
    pub(super) fn french(word: &str) -> Adjective {
        let feminine = french_feminine(word);
        let plural = french_plural(word);
        let before =
            ["nouveau", "grand", "petit", "bon", "dernier", "premier", "prochain", "ancien"].contains(&word);
        let feminine_plural = format!("{feminine}s");
        Adjective { forms: [word.to_owned(), feminine, plural, feminine_plural], before }
    }

    pub(super) fn english(word: &str) -> Adjective {
        Adjective { forms: [word, word, word, word].map(str::to_owned), before: true }
    }
}

impl Verb {
    pub(super) fn french_er(infinitive: &str) -> Verb {
        let stem = infinitive.strip_suffix("er").unwrap_or(infinitive);
        // g and c keep their sound before a and o.
        let soft = match stem.strip_suffix('c') {
            Some(head) => format!("{head}ç"),
            None if stem.ends_with('g') => format!("{stem}e"),
            None => stem.to_owned(),
        };
        Verb {
            infinitive: infinitive.to_owned(),
            one: format!("{stem}e"),
            many: format!("{stem}ent"),
            first: format!("{stem}e"),
            we: format!("{soft}ons"),
            you: format!("{stem}ez"),
            future: infinitive.to_owned(),
            past: String::new(),
            imperfect: soft,
            participle: format!("{stem}é"),
        }
    }

    pub(super) fn french_ir(infinitive: &str) -> Verb {
        let stem = infinitive.strip_suffix('r').unwrap_or(infinitive);
        Verb {
            infinitive: infinitive.to_owned(),
            one: format!("{stem}t"),
            many: format!("{stem}ssent"),
            first: format!("{stem}s"),
            we: format!("{stem}ssons"),
            you: format!("{stem}ssez"),
            future: infinitive.to_owned(),
            past: String::new(),
            imperfect: format!("{stem}ss"),
            participle: stem.to_owned(),
        }
    }

    /// `infinitive|il|ils|future stem|participle`
    pub(super) fn french_irregular(line: &str) -> Option<Verb> {
        let mut forms = line.split('|').map(str::to_owned);
        let (infinitive, one, many) = (forms.next()?, forms.next()?, forms.next()?);
        let (future, participle) = (forms.next()?, forms.next()?);
        let empty = String::new;
        Some(Verb {
            infinitive,
            one,
            many,
            future,
            participle,
            first: empty(),
            we: empty(),
            you: empty(),
            past: empty(),
            imperfect: empty(),
        })
    }

    pub(super) fn english(base: &str) -> Verb {
        let past = match base.strip_suffix('e') {
            Some(stem) => format!("{stem}ed"),
            None => match base.strip_suffix('y') {
                Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ied"),
                _ => format!("{base}ed"),
            },
        };
        Verb::english_forms(base.to_owned(), english_s(base), past.clone(), past)
    }

    /// `base|third person|past|participle`
    pub(super) fn english_irregular(line: &str) -> Option<Verb> {
        let mut forms = line.split('|').map(str::to_owned);
        Some(Verb::english_forms(forms.next()?, forms.next()?, forms.next()?, forms.next()?))
    }

    fn english_forms(base: String, one: String, past: String, participle: String) -> Verb {
        Verb {
            one,
            many: base.clone(),
            first: base.clone(),
            we: base.clone(),
            you: base.clone(),
            future: base.clone(),
            imperfect: String::new(),
            infinitive: base,
            past,
            participle,
        }
    }
}

/// Letters before which French elides.
pub(super) fn is_vowel(c: char) -> bool {
    "aeiouéèêàâîôûœhAEIOUÉÈÊÀÂÎÔÛŒH".contains(c)
}

/// Determiner, noun and adjective in agreement.
pub(super) fn french_phrase(
    rng: &mut Rng,
    feminine: bool,
    plural: bool,
    noun: &str,
    adjective: Option<&Adjective>,
    out: &mut String,
) {
    let form = adjective.and_then(|a| {
        let at = usize::from(feminine) + 2 * usize::from(plural);
        a.forms.get(at).map(|form| (form.as_str(), a.before))
    });
    let words: [&str; 2] = match form {
        Some((form, true)) => [form, noun],
        Some((form, false)) => [noun, form],
        None => [noun, ""],
    };
    let vowel = words.first().is_some_and(|word| word.starts_with(is_vowel));
    let determiner = match (plural, feminine, vowel) {
        (true, ..) => {
            rng.pick(&["les ", "les ", "des ", "ces ", "nos ", "vos ", "leurs ", "quelques ", "plusieurs "])
        }
        (false, _, true) => rng.pick(&["l’", "l’", "notre ", "votre ", "leur ", "chaque "]),
        (false, true, false) => {
            rng.pick(&["la ", "la ", "une ", "cette ", "notre ", "votre ", "sa ", "ma ", "chaque ", "leur "])
        }
        (false, false, false) => {
            rng.pick(&["le ", "le ", "un ", "ce ", "notre ", "votre ", "son ", "mon ", "chaque ", "leur "])
        }
    };
    push_words(determiner, words, out);
}

/// Determiner, adjective and noun.
pub(super) fn english_phrase(
    rng: &mut Rng,
    plural: bool,
    noun: &str,
    adjective: Option<&Adjective>,
    out: &mut String,
) {
    let words = match adjective.and_then(|a| a.forms.first()) {
        Some(form) => [form.as_str(), noun],
        None => [noun, ""],
    };
    let vowel = words.first().is_some_and(|word| word.starts_with(['a', 'e', 'i', 'o']));
    let determiner = match (plural, vowel) {
        (true, _) => {
            rng.pick(&["the ", "the ", "our ", "your ", "these ", "some ", "several ", "their ", ""])
        }
        (false, true) => rng.pick(&["the ", "the ", "an ", "our ", "your ", "this ", "each ", "their "]),
        (false, false) => rng.pick(&["the ", "the ", "a ", "our ", "your ", "this ", "each ", "their "]),
    };
    push_words(determiner, words, out);
}

fn push_words(determiner: &str, [first, second]: [&str; 2], out: &mut String) {
    out.push_str(determiner);
    out.push_str(first);
    if !second.is_empty() {
        out.push(' ');
        out.push_str(second);
    }
}

/// Appends ` ` and the verb in the tense of a slot (`V`, `F`, `P`, `I`).
pub(super) fn french_verb(rng: &mut Rng, verb: &Verb, tense: &str, person: Person, out: &mut String) {
    let at = |forms: [&'static str; 5]| -> &'static str {
        let [i, one, we, you, many] = forms;
        match person {
            Person::I => i,
            Person::One => one,
            Person::We => we,
            Person::You => you,
            Person::Many => many,
        }
    };
    match tense {
        "I" => out.push_str(&verb.infinitive),
        "F" if rng.percent(25) => {
            out.push_str(&verb.future);
            out.push_str(at(["ais", "ait", "ions", "iez", "aient"]));
        }
        "F" => {
            out.push_str(&verb.future);
            out.push_str(at(["ai", "a", "ons", "ez", "ont"]));
        }
        "P" if !verb.imperfect.is_empty() && rng.percent(30) => {
            // Before `i` the softened stem is not needed: mangions, not mangeions.
            let ending = at(["ais", "ait", "ions", "iez", "aient"]);
            let stem = match ending.starts_with('i') {
                true => verb.you.strip_suffix("ez").unwrap_or(&verb.imperfect),
                false => &verb.imperfect,
            };
            out.push_str(stem);
            out.push_str(ending);
        }
        "P" => {
            out.push_str(at(["ai ", "a ", "avons ", "avez ", "ont "]));
            out.push_str(&verb.participle);
        }
        _ => out.push_str(match person {
            Person::I => &verb.first,
            Person::One => &verb.one,
            Person::We => &verb.we,
            Person::You => &verb.you,
            Person::Many => &verb.many,
        }),
    }
}

/// Appends the verb in the tense of a slot.
pub(super) fn english_verb(rng: &mut Rng, verb: &Verb, tense: &str, person: Person, out: &mut String) {
    match tense {
        "I" => out.push_str(&verb.infinitive),
        "F" => {
            out.push_str(rng.pick(&["will ", "will ", "would ", "should ", "might "]));
            out.push_str(&verb.future);
        }
        "P" if rng.percent(35) => {
            out.push_str(if person == Person::One { "has " } else { "have " });
            out.push_str(&verb.participle);
        }
        "P" => out.push_str(&verb.past),
        _ => out.push_str(if person == Person::One { &verb.one } else { &verb.many }),
    }
}

fn french_plural(word: &str) -> String {
    let endings: [(&str, &str); 6] =
        [("s", "s"), ("x", "x"), ("z", "z"), ("al", "aux"), ("eau", "eaux"), ("eu", "eux")];
    for (ending, plural) in endings {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{plural}");
        }
    }
    format!("{word}s")
}

fn french_feminine(word: &str) -> String {
    let endings = [
        ("nouveau", "nouvelle"),
        ("long", "longue"),
        ("public", "publique"),
        ("bas", "basse"),
        ("complet", "complète"),
        ("discret", "discrète"),
        ("if", "ive"),
        ("eux", "euse"),
        ("el", "elle"),
        ("en", "enne"),
        ("bon", "bonne"),
        ("er", "ère"),
        ("e", "e"),
    ];
    for (ending, feminine) in endings {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{stem}{feminine}");
        }
    }
    format!("{word}e")
}

/// The third person of a verb and the plural of a noun follow one rule.
fn english_s(word: &str) -> String {
    match word {
        "child" => "children".to_owned(),
        "half" => "halves".to_owned(),
        _ if ["s", "x", "ch", "sh", "z"].iter().any(|end| word.ends_with(end)) => format!("{word}es"),
        _ => match word.strip_suffix('y') {
            Some(stem) if !stem.ends_with(is_vowel) => format!("{stem}ies"),
            _ => format!("{word}s"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (word, plural) in
            [("journal", "journaux"), ("bureau", "bureaux"), ("avis", "avis"), ("mot", "mots")]
        {
            assert_eq!(french_plural(word), plural);
        }
        for (word, feminine) in
            [("actif", "active"), ("dernier", "dernière"), ("clair", "claire"), ("utile", "utile")]
        {
            assert_eq!(french_feminine(word), feminine);
        }
        for (word, s) in [("party", "parties"), ("watch", "watches"), ("day", "days"), ("tax", "taxes")] {
            assert_eq!(english_s(word), s);
        }
        for (verb, past) in
            [("copy", "copied"), ("delay", "delayed"), ("share", "shared"), ("check", "checked")]
        {
            assert_eq!(Verb::english(verb).past, past);
        }
        let (mut rng, mut out) = (Rng::new(1, "", 0), String::new());
        french_verb(&mut rng, &Verb::french_er("lancer"), "V", Person::We, &mut out);
        assert_eq!(out, "lançons");
    }
}
