//! What mail programs leave in a header: Message-ID forms, names of themselves, zones, identifiers.

use crate::{clock::Zone, mail::Charset, mail::Coding, rng::Rng};

/// A kind of mail program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mua {
    /// Thunderbird: format=flowed, UUID ids.
    #[default]
    Thunderbird,
    /// Outlook with an Exchange server: HTML with a style sheet, Thread-Index.
    Outlook,
    /// Apple Mail.
    AppleMail,
    /// The mail program of a telephone: short, HTML or plain.
    Phone,
    /// A big webmail service: multipart/alternative, base64.
    Webmail,
    /// Roundcube.
    Roundcube,
    /// Zimbra's web client.
    Zimbra,
    /// mutt: plain text.
    Mutt,
    /// Software that sends newsletters.
    Mailer,
    /// A mail server itself.
    Server,
}

const UPPER: &str = "0123456789ABCDEF";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Mua {
    /// A fresh Message-ID in this program's form, with angle brackets.
    pub(crate) fn message_id(self, rng: &mut Rng, at: i64, domain: &str) -> String {
        match self {
            Mua::Thunderbird => format!("<{}@{domain}>", uuid(rng, "0123456789abcdef")),
            Mua::Outlook => {
                let [a, b] = [rng.token(UPPER, 16), rng.token(UPPER, 12)];
                format!(
                    "<DB7PR09MB{}{a}{b}@DB7PR09MB{}.eurprd09.prod.courriel.example>",
                    rng.between(1000, 9999),
                    rng.between(1000, 9999)
                )
            }
            Mua::AppleMail | Mua::Phone => format!("<{}@{domain}>", uuid(rng, UPPER)),
            Mua::Webmail => format!("<CA{}@mail.courriel.example>", rng.token(&[ALNUM, "+-=_"].concat(), 50)),
            Mua::Roundcube => format!("<{}@{domain}>", rng.hex(32)),
            Mua::Zimbra => {
                let [a, b] = [rng.between(100_000_000, 2_000_000_000), rng.between(10_000, 9_999_999)];
                format!("<{a}.{b}.{}.JavaMail.zimbra@{domain}>", at * 1000 + rng.below(1000) as i64)
            }
            Mua::Mutt => {
                let stamp = crate::clock::icalendar(at).replace(['T', 'Z'], "");
                format!("<{stamp}.{}@poste{}>", rng.token(ALNUM, 10), format_args!(".{domain}"))
            }
            Mua::Mailer => format!("<{}.{}@bounce.{domain}>", at, rng.hex(24)),
            Mua::Server => format!(
                "<{stamp}.{}@mx.demain.example>",
                rng.token(UPPER, 11),
                stamp = crate::clock::icalendar(at)
            ),
        }
    }

    /// `User-Agent` or `X-Mailer` field, where the program writes one.
    pub(crate) fn agent(self, rng: &mut Rng) -> Option<(&'static str, String)> {
        let minor = rng.below(4);
        Some(match self {
            Mua::Thunderbird => {
                let system: &str = rng.pick(&[
                    "X11; Linux x86_64",
                    "Windows NT 10.0; Win64; x64",
                    "Macintosh; Intel Mac OS X 10.15",
                ]);
                let version: &str = rng.pick(&["102.15", "115.3", "115.9", "128.1"]);
                let gecko = version.split('.').next().unwrap_or("115");
                (
                    "User-Agent",
                    format!(
                        "Mozilla/5.0 ({system}; rv:{gecko}.0) Gecko/20100101 Thunderbird/{version}.{minor}"
                    ),
                )
            }
            Mua::Outlook => ("X-Mailer", "Microsoft Outlook 16.0".to_owned()),
            Mua::AppleMail => {
                ("X-Mailer", format!("Apple Mail (2.3774.{}00.171.1.{minor})", rng.between(1, 6)))
            }
            Mua::Phone => {
                ("X-Mailer", format!("iPhone Mail (21{}{})", rng.token("ABCDEFG", 1), rng.between(10, 399)))
            }
            Mua::Roundcube => ("User-Agent", format!("Roundcube Webmail/1.6.{minor}")),
            Mua::Zimbra => (
                "X-Mailer",
                format!("Zimbra 9.0.0_GA_4{minor}12 (ZimbraWebClient - FF115 (Linux)/9.0.0_GA_4{minor}12)"),
            ),
            Mua::Mutt => ("User-Agent", format!("Mutt/2.2.{minor} (2024-02-09)")),
            Mua::Mailer => ("X-Mailer", format!("Envoi/3.{minor}")),
            Mua::Webmail | Mua::Server => return None,
        })
    }

    /// How the program writes the zone of `Date`.
    pub(crate) fn zone(self, rng: &mut Rng) -> Zone {
        match self {
            Mua::Webmail if rng.percent(3) => Zone::Fixed(rng.pick(&[0, -300, -240, 60])),
            Mua::Zimbra => Zone::ParisNamed,
            Mua::Outlook if rng.percent(70) => Zone::Utc,
            Mua::Mailer => rng.pick(&[Zone::Utc, Zone::Gmt, Zone::Unknown, Zone::Paris]),
            Mua::Server => Zone::ParisNamed,
            Mua::Mutt if rng.percent(20) => Zone::Unknown,
            _ => Zone::Paris,
        }
    }

    /// Charset and transfer encoding that the program chooses for a text that is not ASCII.
    pub(crate) fn text_form(self, rng: &mut Rng) -> (Charset, Coding) {
        match self {
            Mua::Thunderbird => rng.pick(&[
                (Charset::Utf8, Coding::EightBit),
                (Charset::Utf8, Coding::EightBit),
                (Charset::Latin1, Coding::EightBit),
                (Charset::Windows1252, Coding::EightBit),
            ]),
            Mua::Outlook => rng.pick(&[
                (Charset::Latin1, Coding::Quoted),
                (Charset::Windows1252, Coding::Quoted),
                (Charset::Utf8, Coding::Base64),
                (Charset::Utf8, Coding::Quoted),
            ]),
            Mua::AppleMail | Mua::Phone | Mua::Mailer | Mua::Zimbra => (Charset::Utf8, Coding::Quoted),
            Mua::Webmail => rng.pick(&[(Charset::Utf8, Coding::Quoted), (Charset::Utf8, Coding::Base64)]),
            Mua::Roundcube | Mua::Mutt | Mua::Server => (Charset::Utf8, Coding::EightBit),
        }
    }

    /// In how many of 100 mails the program writes an HTML part.
    pub(crate) fn html_percent(self) -> usize {
        match self {
            Mua::Thunderbird => 40,
            Mua::Outlook | Mua::Mailer => 96,
            Mua::AppleMail => 55,
            Mua::Phone => 30,
            Mua::Webmail => 92,
            Mua::Roundcube => 25,
            Mua::Zimbra => 70,
            Mua::Mutt | Mua::Server => 0,
        }
    }

    /// A boundary in the program's form.
    pub(crate) fn boundary(self, rng: &mut Rng) -> String {
        match self {
            Mua::Thunderbird => format!("------------{}", rng.token(ALNUM, 24)),
            Mua::Outlook => format!("_{:03}_{}{}_", rng.below(12), rng.token(UPPER, 26), "eurprd09"),
            Mua::AppleMail | Mua::Phone => format!("Apple-Mail-{}", uuid(rng, UPPER)),
            Mua::Webmail => format!("000000000000{}", rng.hex(16)),
            Mua::Roundcube => format!("=_{}", rng.hex(32)),
            Mua::Zimbra => format!(
                "----=_Part_{}_{}.{}",
                rng.between(1_000, 99_999),
                rng.between(1_000, 99_999),
                rng.below(1_000_000)
            ),
            Mua::Mutt => rng.token(&[ALNUM, "+/"].concat(), 16),
            Mua::Mailer => format!("--==_mimepart_{}", rng.hex(28)),
            Mua::Server => format!(
                "{}.{}/mx.demain.example",
                rng.token(UPPER, 11),
                rng.between(1_600_000_000, 1_800_000_000)
            ),
        }
    }
}

fn uuid(rng: &mut Rng, alphabet: &str) -> String {
    [8, 4, 4, 4, 12].map(|len| rng.token(alphabet, len)).join("-")
}
