//! The part of the dump's stories that signatures are about: what hosts sign, what lists do to it, mails
//! that show one thing each, and what the truth says of all of them.

use tamis_model::{Blob, findings::MessageState};

use super::{Delivery, Run, words};
use crate::{
    DemoError,
    altered::{self, Arrival, Scene},
    letter::{self, Envelope},
    mail::{self, Charset, Coding, Header, Part, Rendered},
    people::{Group, Human},
    rng::Rng,
    signed::{DelegateLine, KeyEventLine, Reasoned, SignedKind, SignedMail, SignedTruth},
    signers::{self, Hands, LISTS},
    signing::Canon,
    store::{Folder, Stored},
};

/// What is known of the keys that were used.
pub(super) fn with_keys(signed: SignedTruth, hands: &Hands) -> SignedTruth {
    let published = hands.published().into_iter().map(|(domain, selector)| KeyEventLine {
        domain,
        selector,
        event: "published".to_owned(),
        at: "2025-03-01T00:00:00Z".to_owned(),
        source: "the owner's own page of retired keys (invented)".to_owned(),
    });
    let delegates = hands.customers().into_iter().map(|(signer, domain)| DelegateLine {
        signer,
        domain,
        reason: "the provider's list of customers (invented)".to_owned(),
    });
    SignedTruth {
        keys: hands.observations(),
        key_events: published.collect(),
        sealers: vec![Reasoned {
            domain: signers::SEALER.to_owned(),
            reason: "forwards the mail of former members and checks what it gets (invented)".to_owned(),
        }],
        delegates: delegates.collect(),
        stolen_at: "2025-05-10T00:00:00Z".to_owned(),
        ..signed
    }
}

/// What the author's side adds to a mail.
#[derive(Debug, Clone)]
pub(super) enum Signing {
    /// What the author's host always does.
    Usual,
    /// These fields, which show this; no fields: nothing.
    Given(Option<(Vec<u8>, SignedKind)>),
}

impl Run<'_> {
    /// A mail of one of the campaign's lists.
    pub(super) fn list_mail(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        let from = if rng.percent(60) {
            self.people.outside_of(rng, Group::Volunteer)
        } else {
            self.people.staff(rng)
        };
        let Some(author) = self.human(from) else { return Ok(()) };
        let list: &str = rng.pick(&["benevoles", "presse", "territoires", "numerique"]);
        let to: Vec<usize> = (0..rng.between(1, 3)).map(|_| self.people.staff(rng)).collect();
        let topic = list.len() * 31;
        let mut envelope = Envelope::new(author, Vec::new(), at);
        envelope.words = words(rng, author);
        let subject = self.prose.subject(rng, author.lang, topic);
        let Some(first) = to.first().and_then(|who| self.human(*who)) else { return Ok(()) };
        let text = letter::compose(rng, self.prose, author, first, topic, None);
        let coding = rng.pick(&[Coding::EightBit, Coding::Base64]);
        let plain = |text: &str| Part::Text {
            subtype: "plain",
            charset: Charset::Utf8,
            declared: None,
            coding,
            text: mail::wrap(text, 76),
        };
        let added = [
            ("Sender", format!("{list}-bounces@{LISTS}")),
            ("Precedence", "list".to_owned()),
            ("List-Id", format!("Liste {list} <{list}.{LISTS}>")),
            ("List-Post", format!("<mailto:{list}@{LISTS}>")),
            ("List-Unsubscribe", format!("<mailto:{list}-leave@{LISTS}>")),
            ("X-Mailman-Version", "2.1.29".to_owned()),
        ];
        envelope.extra = vec![("To", format!("{list}@{LISTS}"))];
        let body = self.with_attachments(rng, author, plain(&text))?;
        let footer = altered::footer(list);
        // A text as it stands gets tag and footer and keeps the author's signature; what must be decoded
        // or taken apart for that is written anew, and its signature is taken off.
        let kept = coding == Coding::EightBit && matches!(body, Part::Text { .. });
        let (rendered, authors) = if kept {
            envelope.subject = Some(subject);
            let (header, meta) = envelope.header(rng);
            let sent = mail::render(header, meta, &body, author.mua, rng);
            let authors = self.before_list(&sent, author, at);
            (passed_on(sent, list, &added, &footer), authors)
        } else {
            envelope.subject = Some(format!("[{list}] {subject}"));
            envelope.extra.extend(added);
            let mut body = body;
            append(&mut body, &footer);
            let (header, meta) = envelope.header(rng);
            (mail::render(header, meta, &body, author.mua, rng), None)
        };
        let fields = authors.as_ref().map(|(fields, _)| fields.clone()).unwrap_or_default();
        let signature = if at >= signers::LISTS_SIGN {
            let whole = [&fields, &rendered.bytes[..]].concat();
            let own = self.hands.dkim(&whole, &signers::list(), at + 4);
            let kind = match author.group {
                Group::Staff => SignedKind::ListOwnDomain,
                _ => SignedKind::ListSigned,
            };
            Some(([own, fields].concat(), kind))
        } else {
            authors.map(|(fields, kind)| (fields, after_list(kind)))
        };
        let delivery = Delivery { from, to: &to, at };
        self.deliver_as(rng, &rendered, &delivery, Signing::Given(signature))?;
        Ok(())
    }

    /// The author's signatures on a mail to a list, where they bear it that fields are folded anew.
    fn before_list(&mut self, mail: &Rendered, author: &Human, at: i64) -> Option<(Vec<u8>, SignedKind)> {
        let manner = signers::manner(author, at).filter(|manner| {
            author.group != Group::Staff && manner.hands.iter().all(|hand| hand.canon.0 == Canon::Relaxed)
        })?;
        Some((self.hands.sign(&mail.bytes, author, &manner, at), manner.kind))
    }

    /// The signatures that the author's host makes on the way to these addressees: none where all of
    /// them are colleagues.
    pub(super) fn usual(
        &mut self,
        mail: &Rendered,
        author: &Human,
        to: &[usize],
        at: i64,
    ) -> Option<(Vec<u8>, SignedKind)> {
        let colleagues = to.iter().all(|who| self.people.has_box(*who));
        if author.group == Group::Staff && colleagues {
            return None;
        }
        let manner = signers::manner(author, at)?;
        Some((self.hands.sign(&mail.bytes, author, &manner, at), manner.kind))
    }

    /// Notes what should be found of a mail in its box.
    pub(super) fn note_signed(&mut self, stored: &Stored, mail: &Rendered, kind: SignedKind) {
        let mut states = kind.states().to_vec();
        let mut kind = kind;
        // An mbox's `>` is undone, and what is undone is said.
        if stored.escaped && states.contains(&MessageState::A) {
            (states, kind) = (vec![MessageState::B], SignedKind::LookalikeFromLine);
        } else if !stored.escaped && kind == SignedKind::LookalikeFromLine {
            states = vec![MessageState::A];
        }
        self.signed.note(SignedMail {
            path: stored.path.clone(),
            message_id: mail.meta.message_id.clone(),
            blob: Blob(stored.blob).to_string(),
            kind,
            states,
            reasons: kind.reasons().iter().map(|word| (*word).to_owned()).collect(),
        });
    }

    /// A mail that shows something of signatures, in one box or two.
    pub(super) fn scene(&mut self, rng: &mut Rng, n: usize, at: i64) -> Result<(), DemoError> {
        let round = n / altered::SCENES.len();
        let Some(kind) = altered::SCENES.get(n % altered::SCENES.len()).copied() else { return Ok(()) };
        if kind == SignedKind::KeyNever && round > 0 {
            return Ok(());
        }
        let from = match kind {
            SignedKind::Draft => self.people.staff(rng),
            _ => self.people.at_domain(altered::home(kind)),
        };
        // Boxes whose form matters: mboxes with both kinds of `>`, and one each with LF and CRLF.
        let boxes = match kind {
            SignedKind::LookalikeFromLine => [1, 4],
            SignedKind::LookalikeLineEnds => [2, 5],
            SignedKind::Draft => [from, from],
            _ => {
                let who = self.people.staff(rng);
                [who, if who == 1 { 2 } else { 1 }]
            }
        };
        let third = 1 + boxes.iter().sum::<usize>() % 3;
        let [first, _] = boxes;
        let people = (self.human(from), self.human(first), self.human(third));
        let (Some(author), Some(reader), Some(third)) = people else { return Ok(()) };
        let scene = Scene { kind, prose: self.prose, author, reader, third, at, n };
        let arrivals = scene.arrivals(rng, &mut self.hands);
        for (Arrival { mail, kind, at: sent }, who) in arrivals.into_iter().zip(boxes) {
            let Some(reader) = self.human(who).filter(|_| self.tally.mails() < self.target) else { continue };
            let (folder, trace) = match kind {
                SignedKind::Draft => (Folder::Sent, Vec::new()),
                _ => (Folder::Inbox, letter::trace(rng, author, reader, sent + 8)),
            };
            if let Some(stored) = self.store.put(who, folder, at, &trace, &mail, &mut self.tally)? {
                self.note_signed(&stored, &mail, kind);
            }
        }
        Ok(())
    }
}

/// A mail as a list passes it on: a tag in the subject, further fields, a footer.
fn passed_on(mut mail: Rendered, list: &str, added: &[(&str, String)], footer: &str) -> Rendered {
    let (head, text) = altered::cut(&mail.bytes);
    let head = altered::field(&head, "Subject", |value| format!(" [{list}]{value}"));
    let mut header = Header::default();
    for (name, value) in added {
        header.field(name, value);
    }
    let added = header.into_bytes();
    mail.bytes = [head.as_bytes(), &added, b"\n", text.as_bytes(), footer.as_bytes()].concat();
    mail
}

/// What a mail shows whose author's signature can be repaired after a list's tag and footer: what the key
/// allows, and no more than B.
fn after_list(kind: SignedKind) -> SignedKind {
    if kind.states() == [MessageState::A] { SignedKind::LookalikeList } else { kind }
}

/// Text at the end of the first text part.
fn append(body: &mut Part, more: &str) {
    match body {
        Part::Text { text, .. } => text.push_str(more),
        Part::Multi { parts, .. } => {
            if let Some(first) = parts.first_mut() {
                append(first, more);
            }
        }
        _ => {}
    }
}
