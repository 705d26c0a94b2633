//! Prose by grammar, in French and English: inflected vocabulary drawn by Zipf's law and by topic,
//! invented names, numbers, amounts, dates, references, derived words and slips of the finger, so
//! that size and speed of an index measured on it are honest.

mod english;
mod french;
mod inflect;

use crate::{
    clock,
    rng::{Rng, Zipf},
};
use inflect::{Adjective, Noun, Verb};

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lang {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

impl Lang {
    /// The tag of BCP 47.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Lang::Fr => "fr",
            Lang::En => "en",
        }
    }
}

/// What a text is about: moves the window from which half of its words are drawn.
pub(crate) type Topic = usize;

/// Who stands as subject of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Person {
    #[default]
    One,
    Many,
    I,
    We,
    You,
}

struct Lexicon {
    nouns: Vec<Noun>,
    /// The first nouns, which are not derived ones: topics are made of these.
    core: usize,
    adjectives: Vec<Adjective>,
    verbs: Vec<Verb>,
    adverbs: Vec<String>,
    prepositions: Vec<String>,
    connectors: Vec<String>,
    sentences: &'static [&'static str],
    subjects: &'static [&'static str],
    greetings: &'static [&'static str],
    closings: &'static [&'static str],
    roles: &'static [&'static str],
    zipf: [Zipf; 3],
}

/// The writer of all prose. Holds its vocabulary (some hundred kilobytes), draws from the caller's
/// [`Rng`].
pub(crate) struct Prose {
    french: Lexicon,
    english: Lexicon,
    towns: Vec<String>,
    surnames: Vec<String>,
    organisations: Vec<String>,
    town_zipf: Zipf,
    name_zipf: Zipf,
    organisation_zipf: Zipf,
    head: Zipf,
}

impl Prose {
    /// The vocabulary; invented names depend on `seed`.
    pub(crate) fn new(seed: u64) -> Prose {
        let mut rng = Rng::new(seed, "names", 0);
        let towns: Vec<String> = (0..2_500).map(|_| town(&mut rng)).collect();
        let surnames: Vec<String> = (0..9_000).map(|_| surname(&mut rng)).collect();
        let organisations = (0..600)
            .map(|_| {
                let kind: &str = rng.pick(ORGANISATIONS);
                format!("{kind} {}", surnames.get(rng.below(surnames.len())).map_or("", String::as_str))
            })
            .collect();
        Prose {
            french: french_lexicon(),
            english: english_lexicon(),
            towns,
            surnames,
            organisations,
            town_zipf: Zipf::new(2_500, 6),
            name_zipf: Zipf::new(9_000, 40),
            organisation_zipf: Zipf::new(600, 5),
            head: Zipf::new(48, 2),
        }
    }

    /// Appends one sentence, without a space or line end after it.
    pub(crate) fn sentence(&self, rng: &mut Rng, lang: Lang, topic: Topic, out: &mut String) {
        let template = rng_pick(self.lexicon(lang).sentences, rng);
        self.expand(rng, lang, topic, template, out);
    }

    /// A paragraph of `sentences` sentences on one line.
    pub(crate) fn paragraph(&self, rng: &mut Rng, lang: Lang, topic: Topic, sentences: usize) -> String {
        let mut out = String::with_capacity(sentences * 90);
        for i in 0..sentences {
            if i > 0 {
                out.push(' ');
            }
            self.sentence(rng, lang, topic, &mut out);
        }
        out
    }

    /// Running text of at least `bytes` bytes, in paragraphs of one line each.
    pub(crate) fn text(&self, rng: &mut Rng, lang: Lang, topic: Topic, bytes: usize) -> String {
        let mut out = String::with_capacity(bytes + 512);
        while out.len() < bytes {
            let sentences = rng.between(2, 6);
            out.push_str(&self.paragraph(rng, lang, topic, sentences));
            out.push_str("\n\n");
        }
        out
    }

    /// A subject line.
    pub(crate) fn subject(&self, rng: &mut Rng, lang: Lang, topic: Topic) -> String {
        let mut out = String::new();
        let template = rng_pick(self.lexicon(lang).subjects, rng);
        self.expand(rng, lang, topic, template, &mut out);
        capitalise(&mut out, 0);
        out
    }

    /// A greeting to a first name.
    pub(crate) fn greeting(&self, rng: &mut Rng, lang: Lang, name: &str) -> String {
        rng_pick(self.lexicon(lang).greetings, rng).replace("{N}", name)
    }

    /// A closing line.
    pub(crate) fn closing(&self, rng: &mut Rng, lang: Lang) -> &'static str {
        rng_pick(self.lexicon(lang).closings, rng)
    }

    /// A role for a signature.
    pub(crate) fn role(&self, rng: &mut Rng, lang: Lang) -> &'static str {
        rng_pick(self.lexicon(lang).roles, rng)
    }

    /// A bare noun of the topic, for titles and file names.
    pub(crate) fn noun(&self, rng: &mut Rng, lang: Lang, topic: Topic) -> &str {
        self.draw_noun(rng, self.lexicon(lang), topic).map_or("note", |noun| noun.singular.as_str())
    }

    /// An invented town.
    pub(crate) fn town(&self, rng: &mut Rng) -> &str {
        self.towns.get(self.town_zipf.draw(rng)).map_or("", String::as_str)
    }

    /// An invented surname.
    pub(crate) fn surname(&self, rng: &mut Rng) -> &str {
        self.surnames.get(self.name_zipf.draw(rng)).map_or("", String::as_str)
    }

    /// An invented organisation.
    pub(crate) fn organisation(&self, rng: &mut Rng) -> &str {
        self.organisations.get(self.organisation_zipf.draw(rng)).map_or("", String::as_str)
    }

    fn lexicon(&self, lang: Lang) -> &Lexicon {
        match lang {
            Lang::Fr => &self.french,
            Lang::En => &self.english,
        }
    }

    /// Fills the slots of a template; see `french::SENTENCES` for what each letter means.
    fn expand(&self, rng: &mut Rng, lang: Lang, topic: Topic, template: &str, out: &mut String) {
        let (from, mut person, mut rest) = (out.len(), Person::One, template);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((slot, tail)) = after.split_once('}') else { break };
            rest = tail;
            let at = out.len();
            match slot {
                "S" | "s" => person = self.subject_of_clause(rng, lang, topic, out),
                "V" | "F" | "P" | "I" => self.verb(rng, lang, topic, slot, person, out),
                "O" | "o" => {
                    self.noun_phrase(rng, lang, topic, out);
                }
                "Q" => {
                    out.push_str(rng_pick(&self.lexicon(lang).prepositions, rng));
                    out.push(' ');
                    self.noun_phrase(rng, lang, topic, out);
                }
                "D" => out.push_str(rng_pick(&self.lexicon(lang).adverbs, rng)),
                "C" => out.push_str(rng_pick(&self.lexicon(lang).connectors, rng)),
                "n" => out.push_str(self.noun(rng, lang, topic)),
                other => self.particular(rng, lang, other, out),
            }
            if lang == Lang::Fr {
                elide(out, at);
            }
        }
        out.push_str(rest);
        capitalise(out, from);
    }

    /// Slots that name one thing in the world: dates, amounts, names, references.
    fn particular(&self, rng: &mut Rng, lang: Lang, slot: &str, out: &mut String) {
        match slot {
            "X" => out.push_str(&date_in_words(rng, lang)),
            "M" => out.push_str(&amount(rng, lang)),
            "H" if lang == Lang::Fr => {
                out.push_str(&format!("{}h{:02}", rng.between(7, 22), rng.below(12) * 5));
            }
            "H" => out.push_str(&format!("{}:{:02}", rng.between(7, 22), rng.below(12) * 5)),
            "T" => out.push_str(self.town(rng)),
            "N" => {
                let first: &str = rng.pick(crate::people::FIRST_NAMES);
                out.push_str(first);
                if rng.percent(60) {
                    out.push(' ');
                    out.push_str(self.surname(rng));
                }
            }
            "G" => out.push_str(self.organisation(rng)),
            "R" => out.push_str(&reference(rng)),
            "U" => out.push_str(&address(rng)),
            _ => out.push_str(&rng.between(2, 2_500).to_string()),
        }
    }

    fn subject_of_clause(&self, rng: &mut Rng, lang: Lang, topic: Topic, out: &mut String) -> Person {
        if rng.percent(45) {
            return self.noun_phrase(rng, lang, topic, out);
        }
        let (word, person) = match lang {
            Lang::Fr => rng.pick(&[
                ("je", Person::I),
                ("nous", Person::We),
                ("vous", Person::You),
                ("on", Person::One),
                ("il", Person::One),
                ("elle", Person::One),
                ("ils", Person::Many),
                ("tout le monde", Person::One),
            ]),
            Lang::En => rng.pick(&[
                ("we", Person::Many),
                ("they", Person::Many),
                ("you", Person::Many),
                ("he", Person::One),
                ("she", Person::One),
                ("everyone", Person::One),
            ]),
        };
        out.push_str(word);
        person
    }

    fn verb(&self, rng: &mut Rng, lang: Lang, topic: Topic, tense: &str, person: Person, out: &mut String) {
        let lexicon = self.lexicon(lang);
        let mut verb = self.draw(rng, &lexicon.verbs, lexicon.verbs.len(), lexicon.zipf.get(2), topic);
        if matches!(person, Person::I | Person::We | Person::You)
            && verb.is_some_and(|v| v.first.is_empty())
            && tense == "V"
        {
            verb = lexicon.verbs.first();
        }
        let Some(verb) = verb else { return };
        match lang {
            Lang::Fr => inflect::french_verb(rng, verb, tense, person, out),
            Lang::En => inflect::english_verb(rng, verb, tense, person, out),
        }
    }

    fn noun_phrase(&self, rng: &mut Rng, lang: Lang, topic: Topic, out: &mut String) -> Person {
        let lexicon = self.lexicon(lang);
        let Some(noun) = self.draw_noun(rng, lexicon, topic) else { return Person::One };
        let plural = rng.percent(35);
        let adjective = rng
            .percent(45)
            .then(|| {
                self.draw(rng, &lexicon.adjectives, lexicon.adjectives.len(), lexicon.zipf.get(1), topic)
            })
            .flatten();
        let mut word = if plural { noun.plural.clone() } else { noun.singular.clone() };
        vary(rng, lang, &mut word);
        match lang {
            Lang::Fr => inflect::french_phrase(rng, noun.feminine, plural, &word, adjective, out),
            Lang::En => inflect::english_phrase(rng, plural, &word, adjective, out),
        }
        if plural { Person::Many } else { Person::One }
    }

    fn draw_noun<'a>(&self, rng: &mut Rng, lexicon: &'a Lexicon, topic: Topic) -> Option<&'a Noun> {
        self.draw(rng, &lexicon.nouns, lexicon.core, lexicon.zipf.first(), topic)
    }

    /// Half of the words come from the whole list, half from the topic's window in its first `core`.
    fn draw<'a, T>(
        &self,
        rng: &mut Rng,
        from: &'a [T],
        core: usize,
        zipf: Option<&Zipf>,
        topic: Topic,
    ) -> Option<&'a T> {
        let rank = match zipf {
            Some(zipf) if rng.percent(50) => zipf.draw(rng),
            _ => (topic.wrapping_mul(29) + self.head.draw(rng)) % core.max(1),
        };
        from.get(rank)
    }
}

/// One of a list; the empty value for an empty list.
fn rng_pick<'a, S: AsRef<str>>(from: &'a [S], rng: &mut Rng) -> &'a str {
    from.get(rng.below(from.len())).map_or("", AsRef::as_ref)
}

fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(|word| word.replace('_', " ")).collect()
}

fn french_lexicon() -> Lexicon {
    let masculine = french::NOUNS_M.split_whitespace().map(|word| Noun::french(word, false));
    let feminine = french::NOUNS_F.split_whitespace().map(|word| Noun::french(word, true));
    let mut nouns = interleave(masculine.collect(), feminine.collect());
    let core = nouns.len();
    // Derived nouns are rarer: they follow the others. valider → validation, affichage, validateur.
    for stem in french::VERBS_ER.split_whitespace().filter_map(|verb| verb.strip_suffix("er")) {
        nouns.push(Noun::french(&format!("{stem}ation"), true));
        nouns.push(Noun::french(&format!("{stem}age"), false));
        nouns.push(Noun::french(&format!("{stem}ateur"), false));
    }
    let irregular = french::VERBS_IRREGULAR.split_whitespace().filter_map(Verb::french_irregular);
    let er = french::VERBS_ER.split_whitespace().map(Verb::french_er);
    let ir = french::VERBS_IR.split_whitespace().map(Verb::french_ir);
    let verbs = interleave(er.collect(), irregular.chain(ir).collect());
    let adjectives: Vec<Adjective> = french::ADJECTIVES.split_whitespace().map(Adjective::french).collect();
    Lexicon {
        zipf: zipfs(nouns.len(), adjectives.len(), verbs.len()),
        nouns,
        core,
        adjectives,
        verbs,
        adverbs: words(french::ADVERBS),
        prepositions: words(french::PREPOSITIONS),
        connectors: words(french::CONNECTORS),
        sentences: french::SENTENCES,
        subjects: french::SUBJECTS,
        greetings: french::GREETINGS,
        closings: french::CLOSINGS,
        roles: french::ROLES,
    }
}

fn english_lexicon() -> Lexicon {
    let mut nouns: Vec<Noun> = english::NOUNS.split_whitespace().map(Noun::english).collect();
    let core = nouns.len();
    // Derived nouns are rarer: they follow the others.
    for verb in english::VERBS.split_whitespace() {
        let stem = verb.strip_suffix('e').unwrap_or(verb);
        nouns.extend(["er", "ing", "ability"].map(|ending| Noun::english(&format!("{stem}{ending}"))));
    }
    for adjective in english::ADJECTIVES.split_whitespace() {
        nouns.push(Noun::english(&format!("{adjective}ness")));
    }
    let irregular = english::VERBS_IRREGULAR.split_whitespace().filter_map(Verb::english_irregular);
    let regular = english::VERBS.split_whitespace().map(Verb::english);
    let verbs = interleave(regular.collect(), irregular.collect());
    let adjectives: Vec<Adjective> = english::ADJECTIVES.split_whitespace().map(Adjective::english).collect();
    Lexicon {
        zipf: zipfs(nouns.len(), adjectives.len(), verbs.len()),
        nouns,
        core,
        adjectives,
        verbs,
        adverbs: words(english::ADVERBS),
        prepositions: words(english::PREPOSITIONS),
        connectors: words(english::CONNECTORS),
        sentences: english::SENTENCES,
        subjects: english::SUBJECTS,
        greetings: english::GREETINGS,
        closings: english::CLOSINGS,
        roles: english::ROLES,
    }
}

fn zipfs(nouns: usize, adjectives: usize, verbs: usize) -> [Zipf; 3] {
    [nouns, adjectives, verbs].map(|n| Zipf::new(n, 3))
}

/// a, b, a, b, … and then what is left of the longer one: keeps the rank of both.
fn interleave<T>(a: Vec<T>, b: Vec<T>) -> Vec<T> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return out,
            (x, y) => out.extend(x.into_iter().chain(y)),
        }
    }
}

/// The long tail: derived words, and letters swapped or dropped by hasty fingers.
fn vary(rng: &mut Rng, lang: Lang, word: &mut String) {
    let (prefixes, suffixes): (&[&str], &[&str]) = match lang {
        Lang::Fr => (
            &[
                "co-", "anti-", "inter", "sur", "sous-", "mini-", "pré-", "contre-", "méga", "télé", "auto-",
                "ex-", "vice-", "semi-", "pseudo-", "néo", "multi", "post-",
            ],
            &["-type", "-clé", "-maison", "-relais", "-test", "-pilote", "-cadre", "-minute"],
        ),
        Lang::En => (
            &[
                "co-", "anti-", "inter", "over", "under", "mini-", "pre-", "counter", "meta", "re-", "non-",
                "ex-", "vice-", "semi", "pseudo-", "neo", "multi", "post-",
            ],
            &["-wise", "-like", "-based", "-free", "-related", "less", "ship", "ful", "-led", "-only"],
        ),
    };
    if rng.permille(35) {
        word.insert_str(0, rng.pick(prefixes));
    }
    if rng.permille(20) {
        word.push_str(rng.pick(suffixes));
    }
    if rng.permille(10) {
        let mut letters: Vec<char> = word.chars().collect();
        let at = rng.below(letters.len().saturating_sub(1));
        if rng.percent(40) && letters.len() > 4 {
            letters.remove(at);
        } else if at + 1 < letters.len() {
            letters.swap(at, at + 1);
        }
        *word = letters.into_iter().collect();
    }
}

/// French elision where a slot that begins with a vowel follows a short word.
fn elide(out: &mut String, at: usize) {
    let vowel = out.get(at..).is_some_and(|slot| slot.starts_with(inflect::is_vowel));
    for (long, short) in [("de ", "d’"), ("que ", "qu’"), ("je ", "j’"), ("Je ", "J’")] {
        let Some(before) = out.get(..at) else { return };
        let stands_alone =
            before.strip_suffix(long).is_some_and(|head| !head.ends_with(char::is_alphanumeric));
        if vowel && stands_alone {
            out.replace_range(at - long.len()..at, short);
            return;
        }
    }
}

fn capitalise(out: &mut String, from: usize) {
    let Some(first) = out.get(from..).and_then(|tail| tail.chars().next()) else { return };
    let upper: String = first.to_uppercase().collect();
    out.replace_range(from..from + first.len_utf8(), &upper);
}

fn date_in_words(rng: &mut Rng, lang: Lang) -> String {
    let (day, month, year) = (rng.between(1, 28), rng.below(12), rng.between(2023, 2025));
    match (lang, rng.below(3)) {
        (Lang::Fr, 0) => format!("{day} {} {year}", rng_at(&clock::MONTHS_FR, month)),
        (Lang::Fr, 1) => format!("{day} {}", rng_at(&clock::MONTHS_FR, month)),
        (Lang::Fr, _) => format!("{day:02}/{:02}", month + 1),
        (Lang::En, 0) => format!("{day} {} {year}", rng_at(&clock::MONTHS_EN, month)),
        (Lang::En, 1) => format!("{} {day}", rng_at(&clock::MONTHS_EN, month)),
        (Lang::En, _) => format!("{year}-{:02}-{day:02}", month + 1),
    }
}

fn rng_at(from: &[&'static str], at: usize) -> &'static str {
    from.get(at).copied().unwrap_or("")
}

/// An amount of money as people write it.
pub(crate) fn amount(rng: &mut Rng, lang: Lang) -> String {
    let euros = [rng.between(5, 99), rng.between(100, 999), rng.between(1_000, 99_999)];
    let euros = euros.get(rng.below(3)).copied().unwrap_or(1);
    let (thousands, units) = (euros / 1000, euros % 1000);
    match (lang, thousands) {
        (Lang::Fr, 0) => format!("{units},{:02} €", rng.below(100)),
        (Lang::Fr, _) => format!("{thousands}\u{a0}{units:03} euros"),
        (Lang::En, 0) => format!("€{units}.{:02}", rng.below(100)),
        (Lang::En, _) => format!("€{thousands},{units:03}"),
    }
}

fn reference(rng: &mut Rng) -> String {
    let (year, number) = (rng.between(2023, 2025), rng.below(100_000));
    match rng.below(4) {
        0 => format!("FAC-{year}-{number:05}"),
        1 => format!("DV/{}/{:04}", year % 100, number % 10_000),
        2 => format!("n° {year}-{}", number % 1_000),
        _ => format!("EAD{}", rng.token("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", 7)),
    }
}

/// A web address on a reserved domain (RFC 2606).
pub(crate) fn address(rng: &mut Rng) -> String {
    let host: &str =
        rng.pick(&["docs.demain.example", "www.demain.example", "partage.example.org", "presse.example"]);
    let path: &str = rng.pick(&["s", "dossier", "p", "agenda", "article", "doc"]);
    let len = rng.between(6, 16);
    let token = rng.token("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", len);
    format!("https://{host}/{path}/{token}")
}

const ORGANISATIONS: &[&str] = &[
    "Imprimerie",
    "Sonorisation",
    "Traiteur",
    "Cabinet",
    "Agence",
    "Garage",
    "Hôtel",
    "Éditions",
    "Studio",
    "Transports",
    "Librairie",
    "Radio",
    "Le Journal de",
    "Association",
    "Banque",
    "Atelier",
    "Mutuelle",
];

const ONSETS: &[&str] = &[
    "Bré", "Tré", "Kerva", "Val", "Morla", "Lante", "Chaba", "Gréno", "Plou", "Fau", "Dau", "Mar", "Sau",
    "Vigne", "Cor", "Bel", "Rou", "Tal", "Nor", "Per", "Gui", "Lu", "Char", "Esco", "Arma", "Ville", "Pont",
    "Haute", "Cour", "Mont", "Roque", "Sain", "Font", "Bour", "Cla", "Jau", "Ori", "Quer", "Ser", "Ver",
];
const MIDDLES: &[&str] = &[
    "", "", "ra", "li", "mo", "ve", "do", "gi", "na", "so", "bi", "ta", "ru", "de", "ma", "pe", "lo", "ni",
    "ga", "che",
];
const TOWN_ENDS: &[&str] = &[
    "court", "ville", "gnac", "mont", "zières", "nay", "sson", "bourg", "vert", "lieu", "font", "ges",
    "llac", "rive", "moutiers",
];
const NAME_ENDS: &[&str] = &[
    "din", "lec", "reau", "gnac", "nnier", "quet", "vel", "rard", "ssin", "ndel", "lot", "tier", "brac",
    "mont", "net", "roux", "gard", "lain", "nec", "zou", "dier", "fay", "pin", "rnac", "val",
];

fn town(rng: &mut Rng) -> String {
    let name = [rng.pick(ONSETS), rng.pick(MIDDLES), rng.pick(TOWN_ENDS)].concat();
    match rng.below(8) {
        0 => format!("Saint-{name}"),
        1 => format!("{name}-sur-{}", [rng.pick(ONSETS), "e"].concat()),
        2 => format!("{name}-les-{}", [rng.pick(ONSETS), "s"].concat()),
        _ => name,
    }
}

fn surname(rng: &mut Rng) -> String {
    let name = [rng.pick(ONSETS), rng.pick(MIDDLES), rng.pick(NAME_ENDS)].concat();
    match rng.below(20) {
        0 => format!("de {name}"),
        1 => format!("Le {name}"),
        _ => name,
    }
}

/// The n-th planted word: it occurs nowhere else, is no word of any language, and no stemmer of
/// French or English shortens it. `accented` words hold an `é`.
pub(crate) fn planted(n: usize, accented: bool) -> String {
    const SYLLABLES: [&str; 16] = [
        "zu", "qua", "vi", "xo", "ke", "wa", "ju", "gri", "plo", "dra", "fu", "bly", "ma", "tro", "ni", "sko",
    ];
    let digits = [n >> 12, n >> 8, n >> 4, n];
    let middle: String = digits.iter().filter_map(|d| SYLLABLES.get(d & 15)).copied().collect();
    match accented {
        true => format!("xylé{middle}k"),
        false => format!("xyl{middle}k"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn vocabulary_is_sizeable() {
        let forms = |lexicon: &Lexicon| -> usize {
            let mut all = BTreeSet::new();
            for noun in &lexicon.nouns {
                all.extend([noun.singular.clone(), noun.plural.clone()]);
            }
            for a in &lexicon.adjectives {
                all.extend(a.forms.clone());
            }
            for v in &lexicon.verbs {
                all.extend([v.infinitive.clone(), v.one.clone(), v.many.clone(), v.participle.clone()]);
            }
            all.len()
        };
        let prose = Prose::new(1);
        assert!(forms(&prose.french) >= 1_500, "{}", forms(&prose.french));
        assert!(forms(&prose.english) >= 1_500, "{}", forms(&prose.english));
    }

    #[test]
    fn text_varies_like_text() {
        let prose = Prose::new(1);
        for lang in [Lang::Fr, Lang::En] {
            let mut counts = BTreeMap::<String, usize>::new();
            for topic in 0..400 {
                let mut rng = Rng::new(3, "text", topic);
                let text = prose.text(&mut rng, lang, topic as usize, 2_500);
                for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
                    *counts.entry(word.to_lowercase()).or_default() += 1;
                }
            }
            let total: usize = counts.values().sum();
            let once = counts.values().filter(|n| **n == 1).count();
            assert!(total > 150_000);
            assert!(counts.len() > 8_000, "{lang:?}: {} distinct of {total}", counts.len());
            assert!(once * 4 > counts.len(), "{lang:?}: {once} of {} occur once", counts.len());
            assert!(!counts.keys().any(|word| word.starts_with("xyl")));
        }
    }

    #[test]
    fn planted_words_are_unique() {
        let all: BTreeSet<String> = (0..10_000).map(|n| planted(n, n % 2 == 0)).collect();
        assert_eq!(all.len(), 10_000);
    }
}
