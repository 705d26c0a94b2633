//! What a repair changed of what a signature covers: what it undid is not as it was signed, whatever holds.
//!
//! Repairs are named by the reader (see `digests.repair`); a name that is not known here changed everything.

use tamis_model::tables::{Digest, Signature};

/// Fields and body that are not as they were signed, though the signature holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Names of fields, lower case; one that ends in `-` stands for all that begin so.
    fields: Vec<String>,
    /// Nobody knows which fields.
    any_field: bool,
    /// The body.
    pub body: bool,
}

impl Touched {
    /// What the repairs of these digests changed.
    pub fn of(rows: [Option<&Digest>; 2], signature: &Signature) -> Touched {
        let mut touched = Touched::default();
        for row in rows.into_iter().flatten() {
            for name in row.repair.iter().flat_map(|names| names.split('+')) {
                match (row.part.as_str(), fields_of(name)) {
                    ("body", _) => touched.body = true,
                    ("both", Changed::Unknown) => (touched.any_field, touched.body) = (true, true),
                    ("both", Changed::Mime) => {
                        touched.fields.push("content-".to_owned());
                        touched.body = true;
                    }
                    (_, Changed::Unknown) => touched.any_field = true,
                    (_, Changed::Mime) => touched.fields.push("content-".to_owned()),
                    (_, Changed::Doubled) => touched.fields.extend(signature.doubled_visible.iter().cloned()),
                    (_, Changed::Fields(names)) => {
                        touched.fields.extend(names.iter().map(|name| (*name).to_owned()));
                    }
                }
            }
        }
        touched
    }

    /// Whether this field was changed; `name` in lower case.
    pub fn field(&self, name: &str) -> bool {
        let is_one =
            |field: &String| field == name || (field.ends_with('-') && name.starts_with(field.as_str()));
        self.any_field || self.fields.iter().any(is_one)
    }
}

/// What a repair of a header changes.
enum Changed {
    Fields(&'static [&'static str]),
    /// What says how the body is to be read.
    Mime,
    /// Which one counts of the fields that stand more than once.
    Doubled,
    Unknown,
}

fn fields_of(repair: &str) -> Changed {
    match repair {
        "from-restored" => Changed::Fields(&["from"]),
        "reply-to-removed" => Changed::Fields(&["reply-to"]),
        "sender-removed" => Changed::Fields(&["sender"]),
        "errors-to-removed" => Changed::Fields(&["errors-to"]),
        "precedence-removed" => Changed::Fields(&["precedence"]),
        "cc-list-removed" => Changed::Fields(&["cc"]),
        "list-fields-removed" => Changed::Fields(&["list-", "reply-to", "sender", "errors-to", "precedence"]),
        // White space and the order in which fields were hashed.
        "relaxed-header" | "unfolded" | "folded-with-space" | "folded-with-tab" | "one-space"
        | "header-order" => Changed::Fields(&[]),
        "top-down" => Changed::Doubled,
        "first-part" | "decoded-8bit" | "decoded-7bit" | "decoded-bare" | "encoded" => Changed::Mime,
        name if name.starts_with("subject-") => Changed::Fields(&["subject"]),
        _ => Changed::Unknown,
    }
}

/// Repairs that the reader offers of a message only where a list handled it.
pub(crate) fn is_of_list(repair: &str) -> bool {
    const LIST: [&str; 7] = [
        "from-restored",
        "reply-to-removed",
        "sender-removed",
        "errors-to-removed",
        "precedence-removed",
        "cc-list-removed",
        "list-fields-removed",
    ];
    repair.split('+').any(|name| LIST.contains(&name) || name.starts_with("subject-tag-"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::letter::{Claim, Letter};
    use super::*;

    #[test]
    fn what_a_repair_changed_by_its_name() {
        let mut signature = Letter::new().facts(&[&Claim::of("example.org")]).signatures.remove(0);
        signature.doubled_visible = vec!["to".to_owned()];
        let names = ["from", "to", "subject", "reply-to", "list-id", "content-type"];
        for (part, repair, fields, body) in [
            ("header", "from-restored", &["from"][..], false),
            ("header", "subject-tag-removed+reply-to-removed", &["subject", "reply-to"], false),
            ("header", "first-part+subject-tag-moved", &["subject", "content-type"], false),
            ("header", "list-fields-removed", &["reply-to", "list-id"], false),
            ("header", "top-down", &["to"], false),
            ("header", "unfolded", &[], false),
            ("header", "copied-fields", &names, false),
            ("header", "something-new", &names, false),
            ("body", "text-footer", &[], true),
            ("body", "from-unquoted", &[], true),
            ("both", "subject-tag-removed+header-order", &["subject"], false),
            ("both", "first-part", &["content-type"], true),
            ("both", "text-footer+subject-tag-removed", &names, true),
        ] {
            let row = Digest {
                ordinal: 0,
                part: part.to_owned(),
                repair: Some(repair.to_owned()),
                hash: String::new(),
                digest: vec![],
                holds: None,
                uncovered: 0,
                undone: None,
            };
            let touched = Touched::of([Some(&row), None], &signature);
            let found: Vec<&str> = names.into_iter().filter(|name| touched.field(name)).collect();
            assert_eq!((found.as_slice(), touched.body), (fields, body), "{part} {repair}");
        }
        assert_eq!(Touched::of([None, None], &signature), Touched::default());
    }

    #[test]
    fn signs_of_a_list_among_repairs() {
        for (repair, expected) in [
            ("subject-tag-removed", true),
            ("decoded-7bit+sender-removed", true),
            ("subject-mark-removed", false),
            ("first-part", false),
        ] {
            assert_eq!(is_of_list(repair), expected, "{repair}");
        }
    }
}
