//! Row types of every table of a case, with their Arrow schemas.
//!
//! A row type is declared once, with the macro `table`; its schema, its builder and its reader follow from
//! the field types. Tables of *facts* hang on content: their first column is the `blob`, which the
//! reading process never gets to choose, so fact rows do not contain it (see [`Facts`]).

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayBuilder, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, Int32Builder, ListBuilder,
        StringBuilder, TimestampMicrosecondBuilder, UInt32Builder, UInt64Builder,
    },
    datatypes::{
        DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt32Type,
        UInt64Type,
    },
    error::ArrowError,
    record_batch::RecordBatch,
};
use serde::{Deserialize, Serialize};

use crate::{Blob, ItemId, Reason, SourceId, State};

/// A point in time: microseconds since 1970-01-01T00:00:00Z, proleptic Gregorian, no leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub i64);

/// A field type of a row: how it stands in Arrow.
pub trait Column: Sized {
    /// The Arrow builder of such a column.
    type Builder: ArrayBuilder + Default;
    /// Whether the column holds nulls.
    const NULLABLE: bool = false;
    /// The Arrow type.
    fn data_type() -> DataType;
    /// Appends one value.
    fn append(&self, builder: &mut Self::Builder);
    /// The value in row `row`; `None` if the array has another type or the value is not of ours.
    fn read(array: &ArrayRef, row: usize) -> Option<Self>;
}

macro_rules! column {
    ($type:ty, $builder:ty, $data_type:expr, $nullable:expr, |$value:ident, $b:ident| $append:expr, |$array:ident, $row:ident| $read:expr) => {
        impl Column for $type {
            type Builder = $builder;
            const NULLABLE: bool = $nullable;
            fn data_type() -> DataType {
                $data_type
            }
            fn append(&self, $b: &mut $builder) {
                let $value = self;
                $append
            }
            fn read($array: &ArrayRef, $row: usize) -> Option<Self> {
                $read
            }
        }
    };
}

/// Columns that are shown as text: a nullable and a required one of each.
macro_rules! text_column {
    ($($type:ty),*) => {$(
        column!($type, StringBuilder, DataType::Utf8, false,
            |value, b| b.append_value(value.to_string()),
            |array, row| array.as_string_opt::<i32>()?.value(row).parse().ok());
        column!(Option<$type>, StringBuilder, DataType::Utf8, true,
            |value, b| b.append_option(value.as_ref().map(ToString::to_string)),
            |array, row| if array.is_null(row) { Some(None) } else { <$type>::read(array, row).map(Some) });
    )*};
}
text_column!(Blob, ItemId, State, Reason);

macro_rules! number_column {
    ($($type:ty, $builder:ty, $arrow:ty, $data_type:expr;)*) => {$(
        column!($type, $builder, $data_type, false,
            |value, b| b.append_value(*value),
            |array, row| Some(array.as_primitive_opt::<$arrow>()?.value(row)));
        column!(Option<$type>, $builder, $data_type, true,
            |value, b| b.append_option(*value),
            |array, row| { let a = array.as_primitive_opt::<$arrow>()?; Some(a.is_valid(row).then(|| a.value(row))) });
    )*};
}
number_column! {
    u32, UInt32Builder, UInt32Type, DataType::UInt32;
    i32, Int32Builder, Int32Type, DataType::Int32;
    u64, UInt64Builder, UInt64Type, DataType::UInt64;
}

column!(
    SourceId,
    UInt32Builder,
    DataType::UInt32,
    false,
    |value, b| b.append_value(value.0),
    |array, row| u32::read(array, row).map(SourceId)
);
column!(
    Option<SourceId>,
    UInt32Builder,
    DataType::UInt32,
    true,
    |value, b| b.append_option(value.map(|id| id.0)),
    |array, row| Some(Option::<u32>::read(array, row)?.map(SourceId))
);
column!(
    bool,
    BooleanBuilder,
    DataType::Boolean,
    false,
    |value, b| b.append_value(*value),
    |array, row| Some(array.as_boolean_opt()?.value(row))
);
column!(
    Option<bool>,
    BooleanBuilder,
    DataType::Boolean,
    true,
    |value, b| b.append_option(*value),
    |array, row| {
        let a = array.as_boolean_opt()?;
        Some(a.is_valid(row).then(|| a.value(row)))
    }
);
column!(String, StringBuilder, DataType::Utf8, false, |value, b| b.append_value(value), |array, row| Some(
    array.as_string_opt::<i32>()?.value(row).to_owned()
));
column!(
    Option<String>,
    StringBuilder,
    DataType::Utf8,
    true,
    |value, b| b.append_option(value.as_ref()),
    |array, row| {
        let a = array.as_string_opt::<i32>()?;
        Some(a.is_valid(row).then(|| a.value(row).to_owned()))
    }
);
column!(
    Vec<u8>,
    BinaryBuilder,
    DataType::Binary,
    false,
    |value, b| b.append_value(value),
    |array, row| Some(array.as_binary_opt::<i32>()?.value(row).to_owned())
);
column!(
    Option<Vec<u8>>,
    BinaryBuilder,
    DataType::Binary,
    true,
    |value, b| b.append_option(value.as_ref()),
    |array, row| {
        let a = array.as_binary_opt::<i32>()?;
        Some(a.is_valid(row).then(|| a.value(row).to_owned()))
    }
);
column!(
    Vec<String>,
    ListBuilder<StringBuilder>,
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
    false,
    |value, b| b.append_value(value.iter().map(Some)),
    |array, row| {
        let list = array.as_list_opt::<i32>()?.value(row);
        let strings = list.as_string_opt::<i32>()?;
        Some((0..strings.len()).map(|i| strings.value(i).to_owned()).collect())
    }
);
column!(
    Option<Time>,
    UtcBuilder,
    utc(),
    true,
    |value, b| b.0.append_option(value.map(|time| time.0)),
    |array, row| {
        let a = array.as_primitive_opt::<TimestampMicrosecondType>()?;
        Some(a.is_valid(row).then(|| Time(a.value(row))))
    }
);

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// A timestamp builder whose arrays carry the time zone UTC (Arrow's default has none).
#[derive(Debug)]
pub struct UtcBuilder(TimestampMicrosecondBuilder);

impl Default for UtcBuilder {
    fn default() -> Self {
        UtcBuilder(TimestampMicrosecondBuilder::new().with_data_type(utc()))
    }
}

impl ArrayBuilder for UtcBuilder {
    fn len(&self) -> usize {
        self.0.len()
    }
    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
    fn finish_cloned(&self) -> ArrayRef {
        Arc::new(self.0.finish_cloned())
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn std::any::Any {
        self
    }
    fn into_box_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}

/// A row of a table.
pub trait Row: Sized {
    /// The builders of its columns.
    type Columns: Default;
    /// The table's name, as people type it in SQL.
    const TABLE: &'static str;
    /// The columns, in order.
    fn fields() -> Vec<Field>;
    /// Appends one value to each column.
    fn append(&self, columns: &mut Self::Columns);
    /// Takes the arrays built so far, in the order of [`Row::fields`].
    fn finish(columns: &mut Self::Columns) -> Vec<ArrayRef>;
    /// The row at `row` of a batch; `None` where a column is missing or of another type.
    fn read(batch: &RecordBatch, row: usize) -> Option<Self>;

    /// The table's schema.
    fn schema() -> SchemaRef {
        Arc::new(Schema::new(Self::fields()))
    }
}

/// Declares a row type and its table.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $columns:ident, $table:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        #[doc = concat!("Column builders of the table `", $table, "`.")]
        #[derive(Debug, Default)]
        pub struct $columns { $($field: <$type as Column>::Builder,)* }

        impl Row for $name {
            type Columns = $columns;
            const TABLE: &'static str = $table;
            fn fields() -> Vec<Field> {
                vec![$(Field::new(stringify!($field), <$type as Column>::data_type(), <$type as Column>::NULLABLE)),*]
            }
            fn append(&self, columns: &mut $columns) {
                $(self.$field.append(&mut columns.$field);)*
            }
            fn finish(columns: &mut $columns) -> Vec<ArrayRef> {
                vec![$(ArrayBuilder::finish(&mut columns.$field)),*]
            }
            fn read(batch: &RecordBatch, row: usize) -> Option<Self> {
                Some($name { $($field: Column::read(batch.column_by_name(stringify!($field))?, row)?,)* })
            }
        }
    };
}

table! {
    /// One occurrence: a file of a source, or something inside one.
    Item, ItemColumns, "items" {
        /// The source it belongs to; ids are unique within it.
        source_id: SourceId,
        /// Identity of this occurrence.
        item_id: ItemId,
        /// The container it stands in; null for a top-level file.
        parent_id: Option<ItemId>,
        /// Number in walk order (pre-order), from 0 within the source. What a folder gains after it was
        /// read to its end, or what is read again and found for the first time, is numbered at the end.
        walk: u64,
        /// `walk` of its last descendant; its own where it has none.
        walk_end: u64,
        /// Position among its parent's children, from 0; 0 for a top-level file.
        ordinal: u64,
        /// 0 for a top-level file.
        depth: u32,
        /// For people (see [`crate::names`]); unique enough to find it, never a path to open.
        path: String,
        /// The raw name within its parent; for a top-level file the raw path relative to the source.
        name_raw: Vec<u8>,
        /// Offset of its stored bytes in its parent's bytes; null where the format has no ranges.
        at: Option<u64>,
        /// Length of its stored bytes in its parent's bytes.
        len: Option<u64>,
        /// How the stored bytes become the content: `identity`, `base64`, `deflate`, …
        coding: String,
        /// SHA-256 of the content; null where it could not be read.
        blob: Option<Blob>,
        /// Size of the content.
        bytes: u64,
        /// By content, e.g. `message/rfc822`.
        media_type: String,
        /// The reader and its version, e.g. `mbox/1`; null where none read it.
        reader: Option<String>,
        /// What became of it.
        state: State,
        /// Why.
        reason: Option<Reason>,
        /// Children it yielded.
        children: u64,
        /// Bytes of its content that its reader accounted for as structure or text of its own.
        /// The ledger's equation: `own` + Σ `len` of its children + `gap` = `bytes`.
        own: u64,
        /// Bytes of its content that no child, structure or text covers; each gap is a row of `defects`.
        gap: u64,
        /// Bytes of its content that nobody read: gaps, and the share of unread children.
        unread: u64,
        /// Pages or images in it that hold no text.
        no_text: u32,
    }
}

table! {
    /// Content, once, and where its bytes are.
    BlobPlace, BlobColumns, "blobs" {
        /// SHA-256 of the bytes.
        blob: Blob,
        /// Size.
        bytes: u64,
        /// `pack` (this batch's `vault.pack`), `range` (of another blob), `source` (by reference).
        place: String,
        /// `range`: the blob it is a range of; null otherwise.
        of: Option<Blob>,
        /// `pack`: offset of its first frame in `vault.pack`; `range`: offset in `of`; `source`: 0.
        at: u64,
        /// `pack`: bytes to skip in the decoded frames; else 0.
        skip: u64,
        /// `source`: which source; null otherwise.
        source_id: Option<SourceId>,
        /// `source`: raw path relative to the source; null otherwise.
        path_raw: Option<Vec<u8>>,
    }
}

table! {
    /// One mail's content, decoded for people; the fields as they stand are in `headers`.
    Message, MessageColumns, "messages" {
        /// `source`: RFC 822 bytes as found; `rebuilt`: from a store that holds properties.
        form: String,
        /// `Message-ID` without angle brackets.
        message_id: Option<String>,
        /// The `Date` field as it stands, unfolded.
        date_raw: Option<String>,
        /// `Date` in UTC, where it can be read and lies in the years 1 to 9999.
        date: Option<Time>,
        /// Offset that `Date` declares, in minutes east of UTC; null for `-0000` and none.
        utc_offset_min: Option<i32>,
        /// First address of `From`, domain in lower case.
        from_addr: Option<String>,
        /// Display name of the first `From` mailbox.
        from_name: Option<String>,
        /// Domain of `from_addr`.
        from_domain: Option<String>,
        /// Addresses of `To`.
        to: Vec<String>,
        /// Addresses of `Cc`.
        cc: Vec<String>,
        /// Addresses of `Bcc`.
        bcc: Vec<String>,
        /// `Subject`, decoded.
        subject: Option<String>,
        /// Message-IDs of `In-Reply-To`.
        in_reply_to: Vec<String>,
        /// Message-IDs of `References`, in order.
        references: Vec<String>,
        /// `User-Agent` or `X-Mailer`.
        mailer: Option<String>,
        /// `List-Id` (RFC 2919) without angle brackets; where there is none, the address of `List-Post`.
        list_id: Option<String>,
        /// Number of `Received` fields.
        received: u32,
        /// What the header says of how the copy came to be: `draft`, `sent`, `internal` (an Exchange
        /// organisation's own mail), `automatic` (RFC 3834), `bounce`; in alphabetical order.
        marks: Vec<String>,
        /// Language of the text (its shortest ISO 639 code, e.g. `fr`), where it could be told.
        lang: Option<String>,
        /// Children that are attachments.
        attachments: u32,
    }
}

table! {
    /// One header field of a message.
    Header, HeaderColumns, "headers" {
        /// Position among the message's fields, from 0.
        ordinal: u32,
        /// Field name as it stands.
        name: String,
        /// Value, unfolded, encoded words decoded.
        value: String,
        /// Bytes after the colon as they stand, without the final line break; null where they are one
        /// space and then exactly `value`.
        value_raw: Option<Vec<u8>>,
        /// Offset of the field in the message.
        at: u64,
        /// Length of the field with its line break.
        len: u64,
    }
}

table! {
    /// Text of one part of a file.
    Text, TextColumns, "texts" {
        /// Which part, e.g. `1.2` in a MIME tree; empty for a file of one part.
        part: String,
        /// Number of this piece of the part's text, from 0: long texts stand in several rows.
        chunk: u32,
        /// `original`, or how the text came to be: `ocr`, `transcript`, `translation`, `human`.
        origin: String,
        /// Tool or person, where the origin is not `original`.
        made_by: Option<String>,
        /// What it was before it became text, e.g. `text/html`.
        media_type: String,
        /// Language (its shortest ISO 639 code), where it could be told.
        lang: Option<String>,
        /// The text.
        text: String,
    }
}

table! {
    /// Something a reader could not read, or that breaks its format's rules.
    Defect, DefectColumns, "defects" {
        /// One word of the reader's list, e.g. `no-final-boundary`; `gap` for uncovered bytes.
        kind: String,
        /// Offset in the content.
        at: Option<u64>,
        /// Length of what is concerned.
        len: Option<u64>,
        /// For people; may quote the dump, bounded.
        note: String,
    }
}

table! {
    /// One attachment as its mail declares it.
    Attachment, AttachmentColumns, "attachments" {
        /// Position among the mail's children, from 0.
        ordinal: u64,
        /// Which part, e.g. `2`.
        part: String,
        /// File name as declared, decoded; not safe as a path.
        name: Option<String>,
        /// Media type as declared.
        declared_type: Option<String>,
        /// `attachment`, `inline`, or as declared; null where there is no Content-Disposition.
        disposition: Option<String>,
        /// `Content-ID` without angle brackets.
        content_id: Option<String>,
        /// The attachment's content; null where it could not be decoded.
        attachment: Option<Blob>,
        /// Size of the content.
        bytes: u64,
    }
}

table! {
    /// One signature field of a message, as it stands: DKIM (RFC 6376 and its forerunners), DomainKeys
    /// (RFC 4870), ARC (RFC 8617). Whether it holds is said by nobody here: that takes a key.
    Signature, SignatureColumns, "signatures" {
        /// Position among the message's signature fields from the top, from 0.
        ordinal: u32,
        /// Position of the field in `headers`.
        field: u32,
        /// `dkim`, `domainkeys`, `arc-seal` or `arc-message`.
        kind: String,
        /// `i=` of ARC.
        instance: Option<u32>,
        /// `rfc6376` (`v=1`), `rfc8463` (Ed25519), `draft` (none or another `v=`, with `bh=`), `draft-00`
        /// (without `bh=`), `nowsp`, `rfc4870`, `rfc8617`.
        dialect: String,
        /// `d=`, lower case, without a final dot; empty where it is missing.
        domain: String,
        /// `s=`, lower case; empty where it is missing.
        selector: String,
        /// `i=` of DKIM, decoded.
        identity: Option<String>,
        /// `a=`, lower case, or the dialect's default.
        algorithm: String,
        /// Canonicalisation of header and body, e.g. `relaxed/simple`, with the defaults filled in.
        canon: String,
        /// `h=`, lower case, in order; an AMS's as well. Empty for a seal.
        signed_headers: Vec<String>,
        /// Names in `signed_headers` more often than in the message: no further one may be added.
        oversigned: Vec<String>,
        /// Of From, Sender, Reply-To, To, Cc, Date, Subject: those that stand in the message and are not
        /// signed, or not each of them; lower case, in this order.
        unsigned_visible: Vec<String>,
        /// Of the same: those that stand more than once.
        doubled_visible: Vec<String>,
        /// Whether the signed bytes can be read in one way only: Content-Type and
        /// Content-Transfer-Encoding are signed where they stand, or the body allows one reading (a
        /// multipart whose declared boundary is its first delimiter and that its close-delimiter ends, or
        /// one part of unencoded 7-bit text).
        one_reading: bool,
        /// Domains of all addresses of From, lower case: the author's domain (RFC 5322 section 3.6.2).
        author_domains: Vec<String>,
        /// Domain of Sender, lower case, where it stands below a DomainKeys field (RFC 4870).
        sender_domain: Option<String>,
        /// `bh=`, decoded.
        body_hash: Option<Vec<u8>>,
        /// `l=`: octets of the canonical body that are signed.
        body_length: Option<u64>,
        /// `t=`.
        signed_at: Option<Time>,
        /// `x=`.
        expires_at: Option<Time>,
        /// `cv=` of a seal.
        chain: Option<String>,
        /// `b=`, decoded: 2 KiB at most.
        signature: Vec<u8>,
        /// What is wrong with the field, one word each; a field that cannot be judged has `malformed` first.
        defects: Vec<String>,
    }
}

table! {
    /// The digest of one part of what a signature covers, read in one way: as it stands, or with known
    /// damage of transport undone. Header and body stand apart, except where the dialect hashes them in one.
    Digest, DigestColumns, "digests" {
        /// Which signature: `signatures.ordinal`.
        ordinal: u32,
        /// `header`, `body`, or `both`.
        part: String,
        /// The undoing; null for what stands.
        repair: Option<String>,
        /// `sha1` or `sha256`.
        hash: String,
        /// The digest. Of a header: what is signed. Of a body: to be compared with `bh=`.
        digest: Vec<u8>,
        /// Body: whether the digest is `bh=`. Null for the others, where only a key can say.
        holds: Option<bool>,
        /// Body: octets of the canonical body beyond `l=`.
        uncovered: u64,
        /// What the undoing took away or changed, for people; at most 1 KiB.
        undone: Option<String>,
    }
}

table! {
    /// One signature inside a message by S/MIME (RFC 8551) or OpenPGP (RFC 3156), checked where the
    /// certificate or key is inside as well.
    PartSignature, PartSignatureColumns, "part_signatures" {
        /// Position among these, from 0.
        ordinal: u32,
        /// Which part is signed, e.g. `1`; empty for the whole body.
        part: String,
        /// `smime` or `pgp`.
        kind: String,
        /// `verified`, `does-not-verify`, `no-key`, `malformed` or `unsupported`.
        result: String,
        /// Subject of the certificate, or user id of the key.
        signer: Option<String>,
        /// Mail addresses that certificate or key name, lower case.
        addresses: Vec<String>,
        /// Issuer of the certificate.
        issuer: Option<String>,
        /// Serial number of the certificate, or fingerprint of the key, lower hex.
        key_id: Option<String>,
        /// Where certificate or key stood: `signature`, `autocrypt`, `attachment`.
        key_from: Option<String>,
        /// E.g. `rsa-sha256`.
        algorithm: Option<String>,
        /// Size of an RSA key.
        key_bits: Option<u32>,
        /// The signer's clock.
        signed_at: Option<Time>,
        /// Begin of the certificate's or key's validity.
        valid_from: Option<Time>,
        /// End of it.
        valid_to: Option<Time>,
        /// Whether the certificate names itself as its issuer.
        self_issued: Option<bool>,
        /// What could not be done, or is odd.
        note: Option<String>,
    }
}

table! {
    /// One finding (derived). See [`crate::findings::Finding`].
    FindingRow, FindingColumns, "findings" {
        /// Identity.
        finding_id: String,
        /// The rule.
        rule: String,
        /// Its version.
        version: u32,
        /// Contents it is about, the first one first: `blob` of `items`.
        subjects: Vec<String>,
        /// `supports`, `against` or `context`.
        polarity: String,
        /// `integrity`, `origin`, `time` or `set`.
        about: String,
        /// 0 to 4.
        strength: u32,
        /// Why it is more than a pointer.
        because: Option<String>,
        /// The part it speaks of.
        scope: String,
        /// What was observed, JSON.
        observed: String,
        /// The clause it stands on.
        standard: String,
        /// What it takes for granted.
        assumptions: Vec<String>,
        /// Innocent explanations, most likely first.
        alternatives: Vec<String>,
        /// Honest contents that show the same.
        base_rate_hits: Option<u64>,
        /// Of how many.
        base_rate_of: Option<u64>,
        /// In which corpus.
        base_rate_corpus: Option<String>,
        /// A command that shows it again.
        reproduce: String,
    }
}

table! {
    /// What the desk may say of one message's content (derived).
    StateRow, StateColumns, "states" {
        /// `A` to `F`.
        state: String,
        /// Why this and no better one, one word.
        reason: String,
        /// The same for people, one sentence.
        words: String,
        /// What stands beside the state: `after-intrusion`, `list`, `weak-key`, …; in alphabetical order.
        flags: Vec<String>,
        /// What the state leaves open, in order.
        limits: Vec<String>,
        /// The one thing that would help.
        help: Option<String>,
        /// The content existed not before.
        not_before: Option<Time>,
        /// The content existed at the latest.
        not_after: Option<Time>,
        /// Who says so, of both.
        time_witness: Option<String>,
        /// Signer whose signature decided.
        domain: Option<String>,
        /// Its selector.
        selector: Option<String>,
    }
}

/// A fact that a reader emits. The parent adds the blob.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// Row of `messages`.
    Message(Box<Message>),
    /// Row of `headers`.
    Header(Header),
    /// Row of `texts`.
    Text(Text),
    /// Row of `defects`.
    Defect(Defect),
    /// Row of `signatures`.
    Signature(Box<Signature>),
    /// Row of `digests`.
    Digest(Digest),
    /// Row of `part_signatures`.
    PartSignature(Box<PartSignature>),
}

/// Builds the record batch of a table whose rows stand on their own.
#[derive(Debug)]
pub struct Rows<R: Row> {
    columns: R::Columns,
    len: usize,
}

impl<R: Row> Default for Rows<R> {
    fn default() -> Self {
        Rows { columns: R::Columns::default(), len: 0 }
    }
}

impl<R: Row> Rows<R> {
    /// Appends a row.
    pub fn push(&mut self, row: &R) {
        row.append(&mut self.columns);
        self.len += 1;
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the rows as a record batch of [`Row::schema`].
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.len = 0;
        RecordBatch::try_new(R::schema(), R::finish(&mut self.columns))
    }
}

/// Builds the record batch of a table of facts: the blob, then the row's own columns.
#[derive(Debug)]
pub struct Facts<R: Row> {
    blobs: StringBuilder,
    columns: R::Columns,
    len: usize,
}

impl<R: Row> Default for Facts<R> {
    fn default() -> Self {
        Facts { blobs: StringBuilder::new(), columns: R::Columns::default(), len: 0 }
    }
}

impl<R: Row> Facts<R> {
    /// The table's schema: `blob`, then [`Row::fields`].
    pub fn schema() -> SchemaRef {
        let blob = Field::new("blob", DataType::Utf8, false);
        Arc::new(Schema::new([vec![blob], R::fields()].concat()))
    }

    /// Appends a fact about `blob`.
    pub fn push(&mut self, blob: &Blob, row: &R) {
        self.blobs.append_value(blob.to_string());
        row.append(&mut self.columns);
        self.len += 1;
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes the rows as a record batch of [`Facts::schema`].
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        self.len = 0;
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.blobs.finish())];
        arrays.extend(R::finish(&mut self.columns));
        RecordBatch::try_new(Self::schema(), arrays)
    }

    /// The blob and row at `row` of a batch of this table; `None` where a column is not as declared.
    pub fn read(batch: &RecordBatch, row: usize) -> Option<(Blob, R)> {
        Some((Blob::read(batch.column_by_name("blob")?, row)?, R::read(batch, row)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip() {
        let item = Item {
            source_id: SourceId(1),
            item_id: ItemId::top(b"a", None),
            parent_id: None,
            walk: 0,
            walk_end: 3,
            ordinal: 0,
            depth: 0,
            path: "a".into(),
            name_raw: b"a\xff".into(),
            at: None,
            len: Some(4),
            coding: "identity".into(),
            blob: Some(Blob::of(b"a")),
            bytes: 1,
            media_type: "text/plain".into(),
            reader: None,
            state: State::Refused,
            reason: Some(Reason::Depth),
            children: 0,
            own: 0,
            gap: 1,
            unread: 1,
            no_text: 0,
        };
        let mut rows = Rows::default();
        rows.push(&item);
        let batch = rows.finish().unwrap();
        assert_eq!(Item::read(&batch, 0).unwrap(), item);
    }

    #[test]
    fn facts_carry_their_blob() {
        let row = Message {
            form: "source".into(),
            message_id: Some("1@x".into()),
            date_raw: None,
            date: Some(Time(-1)),
            utc_offset_min: Some(-90),
            from_addr: None,
            from_name: None,
            from_domain: None,
            to: vec!["a@b".into(), "c@d".into()],
            cc: vec![],
            bcc: vec![],
            subject: Some("é".into()),
            in_reply_to: vec![],
            references: vec!["0@x".into()],
            mailer: None,
            list_id: None,
            received: 3,
            marks: vec!["sent".into()],
            lang: None,
            attachments: 2,
        };
        let mut facts = Facts::default();
        facts.push(&Blob::of(b""), &row);
        let batch = facts.finish().unwrap();
        assert_eq!(Facts::<Message>::read(&batch, 0), Some((Blob::of(b""), row)));
    }
}
