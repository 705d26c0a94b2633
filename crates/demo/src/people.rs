//! The people of the campaign: invented names on reserved domains (RFC 2606, RFC 6761), each with a
//! mail program and habits. The first ones have mailboxes in the dump.

use std::collections::BTreeSet;

use crate::{
    mua::Mua,
    prose::{Lang, Prose},
    rng::{Rng, Zipf},
};

/// Why someone writes to the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Group {
    /// Bounces and notices of the own servers.
    Daemon,
    /// Has a mailbox in the dump.
    #[default]
    Staff,
    /// Newsletters and notices of outside services.
    Newsletter,
    /// Journalists.
    Press,
    /// Suppliers.
    Supplier,
    /// Volunteers and the public.
    Volunteer,
}

/// One sender.
#[derive(Debug, Clone)]
pub(crate) struct Human {
    /// First name; empty for robots.
    pub(crate) first: String,
    /// Display name.
    pub(crate) name: String,
    /// Address, lower case, unique.
    pub(crate) address: String,
    /// The language this person writes.
    pub(crate) lang: Lang,
    /// The mail program.
    pub(crate) mua: Mua,
    /// Kind of sender.
    pub(crate) group: Group,
    /// What a signature says below the name.
    pub(crate) role: &'static str,
}

impl Human {
    /// The part of the address before the `@`.
    pub(crate) fn local_part(&self) -> &str {
        self.address.split('@').next().unwrap_or("")
    }

    /// The part after the `@`.
    pub(crate) fn domain(&self) -> &str {
        self.address.rsplit('@').next().unwrap_or("")
    }
}

/// The domain of the campaign.
pub(crate) const DOMAIN: &str = "demain.example";

/// Everybody who sends; index 0 is the mailer daemon, then those with a mailbox.
pub(crate) struct People {
    all: Vec<Human>,
    boxes: usize,
    staff: Zipf,
    outside: Zipf,
}

impl People {
    /// `senders` people, of whom `boxes` have a mailbox.
    pub(crate) fn new(seed: u64, senders: usize, boxes: usize, prose: &Prose) -> People {
        let mut rng = Rng::new(seed, "people", 0);
        let mut taken = BTreeSet::new();
        let all: Vec<Human> = (0..senders)
            .map(|i| {
                let group = match i {
                    0 => Group::Daemon,
                    _ if i <= boxes => Group::Staff,
                    _ => rng.weighted(
                        Group::Volunteer,
                        &[(Group::Press, 16), (Group::Supplier, 14), (Group::Newsletter, 6)],
                        64,
                    ),
                };
                human(&mut rng, group, prose, &mut taken)
            })
            .collect();
        let outside = all.len().saturating_sub(boxes + 1);
        People { all, boxes, staff: Zipf::new(boxes, 4), outside: Zipf::new(outside, 12) }
    }

    /// How many senders there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Everybody with a mailbox.
    pub(crate) fn mailboxes(&self) -> impl Iterator<Item = (usize, &Human)> {
        self.all.iter().enumerate().skip(1).take(self.boxes)
    }

    /// Whether this sender has a mailbox.
    pub(crate) fn has_box(&self, who: usize) -> bool {
        (1..=self.boxes).contains(&who)
    }

    /// One of the staff, by Zipf's law.
    pub(crate) fn staff(&self, rng: &mut Rng) -> usize {
        1 + self.staff.draw(rng)
    }

    /// One from outside, by Zipf's law.
    pub(crate) fn outside(&self, rng: &mut Rng) -> usize {
        (1 + self.boxes + self.outside.draw(rng)).min(self.all.len().saturating_sub(1))
    }

    /// One from outside of a group, near a Zipf draw.
    pub(crate) fn outside_of(&self, rng: &mut Rng, group: Group) -> usize {
        let from = self.outside(rng);
        let is = |i: &usize| self.all.get(*i).is_some_and(|human| human.group == group);
        (from..self.all.len()).find(is).or_else(|| (1 + self.boxes..from).find(is)).unwrap_or(from)
    }

    /// The first outside person at a domain; where there is none, the first that is no newsletter.
    pub(crate) fn at_domain(&self, domain: &str) -> usize {
        let outside = |is: &dyn Fn(&Human) -> bool| {
            self.all.iter().enumerate().skip(1 + self.boxes).find(|(_, human)| is(human)).map(|(i, _)| i)
        };
        let group = |human: &Human| matches!(human.group, Group::Press | Group::Volunteer);
        outside(&|human| human.domain() == domain && group(human))
            .or_else(|| outside(&group))
            .unwrap_or(self.all.len().saturating_sub(1))
    }

    /// The person with an index; the daemon for one out of range.
    pub(crate) fn get(&self, who: usize) -> Option<&Human> {
        self.all.get(who).or(self.all.first())
    }
}

fn human(rng: &mut Rng, group: Group, prose: &Prose, taken: &mut BTreeSet<String>) -> Human {
    let english = match group {
        Group::Press => rng.percent(35),
        Group::Newsletter => rng.percent(30),
        _ => rng.percent(8),
    };
    let lang = if english { Lang::En } else { Lang::Fr };
    let names = if english { FIRST_NAMES_EN } else { FIRST_NAMES };
    let (first, last): (&str, &str) = (rng.pick(names), prose.surname(rng));
    let person = format!("{}.{}", fold(first), fold(last));
    let (name, local, domain) = match group {
        Group::Daemon => {
            ("Mail Delivery System".to_owned(), "mailer-daemon".to_owned(), format!("mx.{DOMAIN}"))
        }
        Group::Staff => (format!("{first} {last}"), person, DOMAIN.to_owned()),
        Group::Newsletter => {
            let title: &str =
                rng.pick(&["La Lettre", "Le Point du jour", "Alertes", "Revue de presse", "Agenda"]);
            let of = prose.surname(rng);
            let local: &str = rng.pick(&["newsletter", "no-reply", "info", "alertes", "lettre"]);
            (format!("{title} {of}"), local.to_owned(), format!("{}.example", fold(of)))
        }
        Group::Press => {
            let paper: &str = rng.pick(PAPERS);
            (format!("{first} {last}"), person, format!("{paper}.example"))
        }
        Group::Supplier => {
            let house = prose.organisation(rng);
            (format!("{first} {last} ({house})"), person, format!("{}.test", fold(house)))
        }
        Group::Volunteer => {
            let domain: &str = rng.pick(&[
                "courriel.example",
                "poste.example",
                "example.org",
                "example.net",
                "example.com",
                "boite.test",
            ]);
            let local = match rng.below(3) {
                0 => format!("{}{}", fold(first), rng.between(1, 99)),
                1 => format!("{}{}", fold(first).get(..1).unwrap_or("x"), fold(last)),
                _ => person,
            };
            let name = if rng.percent(12) { String::new() } else { format!("{first} {last}") };
            (name, local, domain.to_owned())
        }
    };
    let mua = match group {
        Group::Daemon => Mua::Server,
        Group::Newsletter => Mua::Mailer,
        _ => rng.weighted(
            Mua::Thunderbird,
            &[
                (Mua::Outlook, 22),
                (Mua::AppleMail, 14),
                (Mua::Phone, 12),
                (Mua::Webmail, 20),
                (Mua::Roundcube, 5),
                (Mua::Zimbra, 5),
                (Mua::Mutt, 2),
            ],
            20,
        ),
    };
    let first = if matches!(group, Group::Daemon | Group::Newsletter) { "" } else { first };
    let role = prose.role(rng, lang);
    Human { first: first.to_owned(), name, address: unique(local, &domain, taken), lang, mua, group, role }
}

fn unique(local: String, domain: &str, taken: &mut BTreeSet<String>) -> String {
    let mut address = format!("{local}@{domain}");
    let mut n = 2;
    while !taken.insert(address.clone()) {
        address = format!("{local}{n}@{domain}");
        n += 1;
    }
    address
}

/// Lower-case ASCII for addresses, host and file names: accents dropped, the rest as `-`.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.to_lowercase().chars() {
        out.push(match c {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            'a'..='z' | '0'..='9' => c,
            _ => '-',
        });
    }
    let parts: Vec<&str> = out.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

const PAPERS: &[&str] = &[
    "le-matin",
    "la-gazette",
    "radio-littoral",
    "tele-plaine",
    "l-echo",
    "the-herald",
    "daily-post",
    "courrier-du-sud",
    "info-direct",
    "le-phare",
    "canal-vert",
    "the-observer-post",
    "depeche-nord",
    "agence-presse",
];

/// French first names.
pub(crate) const FIRST_NAMES: &[&str] = &[
    "Anaïs",
    "Béatrice",
    "Cédric",
    "Chloé",
    "Clémence",
    "Corentin",
    "Daphné",
    "Élodie",
    "Émilien",
    "Étienne",
    "Fabien",
    "Gaëlle",
    "Gwenaël",
    "Hélène",
    "Hugues",
    "Inès",
    "Jérôme",
    "Joëlle",
    "Karim",
    "Léa",
    "Loïc",
    "Lucille",
    "Maëlle",
    "Maud",
    "Mehdi",
    "Mélanie",
    "Nadège",
    "Noémie",
    "Océane",
    "Odile",
    "Pascal",
    "Quentin",
    "Rachida",
    "Raphaël",
    "Rémi",
    "Sabrina",
    "Samir",
    "Sandrine",
    "Sébastien",
    "Solène",
    "Tanguy",
    "Thibault",
    "Ulysse",
    "Valérie",
    "Violaine",
    "Wassim",
    "Xavier",
    "Yann",
    "Yasmine",
    "Zoé",
    "Adèle",
    "Bastien",
    "Coralie",
    "Damien",
    "Estelle",
    "Florent",
];
const FIRST_NAMES_EN: &[&str] = &[
    "Abigail", "Brandon", "Cynthia", "Derek", "Edith", "Fergus", "Gillian", "Howard", "Imogen", "Jasper",
    "Kirsten", "Leonard", "Miriam", "Nigel", "Olive", "Percy", "Rosalind", "Stuart", "Tamsin", "Vaughan",
    "Winifred",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unique_and_reserved() {
        let people = People::new(1, 4_493, 48, &Prose::new(1));
        let all: BTreeSet<&str> = people.all.iter().map(|h| h.address.as_str()).collect();
        assert_eq!(all.len(), 4_493);
        for address in all {
            assert_eq!(address, address.to_lowercase());
            let (local, domain) = address.split_once('@').unwrap();
            assert!(!local.is_empty() && local.is_ascii());
            let reserved = ["example.org", "example.net", "example.com"].contains(&domain)
                || [".example", ".test"].iter().any(|end| domain.ends_with(end));
            assert!(reserved, "{address}");
        }
    }
}
