//! One file a subcommand.

mod audit;
mod bench;
mod check;
mod demo;
mod digest;
mod doctor;
mod examine;
mod findings;
mod help;
mod incident;
mod keys;
mod ledger;
mod open;
mod proofs;
mod prove;
mod rules;
mod search;
mod show;
mod sql;
mod summary;
mod verify;

use std::path::Path;

use tamis_case::Case;

use crate::{
    cli::{Cli, Command},
    failure::Failure,
    screen::Screen,
};

/// What a command returns: its exit code, or why it failed.
pub type Outcome = Result<u8, Failure>;

/// Done.
pub const DONE: u8 = 0;
/// Done, and the answer is no, or with losses.
pub const NO: u8 = 1;

/// Runs a command.
pub fn run(cli: Cli, screen: &Screen) -> Outcome {
    let global = &cli.global;
    match cli.command {
        Command::Open(args) => open::run(&args, global, screen),
        Command::Demo(args) => demo::run(&args, global, screen),
        Command::Summary(args) => summary::run(&args, screen),
        Command::Digest(args) => digest::run(&args, screen),
        Command::Verify(args) => verify::run(&args, global, screen),
        Command::Ledger(args) => ledger::run(&args, screen),
        Command::Search(args) => search::run(&args, screen),
        Command::Show(args) => show::run(&args, screen),
        Command::Sql(args) => sql::run(&args, global, screen),
        Command::Check(args) => check::run(&args, global, screen),
        Command::Examine(args) => examine::run(&args, global, screen),
        Command::Findings(args) => findings::run(&args, screen),
        Command::Rules => rules::run(screen),
        Command::Keys(args) => keys::run(&args, global, screen),
        Command::Incident(args) => incident::run(&args, global, screen),
        Command::Prove(args) => prove::run(&args, global, screen),
        Command::Audit(args) => audit::run(&args, screen),
        Command::Doctor => doctor::run(screen),
        Command::Bench(args) => bench::run(&args, global, screen),
        Command::Help(args) => help::run(&args, screen),
    }
}

/// A case opened to read, with the private folder that a read-only one needs.
struct Opened {
    case: Case,
    _scratch: Option<Scratch>,
}

impl std::ops::Deref for Opened {
    type Target = Case;
    fn deref(&self) -> &Case {
        &self.case
    }
}

fn open_case(dir: &Path) -> Result<Opened, Failure> {
    let scratch = Case::needs_scratch(dir).then(Scratch::new).transpose()?;
    let place = scratch.as_ref().map_or(dir, Scratch::path);
    Ok(Opened { case: Case::open(dir, place)?, _scratch: scratch })
}

/// A private folder below the system's temporary one, with a name that nobody could guess, removed at the
/// end.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        Ok(Scratch(tempfile::Builder::new().prefix("tamis-").tempdir()?))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}
