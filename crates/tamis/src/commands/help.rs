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
        for_each(&table, &mut |command| {
            writeln!(out, "{0}\n\n{1}", "─".repeat(72), command.clone().render_long_help())
        })?;
    } else {
        writeln!(out, "{}", named(&table, &args.command)?.clone().render_long_help())?;
    }
    out.flush()?;
    Ok(DONE)
}

/// The command of that name, word by word; the program itself for none.
fn named<'t>(table: &'t clap::Command, words: &[String]) -> Result<&'t clap::Command, Failure> {
    words.iter().try_fold(table, |command, word| {
        command.find_subcommand(word.as_str()).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
            Failure::unusable(
                format!("no command {:?}", words.join(" ")),
                "it is not in the table",
                match known.as_slice() {
                    [] => "it has no commands of its own".to_owned(),
                    known => format!("the commands are {}", known.join(", ")),
                },
            )
        })
    })
}

/// Calls `each` with every command below `table`, each followed by its own.
fn for_each<E>(
    table: &clap::Command,
    each: &mut impl FnMut(&clap::Command) -> Result<(), E>,
) -> Result<(), E> {
    table.get_subcommands().try_for_each(|command| {
        each(command)?;
        for_each(command, each)
    })
}

fn man(table: &clap::Command, dir: &Path) -> Result<(), Failure> {
    let page = |command: &clap::Command| -> std::io::Result<()> {
        // `tamis-keys-import`, as the table is built.
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let mut text = Vec::new();
        clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut text)?;
        std::fs::write(dir.join(format!("{name}.1")), text)
    };
    std::fs::create_dir_all(dir)?;
    page(table)?;
    Ok(for_each(table, &mut |command| page(command))?)
}
