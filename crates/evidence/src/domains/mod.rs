//! Whose domain is it: organisational domains, providers' delegates, and how a signer stands to the author.
//!
//! The Public Suffix List is the one of the bundled crate, not that of the mail's year: print
//! [`PSL_VERSION`] beside what rests on it.

mod providers;

use std::net::IpAddr;

use psl::Psl;
use tamis_model::keys::Delegate;
use unicode_normalization::UnicodeNormalization;

use providers::{CONSUMER_MICROSOFT, Kind, PROVIDERS, Provider};

/// Which Public Suffix List decides: the version of the crate that holds it (ICANN and private sections).
pub const PSL_VERSION: &str = "psl 2.1.247";

/// The longest domain name in text, without the final dot (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 253;
/// The longest label (same).
const MAX_LABEL: usize = 63;

/// How the domain of a signer stands to those of the authors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alignment {
    /// The signer's domain is of the authors' organisation: equal, above, below or beside it.
    Same {
        /// Equal to the domain of every author.
        exact: bool,
    },
    /// The authors' provider signed for them under a name of its own.
    Provider {
        /// Which one.
        name: &'static str,
        /// Whether the name in the signature can be nobody else's. If not, another customer's name can be
        /// written the same: `a-b-com` is that of `a-b.com` and of `a.b.com`.
        tenant_known: bool,
    },
    /// Somebody else signed: a list, a mailing service, a relay.
    ThirdParty {
        /// Which one, if it is known.
        provider: Option<&'static str>,
        /// Whether it is a mailing list: that lists sign what they pass on is usual.
        list: bool,
    },
    /// There is no author's domain, or the signer's is none.
    None,
}

impl Alignment {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Alignment::Same { .. } => "same",
            Alignment::Provider { .. } => "provider",
            Alignment::ThirdParty { .. } => "third-party",
            Alignment::None => "none",
        }
    }

    /// Whether the signer is the authors' organisation or its provider.
    pub fn is_aligned(self) -> bool {
        matches!(self, Alignment::Same { .. } | Alignment::Provider { .. })
    }
}

/// How `signer` (a `d=`) stands to the domains of the authors (of From; all of them must agree), by what the
/// case says of providers' names (`delegates`) and the List-Id field, if the mail has one.
pub fn align(
    signer: &str,
    author_domains: &[String],
    delegates: &[Delegate],
    list_id: Option<&str>,
) -> Alignment {
    let Some(signer) = normal_domain(signer).filter(|domain| is_name(domain)) else { return Alignment::None };
    let third_party = || third_party(&signer, list_id);
    let mut joint = None;
    for author in author_domains {
        let Some(author) = normal_domain(author).filter(|domain| is_name(domain)) else {
            return Alignment::None;
        };
        let Some(one) = align_one(&signer, &author, delegates) else { return third_party() };
        joint = Some(joint.map_or(one, |joint| weaker(joint, one)));
    }
    joint.unwrap_or(Alignment::None)
}

/// The organisational domain: the public suffix and one label more, lower case, A-labels, no final dot.
/// `None` for a public suffix itself, an IP address, and what is no domain name.
pub fn organisational_domain(domain: &str) -> Option<String> {
    let domain = normal_domain(domain).filter(|domain| is_name(domain))?;
    organisation(&domain).map(str::to_owned)
}

/// A domain as it is compared: lower case, A-labels (RFC 5890), without a final dot. `None` if it is no
/// domain name: empty labels, more than 253 octets, other characters than letters, digits, `-` and `_`.
pub fn normal_domain(domain: &str) -> Option<String> {
    let domain = domain.trim();
    if domain.len() > 4 * MAX_NAME {
        return None;
    }
    let domain = match domain.is_ascii() {
        true => domain.to_ascii_lowercase(),
        false => fold(domain),
    };
    let labels = domain.strip_suffix('.').unwrap_or(&domain).split('.');
    let labels: Option<Vec<String>> = labels.map(a_label).collect();
    Some(labels?.join(".")).filter(|name| name.len() <= MAX_NAME)
}

// ---- Names

/// International names as UTS 46 maps them, nearly: compatible characters, lower case, four kinds of dots.
fn fold(domain: &str) -> String {
    let dots = |character| match character {
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => '.',
        other => other,
    };
    let folded: String = domain.nfkc().flat_map(char::to_lowercase).map(dots).collect();
    folded.nfkc().collect()
}

fn a_label(label: &str) -> Option<String> {
    let label = match label.is_ascii() {
        true => label.to_owned(),
        false if label.chars().any(|c| c.is_control() || c.is_whitespace()) => return None,
        false => format!("xn--{}", punycode(label)?),
    };
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    ((1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_plain)).then_some(label)
}

/// RFC 3492 section 6.3. `None` if the label is too long to be one.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let characters: Vec<u32> = label.chars().map(u32::from).collect();
    if characters.len() > MAX_LABEL {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    let mut handled = basic;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias) = (128u32, 0u32, 72u32);
    while (handled as usize) < characters.len() {
        let next = characters.iter().copied().filter(|character| *character >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for &character in &characters {
            if character < n {
                delta = delta.checked_add(1)?;
            }
            if character != n {
                continue;
            }
            let mut q = delta;
            for k in (BASE..).step_by(BASE as usize) {
                let t = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if q < t {
                    break;
                }
                out.push(digit(t + (q - t) % (BASE - t))?);
                q = (q - t) / (BASE - t);
            }
            out.push(digit(q)?);
            bias = adapt(delta, handled + 1, handled == basic);
            delta = 0;
            handled += 1;
        }
        delta += 1;
        n += 1;
    }
    Some(out)
}

fn digit(value: u32) -> Option<char> {
    match value {
        0..26 => char::from_u32(u32::from('a') + value),
        _ => char::from_u32(u32::from('0') + value - 26),
    }
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut k = 0;
    while delta > 35 * 26 / 2 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

/// Whether a normal domain can be somebody's: two labels at least, and no IP address.
fn is_name(domain: &str) -> bool {
    let numeric =
        domain.rsplit('.').next().is_some_and(|label| label.bytes().all(|octet| octet.is_ascii_digit()));
    domain.contains('.') && !numeric && domain.parse::<IpAddr>().is_err()
}

/// Of a normal domain.
fn organisation(domain: &str) -> Option<&str> {
    let found = psl::List.domain(domain.as_bytes())?;
    std::str::from_utf8(found.as_bytes()).ok()
}

/// Whether `domain` is `parent` or below it.
fn is_within(domain: &str, parent: &str) -> bool {
    domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

// ---- Alignment

/// `None`: a third party.
fn align_one(signer: &str, author: &str, delegates: &[Delegate]) -> Option<Alignment> {
    if signer == author {
        return Some(Alignment::Same { exact: true });
    }
    if tenant(signer).is_some_and(|organisation| tenant(author) == Some(organisation)) {
        return Some(Alignment::Same { exact: false });
    }
    delegated(signer, author, delegates)
        .or_else(|| google(signer, author))
        .or_else(|| microsoft(signer, author))
}

/// The organisation by the Public Suffix List, where the names that a provider gives its customers count
/// as suffixes, though the list lacks them: `a.onmicrosoft.com` and `b.onmicrosoft.com` are two customers.
fn tenant(domain: &str) -> Option<&str> {
    let shared = PROVIDERS.iter().filter(|provider| provider.kind != Kind::Mailbox);
    let suffix = shared.flat_map(|provider| provider.domains).find(|suffix| is_within(domain, suffix));
    let Some(suffix) = suffix else { return organisation(domain) };
    let labels = domain.strip_suffix(suffix)?.strip_suffix('.')?;
    let own = labels.rsplit('.').next()?;
    domain.get(labels.len() - own.len()..)
}

/// The case says whose mail this name signs.
fn delegated(signer: &str, author: &str, delegates: &[Delegate]) -> Option<Alignment> {
    let says = |delegate: &Delegate| {
        normal_domain(&delegate.signer).is_some_and(|name| name == signer)
            && normal_domain(&delegate.domain).is_some_and(|domain| is_within(author, &domain))
    };
    let name = provider_of(signer).map_or("a provider named in the case", |provider| provider.name);
    delegates.iter().any(says).then_some(Alignment::Provider { name, tenant_known: true })
}

/// `example-org.20230601.gappssmtp.com` (Google Workspace without a key of the domain): From is mapped to
/// the label, never the label to a domain.
fn google(signer: &str, author: &str) -> Option<Alignment> {
    let (label, date) = signer.strip_suffix(".gappssmtp.com")?.split_once('.')?;
    let is_date =
        date.len() == 8 && date.starts_with("20") && date.bytes().all(|octet| octet.is_ascii_digit());
    let own = organisation(author)?;
    let mut candidates = parents(author).take_while(|domain| is_within(domain, own));
    let domain = candidates.find(|domain| domain.replace('.', "-") == label).filter(|_| is_date)?;
    // A hyphen of the label is a dot or a hyphen: with one hyphen there is only one reading.
    let tenant_known = label.matches('-').count() == 1 && domain.matches('.').count() == 1;
    Some(Alignment::Provider { name: "Google Workspace", tenant_known })
}

/// The domain, its parent, and so on.
fn parents(domain: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, parent)| parent))
}

/// `outlook.com` and `hotmail.com` sign for all the consumer domains of Microsoft.
fn microsoft(signer: &str, author: &str) -> Option<Alignment> {
    let signs = ["outlook.com", "hotmail.com", "live.com", "msn.com"].contains(&signer);
    let aligned = signs && CONSUMER_MICROSOFT.contains(&author);
    aligned.then_some(Alignment::Provider { name: "Microsoft (consumer mail)", tenant_known: true })
}

fn third_party(signer: &str, list_id: Option<&str>) -> Alignment {
    let provider = provider_of(signer);
    let of_list = || {
        let list = list_id.and_then(list_domain)?;
        Some(tenant(&list)? == tenant(signer)?)
    };
    let by_name = ["lists.", "list."].iter().any(|prefix| signer.starts_with(prefix));
    let list =
        by_name || provider.is_some_and(|provider| provider.kind == Kind::List) || of_list().unwrap_or(false);
    Alignment::ThirdParty { provider: provider.map(|provider| provider.name), list }
}

/// The name inside the angle brackets of a List-Id (RFC 2919), or the field itself.
fn list_domain(list_id: &str) -> Option<String> {
    let inside = list_id.rsplit_once('<').map_or(list_id, |(_, behind)| behind);
    normal_domain(inside.split('>').next()?)
}

fn provider_of(signer: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.domains.iter().any(|domain| is_within(signer, domain)))
}

/// The less certain of two.
fn weaker(a: Alignment, b: Alignment) -> Alignment {
    let rank = |alignment: &Alignment| match alignment {
        Alignment::Same { exact } => usize::from(!exact),
        Alignment::Provider { tenant_known, .. } => 2 + usize::from(!tenant_known),
        Alignment::ThirdParty { .. } => 4,
        Alignment::None => 5,
    };
    if rank(&b) > rank(&a) { b } else { a }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_version_of_the_list_is_the_one_that_is_built_in() {
        let lock = include_str!("../../../../Cargo.lock");
        let (name, version) = PSL_VERSION.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{PSL_VERSION}");
    }

    #[test]
    fn organisational_domains() {
        let cases = [
            ("example.org", Some("example.org")),
            ("Mail.EXAMPLE.org.", Some("example.org")),
            ("a.b.c.example.co.uk", Some("example.co.uk")),
            ("example.gov.uk", Some("example.gov.uk")),
            ("gov.uk", None),
            ("org", None),
            ("github.io", None),
            ("evil.github.io", Some("evil.github.io")),
            ("firebaseapp.com", None),
            ("a.evil.firebaseapp.com", Some("evil.firebaseapp.com")),
            // The exception rule `!www.ck` wins over `*.ck`.
            ("www.ck", Some("www.ck")),
            ("other.ck", None),
            ("a.other.ck", Some("a.other.ck")),
            // No rule: the last label is the suffix.
            ("mail.corp.internal-thing", Some("corp.internal-thing")),
            ("b\u{fc}cher.de", Some("xn--bcher-kva.de")),
            ("XN--BCHER-KVA.de", Some("xn--bcher-kva.de")),
            ("mail.\u{98df}\u{72ee}.\u{516c}\u{53f8}.cn", Some("xn--85x722f.xn--55qx5d.cn")),
            ("\u{516c}\u{53f8}.cn", None),
            ("mail\u{3002}example\u{ff0e}org", Some("example.org")),
            ("1.2.3.4", None),
            ("[1.2.3.4]", None),
            ("[IPv6:::1]", None),
            ("::1", None),
            ("localhost", None),
            ("", None),
            (".", None),
            ("a..org", None),
            (".example.org", None),
            ("exam ple.org", None),
            ("exam\nple.org", None),
            ("example.org..", None),
        ];
        for (domain, expected) in cases {
            assert_eq!(organisational_domain(domain).as_deref(), expected, "{domain}");
        }
        assert_eq!(organisational_domain(&format!("{}.org", "a".repeat(64))), None);
        assert_eq!(organisational_domain(&format!("{}org", "a.".repeat(200))), None);
    }

    /// RFC 3492 section 7.1 (A, B, J in lower case, L), and names in use.
    #[test]
    fn punycode_is_that_of_the_standard() {
        let cases = [
            (
                "\u{644}\u{64a}\u{647}\u{645}\u{627}\u{628}\u{62a}\u{643}\u{644}\u{645}\u{648}\u{634}\u{639}\u{631}\u{628}\u{64a}\u{61f}",
                "egbpdaj6bu4bxfgehfvwxn",
            ),
            (
                "\u{4ed6}\u{4eec}\u{4e3a}\u{4ec0}\u{4e48}\u{4e0d}\u{8bf4}\u{4e2d}\u{6587}",
                "ihqwcrb4cv8a8dqg056pqjye",
            ),
            (
                "porqu\u{e9}nopuedensimplementehablarenespa\u{f1}ol",
                "porqunopuedensimplementehablarenespaol-fmd56a",
            ),
            ("3\u{5e74}b\u{7d44}\u{91d1}\u{516b}\u{5148}\u{751f}", "3b-ww4c5e180e575a65lsy2b"),
            ("m\u{fc}nchen", "mnchen-3ya"),
        ];
        for (label, expected) in cases {
            assert_eq!(punycode(label).as_deref(), Some(expected));
        }
    }

    const SAME: Alignment = Alignment::Same { exact: true };
    const ORGANISATION: Alignment = Alignment::Same { exact: false };
    const STRANGER: Alignment = Alignment::ThirdParty { provider: None, list: false };

    fn of(signer: &str, author: &str) -> Alignment {
        align(signer, &[author.to_owned()], &[], None)
    }

    fn from(provider: &'static str) -> Alignment {
        Alignment::ThirdParty { provider: Some(provider), list: false }
    }

    #[test]
    fn whose_domain_the_signer_is() {
        let google = |tenant_known| Alignment::Provider { name: "Google Workspace", tenant_known };
        let microsoft = Alignment::Provider { name: "Microsoft (consumer mail)", tenant_known: true };
        let cases = [
            ("example.org", "example.org", SAME),
            ("EXAMPLE.org.", "example.ORG", SAME),
            ("xn--bcher-kva.de", "b\u{fc}cher.de", SAME),
            ("example.org", "mail.example.org", ORGANISATION),
            ("news.example.org", "example.org", ORGANISATION),
            ("news.example.org", "staff.example.org", ORGANISATION),
            ("example.com", "example.org", STRANGER),
            ("org", "example.org", Alignment::None),
            ("co.uk", "example.co.uk", STRANGER),
            ("notexample.org", "example.org", STRANGER),
            ("example.org.evil.net", "example.org", STRANGER),
            ("firebaseapp.com", "evil.firebaseapp.com", STRANGER),
            ("a.github.io", "b.github.io", STRANGER),
            // Customers of one provider are not one organisation.
            ("a.onmicrosoft.com", "a.onmicrosoft.com", SAME),
            ("a.onmicrosoft.com", "mail.a.onmicrosoft.com", ORGANISATION),
            ("a.onmicrosoft.com", "b.onmicrosoft.com", from("Microsoft 365")),
            ("zendesk.com", "acme.zendesk.com", from("Zendesk")),
            (
                "googlegroups.com",
                "a.googlegroups.com",
                Alignment::ThirdParty { provider: Some("Google Groups"), list: true },
            ),
            // Google: From is mapped to the label.
            ("example-org.20230601.gappssmtp.com", "example.org", google(true)),
            ("example-org.20150623.gappssmtp.com", "staff.example.org", google(true)),
            ("my-site-org.20230601.gappssmtp.com", "my-site.org", google(false)),
            ("my-site-org.20230601.gappssmtp.com", "my.site.org", google(false)),
            ("example-co-uk.20230601.gappssmtp.com", "example.co.uk", google(false)),
            ("co-uk.20230601.gappssmtp.com", "example.co.uk", from("Google Workspace")),
            ("example-org.19990101.gappssmtp.com", "example.org", from("Google Workspace")),
            ("example-org.2023060.gappssmtp.com", "example.org", from("Google Workspace")),
            ("other-org.20230601.gappssmtp.com", "example.org", from("Google Workspace")),
            ("example-org.20230601.gappssmtp.com.evil.net", "example.org", STRANGER),
            ("x.example-org.20230601.gappssmtp.com", "example.org", from("Google Workspace")),
            // Microsoft's consumer mail.
            ("outlook.com", "hotmail.fr", microsoft),
            ("hotmail.com", "live.co.uk", microsoft),
            ("outlook.com", "example.org", from("Microsoft (consumer mail)")),
            ("evil.outlook.com", "hotmail.com", from("Microsoft (consumer mail)")),
            ("outlook.com", "hotmail.evil.net", from("Microsoft (consumer mail)")),
            // A tenant that the case does not know.
            ("contoso.onmicrosoft.com", "contoso.com", from("Microsoft 365")),
            ("eu-west-1.amazonses.com", "example.org", from("Amazon SES")),
            ("amazonses.com.evil.net", "example.org", STRANGER),
            ("example.org", "[192.0.2.1]", Alignment::None),
            ("192.0.2.1", "192.0.2.1", Alignment::None),
            ("", "example.org", Alignment::None),
        ];
        for (signer, author, expected) in cases {
            assert_eq!(of(signer, author), expected, "d={signer} From: {author}");
        }
    }

    #[test]
    fn a_tenant_is_whose_the_case_says() {
        let delegates = [Delegate {
            signer: "Contoso.onmicrosoft.com".to_owned(),
            domain: "contoso.com".to_owned(),
            reason: "CNAME of selector1".to_owned(),
        }];
        let of = |signer: &str, author: &str| align(signer, &[author.to_owned()], &delegates, None);
        let known = Alignment::Provider { name: "Microsoft 365", tenant_known: true };
        assert_eq!(of("contoso.onmicrosoft.com", "contoso.com"), known);
        assert_eq!(of("contoso.onmicrosoft.com", "staff.contoso.com"), known);
        assert_eq!(of("contoso.onmicrosoft.com", "example.org"), from("Microsoft 365"));
        assert_eq!(of("fabrikam.onmicrosoft.com", "contoso.com"), from("Microsoft 365"));
        assert_eq!(of("contoso.onmicrosoft.com", "notcontoso.com"), from("Microsoft 365"));
    }

    #[test]
    fn several_authors_must_all_agree() {
        let of = |authors: &[&str]| {
            let authors: Vec<String> = authors.iter().map(|author| (*author).to_owned()).collect();
            align("example.org", &authors, &[], None)
        };
        assert_eq!(of(&["example.org", "Example.org"]), SAME);
        assert_eq!(of(&["example.org", "mail.example.org"]), ORGANISATION);
        assert_eq!(of(&["example.org", "example.com"]), STRANGER);
        assert_eq!(of(&["example.com", "example.org"]), STRANGER);
        assert_eq!(of(&[]), Alignment::None);
        assert_eq!(of(&["example.org", "no domain"]), Alignment::None);
    }

    #[test]
    fn lists_are_flagged() {
        let list =
            |signer: &str, list_id: Option<&str>| align(signer, &["example.org".to_owned()], &[], list_id);
        let flagged = |alignment| matches!(alignment, Alignment::ThirdParty { list: true, .. });
        assert!(flagged(list("redhat.com", Some("device-mapper <dm-devel.redhat.com>"))));
        assert!(flagged(list("lists.example.net", None)));
        assert!(flagged(list("googlegroups.com", Some("<kasan-dev.googlegroups.com>"))));
        assert!(!flagged(list("redhat.com", None)));
        assert!(!flagged(list("redhat.com", Some("<list.example.com>"))));
        assert!(!flagged(list("amazonses.com", Some("<abc.us-east-1.amazonses.com.evil.net>"))));
        // The author's own list: its own domain, so no third party.
        assert_eq!(list("example.org", Some("<list.example.org>")), SAME);
    }

    #[test]
    fn the_words_are_those_of_the_command_line() {
        let words =
            [SAME, of("outlook.com", "hotmail.com"), STRANGER, Alignment::None].map(Alignment::as_str);
        assert_eq!(words, ["same", "provider", "third-party", "none"]);
    }

    #[test]
    fn every_domain_of_the_tables_is_normal_and_listed_once() {
        let mut seen = std::collections::BTreeSet::new();
        for domain in PROVIDERS.iter().flat_map(|provider| provider.domains) {
            assert_eq!(normal_domain(domain).as_deref(), Some(*domain));
            assert!(seen.insert(domain), "{domain}");
        }
        assert!(CONSUMER_MICROSOFT.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_name_panics_and_normal_names_stay(domain in "\\PC{0,80}", author in "[a-z\u{e9}\u{4e2d}.-]{0,40}") {
            if let Some(normal) = normal_domain(&domain) {
                prop_assert_eq!(normal_domain(&normal), Some(normal.clone()));
            }
            if let Some(organisation) = organisational_domain(&author) {
                prop_assert_eq!(organisational_domain(&organisation), Some(organisation.clone()));
                prop_assert_eq!(of(&organisation, &author).is_aligned(), true);
            }
            of(&domain, &author);
        }
    }
}
