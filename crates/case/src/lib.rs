//! The case folder on disk: what is committed stays, what is not named by the commit log does not exist.
//!
//! ```text
//! case.toml              what this is, format version, options that change results
//! case.db                SQLite: sources, inventory, commit log, audit chain
//! custody.jsonl          where each source came from; never part of an export unless named
//! batches/<n>-<digest>/  immutable: *.parquet, vault.pack, manifest.json
//! index/, derived/       derived: may be deleted at any time
//! tmp/                   batches in the making; swept by the holder of the ingest lock
//! ingest.lock            the one lock: held by `open` while it writes
//! ```
//!
//! [`Writer`] holds the ingest lock and writes batches; [`Case`] reads. Neither knows what a mail is,
//! asks for the time, or starts an engine.
//!
//! Invariant: a file below `batches/` is never changed or removed after its commit.

mod batch;
mod case;
mod db;
mod error;
mod files;
mod place;
mod tables;
mod told;
mod totals;
mod vault;
mod verify;

pub use batch::{Batch, BatchDraft, Hidden};
pub use case::{Case, Options, SourceRow, Writer};
pub use db::{AuditEntry, FileStamp};
pub use error::CaseError;
pub use tables::{Pending, Table, TableFile, read_batches, read_facts, read_rows, stream_facts};
pub use told::{Register, Told};
pub use totals::{ByteSums, Totals};
pub use vault::{BlobReader, Vault};
pub use verify::{Checked, Problem};

/// Version of the case format that this program writes, and the only one that it reads: no older one was ever
/// released.
pub const FORMAT: u32 = 2;
