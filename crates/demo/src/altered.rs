//! Mails that show one thing of signatures each: altered ones, and for each alteration what honest ways do
//! to a mail that looks the same at first; and signatures of kinds that a small dump would lack.

use crate::{
    keys::KeyId,
    letter::Envelope,
    mail::{self, Charset, Coding, Part, Rendered, Words},
    mua::Mua,
    people::Human,
    planted::ascii,
    prose::Prose,
    rng::Rng,
    signed::SignedKind,
    signers::{self, Hand, Hands, Manner},
    signing::{Algorithm, Canon},
};

/// What is planted, in this order, again and again in a large dump.
pub(crate) const SCENES: [SignedKind; 47] = {
    use SignedKind::*;
    [
        AlteredBody,
        LookalikeList,
        KeyRecoverable,
        AlteredSubject,
        LookalikeTag,
        AddedCc,
        DoubledFrom,
        KeyRecoverable,
        AppendedText,
        LookalikeFooter,
        ArcSealed,
        AlteredDate,
        LookalikeFromLine,
        DomainKeys,
        KeyRecoverable,
        AlteredType,
        LookalikeRecoded,
        KeyNever,
        Draft,
        WeakKey,
        KeyRecoverable,
        AlteredFrom,
        KeyPublished,
        Ed25519,
        OtherDomain,
        KeyWithdrawn,
        KeyRecoverable,
        ThirdParty,
        ProviderDelegate,
        KeyUnstated,
        Sha1,
        MovedSignature,
        KeyRecoverable,
        DamagedSignature,
        TypeUncovered,
        AlteredTypeUncovered,
        AddedCcOversigned,
        LookalikeBanner,
        LookalikeBlankLines,
        KeyRecoverable,
        LookalikeLineEnds,
        LookalikeRefolded,
        ArcChain,
        DomainKeysWeak,
        OwnDomain,
        AlteredBody,
        Draft,
    ]
};

/// The domain whose mail shows a kind.
pub(crate) fn home(kind: SignedKind) -> &'static str {
    match kind {
        SignedKind::KeyWithdrawn => "poste.example",
        SignedKind::Sha1
        | SignedKind::LookalikeLineEnds
        | SignedKind::DomainKeys
        | SignedKind::DomainKeysWeak => "example.org",
        SignedKind::KeyRecoverable => "example.com",
        SignedKind::KeyPublished => "example.net",
        SignedKind::WeakKey => "boite.test",
        SignedKind::KeyUnstated => "l-echo.example",
        SignedKind::Ed25519 => "le-phare.example",
        SignedKind::ThirdParty => "agence-presse.example",
        SignedKind::ProviderDelegate => "tele-plaine.example",
        SignedKind::OtherDomain => "le-matin.example",
        _ => "courriel.example",
    }
}

/// One mail as it arrives, signatures and all.
pub(crate) struct Arrival {
    /// The mail.
    pub(crate) mail: Rendered,
    /// What it shows.
    pub(crate) kind: SignedKind,
    /// When it was sent, for the trace fields.
    pub(crate) at: i64,
}

/// Who writes to whom.
pub(crate) struct Scene<'a> {
    /// What is shown.
    pub(crate) kind: SignedKind,
    /// The prose.
    pub(crate) prose: &'a Prose,
    /// The author, at [`home`] where somebody is.
    pub(crate) author: &'a Human,
    /// The addressee.
    pub(crate) reader: &'a Human,
    /// Somebody else of the staff.
    pub(crate) third: &'a Human,
    /// When.
    pub(crate) at: i64,
    /// A number of its own.
    pub(crate) n: usize,
}

/// How the text stands in the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Form {
    /// us-ascii, 7bit.
    #[default]
    Seven,
    /// UTF-8, 8bit.
    Eight,
    /// UTF-8, quoted-printable.
    Quoted,
    /// Plain text and HTML.
    Alternative,
}

impl Scene<'_> {
    /// The mails that arrive: the first one shows the kind; a second one stands in another box.
    pub(crate) fn arrivals(&self, rng: &mut Rng, hands: &mut Hands) -> Vec<Arrival> {
        let kind = self.kind;
        match kind {
            SignedKind::Draft => vec![self.arrival(self.draft(rng))],
            SignedKind::DomainKeys | SignedKind::DomainKeysWeak => vec![self.domainkeys(rng, hands)],
            SignedKind::ArcSealed | SignedKind::ArcChain => {
                let mail = self.letter(rng, Form::Eight);
                vec![self.arrival(self.sealed(mail, hands))]
            }
            SignedKind::MovedSignature => {
                let (one, other) = (self.letter(rng, Form::Seven), self.letter(rng, Form::Eight));
                let signature = hands.sign(&one.bytes, self.author, &self.manner(), self.at);
                vec![self.arrival(above(&signature, other))]
            }
            _ => {
                let form = self.form(rng);
                let mail = self.letter(rng, form);
                let manner = self.manner();
                let signature = hands.sign(&mail.bytes, self.author, &manner, self.at);
                let sent = above(&signature, mail);
                let arrived = self.on_the_way(sent.clone());
                let mut all = vec![self.arrival(arrived)];
                // Every second altered body has its original elsewhere; line ends need two boxes.
                if kind == SignedKind::AlteredBody && self.n.is_multiple_of(2) {
                    all.push(Arrival { mail: sent, kind: SignedKind::OwnDomain, at: self.at });
                } else if matches!(kind, SignedKind::LookalikeLineEnds | SignedKind::LookalikeFromLine) {
                    all.push(self.arrival(sent));
                }
                all
            }
        }
    }

    fn arrival(&self, mail: Rendered) -> Arrival {
        Arrival { mail, kind: self.kind, at: self.at }
    }

    fn form(&self, rng: &mut Rng) -> Form {
        match self.kind {
            SignedKind::AlteredType | SignedKind::TypeUncovered | SignedKind::AlteredTypeUncovered => {
                Form::Quoted
            }
            SignedKind::LookalikeRecoded => Form::Eight,
            SignedKind::LookalikeFromLine | SignedKind::LookalikeLineEnds => Form::Seven,
            // What stands above or below the text is seen in mails of one part.
            SignedKind::LookalikeList
            | SignedKind::LookalikeBanner
            | SignedKind::LookalikeFooter
            | SignedKind::AppendedText => rng.pick(&[Form::Seven, Form::Eight]),
            _ => rng.pick(&[Form::Seven, Form::Eight, Form::Quoted, Form::Alternative]),
        }
    }

    /// How the author's host signs, or how it would to show the kind.
    fn manner(&self) -> Manner {
        let domain = self.author.domain();
        // One signature, relaxed, that says nothing beyond what is shown.
        let one = |change: &dyn Fn(&mut Hand)| {
            let own =
                signers::manner(self.author, self.at).filter(|manner| manner.kind == SignedKind::OwnDomain);
            let mut manner = own.unwrap_or_else(|| signers::manner_of(SignedKind::OwnDomain, domain));
            manner.hands.truncate(1);
            for hand in &mut manner.hands {
                (hand.canon, hand.oversigned, hand.length) = ((Canon::Relaxed, Canon::Relaxed), &[], false);
                change(hand);
            }
            manner
        };
        match self.kind {
            SignedKind::KeyWithdrawn
            | SignedKind::Sha1
            | SignedKind::KeyRecoverable
            | SignedKind::KeyPublished
            | SignedKind::WeakKey
            | SignedKind::KeyUnstated
            | SignedKind::Ed25519
            | SignedKind::ThirdParty
            | SignedKind::ProviderDelegate => signers::manner_of(self.kind, domain),
            SignedKind::LookalikeLineEnds => signers::manner_of(SignedKind::Sha1, domain),
            SignedKind::KeyNever => one(&|hand| {
                (hand.selector, hand.key) = (signers::NEVER_SEEN, KeyId::List);
            }),
            SignedKind::TypeUncovered | SignedKind::AlteredTypeUncovered => {
                one(&|hand| hand.headers = signers::WITHOUT_TYPE)
            }
            SignedKind::AppendedText | SignedKind::LookalikeFooter => one(&|hand| hand.length = true),
            SignedKind::AddedCcOversigned => one(&|hand| hand.oversigned = &["from", "to", "cc", "subject"]),
            SignedKind::OtherDomain => Manner {
                hands: signers::manner_of(SignedKind::OwnDomain, "courriel.example").hands,
                kind: SignedKind::ThirdParty,
            },
            _ => one(&|_| {}),
        }
    }

    fn letter(&self, rng: &mut Rng, form: Form) -> Rendered {
        let mut envelope = Envelope::new(self.author, vec![self.reader], self.at);
        envelope.subject = Some(format!("Point budget de la semaine {}", 1 + self.n % 52));
        envelope.words = Words::Q;
        let lang = self.author.lang;
        let size = rng.between(200, 900);
        let [one, two] = [self.n, self.n + 7].map(|topic| self.prose.text(rng, lang, topic, size));
        let line = match self.kind {
            SignedKind::LookalikeFromLine => {
                "\nFrom Monday on the office opens at nine.\n>From Tuesday on as well.\n"
            }
            _ => "",
        };
        let text = format!(
            "Bonjour,\n\n{one}\nLe montant convenu est de 4800 euros, d\u{e9}lai le 12 juin.\n{line}\n{two}\n"
        );
        let plain = |charset, coding, text: String| Part::Text {
            subtype: "plain",
            charset,
            declared: None,
            coding,
            text,
        };
        let body = match form {
            Form::Seven => plain(Charset::Utf8, Coding::EightBit, mail::wrap(&ascii(&text), 76)),
            Form::Eight => plain(Charset::Utf8, Coding::EightBit, mail::wrap(&text, 76)),
            Form::Quoted => plain(Charset::Utf8, Coding::Quoted, mail::wrap(&text, 76)),
            Form::Alternative => {
                let html = Part::Text {
                    subtype: "html",
                    charset: Charset::Utf8,
                    declared: None,
                    coding: Coding::Quoted,
                    text: crate::letter::html(&text, Mua::Thunderbird, Charset::Utf8),
                };
                let parts = vec![plain(Charset::Utf8, Coding::EightBit, mail::wrap(&text, 76)), html];
                Part::Multi { subtype: "alternative", parts }
            }
        };
        let (header, meta) = envelope.header(rng);
        mail::render(header, meta, &body, self.author.mua, rng)
    }

    /// What happens to the signed mail before it lies in the box.
    fn on_the_way(&self, mut mail: Rendered) -> Rendered {
        let (head, body) = cut(&mail.bytes);
        let (head, body) = match self.kind {
            SignedKind::AlteredBody => (head, body.replace("4800", "48000")),
            SignedKind::AlteredSubject => {
                (field(&head, "Subject", |value| value.replace("budget", "contrat")), body)
            }
            SignedKind::AlteredDate => {
                let at = self.at - 9 * 86_400;
                mail.meta.date = Some(at);
                let date = format!(" {}", crate::clock::rfc5322(at, crate::clock::Zone::Paris));
                (field(&head, "Date", |_| date), body)
            }
            SignedKind::AlteredFrom => {
                let address = mail.meta.from.clone().unwrap_or_default();
                let from = mail::mailbox(&self.third.name, &address, Words::Q);
                (field(&head, "From", |_| format!(" {from}")), body)
            }
            SignedKind::AlteredType | SignedKind::AlteredTypeUncovered => {
                (field(&head, "Content-Type", |value| value.replace("utf-8", "iso-8859-1")), body)
            }
            SignedKind::AddedCc | SignedKind::AddedCcOversigned => {
                let cc = mail::mailbox(&self.third.name, &self.third.address, Words::Q);
                (field(&head, "To", |value| format!("{value}\nCc: {cc}")), body)
            }
            SignedKind::DoubledFrom => {
                let from = mail::mailbox(&self.third.name, &self.third.address, Words::Q);
                (format!("From: {from}\n{head}"), body)
            }
            SignedKind::AppendedText => {
                (head, format!("{body}\nPS : le montant passe a 9600 euros, merci de confirmer.\n"))
            }
            SignedKind::DamagedSignature => (damaged(&head), body),
            SignedKind::LookalikeList => {
                let tagged = field(&head, "Subject", |value| format!(" [presse]{value}"));
                let added = "Sender: presse-bounces@listes.demain.example\nPrecedence: list\n\
                     List-Id: Liste presse <presse.listes.demain.example>\n\
                     List-Post: <mailto:presse@listes.demain.example>\n";
                (format!("{tagged}{added}"), format!("{body}{}", footer("presse")))
            }
            SignedKind::LookalikeFooter => (head, format!("{body}{}", footer("presse"))),
            SignedKind::LookalikeTag => (field(&head, "Subject", |value| format!(" [EXTERNE]{value}")), body),
            SignedKind::LookalikeBanner => {
                let banner = "ATTENTION : ce message vient de l'exterieur. Ne cliquez pas sans verifier.\n\n";
                (head, format!("{banner}{body}"))
            }
            SignedKind::LookalikeRecoded => {
                let mut coded = Vec::new();
                mail::quoted_printable(body.as_bytes(), &mut coded);
                let head = field(&head, "Content-Transfer-Encoding", |_| " quoted-printable".to_owned());
                (head, String::from_utf8_lossy(&coded).into_owned())
            }
            SignedKind::LookalikeBlankLines => (head, format!("{body}\n\n\n")),
            SignedKind::LookalikeRefolded => {
                (field(&head, "Subject", |value| value.replace(" budget ", "\n\t budget  ")), body)
            }
            _ => (head, body),
        };
        mail.bytes = format!("{head}\n{body}").into_bytes();
        mail
    }

    fn draft(&self, rng: &mut Rng) -> Rendered {
        let mail = self.letter(rng, Form::Eight);
        let head = "X-Mozilla-Draft-Info: internal/draft; vcard=0; receipt=0; DSN=0; uuencode=0\n";
        above(head.as_bytes(), mail)
    }

    /// Mail of 2007, as it was kept since.
    fn domainkeys(&self, rng: &mut Rng, hands: &mut Hands) -> Arrival {
        let at = 1_176_710_400 + 3_600 * (self.n as i64 % 1_000);
        let scene = Scene { at, ..*self };
        let mut mail = scene.letter(rng, Form::Seven);
        let (mut head, body) = cut(&mail.bytes);
        // Programs of that time had other names.
        for name in ["User-Agent", "X-Mailer"] {
            head = without(&head, name);
        }
        mail.bytes = format!("{head}\n{body}").into_bytes();
        let weak = self.kind == SignedKind::DomainKeysWeak;
        let (selector, key) = if weak { ("dk768", KeyId::Archive) } else { ("dk2007", KeyId::Old) };
        let headers: &[&str] = match weak {
            true => &[],
            false => signers::USUAL,
        };
        let hand =
            Hand { algorithm: Algorithm::RsaSha1, headers, ..Hand::new(self.author.domain(), selector, key) };
        let signature = hands.domainkeys(&mail.bytes, &hand, at);
        Arrival { mail: above(&signature, mail), kind: self.kind, at }
    }

    /// A forwarder writes above the text and seals what it sends.
    fn sealed(&self, mail: Rendered, hands: &mut Hands) -> Rendered {
        let signature = hands.sign(&mail.bytes, self.author, &self.manner(), self.at);
        let mut mail = above(&signature, mail);
        let says = |who: &str, arc: &str| {
            let author = self.author.domain();
            format!(
                "{who};\n\tdkim=pass header.d={author};{arc}\n\tspf=pass smtp.mailfrom={}",
                self.author.address
            )
        };
        let mut instance = 1;
        if self.kind == SignedKind::ArcChain {
            let hand = Hand::new("poste.example", "p2019", KeyId::Poste);
            let set = hands.arc(&mail.bytes, (1, "none"), &says("poste.example", ""), &hand, self.at + 3);
            mail = above(&set, mail);
            instance = 2;
        }
        let (head, body) = cut(&mail.bytes);
        mail.bytes = format!("{head}\n[Transmis par {}]\n\n{body}", signers::SEALER).into_bytes();
        let hand = Hand::new(signers::SEALER, "arc1", KeyId::Sealer);
        let (chain, arc) = if instance == 1 { ("none", "") } else { ("pass", "\n\tarc=pass;") };
        let results = says(signers::SEALER, arc);
        let set = hands.arc(&mail.bytes, (instance, chain), &results, &hand, self.at + 5);
        above(&set, mail)
    }
}

/// The footer of a list.
pub(crate) fn footer(list: &str) -> String {
    format!(
        "_______________________________________________\nListe {list}\n{list}@{lists}\nhttps://{lists}/info/{list}\n",
        lists = signers::LISTS
    )
}

/// A mail with fields above it.
pub(crate) fn above(fields: &[u8], mut mail: Rendered) -> Rendered {
    mail.bytes = [fields, &mail.bytes].concat();
    mail
}

/// Header, with its last line end, and body.
pub(crate) fn cut(mail: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(mail);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    (format!("{head}\n"), body.to_owned())
}

/// A header with the value of its first field of a name changed: all between colon and line end.
pub(crate) fn field(head: &str, name: &str, change: impl FnOnce(&str) -> String) -> String {
    let Some((start, end)) = place(head, name) else { return head.to_owned() };
    let (before, rest) = head.split_at_checked(start + name.len() + 1).unwrap_or((head, ""));
    let (value, after) =
        rest.split_at_checked(end.saturating_sub(start + name.len() + 2)).unwrap_or((rest, ""));
    format!("{before}{}{after}", change(value))
}

fn without(head: &str, name: &str) -> String {
    let Some((start, end)) = place(head, name) else { return head.to_owned() };
    [head.get(..start), head.get(end..)].into_iter().flatten().collect()
}

/// Where the first field of a name begins and where the next one does.
fn place(head: &str, name: &str) -> Option<(usize, usize)> {
    let (mut at, mut start) = (0, None);
    for line in head.split_inclusive('\n') {
        let folded = line.starts_with([' ', '\t']);
        match start {
            Some(start) if !folded => return Some((start, at)),
            None if !folded && line.split(':').next().is_some_and(|n| n.eq_ignore_ascii_case(name)) => {
                start = Some(at);
            }
            _ => {}
        }
        at += line.len();
    }
    start.map(|start| (start, at))
}

/// One letter in the second line of the signature becomes another one.
fn damaged(head: &str) -> String {
    field(head, "DKIM-Signature", |value| {
        let (before, signature) = value.rsplit_once("\tb=").unwrap_or((value, ""));
        let (first, second) = signature.split_once('\n').unwrap_or((signature, ""));
        let mut letters: Vec<char> = second.chars().collect();
        if let Some(letter) = letters.get_mut(20) {
            *letter = if *letter == 'A' { 'B' } else { 'A' };
        }
        format!("{before}\tb={first}\n{}", letters.into_iter().collect::<String>())
    })
}
