//! `tamis help`: the table of commands as text, man pages and completions.

use std::{io::Write, path::Path};

use clap::CommandFactory;

use super::{DONE, Outcome};
use crate::{
    cli::{Cli, Help},
    failure::Failure,
    screen::Screen,
};

/// Runs it.
pub fn run(args: &Help, screen: &Screen) -> Outcome {
    let mut table = Cli::command();
    table.build();
    let mut out = screen.out();
    if let Some(dir) = &args.man {
        man(&table, dir)?;
    } else if let Some(shell) = args.completions {
        clap_complete::generate(shell, &mut table, "tamis", &mut out);
    } else if args.all {
        writeln!(out, "{}", table.render_long_help())?;
        for command in table.get_subcommands_mut() {
            writeln!(out, "{0}\n\n{1}", "─".repeat(72), command.render_long_help())?;
        }
    } else if let Some(name) = &args.command {
        let known = table
            .get_subcommands()
            .map(|command| command.get_name().to_owned())
            .collect::<Vec<_>>()
            .join(", ");
        let Some(command) = table.find_subcommand_mut(name) else {
            return Err(Failure::unusable(
                format!("no command {name:?}"),
                "it is not in the table",
                format!("the commands are {known}"),
            ));
        };
        writeln!(out, "{}", command.render_long_help())?;
    } else {
        writeln!(out, "{}", table.render_long_help())?;
    }
    out.flush()?;
    Ok(DONE)
}

fn man(table: &clap::Command, dir: &Path) -> Result<(), Failure> {
    let page = |command: &clap::Command, name: String| -> std::io::Result<()> {
        let mut text = Vec::new();
        clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut text)?;
        std::fs::write(dir.join(format!("{name}.1")), text)
    };
    std::fs::create_dir_all(dir)?;
    page(table, "tamis".to_owned())?;
    for command in table.get_subcommands() {
        page(command, format!("tamis-{}", command.get_name()))?;
    }
    Ok(())
}
