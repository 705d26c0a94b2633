//! Answers as an iterator of record batches: the engine's threads stay behind a synchronous face.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::{FutureExt, StreamExt};

use crate::EngineError;

/// A flag that another thread, or a signal's handler, sets to end a query.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks every query that was given this flag to end.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends once the flag is set; a sort may work for minutes before its first batch.
    async fn wait(&self) {
        while !self.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// The engine's threads. Dropped without waiting, so that it may be dropped inside another runtime.
#[derive(Debug)]
pub(crate) struct Threads(Option<tokio::runtime::Runtime>);

impl Threads {
    /// `workers`: how many, at least one.
    pub(crate) fn start(workers: usize) -> Result<Threads, EngineError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers.max(1))
            .max_blocking_threads(16)
            .thread_name("tamis-engine")
            .enable_time()
            .build()?;
        Ok(Threads(Some(runtime)))
    }

    /// Runs `work` to its end, or to a set flag. A panic of a decoder on crafted bytes is an error.
    pub(crate) fn run<T>(
        &self,
        cancel: &Cancel,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let Some(runtime) = &self.0 else { return Err(EngineError::Cancelled) };
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.wait() => Err(EngineError::Cancelled),
                done = AssertUnwindSafe(work).catch_unwind() => {
                    done.unwrap_or_else(|_| Err(EngineError::damaged("reading ended in a panic")))
                }
            }
        })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The answer to one question, batch by batch. After an error it ends.
pub struct QueryStream {
    // Declared first: the stream's tasks end before their threads.
    stream: Option<SendableRecordBatchStream>,
    schema: SchemaRef,
    cancel: Cancel,
    threads: Arc<Threads>,
}

impl QueryStream {
    pub(crate) fn new(stream: SendableRecordBatchStream, threads: Arc<Threads>) -> QueryStream {
        QueryStream { schema: stream.schema(), stream: Some(stream), cancel: Cancel::default(), threads }
    }

    /// Lets `cancel` end it, within a batch's time.
    #[must_use]
    pub fn until(mut self, cancel: &Cancel) -> QueryStream {
        self.cancel = cancel.clone();
        self
    }

    /// The answer's columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

impl Iterator for QueryStream {
    type Item = Result<RecordBatch, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.stream.as_mut()?;
        let next = async { Ok(stream.next().await.transpose()?) };
        let next = self.threads.run(&self.cancel, next).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.stream = None;
        }
        next
    }
}

impl std::fmt::Debug for QueryStream {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("QueryStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}
