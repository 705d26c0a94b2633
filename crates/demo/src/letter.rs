//! One letter: what people write in it and how their program dresses it up: greeting, paragraphs,
//! signature, quotes, HTML twin, header fields, and the trace fields of the servers on its way.

use crate::{
    clock::{self, Zone},
    mail::{self, Charset, Coding, Header, Meta, Part, Words},
    mua::Mua,
    people::Human,
    prose::{Lang, Prose, Topic},
    rng::Rng,
};

/// What a mail answers.
pub(crate) struct Parent<'a> {
    /// Who wrote it.
    pub(crate) from: &'a Human,
    /// When.
    pub(crate) at: i64,
    /// Its subject.
    pub(crate) subject: &'a str,
    /// Its text.
    pub(crate) text: &'a str,
    /// Whether it is passed on rather than answered.
    pub(crate) forwarded: bool,
}

/// The fields that are common to all mails.
pub(crate) struct Envelope<'a> {
    /// Author.
    pub(crate) from: &'a Human,
    /// Addressees.
    pub(crate) to: Vec<&'a Human>,
    /// Further addressees.
    pub(crate) cc: Vec<&'a Human>,
    /// Subject; `None` for a mail without one.
    pub(crate) subject: Option<String>,
    /// Instant of writing.
    pub(crate) at: i64,
    /// Message-IDs of the thread so far, oldest first.
    pub(crate) references: Vec<String>,
    /// Further fields.
    pub(crate) extra: Vec<(&'static str, String)>,
    /// How text that is not ASCII is written in the header.
    pub(crate) words: Words,
    /// Display name instead of the author's.
    pub(crate) name: Option<String>,
    /// Message-ID instead of a drawn one.
    pub(crate) id: Option<String>,
}

impl<'a> Envelope<'a> {
    /// An envelope from one to another.
    pub(crate) fn new(from: &'a Human, to: Vec<&'a Human>, at: i64) -> Envelope<'a> {
        Envelope {
            from,
            to,
            at,
            cc: Vec::new(),
            subject: None,
            references: Vec::new(),
            extra: Vec::new(),
            words: Words::Q,
            name: None,
            id: None,
        }
    }

    /// The header, without MIME fields, and what the truth has to know of it.
    pub(crate) fn header(&self, rng: &mut Rng) -> (Header, Meta) {
        let mua = self.from.mua;
        let at = self.at;
        let id = match &self.id {
            Some(id) => id.clone(),
            None => mua.message_id(rng, at, self.from.domain()),
        };
        let address = match rng.percent(4) && mua != Mua::Server {
            // Some programs keep the capitals that people typed.
            true => capitals(&self.from.address),
            false => self.from.address.clone(),
        };
        let from = mail::mailbox(self.name.as_deref().unwrap_or(&self.from.name), &address, self.words);
        let list = |people: &[&Human]| -> String {
            let all: Vec<String> =
                people.iter().map(|h| mail::mailbox(&h.name, &h.address, self.words)).collect();
            all.join(", ")
        };
        let date = clock::rfc5322(at, mua.zone(rng));
        let (to, cc) = (list(&self.to), list(&self.cc));
        let references = shortened(&self.references);
        let mut fields: Vec<(&str, String)> = vec![("From", from)];
        let rest: [(&str, String); 5] = [
            ("To", to),
            ("Cc", cc),
            ("Date", date),
            ("Message-ID", id.clone()),
            ("In-Reply-To", self.references.last().cloned().unwrap_or_default()),
        ];
        fields.extend(rest);
        fields.push(("References", references));
        if let Some(subject) = &self.subject {
            fields.push(("Subject", mail::encode_words(subject, self.words)));
        }
        if mua == Mua::Outlook {
            fields.push((
                "Thread-Topic",
                mail::encode_words(self.subject.as_deref().unwrap_or(""), self.words),
            ));
            fields.push(("Thread-Index", format!("Ad{}==", rng.token(BASE64_LETTERS, 28))));
            fields.push(("Accept-Language", "fr-FR, en-US".to_owned()));
            fields.push(("Content-Language", "fr-FR".to_owned()));
            fields.push(("X-MS-Has-Attach", String::new()));
        }
        fields.extend(mua.agent(rng));
        fields.extend(self.extra.iter().cloned());
        // Each program has an order of its own; Message-ID first is Thunderbird's.
        if matches!(mua, Mua::Thunderbird | Mua::Roundcube | Mua::Server) {
            fields
                .sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
        }
        let mut header = Header::default();
        for (name, value) in fields {
            if !value.is_empty() || name == "X-MS-Has-Attach" {
                header.field(name, &value);
            }
        }
        (header, Meta { message_id: Some(id), from: Some(address), date: Some(at) })
    }
}

const BASE64_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ORDER: [&str; 9] =
    ["Message-ID", "Date", "User-Agent", "Subject", "To", "Cc", "References", "In-Reply-To", "From"];

fn capitals(address: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in address.chars() {
        out.push(if start { c.to_ascii_uppercase() } else { c });
        start = matches!(c, '.' | '@' | '-');
    }
    out
}

/// The first and the last ten, as programs shorten long chains (RFC 5537 section 3.4.4).
fn shortened(references: &[String]) -> String {
    let skip = references.len().saturating_sub(11);
    let kept = references.iter().enumerate().filter(|(i, _)| *i == 0 || *i > skip);
    kept.map(|(_, id)| id.as_str()).collect::<Vec<_>>().join(" ")
}

/// What a person writes, in paragraphs of one line each, with quotes below or above.
pub(crate) fn compose(
    rng: &mut Rng,
    prose: &Prose,
    from: &Human,
    to: &Human,
    topic: Topic,
    parent: Option<&Parent>,
) -> String {
    let lang = from.lang;
    let sentences = rng.weighted((1, 3), &[((4, 8), 34), ((9, 20), 22), ((25, 80), 10)], 34);
    let mut left = rng.between(sentences.0, sentences.1);
    let mut text = String::new();
    if rng.percent(80) && !to.first.is_empty() {
        text.push_str(&prose.greeting(rng, lang, &to.first));
        text.push_str("\n\n");
    }
    while left > 0 {
        let n = rng.between(1, 5).min(left);
        left -= n;
        if n >= 3 && rng.percent(12) {
            for _ in 0..n {
                text.push_str("- ");
                prose.sentence(rng, lang, topic, &mut text);
                text.push('\n');
            }
            text.push('\n');
        } else {
            text.push_str(&prose.paragraph(rng, lang, topic, n));
            text.push_str("\n\n");
        }
    }
    if rng.percent(75) {
        text.push_str(prose.closing(rng, lang));
        text.push_str("\n\n");
    }
    let signature = signature(rng, from);
    match parent {
        None => text + &signature,
        // Bottom posting, as on lists.
        Some(parent) if from.mua == Mua::Mutt && !parent.forwarded => {
            format!("{}\n{text}{signature}", quoted(parent, lang, from.mua))
        }
        Some(parent) => format!("{text}{signature}\n{}", quoted(parent, lang, from.mua)),
    }
}

fn signature(rng: &mut Rng, from: &Human) -> String {
    match from.mua {
        Mua::Phone if from.lang == Lang::Fr => "Envoyé de mon téléphone\n".to_owned(),
        Mua::Phone => "Sent from my phone\n".to_owned(),
        _ if from.first.is_empty() => String::new(),
        _ if rng.percent(40) => format!("{}\n", from.first),
        // Numbers of the range that is kept for fiction in France.
        _ => format!(
            "-- \n{}\n{}\n+33 6 39 98 {:02} {:02} – {}\n",
            from.name,
            from.role,
            from.address.len() * 7 % 100,
            from.name.len() * 13 % 100,
            from.domain()
        ),
    }
}

/// The parent's text as this program quotes it.
fn quoted(parent: &Parent, lang: Lang, mua: Mua) -> String {
    let local = clock::local(parent.at, Zone::Paris);
    let clock::Local { year, day, time: (h, m, _), .. } = local;
    let who = format!("{} <{}>", parent.from.name, parent.from.address);
    let month_fr = local.month_in(&clock::MONTHS_FR);
    let month_en = local.month_in(&clock::MONTHS_EN);
    if parent.forwarded || mua == Mua::Outlook {
        let subject = parent.subject;
        let (rule, labels) = match (parent.forwarded, lang) {
            (true, Lang::Fr) => ("-------- Message transféré --------", ["De", "Date", "Objet"]),
            (true, Lang::En) => ("---------- Forwarded message ---------", ["From", "Date", "Subject"]),
            (false, Lang::Fr) => ("-----Message d'origine-----", ["De", "Envoyé", "Objet"]),
            (false, Lang::En) => ("-----Original Message-----", ["From", "Sent", "Subject"]),
        };
        let [from, sent, about] = labels;
        let text = parent.text;
        return format!(
            "{rule}\n{from}: {who}\n{sent}: {day} {month_fr} {year} {h:02}:{m:02}\n{about}: {subject}\n\n{text}"
        );
    }
    let mut out = match (lang, mua) {
        (Lang::Fr, Mua::Thunderbird) => {
            format!("Le {day:02}/{:02}/{year} à {h:02}:{m:02}, {} a écrit :\n", local.month, parent.from.name)
        }
        (Lang::Fr, _) => format!("Le {day} {month_fr} {year} à {h:02}:{m:02}, {who} a écrit :\n"),
        (Lang::En, _) => {
            format!("On {}, {day} {month_en} {year} at {h:02}:{m:02}, {who} wrote:\n", local.weekday_name())
        }
    };
    for line in mail::wrap(parent.text, 72).lines() {
        out.push_str(if line.starts_with('>') { ">" } else { "> " });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// A text as its author's program sends it: plain, with an HTML twin, or HTML alone.
pub(crate) fn body(rng: &mut Rng, mua: Mua, text: &str) -> Part {
    let (charset, coding) = mua.text_form(rng);
    let declared = match charset {
        // Now and then a gateway relabels what it does not convert.
        Charset::Latin1 if rng.permille(12) => Some("utf-8"),
        Charset::Utf8 if rng.permille(5) => Some("iso-8859-1"),
        _ => None,
    };
    let plain = plain(rng, mua, text, charset, coding, declared);
    if !rng.percent(mua.html_percent()) {
        return plain;
    }
    let html = Part::Text { subtype: "html", charset, declared, coding, text: html(text, mua, charset) };
    match rng.percent(if mua == Mua::Phone { 50 } else { 6 }) {
        true => html,
        false => Part::Multi { subtype: "alternative", parts: vec![plain, html] },
    }
}

fn plain(
    rng: &mut Rng,
    mua: Mua,
    text: &str,
    charset: Charset,
    coding: Coding,
    declared: Option<&'static str>,
) -> Part {
    let flowed = matches!(mua, Mua::Thunderbird | Mua::Roundcube) && rng.percent(75);
    let (subtype, text) = match (flowed, coding) {
        (true, _) => ("plain; format=flowed", mail::flow(text, 72)),
        (false, Coding::EightBit) => ("plain", mail::wrap(text, 76)),
        (false, _) => ("plain", text.to_owned()),
    };
    Part::Text { subtype, charset, declared, coding, text }
}

/// The HTML twin of a text in a program's manner.
pub(crate) fn html(text: &str, mua: Mua, charset: Charset) -> String {
    let label = match charset {
        Charset::Latin1 => "iso-8859-1",
        Charset::Windows1252 => "windows-1252",
        _ => "utf-8",
    };
    let (head, open, close) = match mua {
        Mua::Outlook => {
            (OUTLOOK_STYLE, "<p class=\"MsoNormal\"><span lang=\"FR\">", "<o:p></o:p></span></p>")
        }
        Mua::AppleMail | Mua::Phone => ("", "<div>", "</div><div><br></div>"),
        Mua::Zimbra => {
            ("", "<div style=\"font-family: arial, helvetica, sans-serif; font-size: 12pt\">", "</div>")
        }
        Mua::Webmail => ("", "<div class=\"gmail_default\" dir=\"ltr\">", "</div>"),
        _ => ("", "<p>", "</p>"),
    };
    let mut out = format!(
        "<html><head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset={label}\">\n{head}</head>\n<body>\n"
    );
    let mut depth = 0;
    for line in text.lines() {
        let marks = line.chars().take_while(|c| *c == '>').count();
        while depth < marks.min(6) {
            out.push_str("<blockquote type=\"cite\">\n");
            depth += 1;
        }
        while depth > marks {
            out.push_str("</blockquote>\n");
            depth -= 1;
        }
        let shown = crate::files::escape_markup(line.trim_start_matches(['>', ' ']));
        if shown.is_empty() {
            continue;
        }
        out.push_str(open);
        out.push_str(&shown);
        out.push_str(close);
        out.push('\n');
    }
    out.push_str(&"</blockquote>\n".repeat(depth));
    out.push_str("</body></html>\n");
    out
}

const OUTLOOK_STYLE: &str = "<meta name=\"Generator\" content=\"Microsoft Word 15 (filtered medium)\">\n<style><!--\n/* Font Definitions */\n@font-face\n\t{font-family:\"Cambria Math\";\n\tpanose-1:2 4 5 3 5 4 6 3 2 4;}\n@font-face\n\t{font-family:Calibri;\n\tpanose-1:2 15 5 2 2 2 4 3 2 4;}\n/* Style Definitions */\np.MsoNormal, li.MsoNormal, div.MsoNormal\n\t{margin:0cm;\n\tfont-size:11.0pt;\n\tfont-family:\"Calibri\",sans-serif;\n\tmso-fareast-language:EN-US;}\na:link, span.MsoHyperlink\n\t{mso-style-priority:99;\n\tcolor:#0563C1;\n\ttext-decoration:underline;}\n.MsoChpDefault\n\t{mso-style-type:export-only;\n\tfont-size:10.0pt;}\n@page WordSection1\n\t{size:612.0pt 792.0pt;\n\tmargin:70.85pt 70.85pt 70.85pt 70.85pt;}\ndiv.WordSection1\n\t{page:WordSection1;}\n--></style>\n";

/// A newsletter's HTML: tables, links with a token for each reader, several items.
pub(crate) fn newsletter(rng: &mut Rng, prose: &Prose, lang: Lang, title: &str) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>table{{border-collapse:collapse}} td{{padding:8px;font-family:Arial,sans-serif}} .btn{{background:#0a3d62;color:#fff}}</style></head>\n<body bgcolor=\"#f4f4f4\"><table width=\"600\" align=\"center\">\n",
        lang.tag()
    );
    for item in 0..rng.between(3, 11) {
        let topic = rng.below(400);
        let sentences = rng.between(2, 7);
        let (head, text) = (prose.subject(rng, lang, topic), prose.paragraph(rng, lang, topic, sentences));
        let link = format!("https://click.lettre.example/c/{}/{item}?u={}", rng.hex(32), rng.hex(16));
        out.push_str(&format!(
            "<tr><td style=\"border-bottom:1px solid #dddddd\"><h2 style=\"font-size:18px;margin:0\">{}</h2>\n<p style=\"font-size:14px;line-height:20px\">{}</p>\n<a class=\"btn\" href=\"{link}\">Lire la suite</a></td></tr>\n",
            crate::files::escape_markup(&head),
            crate::files::escape_markup(&text)
        ));
    }
    out.push_str(&format!(
        "<tr><td style=\"font-size:10px\"><a href=\"https://click.lettre.example/u/{}\">Se désabonner</a></td></tr>\n</table><img src=\"https://click.lettre.example/o/{}.gif\" width=\"1\" height=\"1\" alt=\"\"></body></html>\n",
        rng.hex(32),
        rng.hex(24)
    ));
    out
}

/// The trace fields that the way from one to another leaves, the last hop first (RFC 5321 section 4.4).
pub(crate) fn trace(rng: &mut Rng, from: &Human, to: &Human, at: i64) -> Vec<u8> {
    let mut hops = Vec::new();
    let mut time = at + rng.between(1, 9) as i64;
    let (host, target) = (from.domain(), format!("for <{}>", to.address));
    let names = [
        (format!("[IPv6:2001:db8:{}:{}::{}]", rng.hex(4), rng.hex(3), rng.hex(2)), format!("smtp.{host}")),
        (format!("smtp.{host}"), format!("out{}.{host}", rng.between(1, 9))),
        (format!("out{}.{host}", rng.between(1, 9)), format!("filtre{}.demain.example", rng.between(1, 3))),
        ("filtre1.demain.example".to_owned(), "mx.demain.example".to_owned()),
        ("mx.demain.example".to_owned(), "boites.demain.example".to_owned()),
    ];
    let inside = host == crate::people::DOMAIN;
    let skip = if inside { 2 } else { rng.below(2) };
    for (by_whom, at_whom) in names.into_iter().skip(skip) {
        let net: &str = rng.pick(&["192.0.2", "198.51.100", "203.0.113"]);
        let address = format!("{net}.{}", rng.between(1, 254));
        let with: &str = rng.pick(&["ESMTP", "ESMTPS", "ESMTPSA", "LMTP", "SMTP"]);
        let id = rng.token("0123456789ABCDEF", 11);
        let date = clock::rfc5322(time, rng.pick(&[Zone::Paris, Zone::ParisNamed, Zone::Utc]));
        hops.push(format!(
            "Received: from {by_whom} ({by_whom} [{address}])\n\tby {at_whom} (Postfix) with {with} id {id}\n\t{target}; {date}\n"
        ));
        time += rng.weighted(0, &[(1, 30), (4, 15), (40, 4)], 51);
    }
    let mut out = format!("Return-Path: <{}>\nDelivered-To: {}\n", from.address, to.address);
    for hop in hops.iter().rev() {
        out.push_str(hop);
    }
    if !inside {
        out.push_str(&format!(
            "X-Virus-Scanned: Debian amavisd-new at mx.demain.example\nX-Spam-Flag: NO\nX-Spam-Score: {}.{:03}\nX-Spam-Status: No, score={}.{} tagged_above=2 required=6.2\n\ttests=[HTML_MESSAGE=0.001, RCVD_IN_DNSWL_NONE=-0.0001] autolearn=ham\n",
            rng.below(3),
            rng.below(1_000),
            rng.below(3),
            rng.below(10)
        ));
    }
    out.into_bytes()
}
