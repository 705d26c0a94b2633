//! `tamis sql`: a case's tables, read-only.

use std::io::IsTerminal;

use tamis_engine::{Cancel, Engine, EngineError, Settings, output};
use tamis_pipeline::examine;

use super::{DONE, Outcome, Scratch, open_case};
use crate::{
    cli::{Format, Global, Sql},
    failure::Failure,
    screen::Screen,
};

/// Widest cell of a table on a terminal.
const CELL: usize = 60;

/// Runs it.
pub fn run(args: &Sql, global: &Global, screen: &Screen) -> Outcome {
    let case = open_case(&args.case)?;
    let scratch = Scratch::new()?;
    let engine = Engine::open(&case, settings(global, &scratch))?;
    for (name, schema, files) in examine::tables(&case) {
        engine.add_derived(name, &files, Some(schema))?;
    }
    let format = match (args.format, screen.json) {
        (Format::Json, _) | (Format::Table, true) => output::Format::Json,
        (Format::Csv, _) => output::Format::Csv,
        (Format::Parquet, _) if std::io::stdout().is_terminal() => {
            return Err(Failure::unusable(
                "a Parquet file is not for a terminal",
                "it is binary",
                "send it into a file: … --format parquet > rows.parquet",
            ));
        }
        (Format::Parquet, _) => output::Format::Parquet,
        (Format::Table, false) => output::Format::Table { cell_width: CELL },
    };
    let answer = engine.query(&args.query)?.until(&Cancel::default());
    output::write(answer, format, &mut screen.out())?;
    Ok(DONE)
}

/// What an engine may use.
pub fn settings(global: &Global, scratch: &Scratch) -> Settings {
    Settings {
        memory_bytes: usize::try_from(global.memory).unwrap_or(usize::MAX),
        partitions: std::thread::available_parallelism().map_or(1, usize::from),
        batch_rows: 8192,
        tmp: scratch.path().to_owned(),
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        match error {
            EngineError::Output(error) => error.into(),
            error => Failure::of(error.to_string(), error.because(), error.hint(), error.can_continue()),
        }
    }
}
