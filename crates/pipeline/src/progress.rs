//! How a run tells what it is doing, and is told to stop.

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Listing the files of a source.
    Inventory,
    /// Reading and committing.
    Reading,
    /// Waiting for the index.
    Indexing,
    /// Building what is derived.
    Deriving,
    /// Judging messages: `bytes` of the status are messages then.
    Examining,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// Top-level files committed, and all of them.
    pub files: (u64, u64),
    /// Their bytes.
    pub bytes: (u64, u64),
    /// Items with a row.
    pub items: u64,
    /// Items refused or failed so far.
    pub lost: u64,
}

/// Listens to a run; called often, so it decides itself what to show.
pub trait Progress {
    /// The run stands here now.
    fn update(&mut self, status: &Status);
    /// Whether the user asked to stop.
    fn stop(&self) -> bool;
}

/// Shows nothing and never stops.
pub struct Silent;

impl Progress for Silent {
    fn update(&mut self, _: &Status) {}
    fn stop(&self) -> bool {
        false
    }
}
