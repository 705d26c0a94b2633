//! The text of a key record (RFC 6376 section 3.6.1 and its forerunners RFC 4871 and RFC 4870).
//!
//! Records are read as people keep them: quoted once or twice, escaped, with junk in the base64. Whatever
//! was overlooked is a note; what no key comes out of is a [`RecordProblem`].

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{PublicKey, der};

/// The longest text that is read, in octets. DNS carries 65,535; this leaves room for escapes.
pub const MAX_RECORD: usize = 1 << 20;
/// The data of one DNS record hold no more (RFC 1035 section 3.2.1).
const MAX_RDATA: usize = 65_535;
/// More notes than this say nothing more.
const MAX_NOTES: usize = 16;

/// A key record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key; `None`: the record is there and `p=` is empty, the key was withdrawn.
    pub key: Result<Option<PublicKey>, RecordProblem>,
    /// `v=` as written; `None` in records of DomainKeys.
    pub version: Option<String>,
    /// `k=`, lower case; `rsa` if the tag lacks.
    pub key_type: String,
    /// `h=`, lower case: the hashes that signatures may use; `None`: any.
    pub hashes: Option<Vec<String>>,
    /// `s=`, lower case: the services, `*` being all; `["*"]` if the tag lacks.
    pub services: Vec<String>,
    /// `t=`.
    pub flags: KeyFlags,
    /// `g=` as written (RFC 4871, RFC 4870): the local parts that may sign, with one `*`. Empty differs
    /// from `None`: in RFC 4871 an empty `g=` matches nothing, in RFC 4870 everything.
    pub granularity: Option<String>,
    /// What was overlooked to read the record; at most 16, for people.
    pub notes: Vec<String>,
}

/// `t=` of a key record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyFlags {
    /// `y`: the domain is testing; the standard asks to treat its mail as unsigned.
    pub testing: bool,
    /// `s`: the domain of `i=` must be `d=` itself.
    pub strict: bool,
}

/// Why a record gives no key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RecordProblem {
    /// The text is longer than [`MAX_RECORD`].
    #[error("the record is longer than any DNS record can be")]
    TooLong,
    /// `v=` names something else than a DKIM key.
    #[error("this is not a DKIM key record")]
    NotAKeyRecord,
    /// There is no `p=`.
    #[error("the record has no p=")]
    NoKey,
    /// `k=` is neither rsa nor ed25519.
    #[error("keys of this type (k=) are not supported")]
    UnsupportedType,
    /// The SubjectPublicKeyInfo is of another algorithm.
    #[error("keys of this algorithm are not supported")]
    UnsupportedAlgorithm,
    /// The modulus is outside 384 to 8192 bits.
    #[error("RSA keys of {bits} bits are not supported (384 to 8192 are)")]
    UnsupportedModulus {
        /// Its size.
        bits: u32,
    },
    /// The exponent is above 64 bits.
    #[error("RSA exponents of {bits} bits are not supported (up to 64 are)")]
    UnsupportedExponent {
        /// Its size.
        bits: u32,
    },
    /// An RSA modulus is a product of odd primes.
    #[error("the RSA modulus is even, so this is no RSA key")]
    EvenModulus,
    /// An RSA exponent is odd and above 1.
    #[error("the RSA exponent is even or 1, so this is no RSA key")]
    UselessExponent,
    /// An Ed25519 key is a point of large order.
    #[error("the Ed25519 key is a point under which one signature holds for many messages")]
    UselessPoint,
    /// The key ends too early.
    #[error("the key is cut off")]
    Truncated,
    /// The key is of another type than `k=` says.
    #[error("the key is not of the type that k= names")]
    OtherType,
    /// It cannot be read as a key.
    #[error("the key cannot be read: {0}")]
    Malformed(&'static str),
}

impl RecordProblem {
    /// Whether it is a key, only none that the verifier takes: the result is then `unsupported`.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            RecordProblem::UnsupportedType
                | RecordProblem::UnsupportedAlgorithm
                | RecordProblem::UnsupportedModulus { .. }
                | RecordProblem::UnsupportedExponent { .. }
        )
    }
}

impl KeyRecord {
    /// Reads the text of a TXT record, its strings joined or still quoted. Never fails; time and memory are
    /// linear in the text.
    pub fn parse(text: &str) -> KeyRecord {
        let mut notes = Vec::new();
        if text.len() > MAX_RECORD {
            return KeyRecord::without_tags(Err(RecordProblem::TooLong), notes);
        }
        let text = unquote(text, &mut notes);
        if text.len() > MAX_RDATA {
            add_note(&mut notes, "the text is longer than a DNS record can be");
        }
        let tags = Tags::parse(&text, &mut notes);
        match tags.is_bare_base64(&text) {
            true => {
                add_note(&mut notes, "a bare key, without tags");
                let key = key_of(&text, "rsa", &mut notes);
                KeyRecord::without_tags(key, notes)
            }
            false => KeyRecord::from_tags(&tags, notes),
        }
    }

    /// What a SubjectPublicKeyInfo alone says: a key without restrictions.
    pub fn of_spki(spki: &[u8]) -> KeyRecord {
        let mut notes = Vec::new();
        let key = der::read_spki(spki, &mut notes).map(Some);
        KeyRecord::without_tags(key, notes)
    }

    /// Whether the record says that the key was withdrawn: `p=` is empty.
    pub fn is_revoked(&self) -> bool {
        self.key == Ok(None)
    }

    fn without_tags(key: Result<Option<PublicKey>, RecordProblem>, notes: Vec<String>) -> KeyRecord {
        let key_type = match key {
            Ok(Some(PublicKey::Ed25519(_))) => "ed25519",
            _ => "rsa",
        };
        KeyRecord {
            key,
            version: None,
            key_type: key_type.to_owned(),
            hashes: None,
            services: vec!["*".to_owned()],
            flags: KeyFlags::default(),
            granularity: None,
            notes,
        }
    }

    fn from_tags(tags: &Tags<'_>, mut notes: Vec<String>) -> KeyRecord {
        let list = |name: &str| tags.value(name).map(words);
        let key_type = tags.value("k").map_or_else(|| "rsa".to_owned(), lower);
        let flags = list("t").unwrap_or_default();
        let has = |flag: &str| flags.iter().any(|found| found == flag);
        KeyRecord {
            key: tags.version(&mut notes).and_then(|()| {
                let p = tags.value("p").ok_or(RecordProblem::NoKey)?;
                key_of(p, &key_type, &mut notes)
            }),
            version: tags.value("v").map(str::to_owned),
            hashes: list("h").filter(|hashes| !hashes.is_empty()),
            services: list("s")
                .filter(|services| !services.is_empty())
                .unwrap_or_else(|| vec!["*".to_owned()]),
            flags: KeyFlags { testing: has("y"), strict: has("s") },
            granularity: tags.value("g").map(str::to_owned),
            key_type,
            notes,
        }
    }
}

/// Appends a note unless it stands there or there are enough.
pub(super) fn add_note(notes: &mut Vec<String>, note: &str) {
    if notes.len() < MAX_NOTES && !notes.iter().any(|found| found == note) {
        notes.push(note.to_owned());
    }
}

// ---- Quotes

/// The text without the quotes and escapes of zone files, at most twice: some archives quote what DNS
/// tools had quoted before.
fn unquote(text: &str, notes: &mut Vec<String>) -> String {
    let mut text = text.trim().trim_start_matches('\u{feff}').to_owned();
    if text.contains(['\u{201c}', '\u{201d}', '\u{201e}']) {
        add_note(notes, "typographic quotes were read as plain ones");
        text = text.replace(['\u{201c}', '\u{201d}', '\u{201e}'], "\"");
    }
    for round in 0..3 {
        if !text.contains(['"', '\\']) {
            break;
        }
        if round > 0 {
            add_note(notes, "quoted more than once");
        }
        text = unquote_once(&text).trim().to_owned();
    }
    text
}

/// One layer of quotes (RFC 1035 section 5.1): strings are joined with nothing between them. A text that
/// does not begin with a quote is taken as the inside of a string whose outer quotes were cut off.
fn unquote_once(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut inside = !text.starts_with(['"', '(']);
    let mut rest = text.as_bytes();
    while let Some((octet, behind)) = rest.split_first() {
        rest = behind;
        match octet {
            b'"' => inside = !inside,
            b'\\' => rest = unescape(rest, &mut out),
            b' ' | b'\t' | b'\r' | b'\n' | b'(' | b')' if !inside => {}
            _ => out.push(*octet),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The octet of `\DDD` or `\X`; the rest behind it.
pub(super) fn unescape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    match rest {
        [a, b, c, behind @ ..] if [a, b, c].iter().all(|digit| digit.is_ascii_digit()) => {
            let value = [a, b, c].iter().fold(0u32, |sum, digit| sum * 10 + u32::from(**digit - b'0'));
            out.push(u8::try_from(value).unwrap_or(b'?'));
            behind
        }
        [octet, behind @ ..] => {
            out.push(*octet);
            behind
        }
        [] => rest,
    }
}

// ---- Tags

/// `tag=value; …` in the order of the text; the first of a name counts.
struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    fn parse(text: &'a str, notes: &mut Vec<String>) -> Tags<'a> {
        let mut tags: Vec<(&str, &str)> = Vec::new();
        let known = ["v", "k", "h", "s", "t", "g", "p", "n", "q", "a"];
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                add_note(notes, "an element without = was ignored");
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            // Others say nothing about the key, so they need not be kept.
            let Some(name) = known.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
                continue;
            };
            match tags.iter().any(|(found, _)| *found == name) {
                true => add_note(notes, &format!("{name}= stands twice, the first was taken")),
                false => tags.push((name, value)),
            }
        }
        Tags(tags)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// Whether `v=`, if there is one, is that of DKIM.
    fn version(&self, notes: &mut Vec<String>) -> Result<(), RecordProblem> {
        let Some(version) = self.value("v") else {
            add_note(notes, "no v=: a record of DomainKeys or of an early draft");
            return Ok(());
        };
        if !version.eq_ignore_ascii_case("DKIM1") {
            return Err(RecordProblem::NotAKeyRecord);
        }
        if version != "DKIM1" {
            add_note(notes, "v= is not written DKIM1");
        }
        if self.0.first().is_some_and(|(name, _)| *name != "v") {
            add_note(notes, "v= is not the first tag");
        }
        Ok(())
    }

    /// Whether the text is nothing but the value of `p=`, as some keep it. A SEQUENCE in base64 begins with M.
    fn is_bare_base64(&self, text: &str) -> bool {
        self.0.is_empty() && (text.starts_with('M') || text.starts_with("-----BEGIN"))
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// The words of a list with colons.
fn words(value: &str) -> Vec<String> {
    value.split(':').map(str::trim).filter(|word| !word.is_empty()).map(lower).collect()
}

// ---- Keys

/// The key of a `p=`.
fn key_of(p: &str, key_type: &str, notes: &mut Vec<String>) -> Result<Option<PublicKey>, RecordProblem> {
    if p.trim().is_empty() {
        return Ok(None);
    }
    let mut own = Vec::new();
    let result = decode(p, false, &mut own).and_then(|octets| key_from(&octets, key_type, &mut own));
    // `+` turned into a space on its way through a web form: as spaces may stand anywhere, this is only
    // tried when the usual reading gives nothing.
    if matches!(result, Err(RecordProblem::Malformed(_) | RecordProblem::Truncated)) && p.contains(' ') {
        let mut other = Vec::new();
        let key = decode(p, true, &mut other).and_then(|octets| key_from(&octets, key_type, &mut other));
        if key.is_ok() {
            add_note(notes, "spaces in p= were read as +");
            other.iter().for_each(|note| add_note(notes, note));
            return key.map(Some);
        }
    }
    own.iter().for_each(|note| add_note(notes, note));
    result.map(Some)
}

/// The key of these octets: SubjectPublicKeyInfo, bare RSAPublicKey, or 32 octets (RFC 8463 section 4).
fn key_from(octets: &[u8], key_type: &str, notes: &mut Vec<String>) -> Result<PublicKey, RecordProblem> {
    let key = match key_type {
        "ed25519" => match <[u8; 32]>::try_from(octets) {
            Ok(point) => return PublicKey::from_point(point),
            Err(_) => {
                let key = der::read_spki(octets, notes)?;
                add_note(notes, "the Ed25519 key stands inside a SubjectPublicKeyInfo");
                key
            }
        },
        "rsa" => match der::read_spki(octets, notes) {
            Err(RecordProblem::Malformed(_)) => {
                let key = der::read_pkcs1(octets, notes)?;
                add_note(notes, "the key is a bare RSAPublicKey");
                key
            }
            other => other?,
        },
        _ => return Err(RecordProblem::UnsupportedType),
    };
    match (&key, key_type) {
        (PublicKey::Rsa { .. }, "rsa") | (PublicKey::Ed25519(_), "ed25519") => Ok(key),
        _ => Err(RecordProblem::OtherType),
    }
}

/// Base64 whose padding may lack and whose last bits need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 as it is found: white space (RFC 6376 allows it), the URL alphabet, PEM's lines, junk.
pub(super) fn decode(
    text: &str,
    space_is_plus: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, RecordProblem> {
    let text = without_armour(text, notes);
    let mut digits = Vec::with_capacity(text.len());
    let mut ended = false;
    for character in text.trim().chars() {
        let digit = match character {
            ' ' if space_is_plus => Some(b'+'),
            ' ' | '\t' | '\r' | '\n' => continue,
            '=' => {
                ended = true;
                continue;
            }
            '-' | '_' => {
                add_note(notes, "p= uses the base64 alphabet of URLs");
                Some(if character == '-' { b'+' } else { b'/' })
            }
            '+' | '/' => u8::try_from(character).ok(),
            _ if character.is_ascii_alphanumeric() => u8::try_from(character).ok(),
            _ => None,
        };
        match digit {
            Some(_) if ended => {
                add_note(notes, "text behind the base64 of p= was ignored");
                break;
            }
            Some(digit) => digits.push(digit),
            None => add_note(notes, "characters in p= that are no base64 were ignored"),
        }
    }
    match digits.len() % 4 {
        1 => {
            add_note(notes, "the base64 of p= is one character too long");
            digits.pop();
        }
        2 | 3 if !ended => add_note(notes, "the base64 of p= lacks its padding"),
        _ => {}
    }
    LENIENT.decode(&digits).map_err(|_| RecordProblem::Malformed("p= is not base64"))
}

/// The text without `-----BEGIN …-----` and `-----END …-----`.
fn without_armour(text: &str, notes: &mut Vec<String>) -> String {
    if !text.contains("-----BEGIN") {
        return text.to_owned();
    }
    add_note(notes, "the key stands inside PEM armour");
    // Between lines of five hyphens stand: nothing, BEGIN, the key, END, nothing.
    text.split("-----").nth(2).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;

    /// RFC 6376 appendix C.2.
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
    /// RFC 8463 appendix A.2.
    const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn rsa() -> PublicKey {
        PublicKey::from_spki(&BASE64_STANDARD.decode(RSA).unwrap()).unwrap()
    }

    fn pkcs1() -> String {
        BASE64_STANDARD.encode(&BASE64_STANDARD.decode(RSA).unwrap()[22..])
    }

    fn point() -> PublicKey {
        PublicKey::Ed25519(BASE64_STANDARD.decode(ED25519).unwrap().try_into().unwrap())
    }

    #[test]
    fn records_as_the_standards_write_them_need_no_notes() {
        let records = [
            (format!("v=DKIM1; p={RSA}"), rsa()),
            (format!("v=DKIM1; k=rsa; p={RSA};"), rsa()),
            (format!("v=DKIM1;k=ed25519;p={ED25519}"), point()),
            (format!("v=DKIM1; p={} \t {}", &RSA[..70], &RSA[70..]), rsa()),
            (format!("v=DKIM1; x=new; n=notes; s=*; p={RSA}"), rsa()),
        ];
        for (text, key) in records {
            let record = KeyRecord::parse(&text);
            assert_eq!(record.key, Ok(Some(key)), "{text}");
            assert_eq!(record.notes, Vec::<String>::new(), "{text}");
            assert_eq!(record.version.as_deref(), Some("DKIM1"));
        }
    }

    #[test]
    fn what_a_record_says_of_its_use() {
        let text = format!("v=DKIM1; g=*-news; h=SHA1 : sha256; s=email; t=y:s; k=rsa; p={RSA}");
        let record = KeyRecord::parse(&text);
        assert_eq!(record.granularity.as_deref(), Some("*-news"));
        assert_eq!(record.hashes, Some(vec!["sha1".to_owned(), "sha256".to_owned()]));
        assert_eq!(record.services, ["email"]);
        assert_eq!(record.flags, KeyFlags { testing: true, strict: true });
        assert_eq!(record.key_type, "rsa");

        let plain = KeyRecord::parse(&format!("v=DKIM1; g=; p={RSA}"));
        assert_eq!(plain.granularity.as_deref(), Some(""));
        assert_eq!((plain.hashes, plain.flags), (None, KeyFlags::default()));
        assert_eq!(plain.services, ["*"]);
    }

    #[test]
    fn records_as_people_keep_them_give_their_key_and_a_note() {
        let url = RSA.replace('+', "-").replace('/', "_");
        let spaces = RSA.replace('+', " ");
        let (a, b) = RSA.split_at(100);
        let records = [
            (format!("k=rsa; t=y; p={RSA}"), "no v="),
            (format!("p={RSA}; v=DKIM1"), "not the first tag"),
            (format!("v=dkim1; p={RSA}"), "not written DKIM1"),
            (format!("V=DKIM1; K=RSA; P={}", pkcs1()), "bare RSAPublicKey"),
            (format!("v=DKIM1; p={RSA}; p={RSA}"), "stands twice"),
            (format!("v=DKIM1; hello; p={RSA}"), "without ="),
            (format!(r#""\"v=DKIM1; p={a}\" \"{b}\"""#), "more than once"),
            (format!("\u{201c}v=DKIM1; p={RSA}\u{201d}"), "typographic"),
            (format!("v=DKIM1; p={a}\u{200b}{b}"), "no base64"),
            (format!("v=DKIM1; p={a}***{b}"), "no base64"),
            (format!("v=DKIM1; p={}", url), "URLs"),
            (format!("v=DKIM1; p={spaces}"), "read as +"),
            (format!("v=DKIM1; p={RSA}A"), "too long"),
            (format!("v=DKIM1; p={RSA}==AAAA"), "behind the base64"),
            (format!("v=DKIM1; p={RSA}AAAA"), "behind the key"),
            (format!("v=DKIM1; p=-----BEGIN PUBLIC KEY-----\n{a}\n{b}\n-----END PUBLIC KEY-----"), "PEM"),
            (RSA.to_owned(), "bare key"),
        ];
        for (text, note) in records {
            let record = KeyRecord::parse(&text);
            assert_eq!(record.key, Ok(Some(rsa())), "{text}: {:?}", record.notes);
            assert!(record.notes.iter().any(|found| found.contains(note)), "{text}: {:?}", record.notes);
        }
        let unpadded = ED25519.trim_end_matches('=');
        let record = KeyRecord::parse(&format!("v=DKIM1; k=ed25519; p={unpadded}"));
        assert_eq!(record.key, Ok(Some(point())));
        assert!(record.notes[0].contains("padding"));
        let spki = BASE64_STANDARD.encode(point().spki());
        let record = KeyRecord::parse(&format!("v=DKIM1; k=ed25519; p={spki}"));
        assert_eq!(record.key, Ok(Some(point())));
        assert!(record.notes[0].contains("SubjectPublicKeyInfo"));
    }

    #[test]
    fn quotes_and_escapes_are_undone() {
        let (a, b) = RSA.split_at(120);
        let records = [
            format!(r#""v=DKIM1; k=rsa; p={a}" "{b}""#),
            format!("(\"v=DKIM1; \"\n\t\"k=rsa; p={a}\"\n\t\"{b}\" )"),
            format!(r#"v=DKIM1; p={a}" "{b}"#),
            format!(r"v=DKIM1\; k=rsa\; p={RSA}"),
            format!(r#""v=DKIM1\; k=rsa\; p={a}" "{b}""#),
            format!(r#""v=DKIM1\059 p={RSA}""#),
            format!(r#"'v=DKIM1'; k=rsa; p={RSA}"#).replace('\'', ""),
            format!(r#""v=DKIM1; p={RSA}"#),
        ];
        for text in records {
            assert_eq!(KeyRecord::parse(&text).key, Ok(Some(rsa())), "{text}");
        }
    }

    #[test]
    fn records_without_a_key_say_why() {
        let cases = [
            ("v=DKIM1; p=".to_owned(), Ok(None)),
            ("v=DKIM1; k=rsa; p= ; t=s".to_owned(), Ok(None)),
            ("p=".to_owned(), Ok(None)),
            (String::new(), Err(RecordProblem::NoKey)),
            ("t=y; o=~".to_owned(), Err(RecordProblem::NoKey)),
            ("v=DKIM1; k=rsa".to_owned(), Err(RecordProblem::NoKey)),
            (format!("v=DKIM2; p={RSA}"), Err(RecordProblem::NotAKeyRecord)),
            ("v=spf1 include:example.org -all".to_owned(), Err(RecordProblem::NotAKeyRecord)),
            (format!("v=DKIM1; k=dsa; p={RSA}"), Err(RecordProblem::UnsupportedType)),
            (format!("v=DKIM1; k=ed25519; p={RSA}"), Err(RecordProblem::OtherType)),
            (format!("v=DKIM1; p={}", &RSA[..150]), Err(RecordProblem::Truncated)),
            (format!("v=DKIM1; p={}", &RSA[..2]), Err(RecordProblem::Truncated)),
            (
                format!("v=DKIM1; p={}", &RSA[4..]),
                Err(RecordProblem::Malformed("this is not the structure of a public key")),
            ),
            ("v".repeat(MAX_RECORD + 1), Err(RecordProblem::TooLong)),
        ];
        for (text, expected) in cases {
            let record = KeyRecord::parse(&text);
            assert_eq!(record.key, expected, "{}", &text[..text.len().min(80)]);
            assert_eq!(record.is_revoked(), expected == Ok(None));
        }
    }

    #[test]
    fn keys_beyond_the_bounds_are_unsupported_not_refused() {
        let spki = |bits: usize, exponent: Vec<u8>| {
            let modulus = [vec![0xc5; bits / 8 - 1], vec![0x0f]].concat();
            let key = PublicKey::Rsa { modulus, exponent };
            KeyRecord::parse(&format!("v=DKIM1; p={}", BASE64_STANDARD.encode(key.spki())))
        };
        assert_eq!(spki(8192, vec![3]).key.unwrap().unwrap().bits(), 8192);
        let large = spki(16_384, vec![1, 0, 1]).key.unwrap_err();
        assert_eq!(large, RecordProblem::UnsupportedModulus { bits: 16_384 });
        let exponent = spki(1024, vec![0xff; 512]).key.unwrap_err();
        assert_eq!(exponent, RecordProblem::UnsupportedExponent { bits: 4096 });
        assert!(large.is_unsupported() && exponent.is_unsupported());
        assert!(!RecordProblem::EvenModulus.is_unsupported());
    }

    #[test]
    fn a_record_of_100_kb_is_read_and_noted() {
        for filler in ["n=x;", ";;;;", "\\;\\;", "\"\" ", "p=;v="] {
            let text = format!("v=DKIM1; p={RSA}; {}", filler.repeat(100_000 / filler.len()));
            let record = KeyRecord::parse(&text);
            assert_eq!(record.key, Ok(Some(rsa())), "{filler}");
            assert!(record.notes.len() <= MAX_NOTES);
        }
        let long = KeyRecord::parse(&format!("v=DKIM1; p={RSA}; n={}", "x".repeat(100_000)));
        assert!(long.notes.iter().any(|note| note.contains("longer")), "{:?}", long.notes);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics(text in "\\PC*", tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            KeyRecord::parse(&text);
            KeyRecord::parse(&String::from_utf8_lossy(&tail));
            KeyRecord::parse(&format!("v=DKIM1; p={}", BASE64_STANDARD.encode(&tail)));
            KeyRecord::of_spki(&tail);
        }

        #[test]
        fn a_damaged_key_never_panics(at in 0usize..162, octet in any::<u8>()) {
            let mut spki = BASE64_STANDARD.decode(RSA).unwrap();
            spki[at] = octet;
            let record = KeyRecord::of_spki(&spki);
            if let Ok(Some(key)) = record.key {
                prop_assert_eq!(PublicKey::from_spki(&key.spki()), Ok(key));
            }
        }

        #[test]
        fn every_key_comes_back_from_every_spelling(
            modulus in proptest::collection::vec(any::<u8>(), 64..300),
            exponent in 1u64..u64::MAX / 2,
            cut in 1usize..80,
        ) {
            let mut modulus = modulus;
            modulus[0] |= 0x40;
            *modulus.last_mut().unwrap() |= 1;
            let exponent = (exponent * 2 + 1).to_be_bytes();
            let start = exponent.iter().position(|octet| *octet != 0).unwrap();
            let key = PublicKey::Rsa { modulus, exponent: exponent[start..].to_vec() };
            let base64 = BASE64_STANDARD.encode(key.spki());
            let (a, b) = base64.split_at(cut);
            for text in [
                format!("v=DKIM1; p={base64}"),
                format!("\"v=DKIM1; p={a}\" \"{b}\""),
                format!("v=DKIM1\\; p={a}\r\n\t{b}"),
                base64.trim_end_matches('=').to_owned(),
            ] {
                prop_assert_eq!(KeyRecord::parse(&text).key, Ok(Some(key.clone())));
            }
        }
    }
}
