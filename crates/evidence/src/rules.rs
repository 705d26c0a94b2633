//! The table of rules: what each means, its standard, its innocent explanations and error rate.
//!
//! One flat table, from which `tamis rules`, every finding and the documents take their words. Rates were
//! measured on mail whose authors had no reason to deceive; where nothing was measured, nothing stands.

use tamis_model::findings::{About, BaseRate, Polarity};

use crate::mail::limits::LIMITS;

/// One rule: what its finding means, and what it does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Its name, e.g. `mail.dkim.verified`.
    pub id: &'static str,
    /// Raised whenever the same facts would give another finding.
    pub version: u32,
    /// What its findings are about.
    pub about: About,
    /// Which way they speak.
    pub polarity: Polarity,
    /// Highest strength that a finding of it can have, 0 to 4.
    pub most: u32,
    /// One sentence for people.
    pub meaning: &'static str,
    /// The clause it stands on.
    pub standard: &'static str,
    /// What it takes for granted.
    pub assumptions: &'static [&'static str],
    /// Innocent explanations of its own, most likely first; see [`Rule::alternatives`].
    pub alternatives: &'static [&'static str],
    /// How often honest mail shows the same; empty where it was not measured.
    pub rates: &'static [Rate],
    /// How to see it again: a command with FILE, KEYS and CASE to be filled in.
    pub reproduce: &'static str,
}

/// Which mail a rate was measured on: mail that a list changed is its own population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Mail that nobody on the way had a reason to change.
    Untouched,
    /// Mail that a list changed (subject tag, footer, new parts).
    List,
}

/// A measured rate: `hits` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// On which kind of mail.
    pub route: Route,
    /// Cases that show it.
    pub hits: u64,
    /// Cases looked at.
    pub of: u64,
    /// Which corpus.
    pub corpus: &'static str,
}

impl Rule {
    /// The rule of that name.
    pub fn named(id: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.id == id)
    }

    /// The innocent explanations; of a rule that speaks for a message, also the seven limits: what a signature
    /// that holds leaves open, in their order.
    pub fn alternatives(&self) -> Vec<&'static str> {
        let limits: &[&str] = if self.polarity == Polarity::Supports { &LIMITS } else { &[] };
        self.alternatives.iter().chain(limits).copied().collect()
    }

    /// The rate on mail of that route, where it was measured; for list mail that of untouched mail never
    /// stands in.
    pub fn rate(&self, route: Route) -> Option<BaseRate> {
        let rate = self.rates.iter().find(|rate| rate.route == route)?;
        Some(BaseRate { hits: rate.hits, of: rate.of, corpus: rate.corpus.to_owned() })
    }
}

/// The 95 % interval of a share after Wilson (1927), as shares from 0 to 1. `None` if `of` is 0 or less than
/// `hits`.
pub fn wilson(hits: u64, of: u64) -> Option<(f64, f64)> {
    /// Two-sided 95 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 || hits > of {
        return None;
    }
    let n = of as f64;
    let share = hits as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let middle = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At the ends the interval is exact; what is computed there is rounding.
    let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits == of { 1.0 } else { (middle + half).min(1.0) };
    Some((low, high))
}

/// A measured share for people: `19 of 5,661 (0.34 % [0.21–0.52])`; none seen is `0 of n (at most 3/n)`, the
/// rule of three.
pub fn share(hits: u64, of: u64) -> String {
    let counted = format!("{} of {}", grouped(hits), grouped(of));
    match wilson(hits, of) {
        None => counted,
        Some(_) if hits == 0 => format!("{counted} (at most 3/{})", grouped(of)),
        Some((low, high)) => {
            let percent = |share: f64| 100.0 * share;
            let middle = percent(hits as f64 / of as f64);
            format!("{counted} ({middle:.2} % [{:.2}–{:.2}])", percent(low), percent(high))
        }
    }
}

/// A number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

const CHECK: &str = "tamis check FILE --keys KEYS";

/// What each rule that speaks of a key takes for granted.
const KEY_SEEN: &str = "the witness of the key saw it where the domain's owner publishes keys";
const HASHES_HOLD: &str =
    "nobody found two texts of one digest (for SHA-1: chosen by whoever had both texts signed)";
const READ_AS_KEPT: &str = "this copy's bytes are those that its holder got";

const LISTS_2019: &str =
    "honest list mail 2019–26 (linux-man, openbmc, kasan-dev; list signatures of dm-devel, usrp-users)";
const LINUX_MAN: &str = "honest list mail 2019–26 that the list leaves untouched (linux-man)";
const MAILMAN: &str =
    "honest list mail 2023–26 that Mailman 3 changes (usrp-users, Gmail authors; measured with this program)";
const SEALED: &str = "honest list mail 2025–26 with a chain (linux-man), keys of two sealers known";
const SEALED_CHANGED: &str = "honest list mail 2019–26 with a chain that the list changes (kasan-dev, usrp-users), keys of two sealers known";

/// All rules about one message, sorted by name.
pub const RULES: &[Rule] = &[
    Rule {
        id: "mail.arc.chain_broken",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The chain of seals (ARC) that relays put on this message has a gap or does not hold at one hop.",
        standard: "RFC 8617 section 5.2",
        assumptions: &[READ_AS_KEPT],
        alternatives: &[
            "a list or relay changed the message, and the next one sealed it as failing",
            "a relay that knows nothing of ARC changed the message between two that do",
            "a relay dropped or refolded a field of the chain",
            "an early implementation sealed in its own way",
        ],
        rates: &[
            Rate { route: Route::Untouched, hits: 41, of: 2_515, corpus: SEALED },
            Rate { route: Route::List, hits: 36, of: 3_817, corpus: SEALED_CHANGED },
        ],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.arc.sealed",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 4,
        meaning: "A relay that this case trusts sealed the message on receipt; what it signed has not changed since.",
        standard: "RFC 8617 sections 4.1.2 and 5.2",
        assumptions: &[KEY_SEEN, HASHES_HOLD, "the relay is trusted for the reason that the case gives"],
        alternatives: &[
            "the message was changed before the relay received it: the seal speaks of what came in",
            "somebody else sent through the relay",
        ],
        rates: &[Rate {
            route: Route::List,
            hits: 10_185,
            of: 20_920,
            corpus: "honest list mail 2019–26 (kasan-dev): seals made before the list added its footer, as stored",
        }],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.body_differs",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Against,
        most: 2,
        meaning: "The signer's key made this signature over another body than this copy has.",
        standard: "RFC 6376 section 6.1.3",
        assumptions: &[READ_AS_KEPT, "the repairs tried cover the damage that is known"],
        alternatives: &[
            "a mailing list added a footer or re-wrapped the parts",
            "a gateway added a banner, rewrote links or re-encoded the text",
            "the mail program or export that made this copy rebuilt the body",
            "a virus scanner removed or replaced an attachment",
            "the file was cut short when it was saved or copied",
            "the signer signed before its own server's last change",
        ],
        rates: &[
            Rate { route: Route::Untouched, hits: 1, of: 8_013, corpus: LINUX_MAN },
            Rate { route: Route::List, hits: 8, of: 756, corpus: MAILMAN },
        ],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.header_differs",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Against,
        most: 2,
        meaning: "The signer's key made this signature over other header fields than this copy has.",
        standard: "RFC 6376 section 6.1.3",
        assumptions: &[READ_AS_KEPT, "the repairs tried cover the damage that is known"],
        alternatives: &[
            "a mailing list put a tag into the subject, replaced From, Sender or Reply-To, or dropped its own members from Cc",
            "a relay refolded, re-encoded or completed a field",
            "an export shortened or replaced addresses",
            "the signer has a known fault in the order of doubled fields",
        ],
        rates: &[
            Rate { route: Route::Untouched, hits: 19, of: 5_661, corpus: LINUX_MAN },
            Rate { route: Route::List, hits: 42, of: 756, corpus: MAILMAN },
        ],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.header_holds",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 4,
        meaning: "The signed header fields are as they were signed; the body is not kept, or is not the one signed. Any other copy whose body has the signed hash is proven by this one.",
        standard: "RFC 6376 section 3.7",
        assumptions: &[KEY_SEEN, HASHES_HOLD],
        alternatives: &[
            "an export or a download kept the header and rebuilt the body",
            "a mailing list or gateway changed the body only",
        ],
        rates: &[Rate { route: Route::List, hits: 1, of: 756, corpus: MAILMAN }],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.key_does_not_fit",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Against,
        most: 1,
        meaning: "No key known for this signer made this signature.",
        standard: "RFC 8017 section 8.2.2",
        assumptions: &["the keys known for the selector are all that it had"],
        alternatives: &[
            "the owner changed the key and kept its name (some providers do so twice a year)",
            "the key observation was entered under a wrong name",
            "the signature's text was damaged on the way",
        ],
        rates: &[Rate {
            route: Route::Untouched,
            hits: 0,
            of: 25_681,
            corpus: "later signatures of 12 signers whose key was computed from two mails (list mail 2019–26)",
        }],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.no_key",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "There are signatures whose key this case does not know: nothing can be said about them yet.",
        standard: "RFC 6376 section 3.6",
        assumptions: &[],
        alternatives: &["owners withdraw keys as a matter of routine: most old mail is of this kind"],
        rates: &[],
        reproduce: "tamis keys wanted CASE",
    },
    Rule {
        id: "mail.dkim.partial",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The signature holds, and does not cover everything that a reader sees.",
        standard: "RFC 6376 sections 3.5, 5.4 and 8.2",
        assumptions: &[],
        alternatives: &[
            "the signer signs few fields by configuration",
            "the signer left the end of the body open (l=) so that lists may add footers",
            "Cc, Reply-To or Sender were added on the way by a list",
        ],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.repaired",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 1,
        meaning: "The signature holds once a known damage of transport or export is undone; what was undone is shown.",
        standard: "RFC 6377 section 4.1; RFC 7960 section 3",
        assumptions: &[KEY_SEEN, HASHES_HOLD, "what the repair took away or changed was added on the way"],
        alternatives: &[
            "a mailing list put a tag into the subject or a footer below the text",
            "a relay re-encoded the text",
            "a mail store quoted lines that begin with From",
        ],
        rates: &[Rate { route: Route::List, hits: 713, of: 756, corpus: MAILMAN }],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.third_party",
        version: 1,
        about: About::Origin,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The domain that signed is not the author's domain.",
        standard: "RFC 6376 section 6.3; RFC 7489 section 3.1",
        assumptions: &["organisational domains are those of the Public Suffix List of the stated version"],
        alternatives: &[
            "a mailing list signed what it sent on",
            "a mailing service signed for its customer",
            "a forwarding service signed in its own name",
        ],
        rates: &[
            Rate { route: Route::Untouched, hits: 95, of: 7_721, corpus: LINUX_MAN },
            Rate {
                route: Route::List,
                hits: 4_824,
                of: 10_549,
                corpus: "honest list mail 2019–26 that the list signs again (kasan-dev)",
            },
        ],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.dkim.verified",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 4,
        meaning: "A server of the signing domain signed this message; the parts it covers have not changed since.",
        standard: "RFC 6376 section 6.1; RFC 4871; RFC 8463",
        assumptions: &[KEY_SEEN, HASHES_HOLD],
        alternatives: &[],
        rates: &[Rate { route: Route::Untouched, hits: 24_593, of: 24_626, corpus: LISTS_2019 }],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.domainkeys.verified",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 4,
        meaning: "A server of the signing domain signed this message (DomainKeys); the parts it covers have not changed since.",
        standard: "RFC 4870 section 3",
        assumptions: &[KEY_SEEN, HASHES_HOLD],
        alternatives: &[],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.key.event",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "Something happened to the signing key before this copy was first seen, so that others may have been able to sign.",
        standard: "RFC 6376 section 8.3",
        assumptions: &["the event is dated as its source says"],
        alternatives: &[
            "the message was signed before the event; an earlier copy of it would show so",
            "the owner publishes withdrawn keys on purpose",
        ],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.key.new_selector",
        version: 1,
        about: About::Time,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The key that verifies was first seen after an intrusion had begun.",
        standard: "RFC 6376 section 3.1",
        assumptions: &["first seen is when somebody looked: the key may be older"],
        alternatives: &[
            "the key is older and nobody had looked",
            "the owner changed keys because of the intrusion",
            "keys are changed on schedule",
        ],
        rates: &[],
        reproduce: "tamis keys list CASE",
    },
    Rule {
        id: "mail.key.recovered",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The only key that verifies was computed from signatures of this case: whoever made these could have made this one.",
        standard: "RFC 8017 section 8.2",
        assumptions: &["the mails that the key was computed from are part of the same case"],
        alternatives: &[
            "the domain's owner had this key: a mail from elsewhere that it verifies would show so",
        ],
        rates: &[],
        reproduce: "tamis keys wanted CASE",
    },
    Rule {
        id: "mail.key.weak",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The signature rests on a key or a hash that today's standard tells receivers to ignore.",
        standard: "RFC 8301 sections 3.1 and 3.2; RFC 6376 section 3.6.1 (t=y)",
        assumptions: &["nobody computed the private key before this copy was first seen"],
        alternatives: &["such keys and hashes were usual when the message was sent"],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.origin.display_name",
        version: 1,
        about: About::Origin,
        polarity: Polarity::Context,
        most: 0,
        meaning: "The sender's display name shows an address of another domain than the sender's.",
        standard: "RFC 5322 section 3.4",
        assumptions: &[],
        alternatives: &[
            "a mailing list or forwarder kept the author's address in the name",
            "a ticket system or phone names its customers so",
        ],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.pgp.differs",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Against,
        most: 1,
        meaning: "An OpenPGP signature inside the message does not match the part it stands for.",
        standard: "RFC 3156 section 5; RFC 9580 section 5.2.4",
        assumptions: &[READ_AS_KEPT],
        alternatives: &[
            "a mailing list or gateway re-wrapped or re-encoded the part",
            "trailing spaces or line ends were changed on the way",
        ],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.pgp.verified",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 1,
        meaning: "An OpenPGP signature holds under a key that stands in the same message: the part is as that key's holder signed it, whoever that is.",
        standard: "RFC 3156 section 5; RFC 9580 section 5.2.4",
        assumptions: &["the key is its holder's: nobody outside this message says so"],
        alternatives: &["anybody can make a key of any name"],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.smime.differs",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Against,
        most: 1,
        meaning: "An S/MIME signature inside the message does not match the part it stands for.",
        standard: "RFC 8551 section 3.5; RFC 5652 section 5.6",
        assumptions: &[READ_AS_KEPT],
        alternatives: &[
            "a mailing list or gateway re-wrapped or re-encoded the part",
            "the mail program that made this copy rebuilt the part",
        ],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.smime.verified",
        version: 1,
        about: About::Integrity,
        polarity: Polarity::Supports,
        most: 1,
        meaning: "An S/MIME signature holds under a certificate that stands in the same message: the part is as that certificate's holder signed it, whoever that is.",
        standard: "RFC 8551 section 3.5; RFC 5652 section 5.6",
        assumptions: &["the certificate is its holder's: its issuer was not checked"],
        alternatives: &["anybody can make a certificate of any name"],
        rates: &[],
        reproduce: CHECK,
    },
    Rule {
        id: "mail.time.bounds",
        version: 1,
        about: About::Time,
        polarity: Polarity::Context,
        most: 0,
        meaning: "Between which times the message was signed in the form shown, and who says so.",
        standard: "RFC 6376 section 3.5 (t=); RFC 8617 section 4.1",
        assumptions: &["each clock is right as far as its owner is believed"],
        alternatives: &[],
        rates: &[],
        reproduce: CHECK,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_literature() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3; and figures of our own notes.
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (29, 29, 0.8830, 1.0000),
        ] {
            let (l, h) = wilson(hits, of).unwrap();
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{hits} of {of}: {l} {h}");
        }
        assert_eq!((wilson(0, 0), wilson(3, 2)), (None, None));
    }

    #[test]
    fn shares_are_printed_with_their_interval() {
        assert_eq!(share(24_593, 24_626), "24,593 of 24,626 (99.87 % [99.81–99.90])");
        assert_eq!(share(0, 25_681), "0 of 25,681 (at most 3/25,681)");
        assert_eq!(share(19, 5_661), "19 of 5,661 (0.34 % [0.21–0.52])");
        assert_eq!(share(0, 0), "0 of 0");
    }

    #[test]
    fn the_table_is_sorted_and_complete() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        for rule in RULES {
            assert!(rule.meaning.ends_with('.') && !rule.standard.is_empty(), "{}", rule.id);
            assert!(rule.rates.iter().all(|rate| rate.hits <= rate.of && rate.of > 0), "{}", rule.id);
            assert_eq!(Rule::named(rule.id), Some(rule));
            // What speaks against a message has its innocent explanations, and is never strong.
            if rule.polarity == Polarity::Against {
                assert!(rule.most <= 2 && rule.alternatives.len() >= 2, "{}", rule.id);
            }
            let limits = rule.polarity == Polarity::Supports;
            assert_eq!(rule.alternatives().ends_with(&LIMITS), limits, "{}", rule.id);
            for word in ["forged", "fake", "manipulated", "tampered", "suspicious"] {
                assert!(!format!("{rule:?}").contains(word), "{}: {word}", rule.id);
            }
        }
    }
}
