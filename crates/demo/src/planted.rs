//! Mails that carry a planted word, each in its own disguise.

use crate::{
    DemoError,
    files::{self, Content, Kind},
    letter::Envelope,
    mail::{self, Charset, Coding, Meta, NameForm, Part, Rendered, Words},
    mua::Mua,
    people::Human,
    prose::{self, Prose},
    rng::Rng,
    truth::Place,
};

/// The places that a mail can carry, in the order in which they are planted.
pub(crate) const IN_MAILS: [Place; 34] = [
    Place::Body,
    Place::BouncedMail,
    Place::AttachmentPdf,
    Place::Subject,
    Place::BodyQuotedPrintable,
    Place::AttachmentDocx,
    Place::BodyBase64,
    Place::NestedMail,
    Place::BodyLatin1,
    Place::AttachmentText,
    Place::HtmlBody,
    Place::BodyWindows1252,
    Place::AttachmentXlsx,
    Place::SubjectQ,
    Place::BodyUtf8,
    Place::AttachmentZipMember,
    Place::BodyFlowed,
    Place::SubjectB,
    Place::AttachmentCsv,
    Place::BodyUtf16,
    Place::BothBodies,
    Place::NestedAttachment,
    Place::BodyPhrase,
    Place::FromName,
    Place::AttachmentGzip,
    Place::HtmlEntity,
    Place::BodyWrongCharset,
    Place::AttachmentIcs,
    Place::BodyFromLine,
    Place::FileName,
    Place::Uuencoded,
    Place::AttachmentHtml,
    Place::BodyQuote,
    Place::AttachmentVcf,
];

/// The words to plant at a place: one word, or a phrase of three.
pub(crate) fn text_for(place: Place, n: usize) -> String {
    match place {
        Place::BodyUtf8
        | Place::BodyLatin1
        | Place::BodyWindows1252
        | Place::HtmlEntity
        | Place::SubjectQ
        | Place::SubjectB
        | Place::FileName => prose::planted(n, true),
        Place::BodyPhrase | Place::BodyFlowed => {
            let word = prose::planted(n, false);
            format!("{word} vers {word}")
        }
        _ => prose::planted(n, false),
    }
}

/// A mail that carries `text` at `place`.
pub(crate) struct Plant<'a> {
    /// Where.
    pub(crate) place: Place,
    /// What.
    pub(crate) text: &'a str,
    /// The prose around it.
    pub(crate) prose: &'a Prose,
    /// Author.
    pub(crate) from: &'a Human,
    /// Addressee.
    pub(crate) to: &'a Human,
    /// A third person: author of nested mails.
    pub(crate) third: &'a Human,
    /// The mailer daemon.
    pub(crate) daemon: &'a Human,
    /// When.
    pub(crate) at: i64,
}

impl Plant<'_> {
    /// The mail.
    ///
    /// # Errors
    /// When an attachment cannot be packed.
    pub(crate) fn mail(&self, rng: &mut Rng) -> Result<Rendered, DemoError> {
        let mut envelope = Envelope::new(self.from, vec![self.to], self.at);
        let topic = rng.below(400);
        envelope.subject = Some(self.prose.subject(rng, self.from.lang, topic));
        match self.place {
            Place::Subject => envelope.subject = Some(format!("Note {} pour suite", self.text)),
            Place::SubjectQ => {
                envelope.words = Words::Q;
                envelope.subject = Some(format!("Élément {} à vérifier", self.text));
            }
            Place::SubjectB => {
                envelope.words = Words::B;
                envelope.subject = Some(format!("Détail {} à compléter", self.text));
            }
            Place::FromName => envelope.name = Some(format!("{} {}", self.from.first, self.text)),
            _ => {}
        }
        if self.place == Place::BouncedMail {
            return self.bounce(rng);
        }
        let body = self.body(rng)?;
        let (header, meta) = envelope.header(rng);
        Ok(mail::render(header, meta, &body, self.from.mua, rng))
    }

    fn body(&self, rng: &mut Rng) -> Result<Part, DemoError> {
        let word = self.text;
        let around = self.around(rng);
        let (head, tail) = around.split_once("\n\n").unwrap_or((&around, ""));
        let with = format!("{head}\n\nVoir {word} .\n\n{tail}");
        let text = |charset, coding, text: String| Part::Text {
            subtype: "plain",
            charset,
            declared: None,
            coding,
            text,
        };
        let wrapped = |text: &str| mail::wrap(text, 76);
        Ok(match self.place {
            Place::Body => text(Charset::Utf8, Coding::EightBit, wrapped(&ascii(&with))),
            Place::BodyUtf8 => text(Charset::Utf8, Coding::EightBit, wrapped(&with)),
            Place::BodyQuotedPrintable => {
                // 70 columns before the word, so that the soft break falls inside it.
                let line = format!("{} {word} est à suivre", "é".repeat(11));
                text(Charset::Utf8, Coding::Quoted, format!("{head}\n\n{line}\n\n{tail}"))
            }
            Place::BodyBase64 => text(Charset::Utf8, Coding::Base64, with),
            Place::BodyLatin1 => text(Charset::Latin1, Coding::Quoted, with),
            Place::BodyWindows1252 => text(Charset::Windows1252, Coding::EightBit, wrapped(&with)),
            Place::BodyUtf16 => text(Charset::Utf16, Coding::Base64, with),
            Place::BodyWrongCharset => Part::Text {
                subtype: "plain",
                charset: Charset::Latin1,
                declared: Some("utf-8"),
                coding: Coding::EightBit,
                text: wrapped(&format!("Détaillé et validé à l’été.\n\n{with}")),
            },
            Place::BodyPhrase => {
                let broken = word.replacen(' ', "\n", 1);
                text(Charset::Utf8, Coding::EightBit, format!("{}\nVoir {broken} demain.\n", wrapped(head)))
            }
            Place::BodyFlowed => {
                let broken = word.replacen(' ', " \n", 1);
                let text = format!("{}\nVoir {broken} demain.\n", mail::flow(head, 72));
                Part::Text {
                    subtype: "plain; format=flowed",
                    charset: Charset::Utf8,
                    declared: None,
                    coding: Coding::EightBit,
                    text,
                }
            }
            Place::BodyFromLine => {
                let text = format!(
                    "{}\n\nFrom {word} to the office it takes an hour.\n>From there on by train.\n",
                    wrapped(head)
                );
                Part::Text {
                    subtype: "plain",
                    charset: Charset::Utf8,
                    declared: None,
                    coding: Coding::EightBit,
                    text,
                }
            }
            Place::BodyQuote => {
                let quote = format!("{}\n> Voir {word} .\n> Merci.\n", wrapped(head));
                text(Charset::Utf8, Coding::EightBit, quote)
            }
            Place::HtmlBody | Place::BothBodies => {
                let plain = if self.place == Place::BothBodies { &with } else { &around };
                alternative(text(Charset::Utf8, Coding::Quoted, plain.clone()), html(&with))
            }
            Place::HtmlEntity => {
                let page = crate::letter::html(&with, Mua::Thunderbird, Charset::Utf8)
                    .replace(word, &word.replace('é', "&eacute;"));
                alternative(text(Charset::Utf8, Coding::Quoted, around), html_part(page))
            }
            Place::Uuencoded => {
                let document = files::make(
                    Kind::Text,
                    rng,
                    self.prose,
                    Content { word: Some(word), stem: Some("note") },
                )?;
                let coded = mail::uuencode("note.txt", &document.bytes);
                text(Charset::Utf8, Coding::EightBit, format!("{}\n{coded}", wrapped(&ascii(head))))
            }
            Place::NestedMail | Place::NestedAttachment => {
                let inner = self.inner(rng)?;
                let note = text(Charset::Utf8, Coding::EightBit, wrapped(head));
                Part::Multi { subtype: "mixed", parts: vec![note, Part::Mail(Box::new(inner))] }
            }
            Place::Subject | Place::SubjectQ | Place::SubjectB | Place::FromName => {
                text(Charset::Utf8, Coding::EightBit, wrapped(&around))
            }
            _ => {
                let note = text(Charset::Utf8, Coding::EightBit, wrapped(&around));
                Part::Multi { subtype: "mixed", parts: vec![note, self.attachment(rng)?] }
            }
        })
    }

    fn attachment(&self, rng: &mut Rng) -> Result<Part, DemoError> {
        let kind = match self.place {
            Place::AttachmentCsv => Kind::Csv,
            Place::AttachmentHtml => Kind::Html,
            Place::AttachmentPdf => Kind::Pdf,
            Place::AttachmentDocx => Kind::Docx,
            Place::AttachmentXlsx => Kind::Xlsx,
            Place::AttachmentZipMember => Kind::Zip,
            Place::AttachmentGzip => Kind::Gzip,
            Place::AttachmentIcs => Kind::Ics,
            Place::AttachmentVcf => Kind::Vcf,
            _ => Kind::Text,
        };
        let in_name = self.place == Place::FileName;
        let content = match in_name {
            true => Content { word: None, stem: Some(self.text) },
            false => Content { word: Some(self.text), stem: None },
        };
        let document = files::make(kind, rng, self.prose, content)?;
        let form =
            if in_name { NameForm::Rfc2231 } else { rng.pick(&[NameForm::Rfc2231, NameForm::EncodedWord]) };
        Ok(Part::File {
            media_type: document.media_type,
            name: document.name,
            form,
            content_id: None,
            bytes: document.bytes,
            base64: true,
        })
    }

    fn inner(&self, rng: &mut Rng) -> Result<Rendered, DemoError> {
        let mut envelope =
            Envelope::new(self.third, vec![self.from], self.at - rng.between(600, 90_000) as i64);
        envelope.subject = Some(self.prose.subject(rng, self.third.lang, self.text.len()));
        let around = self.around(rng);
        let plain = |text: String| Part::Text {
            subtype: "plain",
            charset: Charset::Utf8,
            declared: None,
            coding: Coding::EightBit,
            text: mail::wrap(&text, 76),
        };
        let body = match self.place {
            Place::NestedAttachment => {
                Part::Multi { subtype: "mixed", parts: vec![plain(around), self.attachment(rng)?] }
            }
            _ => plain(format!("{around}\nVoir {} .\n", self.text)),
        };
        let (header, meta) = envelope.header(rng);
        Ok(mail::render(header, meta, &body, self.third.mua, rng))
    }

    fn bounce(&self, rng: &mut Rng) -> Result<Rendered, DemoError> {
        let returned = self.inner(rng)?;
        Ok(bounce(rng, self.daemon, self.to, "parti@example.invalid", returned, self.at))
    }

    fn around(&self, rng: &mut Rng) -> String {
        let (lang, topic) = (self.from.lang, rng.below(400));
        let bytes = rng.between(300, 1_500);
        self.prose.text(rng, lang, topic, bytes)
    }
}

/// A report of a mail that could not be delivered (RFC 3464), with the mail itself.
pub(crate) fn bounce(
    rng: &mut Rng,
    daemon: &Human,
    to: &Human,
    lost: &str,
    returned: Rendered,
    at: i64,
) -> Rendered {
    let mut envelope = Envelope::new(daemon, vec![to], at);
    envelope.subject = Some("Undelivered Mail Returned to Sender".to_owned());
    envelope.extra.push(("Auto-Submitted", "auto-replied".to_owned()));
    let notice = format!(
        "This is the mail system at host mx.demain.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n<{lost}>: host mx.example.invalid[192.0.2.25] said: 550 5.1.1\n    <{lost}>: Recipient address rejected: User unknown\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mx.demain.example\nArrival-Date: {date}\n\nFinal-Recipient: rfc822; {lost}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n",
        date = crate::clock::rfc5322(at, crate::clock::Zone::ParisNamed)
    );
    let notice = Part::Text {
        subtype: "plain",
        charset: Charset::Utf8,
        declared: None,
        coding: Coding::EightBit,
        text: notice,
    };
    let parts = vec![
        notice,
        Part::Bare { media_type: "message/delivery-status", body: status },
        Part::Mail(Box::new(returned)),
    ];
    let body = Part::Multi { subtype: "report; report-type=delivery-status", parts };
    let (header, meta): (_, Meta) = envelope.header(rng);
    mail::render(header, meta, &body, Mua::Server, rng)
}

fn alternative(plain: Part, html: Part) -> Part {
    Part::Multi { subtype: "alternative", parts: vec![plain, html] }
}

fn html(text: &str) -> Part {
    html_part(crate::letter::html(text, Mua::Thunderbird, Charset::Utf8))
}

fn html_part(text: String) -> Part {
    Part::Text { subtype: "html", charset: Charset::Utf8, declared: None, coding: Coding::Quoted, text }
}

/// A text without accents.
pub(crate) fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'à' | 'â' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' => 'o',
            'ù' | 'û' => 'u',
            'ç' => 'c',
            'À' | 'Â' => 'A',
            'É' | 'È' | 'Ê' => 'E',
            '’' | '‘' => '\'',
            '–' | '—' => '-',
            '\u{a0}' => ' ',
            c if c.is_ascii() => c,
            _ => '?',
        })
        .collect()
}
