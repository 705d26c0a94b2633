//! What an index holds: its fields, and the record stored with each document.
//!
//! Text is indexed with positions and not stored; one compact record a document holds what a result
//! shows and, up to a limit, the text for snippets and for indexing further copies.

use serde::{Deserialize, Serialize};
use tamis_model::{Blob, ItemId, SourceId};
use tantivy::{
    Term,
    schema::{
        BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
    },
    tokenizer::{RawTokenizer, TokenizerManager},
};

use crate::{
    fields::{TextField, WordField},
    fold::Folder,
};

/// Name of the tokeniser within the schema. Part of the index's version: an index whose schema differs
/// from [`Fields::new`] is rebuilt.
const TOKENISER: &str = "tamis-fold-1";

/// Most bytes of text stored for one document.
pub(crate) const MAX_STORED_TEXT: usize = 64 * 1024;

/// Numeric columns, by the names under which they are opened.
pub(crate) mod column {
    /// Number of the source.
    pub const SOURCE: &str = "source";
    /// Position in walk order.
    pub const WALK: &str = "walk";
    /// Batch that committed the item.
    pub const BATCH: &str = "batch";
    /// Microseconds since 1970 in UTC.
    pub const DATE: &str = "date";
    /// Bytes of the content.
    pub const BYTES: &str = "bytes";
    /// The content's SHA-256 in four parts: copies are told apart by all of it, since 64 bits of a hash
    /// can be made to collide.
    pub const BLOB: [&str; 4] = ["blob_0", "blob_1", "blob_2", "blob_3"];
}

/// The schema and its fields.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub schema: Schema,
    pub item: Field,
    pub blob: Field,
    pub body: Field,
    pub subject: Field,
    pub name: Field,
    pub path: Field,
    pub from: Field,
    pub to: Field,
    pub cc: Field,
    pub bcc: Field,
    pub domain: Field,
    pub kind: Field,
    pub lang: Field,
    pub state: Field,
    pub has: Field,
    pub source: Field,
    pub walk: Field,
    pub batch: Field,
    pub date: Field,
    pub bytes: Field,
    pub blob_parts: [Field; 4],
    pub record: Field,
}

impl Fields {
    /// The schema of this version.
    pub fn new() -> Fields {
        let mut schema = Schema::builder();
        let words = || {
            TextOptions::default().set_indexing_options(
                TextFieldIndexing::default()
                    .set_tokenizer(TOKENISER)
                    .set_index_option(IndexRecordOption::WithFreqsAndPositions),
            )
        };
        let value = || {
            TextOptions::default().set_indexing_options(
                TextFieldIndexing::default()
                    .set_tokenizer("raw")
                    .set_fieldnorms(false)
                    .set_index_option(IndexRecordOption::Basic),
            )
        };
        let key = || BytesOptions::default().set_indexed();
        let number = || NumericOptions::default().set_fast();
        Fields {
            item: schema.add_bytes_field("item", key()),
            blob: schema.add_bytes_field("blob", key()),
            body: schema.add_text_field("body", words()),
            subject: schema.add_text_field("subject", words()),
            name: schema.add_text_field("name", words()),
            path: schema.add_text_field("path", words()),
            from: schema.add_text_field("from", words()),
            to: schema.add_text_field("to", words()),
            cc: schema.add_text_field("cc", words()),
            bcc: schema.add_text_field("bcc", words()),
            domain: schema.add_text_field("domain", value()),
            kind: schema.add_text_field("kind", value()),
            lang: schema.add_text_field("lang", value()),
            state: schema.add_text_field("state", value()),
            has: schema.add_text_field("has", value()),
            source: schema.add_u64_field(column::SOURCE, number()),
            walk: schema.add_u64_field(column::WALK, number()),
            batch: schema.add_u64_field(column::BATCH, number()),
            date: schema.add_i64_field(column::DATE, number()),
            bytes: schema.add_u64_field(column::BYTES, number()),
            blob_parts: column::BLOB.map(|name| schema.add_u64_field(name, number())),
            record: schema.add_bytes_field("record", BytesOptions::default().set_stored()),
            schema: schema.build(),
        }
    }

    /// Where a term without a field looks.
    pub fn anywhere(&self) -> [Field; 7] {
        [self.body, self.subject, self.name, self.from, self.to, self.cc, self.bcc]
    }

    /// The field behind `from:`, `subject:` and the like.
    pub fn text(&self, field: TextField) -> Field {
        match field {
            TextField::From => self.from,
            TextField::To => self.to,
            TextField::Cc => self.cc,
            TextField::Bcc => self.bcc,
            TextField::Subject => self.subject,
            TextField::Name => self.name,
            TextField::Path => self.path,
        }
    }

    /// The field behind `domain:`, `kind:` and the like.
    pub fn word(&self, field: WordField) -> Field {
        match field {
            WordField::Domain => self.domain,
            WordField::Kind => self.kind,
            WordField::Lang => self.lang,
            WordField::State => self.state,
            WordField::Has | WordField::Is => self.has,
        }
    }

    /// The term that only one item has.
    pub fn item_term(&self, source: SourceId, item: ItemId) -> Term {
        let key: Vec<u8> = source.0.to_be_bytes().into_iter().chain(item.0).collect();
        Term::from_field_bytes(self.item, &key)
    }

    /// The term that all items of one content have.
    pub fn blob_term(&self, blob: &Blob) -> Term {
        Term::from_field_bytes(self.blob, &blob.0)
    }
}

/// The tokenisers that the schema names.
pub(crate) fn tokenisers() -> TokenizerManager {
    let tokenisers = TokenizerManager::new();
    tokenisers.register("raw", RawTokenizer::default());
    // Never used, but asked for by name for fields that hold bytes.
    tokenisers.register("default", RawTokenizer::default());
    tokenisers.register(TOKENISER, Folder);
    tokenisers
}

/// A SHA-256 as the numbers of its columns.
pub(crate) fn blob_parts(blob: &Blob) -> [u64; 4] {
    let mut parts = [0; 4];
    for (part, bytes) in parts.iter_mut().zip(blob.0.chunks_exact(8)) {
        *part = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    }
    parts
}

/// What is stored with a document: the row of a result, and the content for snippets and copies.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record<'a> {
    pub item_id: ItemId,
    pub blob: Option<Blob>,
    #[serde(borrow)]
    pub path: &'a str,
    pub state: &'a str,
    pub bytes: u64,
    pub kind: &'a str,
    pub media_type: &'a str,
    pub date: Option<i64>,
    pub from_addr: Option<&'a str>,
    pub from_name: Option<&'a str>,
    pub to: Vec<&'a str>,
    pub cc: Vec<&'a str>,
    pub bcc: Vec<&'a str>,
    pub subject: Option<&'a str>,
    pub lang: Option<&'a str>,
    pub has_attachment: bool,
    /// Texts with runs of white space as one space, all together up to [`MAX_STORED_TEXT`].
    pub texts: Vec<&'a str>,
    /// Whether text is missing from `texts`.
    pub cut: bool,
}

impl<'a> Record<'a> {
    /// Reads a stored record; `None` if it is damaged.
    pub fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        postcard::from_bytes(bytes).ok()
    }

    /// The record as stored; `None` cannot occur for values that live in memory.
    pub fn write(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_blob_are_all_of_it() {
        let blob = Blob::of(b"x");
        let joined: Vec<u8> = blob_parts(&blob).iter().flat_map(|part| part.to_be_bytes()).collect();
        assert_eq!(joined, blob.0);
    }
}
