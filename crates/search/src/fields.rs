//! The fields of the query language, in one table: the parser, the planner, the help text and the desk
//! all read it.

use tamis_model::{State, findings::MessageState};

/// A field whose values are words, searched like text: phrases and `word*` work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextField {
    /// Address or display name of the sender.
    From,
    /// Addresses of `To`.
    To,
    /// Addresses of `Cc`.
    Cc,
    /// Addresses of `Bcc`, which mostly sent mail still has.
    Bcc,
    /// Subject of a mail.
    Subject,
    /// The item's own name.
    Name,
    /// The whole path.
    Path,
}

/// A field whose values are compared as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WordField {
    /// Domain of a sender or recipient; a domain stands for its subdomains as well.
    Domain,
    /// Kind of item, or its media type.
    Kind,
    /// Language of the text.
    Lang,
    /// State in the ledger, or of evidence.
    State,
    /// What an item has.
    Has,
    /// What an item is.
    Is,
}

/// How a date of the item itself (a mail's `Date`) is compared with a day, month or year in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateField {
    /// Earlier than the first moment of the period.
    Before,
    /// Later than the last moment of the period.
    After,
    /// Within the period.
    On,
}

/// What the value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Words or a quoted phrase.
    Text(TextField),
    /// One word.
    Word(WordField),
    /// `2017`, `2017-04` or `2017-04-24`.
    Date(DateField),
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What is typed before the colon.
    pub name: &'static str,
    /// What comes after it.
    pub takes: Takes,
    /// One line for people.
    pub meaning: &'static str,
    /// A value to copy.
    pub example: &'static str,
}

/// All fields in the order of the help text.
pub const FIELDS: &[Entry] = &[
    entry(
        "from",
        Takes::Text(TextField::From),
        "address of the sender, part of it, or display name",
        "from:a.martin@example.org",
    ),
    entry("to", Takes::Text(TextField::To), "address in To, or part of it", "to:press@example.org"),
    entry("cc", Takes::Text(TextField::Cc), "address in Cc, or part of it", "cc:legal"),
    entry("bcc", Takes::Text(TextField::Bcc), "address in Bcc, or part of it", "bcc:archive"),
    entry(
        "domain",
        Takes::Word(WordField::Domain),
        "domain in From, To, Cc or Bcc, with its subdomains",
        "domain:example.org",
    ),
    entry(
        "subject",
        Takes::Text(TextField::Subject),
        "words of the subject",
        "subject:\"réunion de campagne\"",
    ),
    entry(
        "before",
        Takes::Date(DateField::Before),
        "dated before that day, month or year (UTC), which is not included",
        "before:2017-04-24",
    ),
    entry(
        "after",
        Takes::Date(DateField::After),
        "dated after the end of that day, month or year (UTC)",
        "after:2017-04",
    ),
    entry("on", Takes::Date(DateField::On), "dated within that day, month or year (UTC)", "on:2017-04-24"),
    entry(
        "kind",
        Takes::Word(WordField::Kind),
        "kind of item (mail, text, pdf, image, archive, …) or media type",
        "kind:pdf",
    ),
    entry("path", Takes::Text(TextField::Path), "words of the path", "path:inbox"),
    entry("name", Takes::Text(TextField::Name), "words of the item's own name", "name:facture*"),
    entry("lang", Takes::Word(WordField::Lang), "language of the text, by its code", "lang:fr"),
    entry(
        "state",
        Takes::Word(WordField::State),
        "what became of the item in the ledger (parsed, encrypted, …), or its state of evidence, A to F",
        "state:encrypted",
    ),
    entry("has", Takes::Word(WordField::Has), "mails with attachments", "has:attachment"),
    entry("is", Takes::Word(WordField::Is), "copies of bytes that occur earlier", "is:duplicate"),
];

const fn entry(name: &'static str, takes: Takes, meaning: &'static str, example: &'static str) -> Entry {
    Entry { name, takes, meaning, example }
}

/// The field that is typed as `name`, in any case.
pub fn find(name: &str) -> Option<&'static Entry> {
    FIELDS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))
}

/// `from:, to:, …`, for messages.
pub fn list() -> String {
    FIELDS.iter().map(|entry| format!("{}:", entry.name)).collect::<Vec<_>>().join(" ")
}

impl TextField {
    /// What is typed before the colon.
    pub fn name(self) -> &'static str {
        name_of(Takes::Text(self))
    }
}

impl WordField {
    /// What is typed before the colon.
    pub fn name(self) -> &'static str {
        name_of(Takes::Word(self))
    }

    /// Whether a value may end in `*`.
    pub fn takes_prefix(self) -> bool {
        matches!(self, WordField::Domain | WordField::Kind)
    }

    /// The only values there are, where the list is closed.
    pub fn values(self) -> Option<Vec<&'static str>> {
        match self {
            WordField::State => {
                let ledger = State::ALL.iter().map(|state| state.as_str());
                Some(ledger.chain(MessageState::ALL.map(MessageState::letter)).collect())
            }
            WordField::Has => Some(vec![ATTACHMENT]),
            WordField::Is => Some(vec![DUPLICATE]),
            WordField::Domain | WordField::Kind | WordField::Lang => None,
        }
    }
}

impl DateField {
    /// What is typed before the colon.
    pub fn name(self) -> &'static str {
        name_of(Takes::Date(self))
    }
}

fn name_of(takes: Takes) -> &'static str {
    FIELDS.iter().find(|entry| entry.takes == takes).map_or("", |entry| entry.name)
}

/// The value of `has:`.
pub(crate) const ATTACHMENT: &str = "attachment";
/// The value of `is:`.
pub(crate) const DUPLICATE: &str = "duplicate";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Query;

    #[test]
    fn every_example_is_a_query_of_its_field() {
        for entry in FIELDS {
            assert_eq!(find(&entry.name.to_uppercase()).map(|found| found.name), Some(entry.name));
            assert_eq!(name_of(entry.takes), entry.name);
            let printed = Query::parse(entry.example).expect(entry.example).to_string();
            assert_eq!(printed, entry.example);
        }
    }

    #[test]
    fn every_value_of_a_closed_list_is_a_query() {
        for entry in FIELDS {
            let Takes::Word(field) = entry.takes else { continue };
            for value in field.values().unwrap_or_default() {
                let query = format!("{}:{value}", entry.name);
                assert_eq!(Query::parse(&query).expect(&query).to_string(), query);
            }
        }
        // The documents say what each of them means.
        let text =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/search.md")).unwrap();
        for state in MessageState::ALL {
            let row = format!("\n| `{state}` | {} |\n", state.words());
            assert!(text.contains(&row), "docs/search.md needs {row}");
        }
        let states = WordField::State.values().unwrap_or_default();
        assert!(states.contains(&"parsed") && states.contains(&"A") && states.len() == 13, "{states:?}");
    }
}
