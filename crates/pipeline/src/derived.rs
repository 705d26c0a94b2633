//! Builds what is derived from the batches: threads. May be deleted at any time.

use std::path::Path;

use tamis_case::Case;
use tamis_engine::{Cancel, Engine, Settings, threads};

use crate::Error;

/// Whether what is derived from the case's last batch is there.
pub fn is_made(case: &Case) -> bool {
    let folder = format!("threads-{}", case.last_batch());
    case.dir().join("derived").join(folder).join("threads.parquet").exists()
}

/// Bytes below which the engine cannot sort: what the user allows must not decide whether a run succeeds.
const LEAST_MEMORY: usize = 96 << 20;

/// Builds what the case's last batch made stale. The caller holds the ingest lock; `tmp` is the case's.
pub fn make(case: &Case, tmp: &Path, memory: u64, partitions: usize) -> Result<(), Error> {
    let memory_bytes = usize::try_from(memory).unwrap_or(usize::MAX).max(LEAST_MEMORY);
    let settings = Settings { memory_bytes, partitions, batch_rows: 8192, tmp: tmp.to_owned() };
    let engine = Engine::open(case, settings)?;
    threads::build(&engine, &case.dir().join("derived"), &Cancel::default())?;
    Ok(())
}
