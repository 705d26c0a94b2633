//! The command line: a hack-and-leak response workbench. Thin: each subcommand is a file in `commands/`
//! that asks the pipeline and prints.
//!
//! This is the only crate that prints, asks for the time, or looks at the environment.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod commands;
mod dates;
mod failure;
mod machine;
mod progress;
mod screen;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // The nursery comes first: it must start with nothing open and nothing running.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == tamis_pipeline::jobs::NURSERY) {
        tamis_pipeline::jobs::nursery();
    }
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) if usage.use_stderr() => {
            eprint!("{}", screen::harmless(&usage.render().to_string()));
            return ExitCode::from(failure::UNUSABLE);
        }
        Err(help) => help.exit(),
    };
    let screen = screen::Screen::new(&cli.global);
    match commands::run(cli, &screen) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print(&screen);
            ExitCode::from(failure.code())
        }
    }
}
