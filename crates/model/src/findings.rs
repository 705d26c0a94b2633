//! The vocabulary of findings and of the states of a message. A finding reports what was observed, how
//! much it weighs, and the innocent explanations beside it. It never accuses.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Blob, ids::hex};

/// What the desk may say of one message's content. The letter is for programs; people read the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MessageState {
    /// Signed by the author's domain, unchanged.
    A,
    /// Signed in part, or not by the author's domain.
    B,
    /// Consistent, not proven.
    C,
    /// Cannot be checked.
    D,
    /// The signature does not hold.
    E,
    /// A contradiction is shown.
    F,
}

impl MessageState {
    /// All of them, in order.
    pub const ALL: [MessageState; 6] = [
        MessageState::A,
        MessageState::B,
        MessageState::C,
        MessageState::D,
        MessageState::E,
        MessageState::F,
    ];

    /// The key for programs.
    pub fn letter(self) -> &'static str {
        match self {
            MessageState::A => "A",
            MessageState::B => "B",
            MessageState::C => "C",
            MessageState::D => "D",
            MessageState::E => "E",
            MessageState::F => "F",
        }
    }

    /// Of [`MessageState::letter`], in either case.
    pub fn parse(text: &str) -> Option<MessageState> {
        MessageState::ALL.into_iter().find(|state| state.letter().eq_ignore_ascii_case(text))
    }

    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            MessageState::A => "signed, unchanged",
            MessageState::B => "signed in part, or not by the author's domain",
            MessageState::C => "consistent, not proven",
            MessageState::D => "cannot be checked",
            MessageState::E => "signature does not hold",
            MessageState::F => "contradiction shown",
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

/// Which way a finding speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// For the proposition.
    Supports,
    /// Against it.
    Against,
    /// Neither: it helps to understand.
    Context,
}

impl Polarity {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Polarity::Supports => "supports",
            Polarity::Against => "against",
            Polarity::Context => "context",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Is this what was signed?
    Integrity,
    /// Is the signer the author's domain?
    Origin,
    /// When?
    Time,
    /// A set of items.
    Set,
}

impl About {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            About::Integrity => "integrity",
            About::Origin => "origin",
            About::Time => "time",
            About::Set => "set",
        }
    }
}

/// How strongly a finding speaks for its proposition, not how good its mathematics are. Above a pointer a
/// strength cannot be had without its reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strength {
    /// 0: helps to understand.
    Context,
    /// 1: where to look.
    Pointer,
    /// 2: outside what honest mail shows.
    Unusual(Unusual),
    /// 3: impossible under a written standard; which clause.
    Impossible(String),
    /// 4: cryptographic proof *for*.
    Proof(Proof),
}

/// Why something is outside what honest mail shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unusual(String);

/// What proves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proof(String);

impl Unusual {
    /// More cases than chance explains: `observed` of `of` lies above the upper end of the 95 % interval of
    /// what is expected, `expected_most` of `of`. `None` where it does not.
    pub fn beyond_expected(observed: u64, expected_most: u64, of: u64) -> Option<Unusual> {
        (observed > expected_most)
            .then(|| Unusual(format!("{observed} of {of} observed, at most {expected_most} expected")))
    }

    /// The item was chosen before anybody looked at it; by whom and when.
    pub fn chosen_beforehand(by: &str) -> Unusual {
        Unusual(format!("chosen beforehand: {by}"))
    }

    /// The source bytes are kept and the signer's own key made the signature, yet it does not match.
    pub fn key_fits_but_differs() -> Unusual {
        Unusual("the key made this signature over other content, and the source form is kept".to_owned())
    }
}

impl Proof {
    /// A signature of `domain` verifies under a key that `witness` saw.
    pub fn signature(domain: &str, selector: &str, witness: &str) -> Proof {
        Proof(format!("signature of {domain} (selector {selector}) verifies; key seen by {witness}"))
    }
}

impl Strength {
    /// 0 to 4.
    pub fn level(&self) -> u32 {
        match self {
            Strength::Context => 0,
            Strength::Pointer => 1,
            Strength::Unusual(_) => 2,
            Strength::Impossible(_) => 3,
            Strength::Proof(_) => 4,
        }
    }

    /// The reason, where the strength needs one.
    pub fn because(&self) -> Option<&str> {
        match self {
            Strength::Context | Strength::Pointer => None,
            Strength::Unusual(Unusual(why)) | Strength::Impossible(why) | Strength::Proof(Proof(why)) => {
                Some(why)
            }
        }
    }
}

/// How often honest content shows the same: `hits` of `of` in a named corpus.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BaseRate {
    /// Cases that show it.
    pub hits: u64,
    /// Cases looked at.
    pub of: u64,
    /// Which corpus.
    pub corpus: String,
}

/// What a rule found. `observed` is JSON with sorted keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, e.g. `mail.dkim.verified`.
    pub rule: String,
    /// The rule's version.
    pub version: u32,
    /// The contents it is about, the first one first.
    pub subjects: Vec<Blob>,
    /// Which way it speaks.
    pub polarity: Polarity,
    /// About what.
    pub about: About,
    /// How strongly.
    pub strength: Strength,
    /// The part that it speaks of: header names, a byte range, a sentence.
    pub scope: String,
    /// What was observed, structured.
    pub observed: serde_json::Value,
    /// The clause it stands on.
    pub standard: String,
    /// What it takes for granted.
    pub assumptions: Vec<String>,
    /// Innocent explanations, most likely first.
    pub alternatives: Vec<String>,
    /// How often honest content shows the same, where it was measured.
    pub base_rate: Option<BaseRate>,
    /// A command that shows it again.
    pub reproduce: String,
}

impl Finding {
    /// Identity: over rule, version, subjects and observation, and nothing that depends on when it was
    /// made. 32 lower-hex digits.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(b"tamis/finding/1");
        field(self.rule.as_bytes());
        field(&self.version.to_le_bytes());
        field(&(self.subjects.len() as u64).to_le_bytes());
        self.subjects.iter().for_each(|blob| field(&blob.0));
        field(self.observed.to_string().as_bytes());
        let mut id = hex(&hash.finalize());
        id.truncate(32);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_needs_its_reason() {
        assert_eq!(Unusual::beyond_expected(3, 3, 100), None);
        let strength = Strength::Unusual(Unusual::beyond_expected(9, 3, 100).unwrap());
        assert_eq!(
            (strength.level(), strength.because()),
            (2, Some("9 of 100 observed, at most 3 expected"))
        );
        assert_eq!((Strength::Pointer.level(), Strength::Pointer.because()), (1, None));
    }

    #[test]
    fn an_id_is_of_what_was_observed_alone() {
        let finding = Finding {
            rule: "mail.dkim.verified".into(),
            version: 1,
            subjects: vec![Blob::of(b"mail")],
            polarity: Polarity::Supports,
            about: About::Integrity,
            strength: Strength::Pointer,
            scope: "from, date".into(),
            observed: serde_json::json!({ "b": 1, "a": "x" }),
            standard: String::new(),
            assumptions: vec![],
            alternatives: vec![],
            base_rate: None,
            reproduce: String::new(),
        };
        let other_words = Finding { alternatives: vec!["a list".into()], ..finding.clone() };
        assert_eq!(finding.id(), other_words.id());
        for other in [
            Finding { version: 2, ..finding.clone() },
            Finding { subjects: vec![Blob::of(b"other")], ..finding.clone() },
            Finding { observed: serde_json::json!({ "b": 2, "a": "x" }), ..finding.clone() },
        ] {
            assert_ne!(finding.id(), other.id());
        }
    }
}
