//! One signature field as it stands: which dialect it speaks, what it claims, and what is wrong with it.
//! Nothing is computed here.

use tamis_model::tables::{Signature, Time};

use super::{
    canon::{Algorithm, BodyForm, HeaderForm},
    tags::{self, Tags},
};
use crate::formats::charset;

/// Longest signature that is kept: an RSA key of 16,384 bits.
const SIGNATURE: usize = 2 << 10;
/// Longest body hash that is kept.
const BODY_HASH: usize = 64;
/// Names in `h=`; honest signers list fewer than a hundred.
const NAMES: usize = 1000;
/// Longest `h=`.
const NAMES_BYTES: usize = 32 << 10;
/// Longest domain, selector or word that is kept.
const WORD: usize = 255;
/// Longest identity that is kept.
const IDENTITY: usize = 1 << 10;
/// Highest instance of a chain (RFC 8617 §4.2.1).
pub(super) const INSTANCES: u32 = 50;
/// Seconds of the last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// Which kind of field it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dkim,
    DomainKeys,
    ArcSeal,
    ArcMessage,
}

impl Kind {
    /// By the name of the field.
    pub(super) fn of(name: &[u8]) -> Option<Kind> {
        const NAMES: [(&str, Kind); 4] = [
            ("dkim-signature", Kind::Dkim),
            ("domainkey-signature", Kind::DomainKeys),
            ("arc-seal", Kind::ArcSeal),
            ("arc-message-signature", Kind::ArcMessage),
        ];
        NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, kind)| *kind)
    }

    /// The word of the column `signatures.kind`.
    fn as_str(self) -> &'static str {
        match self {
            Kind::Dkim => "dkim",
            Kind::DomainKeys => "domainkeys",
            Kind::ArcSeal => "arc-seal",
            Kind::ArcMessage => "arc-message",
        }
    }
}

/// What the dialect hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// Header fields and the signature's own; the body apart, in `bh=`.
    Apart,
    /// Header fields, the body and the signature's own field in one (drafts without `bh=`).
    Together,
    /// Header fields below the signature and the body in one, the own field not (RFC 4870).
    DomainKeys,
    /// The sets of a chain (RFC 8617 §5.1.1).
    Chain,
}

/// A field taken apart.
#[derive(Debug)]
pub(super) struct Parsed {
    pub kind: Kind,
    pub scheme: Scheme,
    pub algorithm: Algorithm,
    pub header: HeaderForm,
    pub body: BodyForm,
    /// Whether `c=` stands in it.
    pub has_canon: bool,
    /// Whether `h=` does: DomainKeys does without.
    pub has_names: bool,
    /// `z=` as it stands.
    pub copies: Option<Vec<u8>>,
    /// Where the value of `b` stands in the field's value.
    pub signature: std::ops::Range<usize>,
    /// The row, but for what the rest of the message decides.
    pub row: Signature,
    defects: Vec<&'static str>,
    malformed: bool,
}

impl Parsed {
    /// Takes a field apart. `value`: what follows its colon, folds and all.
    pub(super) fn new(kind: Kind, value: &[u8]) -> Parsed {
        let tags = Tags::parse(value);
        let mut parsed = Parsed {
            kind,
            scheme: Scheme::Apart,
            algorithm: Algorithm::Sha256,
            header: HeaderForm::Simple,
            body: BodyForm::Simple,
            has_canon: tags.get(b"c").is_some(),
            has_names: tags.get(b"h").is_some(),
            copies: tags.get(b"z").map(<[u8]>::to_vec),
            signature: tags.signature.clone().unwrap_or_default(),
            row: empty(kind),
            defects: tags.defects.clone(),
            malformed: false,
        };
        parsed.signer(&tags);
        parsed.algorithm(&tags);
        parsed.dialect(&tags);
        parsed.canon(&tags);
        parsed.names(&tags);
        parsed.times(&tags);
        parsed
    }

    /// Notes something that is wrong and does not keep the field from being judged.
    pub(super) fn note(&mut self, word: &'static str) {
        if !self.defects.contains(&word) {
            self.defects.push(word);
        }
    }

    /// Notes what keeps the field from being judged.
    pub(super) fn malformed(&mut self, word: &'static str) {
        self.malformed = true;
        self.note(word);
    }

    /// Whether there is something to be judged.
    pub(super) fn is_sound(&self) -> bool {
        !self.malformed
    }

    /// The row, with its defects.
    pub(super) fn row(&self) -> Signature {
        let first = self.malformed.then_some("malformed");
        let defects = first.iter().chain(&self.defects).map(|word| (*word).to_owned()).collect();
        Signature { defects, ..self.row.clone() }
    }

    /// `b=`, `bh=`, `d=`, `s=`, `i=`.
    fn signer(&mut self, tags: &Tags) {
        match tags.get(b"b").map(|value| tags::base64(value, SIGNATURE)) {
            None => self.malformed("no-signature"),
            Some(Err(_)) => self.malformed("long-signature"),
            Some(Ok((bytes, junk))) => {
                if bytes.is_empty() {
                    self.malformed("no-signature");
                }
                if junk {
                    self.note("base64-junk");
                }
                self.row.signature = bytes;
            }
        }
        match tags.get(b"bh").map(|value| tags::base64(value, BODY_HASH)) {
            None => {}
            Some(Err(_)) => self.malformed("body-hash"),
            Some(Ok((bytes, junk))) => {
                if junk {
                    self.note("base64-junk");
                }
                self.row.body_hash = Some(bytes);
            }
        }
        self.row.domain = self.word(tags, b"d").trim_end_matches('.').to_owned();
        if self.row.domain.is_empty() {
            self.malformed("no-domain");
        }
        self.row.selector = self.word(tags, b"s");
        if self.row.selector.is_empty() {
            self.malformed("no-selector");
        }
        if matches!(self.kind, Kind::ArcSeal | Kind::ArcMessage) {
            self.instance(tags);
        } else if self.kind == Kind::Dkim {
            self.row.identity = tags.get(b"i").map(|value| {
                let decoded = tags::quoted(value.get(..value.len().min(IDENTITY * 3)).unwrap_or_default());
                text(&decoded, IDENTITY)
            });
        }
    }

    fn instance(&mut self, tags: &Tags) {
        self.row.instance = tags.get(b"i").and_then(instance);
        if self.row.instance.is_none() {
            self.malformed("instance");
        }
        if self.kind == Kind::ArcSeal {
            self.row.chain =
                tags.get(b"cv").map(|value| text(&tags::packed(bounded(value)), 16).to_lowercase());
            if self.row.chain.is_none() {
                self.note("no-chain-state");
            }
        }
    }

    /// `a=`.
    fn algorithm(&mut self, tags: &Tags) {
        let named = self.word(tags, b"a");
        let is_absent = named.is_empty();
        if is_absent && self.kind != Kind::DomainKeys {
            self.note("no-algorithm");
        }
        self.row.algorithm = if is_absent { "rsa-sha1".to_owned() } else { named };
        match self.row.algorithm.as_str() {
            "rsa-sha1" => self.algorithm = Algorithm::Sha1,
            "rsa-sha256" => {}
            "ed25519-sha256" if self.kind != Kind::DomainKeys => {}
            _ => self.malformed("algorithm"),
        }
    }

    /// `v=`, and which dialect it is.
    fn dialect(&mut self, tags: &Tags) {
        let version = tags.get(b"v").map(|value| tags::packed(bounded(value)));
        let is_nowsp = self.word(tags, b"c").starts_with("nowsp");
        let (scheme, dialect) = match self.kind {
            Kind::DomainKeys => (Scheme::DomainKeys, "rfc4870"),
            Kind::ArcSeal => (Scheme::Chain, "rfc8617"),
            Kind::ArcMessage => (Scheme::Apart, "rfc8617"),
            Kind::Dkim => match (version.as_deref(), self.row.body_hash.is_some()) {
                (None, false) if is_nowsp => (Scheme::Together, "nowsp"),
                (None, false) => (Scheme::Together, "draft-00"),
                (_, true) if is_nowsp => (Scheme::Apart, "nowsp"),
                (Some(b"1"), _) if self.row.algorithm.starts_with("ed25519") => (Scheme::Apart, "rfc8463"),
                (Some(b"1"), _) => (Scheme::Apart, "rfc6376"),
                _ => (Scheme::Apart, "draft"),
            },
        };
        (self.scheme, self.row.dialect) = (scheme, dialect.to_owned());
        if self.scheme == Scheme::Apart && self.row.body_hash.is_none() {
            self.malformed("no-body-hash");
        }
        match (self.kind, version.as_deref()) {
            (_, None) | (Kind::Dkim, Some(b"1")) => {}
            (Kind::Dkim, Some([b'0', b'.', digits @ ..])) if digits.iter().all(u8::is_ascii_digit) => {}
            _ => self.note("version"),
        }
        if self.scheme == Scheme::Chain && (tags.get(b"h").is_some() || tags.get(b"bh").is_some()) {
            self.note("seal-tags");
        }
    }

    /// `c=` and `l=`.
    fn canon(&mut self, tags: &Tags) {
        let named = self.word(tags, b"c");
        let (header, body) = named.split_once('/').unwrap_or((&named, ""));
        let forms = match self.scheme {
            Scheme::Chain => Some((HeaderForm::Relaxed, BodyForm::Simple)),
            Scheme::DomainKeys => match named.as_str() {
                "" | "simple" => Some((HeaderForm::Simple, BodyForm::Plain)),
                "nofws" => Some((HeaderForm::Nofws, BodyForm::Nofws)),
                _ => None,
            },
            Scheme::Apart | Scheme::Together => header_form(header).zip(match body {
                // A lone `nowsp` meant both; other lone words mean the header.
                "" if header == "nowsp" => Some(BodyForm::Nowsp),
                "" => Some(BodyForm::Simple),
                body => body_form(body),
            }),
        };
        match forms {
            Some(forms) => (self.header, self.body) = forms,
            None => self.malformed("canonicalization"),
        }
        self.row.canon = match (forms, self.scheme) {
            (None, _) => named,
            (Some(_), Scheme::Chain) => "relaxed".to_owned(),
            (Some((HeaderForm::Nofws, _)), _) => "nofws".to_owned(),
            (Some(_), Scheme::DomainKeys) => "simple".to_owned(),
            (Some((header, body)), _) => format!("{}/{}", header_word(header), body_word(body)),
        };
        if let Some(value) =
            tags.get(b"l").filter(|_| matches!(self.scheme, Scheme::Apart | Scheme::Together))
        {
            self.row.body_length = tags::number(bounded(value)).filter(|length| *length < 1 << 63);
            if self.row.body_length.is_none() || value.len() > WORD {
                self.malformed("length");
            }
        }
    }

    /// `h=`.
    fn names(&mut self, tags: &Tags) {
        if self.scheme == Scheme::Chain {
            return;
        }
        let Some(value) = tags.get(b"h") else {
            if self.scheme != Scheme::DomainKeys {
                self.malformed("no-headers");
            }
            return;
        };
        let value = tags::packed(value.get(..value.len().min(NAMES_BYTES)).unwrap_or_default());
        let names = value.split(|b| *b == b':').filter(|name| !name.is_empty());
        self.row.signed_headers =
            names.clone().take(NAMES).map(|name| charset::raw(name).to_ascii_lowercase()).collect();
        if names.clone().nth(NAMES).is_some() || value.len() >= NAMES_BYTES {
            self.malformed("many-names");
        }
        if self.row.signed_headers.is_empty() {
            self.note("no-headers");
        }
        if self.kind == Kind::ArcMessage && self.row.signed_headers.iter().any(|name| name == "arc-seal") {
            self.note("seal-signed");
        }
    }

    /// `t=` and `x=`.
    fn times(&mut self, tags: &Tags) {
        let mut time = |name: &[u8]| {
            let value = tags.get(name)?;
            let seconds = tags::number(bounded(value)).filter(|seconds| *seconds <= LAST);
            let time = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(|s| Time(s * 1_000_000));
            if time.is_none() {
                self.note("time");
            }
            time
        };
        (self.row.signed_at, self.row.expires_at) = (time(b"t"), time(b"x"));
    }

    /// A word in lower case; noted where it is too long to be kept.
    fn word(&mut self, tags: &Tags, name: &[u8]) -> String {
        let value = tags.get(name).unwrap_or_default();
        if value.len() > WORD {
            self.malformed("long-value");
        }
        text(&tags::packed(bounded(value)), WORD).to_lowercase()
    }
}

/// The number of an instance, 1 to [`INSTANCES`].
pub(super) fn instance(value: &[u8]) -> Option<u32> {
    let number = tags::number(bounded(value))?;
    u32::try_from(number).ok().filter(|number| (1..=INSTANCES).contains(number))
}

fn bounded(value: &[u8]) -> &[u8] {
    value.get(..value.len().min(WORD)).unwrap_or_default()
}

fn text(bytes: &[u8], most: usize) -> String {
    let text = charset::raw(bytes);
    text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
}

const HEADER_FORMS: [(&str, HeaderForm); 3] =
    [("simple", HeaderForm::Simple), ("relaxed", HeaderForm::Relaxed), ("nowsp", HeaderForm::Nowsp)];
const BODY_FORMS: [(&str, BodyForm); 3] =
    [("simple", BodyForm::Simple), ("relaxed", BodyForm::Relaxed), ("nowsp", BodyForm::Nowsp)];

fn header_form(word: &str) -> Option<HeaderForm> {
    let word = if word.is_empty() { "simple" } else { word };
    HEADER_FORMS.iter().find(|(known, _)| *known == word).map(|(_, form)| *form)
}

fn body_form(word: &str) -> Option<BodyForm> {
    BODY_FORMS.iter().find(|(known, _)| *known == word).map(|(_, form)| *form)
}

fn header_word(form: HeaderForm) -> &'static str {
    HEADER_FORMS.iter().find(|(_, known)| *known == form).map_or("", |(word, _)| *word)
}

pub(super) fn body_word(form: BodyForm) -> &'static str {
    BODY_FORMS.iter().find(|(_, known)| *known == form).map_or("", |(word, _)| *word)
}

fn empty(kind: Kind) -> Signature {
    Signature {
        ordinal: 0,
        field: 0,
        kind: kind.as_str().to_owned(),
        instance: None,
        dialect: String::new(),
        domain: String::new(),
        selector: String::new(),
        identity: None,
        algorithm: String::new(),
        canon: String::new(),
        signed_headers: Vec::new(),
        oversigned: Vec::new(),
        unsigned_visible: Vec::new(),
        doubled_visible: Vec::new(),
        one_reading: false,
        author_domains: Vec::new(),
        sender_domain: None,
        body_hash: None,
        body_length: None,
        signed_at: None,
        expires_at: None,
        chain: None,
        signature: Vec::new(),
        defects: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(kind: Kind, value: &str) -> Parsed {
        Parsed::new(kind, value.as_bytes())
    }

    #[test]
    fn dialects() {
        let base = "d=X.Example.; s=S1; h=From : To:from; b=AAAA;";
        for (kind, tags, dialect, algorithm, canon) in [
            (Kind::Dkim, "v=1; a=rsa-sha256; bh=AA==; c=relaxed", "rfc6376", "rsa-sha256", "relaxed/simple"),
            (Kind::Dkim, "v=1; a=RSA-SHA1; bh=AA==", "rfc6376", "rsa-sha1", "simple/simple"),
            (
                Kind::Dkim,
                "v=1; a=ed25519-sha256; bh=AA==; c=relaxed/relaxed",
                "rfc8463",
                "ed25519-sha256",
                "relaxed/relaxed",
            ),
            (
                Kind::Dkim,
                "v=0.5; a=rsa-sha1; bh=AA==; c=simple/relaxed",
                "draft",
                "rsa-sha1",
                "simple/relaxed",
            ),
            (Kind::Dkim, "a=rsa-sha1; bh=AA==", "draft", "rsa-sha1", "simple/simple"),
            (Kind::Dkim, "a=rsa-sha1; c=relaxed/simple", "draft-00", "rsa-sha1", "relaxed/simple"),
            (Kind::Dkim, "a=rsa-sha1; c=nowsp", "nowsp", "rsa-sha1", "nowsp/nowsp"),
            (Kind::Dkim, "a=rsa-sha1; c=nowsp; bh=AA==", "nowsp", "rsa-sha1", "nowsp/nowsp"),
            (Kind::DomainKeys, "c=nofws; q=dns", "rfc4870", "rsa-sha1", "nofws"),
            (Kind::DomainKeys, "a=rsa-sha1", "rfc4870", "rsa-sha1", "simple"),
            (
                Kind::ArcMessage,
                "i=2; a=rsa-sha256; bh=AA==; c=relaxed",
                "rfc8617",
                "rsa-sha256",
                "relaxed/simple",
            ),
            (Kind::ArcSeal, "i=1; a=rsa-sha256; cv=None", "rfc8617", "rsa-sha256", "relaxed"),
        ] {
            let mut parsed = parsed(kind, &format!(" {tags};\r\n {base}"));
            parsed.defects.retain(|word| *word != "seal-tags");
            let row = parsed.row();
            assert_eq!(row.defects, <[&str; 0]>::default(), "{tags}");
            let got = (row.dialect.as_str(), row.algorithm.as_str(), row.canon.as_str());
            assert_eq!(got, (dialect, algorithm, canon), "{tags}");
            assert_eq!((row.domain.as_str(), row.selector.as_str()), ("x.example", "s1"));
            if kind != Kind::ArcSeal {
                assert_eq!(row.signed_headers, ["from", "to", "from"]);
            }
        }
    }

    #[test]
    fn defects() {
        let good = "v=1; a=rsa-sha256; d=x; s=s; h=from; bh=AA==; b=AAAA";
        let long = "A".repeat(1 << 20);
        let names = "from:".repeat(10_000);
        for (tags, defects) in [
            (good.to_owned(), vec![]),
            (good.replace("b=AAAA", &format!("b={long}")), vec!["malformed", "long-signature"]),
            (good.replace("b=AAAA", "b="), vec!["malformed", "no-signature"]),
            (good.replace("; b=AAAA", ""), vec!["malformed", "no-signature"]),
            (good.replace("d=x; ", ""), vec!["malformed", "no-domain"]),
            (good.replace("d=x", &format!("d={long}")), vec!["malformed", "long-value"]),
            (good.replace("s=s; ", ""), vec!["malformed", "no-selector"]),
            (good.replace("h=from; ", ""), vec!["malformed", "no-headers"]),
            (good.replace("h=from", "h=::"), vec!["no-headers"]),
            (good.replace("h=from", &format!("h={names}")), vec!["malformed", "many-names"]),
            (good.replace("bh=AA==; ", ""), vec!["malformed", "no-body-hash"]),
            (good.replace("bh=AA==", &format!("bh={long}")), vec!["malformed", "body-hash", "no-body-hash"]),
            (good.replace("a=rsa-sha256", "a=rsa-md5"), vec!["malformed", "algorithm"]),
            (good.replace("a=rsa-sha256; ", ""), vec!["no-algorithm"]),
            (good.replace("v=1", "v=2"), vec!["version"]),
            (format!("{good}; c=strict"), vec!["malformed", "canonicalization"]),
            (format!("{good}; c=relaxed/strict"), vec!["malformed", "canonicalization"]),
            (format!("{good}; l=-1"), vec!["malformed", "length"]),
            (format!("{good}; l=9223372036854775808"), vec!["malformed", "length"]),
            (format!("{good}; l={}", "9".repeat(500)), vec!["malformed", "length"]),
            (format!("{good}; t=-5"), vec!["time"]),
            (format!("{good}; x=999999999999"), vec!["time"]),
            (format!("{good}; t=0; x=253402300799"), vec![]),
            (format!("{good};; d=y"), vec!["empty-tag", "duplicate-tag"]),
            (good.replace("b=AAAA", "b=A*A"), vec!["base64-junk"]),
        ] {
            let row = parsed(Kind::Dkim, &tags).row();
            let mut got: Vec<_> = row.defects.iter().map(String::as_str).collect();
            let mut expect = defects.clone();
            assert_eq!(got.first() == Some(&"malformed"), defects.first() == Some(&"malformed"));
            got.sort_unstable();
            expect.sort_unstable();
            assert_eq!(got, expect, "{:.200}", tags);
            assert!(row.signature.len() <= SIGNATURE && row.signed_headers.len() <= NAMES);
        }
    }

    #[test]
    fn instances() {
        for (value, expect) in
            [("1", Some(1)), ("50", Some(50)), ("51", None), ("0", None), ("", None), ("1x", None)]
        {
            let row =
                parsed(Kind::ArcSeal, &format!("i={value}; a=rsa-sha256; d=x; s=s; b=AAAA; cv=pass")).row();
            assert_eq!((row.instance, row.defects.is_empty()), (expect, expect.is_some()), "{value}");
        }
    }

    #[test]
    fn identities_and_times() {
        let row = parsed(Kind::Dkim, "v=1; i==6Along=3D@x.example; t=1117574938; x= 1118006938").row();
        assert_eq!(row.identity.as_deref(), Some("jlong=@x.example"));
        assert_eq!(row.signed_at, Some(Time(1_117_574_938_000_000)));
        assert_eq!(row.expires_at, Some(Time(1_118_006_938_000_000)));
    }
}
