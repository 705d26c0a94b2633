//! The dump as a stream of stories in the order of time: letters and answers, outside mail, lists,
//! newsletters, invitations, bounces, forwards, and between them what is planted. Memory is bounded by
//! the open conversations; the truth is collected from what is written.

mod signatures;

use std::{collections::VecDeque, path::Path};

use sha2::{Digest, Sha256};
use tamis_model::State;

use signatures::{Signing, with_keys};

use crate::{
    DemoError, Layout, Plan, altered, clock, files,
    letter::{self, Envelope, Parent},
    mail::{self, Charset, Coding, Header, Meta, NameForm, Part, Rendered, Words},
    people::{Group, Human, People},
    planted::{self, Plant},
    prose::{Lang, Prose, Topic},
    rng::{Rng, Zipf},
    signed::{SignedKind, SignedTruth},
    signers::Hands,
    special,
    store::{Folder, Store},
    truth::{self, Copies, Expected, Planted, Tally, Thread, Truth},
};

/// Writes the dump of a plan into an empty folder.
pub(crate) fn write(plan: &Plan, root: &Path) -> Result<Truth, DemoError> {
    let prose = Prose::new(plan.seed);
    let target = plan.scale.mails();
    let boxes = boxes(target);
    let people = People::new(plan.seed, plan.scale.senders() as usize, boxes, &prose);
    let store = Store::new(root, plan.layout, &people)?;
    let mut run = Run::new(plan, target, &prose, &people, store);
    run.write_all()?;
    let Run { store, mut tally, words, mut planted, mut ledger, threads, copies, hands, signed, .. } = run;
    let signed = with_keys(signed, &hands);
    store.finish(&mut tally)?;
    let mut absent = Vec::new();
    if plan.layout == Layout::Mixed {
        let special = special::write(root, plan.seed, &prose, words, &mut tally)?;
        planted.extend(special.planted);
        ledger.extend(special.ledger);
        absent = special.absent;
    }
    Ok(Truth { plan: plan.clone(), counts: tally.counts(), planted, absent, ledger, threads, copies, signed })
}

/// Mailboxes of a dump of so many mails: enough that every kind of box occurs.
fn boxes(mails: u64) -> usize {
    (8 + mails / 1_700).min(48) as usize
}

/// What is due at a given number of mails.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// The n-th planted word.
    Plant(usize),
    /// Member `n` of planted thread `thread`.
    Thread { thread: usize, n: usize },
    /// An odd mail.
    Odd(Odd),
    /// The n-th mail that shows something of signatures.
    Signed(usize),
}

/// Mails that are odd in their header.
#[derive(Debug, Clone, Copy)]
enum Odd {
    NoDate,
    BadDate,
    NoSubject,
    NoFrom,
    NoMessageId,
    LongHeader,
    HeaderOnly,
}

const ODDITIES: [(Odd, &str); 7] = [
    (Odd::NoDate, "a mail without Date"),
    (Odd::BadDate, "a mail whose Date cannot be read"),
    (Odd::NoSubject, "a mail without Subject"),
    (Odd::NoFrom, "a mail without From"),
    (Odd::NoMessageId, "a mail without Message-ID"),
    (Odd::LongHeader, "a mail with a header field of 20,000 characters on one line"),
    (Odd::HeaderOnly, "a mail that ends with its header"),
];

/// A conversation that may go on.
struct Conversation {
    topic: Topic,
    subject: String,
    references: Vec<String>,
    people: [usize; 2],
    last_from: usize,
    last_at: i64,
    last_text: String,
    left: usize,
}

/// How a mail reaches its boxes.
struct Delivery<'a> {
    from: usize,
    to: &'a [usize],
    at: i64,
}

struct Run<'a> {
    plan: &'a Plan,
    target: u64,
    prose: &'a Prose,
    people: &'a People,
    store: Store,
    tally: Tally,
    tasks: VecDeque<(u64, Task)>,
    conversations: Vec<Conversation>,
    recent: VecDeque<Rendered>,
    introduced: usize,
    documents: u64,
    reuse: Zipf,
    words: usize,
    planted: Vec<Planted>,
    ledger: Vec<Expected>,
    threads: Vec<Thread>,
    copies: Vec<Copies>,
    hands: Hands,
    signed: SignedTruth,
}

/// Conversations held open; each keeps at most [`QUOTE`] bytes of text.
const CONVERSATIONS: usize = 48;
/// Bytes of a text that an answer can quote.
const QUOTE: usize = 3_000;
/// Attachments for 1,000 mails: 26,500 of 71,848.
const ATTACHMENTS_PERMILLE: u64 = 369;
/// Members of a planted thread.
const THREAD: usize = 5;

impl<'a> Run<'a> {
    fn new(plan: &'a Plan, target: u64, prose: &'a Prose, people: &'a People, store: Store) -> Run<'a> {
        Run {
            plan,
            target,
            prose,
            people,
            store,
            tally: Tally::default(),
            tasks: schedule(target),
            conversations: Vec::new(),
            recent: VecDeque::new(),
            introduced: 1,
            documents: 0,
            reuse: Zipf::new(600, 3),
            words: 0,
            planted: Vec::new(),
            ledger: Vec::new(),
            threads: Vec::new(),
            copies: Vec::new(),
            hands: Hands::new(),
            signed: SignedTruth::default(),
        }
    }

    fn write_all(&mut self) -> Result<(), DemoError> {
        let mut story = 0;
        while self.tally.mails() < self.target {
            let mut rng = Rng::new(self.plan.seed, "story", story);
            story += 1;
            let done = self.tally.mails();
            let at = clock::instant(done, self.target, &mut rng);
            match self.tasks.front().copied() {
                Some((due, task)) if due <= done => {
                    self.tasks.pop_front();
                    self.task(&mut rng, task, at)?;
                }
                _ => self.story(&mut rng, at)?,
            }
        }
        Ok(())
    }

    fn story(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        // New senders appear evenly over nine tenths of the dump.
        let behind =
            self.tally.mails() * self.people.len() as u64 * 10 > self.introduced as u64 * self.target * 9;
        if behind && self.introduced < self.people.len() {
            let who = self.introduced;
            self.introduced += 1;
            return match self.human(who).map(|human| human.group) {
                Some(Group::Newsletter) => self.newsletter(rng, who, at),
                _ => self.letter(rng, who, at),
            };
        }
        let room = self.target - self.tally.mails();
        match rng.below(1_000) {
            0..400 => self.answer(rng, at),
            400..560 => {
                let who = self.people.staff(rng);
                self.letter(rng, who, at)
            }
            560..830 => {
                let group = rng.weighted(Group::Volunteer, &[(Group::Press, 30), (Group::Supplier, 25)], 45);
                let who = self.people.outside_of(rng, group);
                self.letter(rng, who, at)
            }
            830..900 => {
                let who = self.people.outside_of(rng, Group::Newsletter);
                self.newsletter(rng, who, at)
            }
            900..950 => self.list_mail(rng, at),
            950..968 => self.invitation(rng, at),
            968..980 => self.automatic(rng, at),
            980..990 if room > 3 => self.bounced(rng, at),
            _ if room > 2 => self.forward(rng, at),
            _ => self.answer(rng, at),
        }
    }

    fn human(&self, who: usize) -> Option<&'a Human> {
        self.people.get(who)
    }

    /// A new letter to staff, or from staff to the world.
    fn letter(&mut self, rng: &mut Rng, from: usize, at: i64) -> Result<(), DemoError> {
        let to = match self.people.has_box(from) && rng.percent(30) {
            true => vec![self.people.outside(rng)],
            false => self.addressees(rng, from),
        };
        let topic = rng.below(400);
        let Some(author) = self.human(from) else { return Ok(()) };
        let subject = self.prose.subject(rng, author.lang, topic);
        self.write_letter(rng, from, &to, topic, Some(subject), None, at)
    }

    /// The next mail of an open conversation.
    fn answer(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        if self.conversations.is_empty() {
            let who = self.people.staff(rng);
            return self.letter(rng, who, at);
        }
        let pick = rng.below(self.conversations.len());
        let conversation = self.conversations.swap_remove(pick);
        let [a, b] = conversation.people;
        let from = if conversation.last_from == a { b } else { a };
        let mut to = vec![conversation.last_from];
        if rng.percent(20) {
            to.extend(self.addressees(rng, from));
        }
        self.write_letter(rng, from, &to, conversation.topic, None, Some(conversation), at)
    }

    #[allow(clippy::too_many_arguments)]
    fn write_letter(
        &mut self,
        rng: &mut Rng,
        from: usize,
        to: &[usize],
        topic: Topic,
        subject: Option<String>,
        parent: Option<Conversation>,
        at: i64,
    ) -> Result<(), DemoError> {
        let (Some(author), Some(first)) = (self.human(from), to.first().and_then(|who| self.human(*who)))
        else {
            return Ok(());
        };
        let mut envelope = Envelope::new(author, to.iter().filter_map(|who| self.human(*who)).collect(), at);
        if envelope.to.len() > 1 && rng.percent(60) {
            envelope.cc = envelope.to.split_off(1);
        }
        envelope.words = words(rng, author);
        let text = match &parent {
            None => letter::compose(rng, self.prose, author, first, topic, None),
            Some(last) => {
                let quoted = Parent {
                    from: self.human(last.last_from).unwrap_or(author),
                    at: last.last_at,
                    subject: &last.subject,
                    text: &last.last_text,
                    forwarded: rng.percent(8),
                };
                let mark = if quoted.forwarded {
                    rng.pick(&["Fwd: ", "TR : ", "Tr: "])
                } else {
                    rng.pick(&["Re: ", "Re: ", "RE: ", "RE : "])
                };
                envelope.references = last.references.clone();
                envelope.subject = Some(match last.subject.get(..2) {
                    Some("Re" | "RE") if !quoted.forwarded => last.subject.clone(),
                    _ => format!("{mark}{}", last.subject),
                });
                letter::compose(rng, self.prose, author, first, topic, Some(&quoted))
            }
        };
        envelope.subject = subject.or(envelope.subject).filter(|_| !rng.permille(8));
        let body = letter::body(rng, author.mua, &text);
        let body = self.with_attachments(rng, author, body)?;
        let (header, meta) = envelope.header(rng);
        let id = meta.message_id.clone().unwrap_or_default();
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.remember(&rendered);
        let places = self.post(rng, rendered, &Delivery { from, to, at })?;
        let subject = envelope.subject.unwrap_or_default();
        self.keep_open(
            rng,
            parent,
            Next { places, from, to: to.first().copied(), topic, subject, id, text, at },
        );
        Ok(())
    }

    /// Keeps a conversation for an answer, if someone will answer.
    fn keep_open(&mut self, rng: &mut Rng, parent: Option<Conversation>, next: Next) {
        let left =
            parent.as_ref().map_or(rng.weighted(0, &[(1, 25), (3, 20), (8, 8)], 47), |last| last.left - 1);
        let Some(to) = next.to.filter(|_| left > 0 && next.places > 0) else { return };
        let mut references = parent.map(|last| last.references).unwrap_or_default();
        references.push(next.id);
        if references.len() > 24 {
            references.remove(1);
        }
        let cut = next.text.char_indices().map(|(i, _)| i).find(|i| *i >= QUOTE).unwrap_or(next.text.len());
        let mut last_text = next.text;
        last_text.truncate(cut);
        if self.conversations.len() >= CONVERSATIONS {
            let oldest = rng.below(self.conversations.len());
            self.conversations.swap_remove(oldest);
        }
        self.conversations.push(Conversation {
            topic: next.topic,
            subject: next.subject,
            references,
            people: [next.from, to],
            last_from: next.from,
            last_at: next.at,
            last_text,
            left,
        });
    }

    fn newsletter(&mut self, rng: &mut Rng, from: usize, at: i64) -> Result<(), DemoError> {
        let Some(author) = self.human(from) else { return Ok(()) };
        let to = self.addressees(rng, from);
        let mut envelope =
            Envelope::new(author, to.iter().take(1).filter_map(|who| self.human(*who)).collect(), at);
        let title = self.prose.subject(rng, author.lang, from);
        envelope.words = rng.pick(&[Words::Q, Words::B]);
        envelope.extra = vec![
            ("List-Unsubscribe", format!("<https://click.lettre.example/u/{}>", rng.hex(32))),
            ("List-Id", format!("<lettre.{}>", author.domain())),
            ("Precedence", "bulk".to_owned()),
            ("X-Campaign-Id", rng.hex(24)),
        ];
        let page = letter::newsletter(rng, self.prose, author.lang, &title);
        envelope.subject = Some(title);
        let html = Part::Text {
            subtype: "html",
            charset: Charset::Utf8,
            declared: None,
            coding: Coding::Quoted,
            text: page,
        };
        let body = match rng.percent(35) {
            true => html,
            false => {
                let size = rng.between(600, 3_000);
                let text = self.prose.text(rng, author.lang, from, size);
                let plain = Part::Text {
                    subtype: "plain",
                    charset: Charset::Utf8,
                    declared: None,
                    coding: Coding::Quoted,
                    text,
                };
                Part::Multi { subtype: "alternative", parts: vec![plain, html] }
            }
        };
        let (header, meta) = envelope.header(rng);
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.post(rng, rendered, &Delivery { from, to: &to, at })?;
        Ok(())
    }

    fn invitation(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        let from = self.people.staff(rng);
        let Some(author) = self.human(from) else { return Ok(()) };
        let to = self.addressees(rng, from);
        let mut envelope = Envelope::new(author, to.iter().filter_map(|who| self.human(*who)).collect(), at);
        let title = self.prose.subject(rng, author.lang, from);
        let calendar = files::ics(rng, self.prose, at, &title, None, "REQUEST");
        let text = self.prose.paragraph(rng, author.lang, from, 2);
        envelope.subject = Some(format!("Invitation : {title}"));
        let parts = vec![
            Part::Text {
                subtype: "plain",
                charset: Charset::Utf8,
                declared: None,
                coding: Coding::Quoted,
                text,
            },
            Part::Text {
                subtype: "calendar; method=REQUEST",
                charset: Charset::Utf8,
                declared: None,
                coding: Coding::Base64,
                text: calendar.clone(),
            },
        ];
        let parts = vec![
            Part::Multi { subtype: "alternative", parts },
            Part::File {
                media_type: "application/ics",
                name: "invite.ics".to_owned(),
                form: NameForm::Rfc2231,
                content_id: None,
                bytes: calendar.into_bytes(),
                base64: true,
            },
        ];
        let body = Part::Multi { subtype: "mixed", parts };
        let (header, meta) = envelope.header(rng);
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.post(rng, rendered, &Delivery { from, to: &to, at })?;
        Ok(())
    }

    /// An automatic reply (RFC 3834).
    fn automatic(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        let from =
            if rng.percent(50) { self.people.outside_of(rng, Group::Press) } else { self.people.staff(rng) };
        let to = self.addressees(rng, from);
        let (Some(author), Some(first)) = (self.human(from), to.first().and_then(|who| self.human(*who)))
        else {
            return Ok(());
        };
        let mut envelope = Envelope::new(author, vec![first], at);
        let about = self.prose.subject(rng, author.lang, from);
        let (subject, text) = match author.lang {
            Lang::Fr => (
                format!("Réponse automatique : {about}"),
                "Bonjour,\n\nJe suis absent et de retour lundi. En cas d’urgence, merci de contacter le secrétariat.\n",
            ),
            Lang::En => (
                format!("Automatic reply: {about}"),
                "Hello,\n\nI am out of the office until Monday. Please call the desk if it is urgent.\n",
            ),
        };
        envelope.subject = Some(subject);
        envelope.extra = vec![
            ("Auto-Submitted", "auto-replied".to_owned()),
            ("X-Auto-Response-Suppress", "All".to_owned()),
        ];
        envelope.references = vec![first.mua.message_id(rng, at - 60, first.domain())];
        let body = letter::body(rng, author.mua, text);
        let (header, meta) = envelope.header(rng);
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.post(rng, rendered, &Delivery { from, to: to.get(..1).unwrap_or(&[]), at })?;
        Ok(())
    }

    /// A letter that does not arrive: the sent copy, and the report with what came back.
    fn bounced(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        let from = self.people.staff(rng);
        let outside = self.people.outside(rng);
        let (Some(author), Some(lost), Some(daemon)) = (self.human(from), self.human(outside), self.human(0))
        else {
            return Ok(());
        };
        let mut envelope = Envelope::new(author, vec![lost], at);
        envelope.subject = Some(self.prose.subject(rng, author.lang, outside));
        let text = letter::compose(rng, self.prose, author, lost, outside, None);
        let body = letter::body(rng, author.mua, &text);
        let (header, meta) = envelope.header(rng);
        let sent = mail::render(header, meta, &body, author.mua, rng);
        let returned = sent.clone();
        self.post(rng, sent, &Delivery { from, to: &[], at })?;
        let report = planted::bounce(rng, daemon, author, &lost.address, returned, at + 5);
        self.post(rng, report, &Delivery { from: 0, to: &[from], at: at + 6 })?;
        Ok(())
    }

    /// A recent mail, passed on whole.
    fn forward(&mut self, rng: &mut Rng, at: i64) -> Result<(), DemoError> {
        let from = self.people.staff(rng);
        let pick = rng.below(self.recent.len());
        let (Some(author), Some(inner)) = (self.human(from), self.recent.get(pick).cloned()) else {
            return self.answer(rng, at);
        };
        let to = self.addressees(rng, from);
        let mut envelope = Envelope::new(author, to.iter().filter_map(|who| self.human(*who)).collect(), at);
        envelope.subject = Some(format!("Tr: {}", self.prose.subject(rng, author.lang, from)));
        let text = self.prose.paragraph(rng, author.lang, from, 2);
        let note = letter::body(rng, author.mua, &text);
        let body = Part::Multi { subtype: "mixed", parts: vec![note, Part::Mail(Box::new(inner))] };
        let (header, meta) = envelope.header(rng);
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.post(rng, rendered, &Delivery { from, to: &to, at })?;
        Ok(())
    }

    fn task(&mut self, rng: &mut Rng, task: Task, at: i64) -> Result<(), DemoError> {
        match task {
            Task::Plant(n) => self.plant(rng, n, at),
            Task::Thread { thread, n } => self.thread(rng, thread, n, at),
            Task::Odd(odd) => self.odd(rng, odd, at),
            Task::Signed(n) => self.scene(rng, n, at),
        }
    }

    /// A mail with a planted word, in one or two boxes.
    fn plant(&mut self, rng: &mut Rng, n: usize, at: i64) -> Result<(), DemoError> {
        let place = planted::IN_MAILS.get(n % planted::IN_MAILS.len()).copied().unwrap_or(truth::Place::Body);
        let text = planted::text_for(place, self.words);
        self.words += 1;
        let mut to = vec![self.people.staff(rng)];
        if rng.percent(30) {
            to.push(self.people.staff(rng));
        }
        let from = self.people.outside_of(rng, Group::Press);
        let third = self.people.outside_of(rng, Group::Volunteer);
        let people =
            (self.human(from), to.first().and_then(|who| self.human(*who)), self.human(third), self.human(0));
        let (Some(from_human), Some(to_human), Some(third), Some(daemon)) = people else { return Ok(()) };
        let plant = Plant {
            place,
            text: &text,
            prose: self.prose,
            from: from_human,
            to: to_human,
            third,
            daemon,
            at,
        };
        let rendered = plant.mail(rng)?;
        // A report is the daemon's own: no host of the one who wrote the lost mail signs it.
        let from = if place == truth::Place::BouncedMail { 0 } else { from };
        let places = self.deliver(rng, &rendered, &Delivery { from, to: &to, at })?;
        if places.is_empty() {
            return Ok(());
        }
        if place == truth::Place::Uuencoded {
            self.tally.uuencoded(places.len() as u64);
        }
        let paths: Vec<String> = places.into_iter().map(|(path, _)| path).collect();
        self.planted.push(Planted { text, place, items: paths.len() as u64, paths });
        Ok(())
    }

    /// A member of a planted thread: 0, then 1 and 2 answer 0, 3 answers 1, 4 answers 3. Thread 0 lacks
    /// its first mail.
    fn thread(&mut self, rng: &mut Rng, thread: usize, n: usize, at: i64) -> Result<(), DemoError> {
        const PARENTS: [Option<usize>; THREAD] = [None, Some(0), Some(0), Some(1), Some(3)];
        let id = |n: usize| format!("<fil-{thread}-{n}.{}@demain.example>", self.plan.seed);
        let mut chain = Vec::new();
        let mut up = PARENTS.get(n).copied().flatten();
        while let Some(parent) = up {
            chain.insert(0, id(parent));
            up = PARENTS.get(parent).copied().flatten();
        }
        if n == 0 {
            let missing = (thread == 0).then(|| id(0));
            self.threads.push(Thread {
                message_ids: (0..THREAD).map(id).collect(),
                parents: PARENTS.to_vec(),
                missing,
            });
            if thread == 0 {
                return Ok(());
            }
        }
        let pair = [1 + thread % 4, 5 + thread % 4];
        let [a, b] = pair;
        let (from, to) = if n.is_multiple_of(2) { (a, b) } else { (b, a) };
        let (Some(author), Some(reader)) = (self.human(from), self.human(to)) else { return Ok(()) };
        let mut envelope = Envelope::new(author, vec![reader], at);
        envelope.id = Some(id(n));
        envelope.references = chain;
        let mark = if n == 0 { "" } else { "Re: " };
        envelope.subject = Some(format!("{mark}Fil de discussion {thread}"));
        let text = letter::compose(rng, self.prose, author, reader, thread, None);
        let body = letter::body(rng, author.mua, &text);
        let (header, meta) = envelope.header(rng);
        let rendered = mail::render(header, meta, &body, author.mua, rng);
        self.deliver(rng, &rendered, &Delivery { from, to: &[to], at })?;
        Ok(())
    }

    fn odd(&mut self, rng: &mut Rng, odd: Odd, at: i64) -> Result<(), DemoError> {
        let to = self.people.staff(rng);
        let from = self.people.outside_of(rng, Group::Volunteer);
        let (Some(author), Some(reader)) = (self.human(from), self.human(to)) else { return Ok(()) };
        let id = author.mua.message_id(rng, at, author.domain());
        let mut meta =
            Meta { message_id: Some(id.clone()), from: Some(author.address.clone()), date: Some(at) };
        let date = clock::rfc5322(at, clock::Zone::Paris);
        let mut fields = vec![
            ("From", mail::mailbox(&author.name, &author.address, Words::Q)),
            ("To", mail::mailbox(&reader.name, &reader.address, Words::Q)),
            ("Subject", "Message".to_owned()),
            ("Date", date),
            ("Message-ID", id),
        ];
        let drop = match odd {
            Odd::NoDate | Odd::BadDate => {
                meta.date = None;
                "Date"
            }
            Odd::NoSubject => "Subject",
            Odd::NoFrom => {
                meta.from = None;
                "From"
            }
            Odd::NoMessageId => {
                meta.message_id = None;
                "Message-ID"
            }
            Odd::LongHeader | Odd::HeaderOnly => "",
        };
        fields.retain(|(name, _)| *name != drop);
        match odd {
            Odd::BadDate => fields.push(("Date", "hier soir, vers minuit".to_owned())),
            Odd::LongHeader => fields.push(("X-Long", rng.token("abcdefghijklmnopqrstuvwxyz", 20_000))),
            _ => {}
        }
        let mut header = Header::default();
        for (name, value) in &fields {
            header.field(name, value);
        }
        let rendered = match odd {
            Odd::HeaderOnly => Rendered { bytes: header.into_bytes(), meta, ..Rendered::default() },
            _ => {
                let text = self.prose.paragraph(rng, author.lang, to, 3) + "\n";
                let body = Part::Text {
                    subtype: "plain",
                    charset: Charset::Utf8,
                    declared: None,
                    coding: Coding::EightBit,
                    text,
                };
                mail::render(header, meta, &body, author.mua, rng)
            }
        };
        let delivery = Delivery { from, to: &[to], at };
        let places = self.deliver_as(rng, &rendered, &delivery, Signing::Given(None))?;
        let what = ODDITIES.get(odd as usize).map_or("", |(_, what)| what);
        for (path, _) in places {
            self.ledger.push(truth::expect(
                path,
                what,
                &[State::Parsed, State::Partial, State::Duplicate],
                &[],
            ));
        }
        Ok(())
    }

    /// Up to four of the staff, one most often, never the sender.
    fn addressees(&self, rng: &mut Rng, from: usize) -> Vec<usize> {
        let count = rng.weighted(1, &[(2, 18), (3, 6), (4, 3)], 73);
        let mut to = Vec::new();
        for _ in 0..count {
            let who = self.people.staff(rng);
            if who != from && !to.contains(&who) {
                to.push(who);
            }
        }
        if to.is_empty() {
            to.push(if from == 1 { 2 } else { 1 });
        }
        to
    }

    /// Wraps a body with files, so often that attachments keep their share of the mails.
    fn with_attachments(&mut self, rng: &mut Rng, author: &Human, body: Part) -> Result<Part, DemoError> {
        let behind = self.tally.attachments() * 1_000 < self.tally.mails() * ATTACHMENTS_PERMILLE;
        if !rng.percent(if behind { 62 } else { 5 }) {
            return Ok(body);
        }
        if author.mua.html_percent() > 50 && rng.percent(20) && matches!(body, Part::Multi { .. }) {
            let picture = self.logo(author)?;
            return Ok(Part::Multi { subtype: "related", parts: vec![body, picture] });
        }
        let mut parts = vec![body];
        for _ in 0..rng.weighted(1, &[(2, 15), (3, 8), (5, 3)], 74) {
            // Half of the files have been sent before.
            let n = match rng.percent(45) && self.documents > 0 {
                true => self.documents - 1 - (self.reuse.draw(rng) as u64).min(self.documents - 1),
                false => {
                    self.documents += 1;
                    self.documents - 1
                }
            };
            let document = files::nth(self.plan.seed, n, self.prose)?;
            let as_is = document.media_type == "text/plain" && rng.percent(50);
            parts.push(Part::File {
                media_type: document.media_type,
                name: document.name,
                form: rng.pick(&[NameForm::Rfc2231, NameForm::Rfc2231, NameForm::EncodedWord]),
                content_id: None,
                bytes: document.bytes,
                base64: !as_is,
            });
        }
        Ok(Part::Multi { subtype: "mixed", parts })
    }

    /// The picture in an author's signature: the same in all of that author's mails.
    fn logo(&self, author: &Human) -> Result<Part, DemoError> {
        let mut rng = Rng::new(self.plan.seed, &author.address, 0);
        let size = rng.between(1_500, 7_000);
        let bytes = files::png(&mut rng, size)?;
        let id = format!("image001.{}@{}", rng.hex(8), author.domain());
        Ok(Part::File {
            media_type: "image/png",
            name: "image001.png".to_owned(),
            form: NameForm::Rfc2231,
            content_id: Some(id),
            bytes,
            base64: true,
        })
    }

    /// Keeps a mail for a later forward.
    fn remember(&mut self, mail: &Rendered) {
        if mail.nested.is_empty() && mail.bytes.len() < 60_000 {
            self.recent.push_back(mail.clone());
            if self.recent.len() > 6 {
                self.recent.pop_front();
            }
        }
    }

    fn post(&mut self, rng: &mut Rng, mail: Rendered, delivery: &Delivery) -> Result<usize, DemoError> {
        Ok(self.deliver(rng, &mail, delivery)?.len())
    }

    /// Puts a mail into the boxes of sender and addressees, as far as the plan has room. Some copies are
    /// the same to the byte, others differ in their trace fields.
    fn deliver(
        &mut self,
        rng: &mut Rng,
        mail: &Rendered,
        delivery: &Delivery,
    ) -> Result<Vec<(String, [u8; 32])>, DemoError> {
        self.deliver_as(rng, mail, delivery, Signing::Usual)
    }

    fn deliver_as(
        &mut self,
        rng: &mut Rng,
        mail: &Rendered,
        delivery: &Delivery,
        signing: Signing,
    ) -> Result<Vec<(String, [u8; 32])>, DemoError> {
        let Delivery { from, to, at } = *delivery;
        let mut copies: Vec<(usize, Folder)> = Vec::new();
        let readers = to.iter().filter(|who| self.people.has_box(**who)).count();
        if self.people.has_box(from) && (readers == 0 || rng.percent(22)) {
            copies.push((from, Folder::Sent));
        }
        for who in to.iter().filter(|who| self.people.has_box(**who)) {
            if !copies.contains(&(*who, Folder::Inbox)) {
                copies.push((*who, Folder::Inbox));
            }
        }
        let room = (self.target - self.tally.mails()) / mail.mails();
        copies.truncate(room as usize);
        let (no_trace, one_trace) = (self.people.has_box(from) && rng.percent(30), rng.percent(35));
        let Some(author) = self.human(from) else { return Ok(Vec::new()) };
        let received = copies.iter().any(|(_, folder)| *folder == Folder::Inbox);
        let signature = match signing {
            Signing::Given(given) => given,
            Signing::Usual if !received => None,
            Signing::Usual => self.usual(mail, author, to, at),
        };
        let mut shared: Option<Vec<u8>> = None;
        let mut places = Vec::new();
        for (who, folder) in copies {
            let Some(reader) = self.human(who) else { continue };
            let trace = match folder {
                Folder::Sent => Vec::new(),
                Folder::Inbox if no_trace => Vec::new(),
                Folder::Inbox if one_trace => {
                    shared.get_or_insert_with(|| letter::trace(rng, author, reader, at)).clone()
                }
                Folder::Inbox => letter::trace(rng, author, reader, at),
            };
            let (prefix, kind) = match (&signature, folder) {
                (Some((fields, kind)), Folder::Inbox) => ([&trace[..], fields].concat(), *kind),
                (_, Folder::Sent) => (trace, SignedKind::SentCopy),
                (None, Folder::Inbox) if self.people.has_box(from) => (trace, SignedKind::Internal),
                (None, Folder::Inbox) => (trace, SignedKind::Unsigned),
            };
            let Some(stored) = self.store.put(who, folder, at, &prefix, mail, &mut self.tally)? else {
                continue;
            };
            self.note_signed(&stored, mail, kind);
            places.push((stored.path, stored.blob));
        }
        if let (true, Some(id)) = (places.len() > 1 && self.copies.len() < 200, &mail.meta.message_id) {
            self.copies.push(Copies { message_id: id.clone(), groups: truth::group(&places) });
        }
        Ok(places)
    }
}

/// What a letter leaves for its answer.
struct Next {
    places: usize,
    from: usize,
    to: Option<usize>,
    topic: Topic,
    subject: String,
    id: String,
    text: String,
    at: i64,
}

fn words(rng: &mut Rng, author: &Human) -> Words {
    let form = Sha256::digest(author.address.as_bytes()).first().copied().unwrap_or(0);
    match form % 8 {
        0..=3 => Words::Q,
        4 | 5 => Words::B,
        6 => Words::QLatin1,
        _ if rng.percent(20) => Words::Raw,
        _ => Words::B,
    }
}

/// What is planted, with the number of mails at which it is due: words evenly over the dump, one for
/// each twenty mails and at least one for each place; threads and odd mails between them.
fn schedule(target: u64) -> VecDeque<(u64, Task)> {
    let places = planted::IN_MAILS.len() as u64;
    let words = (target / 20).max(if target >= 400 { 2 * places } else { places });
    // Nothing is due so late that it might not have room.
    let last = target - target / 12 - 8;
    let mut tasks: Vec<(u64, Task)> =
        (0..words).map(|n| (n * last / words, Task::Plant(n as usize))).collect();
    let threads = 3 + target / 4_000;
    for thread in 0..threads {
        let start = (2 * thread + 1) * last / (2 * threads);
        for n in 0..THREAD {
            let due = (start + 4 * n as u64).min(last);
            tasks.push((due, Task::Thread { thread: thread as usize, n }));
        }
    }
    // Each kind once, and again for every 8,000 mails; the first ones in the smallest dump.
    let scenes = match target {
        0..400 => target / 10,
        _ => altered::SCENES.len() as u64 * (1 + target / 8_000),
    };
    tasks.extend((0..scenes).map(|n| ((2 * n + 1) * last / (2 * scenes), Task::Signed(n as usize))));
    for (i, (odd, _)) in ODDITIES.iter().enumerate() {
        tasks.push(((i as u64 + 1) * last / 9, Task::Odd(*odd)));
    }
    // A stable sort: tasks due together keep the order in which they were planned.
    tasks.sort_by_key(|(due, _)| *due);
    tasks.into()
}
