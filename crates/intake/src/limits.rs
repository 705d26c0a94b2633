//! The caps of reading, in one place. They are counted, never timed, so that `refused` means the same
//! on every machine. Raising one changes results and belongs into a new reader version.

/// Deepest level of an item below its top-level file.
pub const DEPTH: u32 = 64;

/// Children of one container of `bytes` bytes: no format spends less than four bytes on one. Above it,
/// the rest of the container is a gap.
pub fn children(bytes: u64) -> u64 {
    (1024 + bytes / 4).min(1 << 21)
}

/// Bytes of one row (a fact, a child's declaration), encoded. Longer texts are cut into several rows.
pub const ROW_BYTES: u32 = 2 << 20;

/// Bytes of text in one row of `texts`.
pub const TEXT_ROW_BYTES: usize = 1 << 20;

/// Bytes of all fact rows of one thing of `bytes` bytes, as the parent holds them in memory: encoded, and
/// about 150 more for each row (`protocol::weight`). A header field of three bytes is a row, and so is a
/// text of one byte in a part of seven; decoding to UTF-8 at most triples.
pub fn facts(bytes: u64) -> u64 {
    bytes.saturating_mul(64).saturating_add(1 << 20).min(512 << 20)
}

/// Defect rows of one thing; the last one says that there were more.
pub const DEFECTS: u32 = 1000;

/// Largest size that a child without content may be declared to have; what is declared above counts as
/// this (an archive can claim anything).
pub const DECLARED: u64 = 1 << 50;

/// Bytes of a name (of a member, of an attachment) that are kept.
pub const NAME_BYTES: usize = 4096;

/// Bytes of content that `stored` bytes may unpack to, for one child as for all below a top-level file.
/// Deflate alone reaches 1,032:1; honest archives of text stay below 100:1.
pub fn expansion(stored: u64) -> u64 {
    stored.saturating_mul(100).saturating_add(64 << 20)
}

/// Fuel for one thing of `bytes` bytes: what it may unpack to, and 256 units a byte beside, which is many
/// times what honest content needs and an end to dishonest one. Costs: [`tamis_sandbox::fuel::cost`].
pub fn fuel(bytes: u64) -> u64 {
    expansion(bytes).saturating_add(8 << 20).saturating_add(bytes.saturating_mul(256))
}

/// A unit's bytes and number of things: neighbours share a process up to here.
pub const UNIT_BYTES: u64 = 8 << 20;
/// See [`UNIT_BYTES`].
pub const UNIT_THINGS: usize = 256;

/// Bytes of frames of a thing that are neither facts nor content: children's declarations and ranges.
pub fn rows(bytes: u64) -> u64 {
    bytes.saturating_mul(64).saturating_add(1 << 20)
}
