//! `tamis bench`: this program against its peers, on the same files, in the same run.
//!
//! Each figure names its corpus, its command and the machine. Nothing is judged here: a figure is printed
//! beside the number that is aimed at, and the exit code does not depend on it.

mod clock;
mod examining;
mod figure;
mod lab;
mod peers;
mod process;
mod queries;
mod recovery;
mod scripts;
mod signing;

use std::{collections::BTreeSet, ffi::OsString, io::Write, path::Path};

use serde_json::{Value, json};

use self::{
    figure::{Figure, Unit},
    lab::Lab,
    peers::PEERS,
    process::Usage,
};
use super::{DONE, Outcome};
use crate::{
    cli::{Bench, Global},
    failure::{Failure, STOPPED},
    progress,
    screen::{Screen, count},
};

/// A benchmark.
struct Entry {
    name: &'static str,
    title: &'static str,
    /// The number that it is held against, and which side of it is meant.
    target: &'static str,
    on: On,
    run: fn(&mut Lab) -> Result<Vec<Figure>, Failure>,
}

/// What a benchmark is run on, and beside whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    /// The corpus; beside programs that index mail.
    Corpus,
    /// Signatures that it brings along; beside libraries that verify them.
    Signatures,
    /// Signatures that it brings along; beside libraries for arithmetic.
    Numbers,
    /// A dump of its own; beside nobody.
    Dump,
}

/// All of them, in the order in which they run.
const BENCHES: &[Entry] = &[
    Entry {
        name: "p1",
        title: "read and index headers and bodies: processor time, jail, ledger and vault included",
        target: "at most 1/6 of notmuch new, 1/3 of mu index",
        on: On::Corpus,
        run: p1,
    },
    Entry {
        name: "p3",
        title: "facts and index on disk, over the bytes read (the vault apart)",
        target: "at most 0.35",
        on: On::Corpus,
        run: p3,
    },
    Entry {
        name: "p4",
        title: "most memory in use: the program, and its largest worker",
        target: "at most 1 GiB, and 512 MiB a worker",
        on: On::Corpus,
        run: p4,
    },
    Entry {
        name: "p5",
        title: "a search from start to exit, warm",
        target: "at most 12 ms, 95th percentile 25 ms",
        on: On::Corpus,
        run: p5,
    },
    Entry {
        name: "p7",
        title: "open on a finished case that did not change",
        target: "at most 5 % of the first run",
        on: On::Corpus,
        run: p7,
    },
    Entry {
        name: "p8",
        title: "signatures judged from facts, RSA of 2048 bits, one core; and canonicalised and hashed",
        target: "at least 40,000/s, and 400 MB/s",
        on: On::Signatures,
        run: signing::p8,
    },
    Entry {
        name: "p9",
        title: "a key recovered from two signatures, 2048 and 1024 bits, one core",
        target: "at most 60 and 25 s",
        on: On::Numbers,
        run: recovery::p9,
    },
    Entry {
        name: "p10",
        title: "examine a case of 100,000 messages; and again with one more key",
        target: "at most 20 s, and 2 s",
        on: On::Dump,
        run: examining::p10,
    },
];

/// Runs it.
pub fn run(args: &Bench, global: &Global, screen: &Screen) -> Outcome {
    let wanted: Vec<&Entry> =
        BENCHES.iter().filter(|bench| args.name == "all" || args.name == bench.name).collect();
    if wanted.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        return Err(Failure::unusable(
            format!("no benchmark {:?}", args.name),
            "it is not in the table",
            format!("the benchmarks are {}, or all", known.join(", ")),
        ));
    }
    progress::stop_on_interrupt();
    let mut lab = Lab::new(global, screen)?;
    let on = |on| wanted.iter().any(|bench| bench.on == on);
    if on(On::Corpus) {
        lab.stock(args.corpus.as_deref())?;
    }
    let mut out = screen.out();
    if !screen.json {
        writeln!(out, "machine   {}", lab.machine)?;
        if on(On::Corpus) {
            writeln!(out, "corpus    {}", lab.corpus.name)?;
        }
        let programs = PEERS.iter().filter(|_| on(On::Corpus)).map(|peer| (peer.name, peer.version()));
        let kinds = [(On::Signatures, scripts::VERIFIERS), (On::Numbers, scripts::DIVISORS)];
        let libraries = kinds.into_iter().filter(|(kind, _)| on(*kind)).flat_map(|(_, scripts)| scripts);
        for (name, version) in programs.chain(libraries.map(|script| (script.name, script.version(&lab)))) {
            let version = version.unwrap_or("not installed: left out".to_owned());
            writeln!(out, "peer      {name:<12}{version}")?;
        }
        out.flush()?;
    }
    for bench in wanted {
        let figures = (bench.run)(&mut lab);
        if progress::stopped() {
            return Ok(STOPPED);
        }
        let place = Place { machine: &lab.machine, corpus: &lab.corpus.name };
        print(bench, &figures?, &place, screen, &mut out)?;
    }
    Ok(DONE)
}

/// Where figures were measured.
struct Place<'p> {
    machine: &'p str,
    corpus: &'p str,
}

fn print(
    bench: &Entry,
    figures: &[Figure],
    place: &Place<'_>,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if screen.json {
        for figure in figures {
            writeln!(out, "{}", figure_json(bench, figure, place))?;
        }
        return Ok(out.flush()?);
    }
    let title = format!("{}  {}", bench.name.to_uppercase(), bench.title);
    writeln!(out, "\n{}\n    {}", screen.strong(&title), bench.target)?;
    for figure in figures {
        let ratio = figure.ratio.map_or(String::new(), |ratio| format!("   tamis: {}", figure::times(ratio)));
        let value = figure.unit.show(figure.value);
        writeln!(out, "    {:<12}{value:>14}  {}{ratio}", figure.who, figure.what)?;
    }
    let lines =
        figures.iter().flat_map(|figure| [("on", figure.corpus.as_deref()), ("$", Some(&*figure.command))]);
    let mut seen = BTreeSet::new();
    for (mark, line) in lines {
        if let Some(line) = line.filter(|line| seen.insert(*line)) {
            writeln!(out, "    {mark} {line}")?;
        }
    }
    Ok(out.flush()?)
}

fn figure_json(bench: &Entry, figure: &Figure, place: &Place<'_>) -> Value {
    json!({
        "bench": bench.name,
        "who": figure.who,
        "what": figure.what,
        "value": figure.value,
        "unit": figure.unit.word(),
        "ratio": figure.ratio,
        "target": bench.target,
        "corpus": figure.corpus.as_deref().unwrap_or(place.corpus),
        "command": figure.command,
        "machine": place.machine,
    })
}

fn p1(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let (first, command) = lab.first()?;
    let (corpus_bytes, files) = (lab.corpus.bytes as f64, lab.corpus.files);
    let rate = |usage: &Usage| corpus_bytes / 1e6 / usage.cpu.max(1e-9);
    let what = |usage: &Usage, extra: &str| {
        format!("{:.1} MB/s a core, {:.1} s of clock{extra}", rate(usage), usage.wall)
    };
    let mut figures = vec![Figure::new("tamis", Unit::CpuSeconds, first.cpu, what(&first, ""), &command)];
    for peer in PEERS {
        if let Some(made) = lab.made(peer)? {
            let mails =
                made.mails.map_or(String::new(), |n| format!(", {} of {} files", count(n), count(files)));
            let figure = Figure::new(
                peer.name,
                Unit::CpuSeconds,
                made.usage.cpu,
                what(&made.usage, &mails),
                &peer.indexing(),
            );
            figures.push(figure.over(first.cpu));
        }
    }
    Ok(figures)
}

fn p3(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let (_, command) = lab.first()?;
    let case = lab.case();
    let raw = lab.corpus.bytes as f64;
    let size = |path: &str| lab::size(&case.join(path), &|_| true);
    let facts = lab::size(&case.join("batches"), &|name| name != "vault.pack");
    let vault = lab::size(&case.join("batches"), &|name| name == "vault.pack");
    let (index, derived, books) = (size("index"), size("derived"), size("case.db"));
    let own = facts + index + derived + books;
    let share = |bytes: u64| bytes as f64 / raw;
    let parts = [
        (own, "of the bytes read: facts, index, derived tables and books"),
        (facts, "facts"),
        (index, "index"),
        (derived + books, "derived tables and books"),
        (vault, "the vault, which is apart"),
    ];
    let mut figures: Vec<Figure> = parts
        .iter()
        .map(|(bytes, what)| Figure::new("tamis", Unit::Share, share(*bytes), *what, &command))
        .collect();
    for peer in PEERS {
        if let Some(made) = lab.made(peer)? {
            let figure =
                Figure::new(peer.name, Unit::Share, share(made.disk), "its database", &peer.indexing());
            figures.push(figure.over(share(own)));
        }
    }
    Ok(figures)
}

/// Something that p4 opens.
type MakeInput = fn(&mut Lab) -> Result<lab::Input, Failure>;

fn p4(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    let corpus = lab.corpus.dir.clone();
    let inputs: [(&str, MakeInput); 3] =
        [("corpus", |lab| Ok(lab.whole())), ("mailbox", lab::mailbox), ("line", lab::line)];
    for (name, input) in inputs {
        let input = input(lab)?;
        let case = lab.path(&format!("p4-{name}.case"));
        let mut arguments: Vec<OsString> = vec!["open".into(), input.path.clone().into()];
        if input.path == corpus {
            arguments.extend(["--only".into(), "mail".into()]);
        }
        arguments.extend(["--case".into(), case.clone().into(), "--json".into(), "--no-desk".into()]);
        let (mut command, shown) = lab.tamis(&arguments);
        let (usage, peaks) = lab.watched(&mut command, &shown)?;
        let states = lab.states();
        let (program, worker) = (peaks.program as f64, peaks.worker as f64);
        let note = format!("the program, on {}; {states}", input.name);
        figures.push(Figure::new("tamis", Unit::Bytes, program, note, &shown).on(&input.name));
        let whole = figure::bytes(usage.most_resident);
        let note =
            format!("its largest worker, on {} (largest process of all by wait4: {whole})", input.name);
        figures.push(Figure::new("tamis", Unit::Bytes, worker, note, &shown).on(&input.name));
        lab.remove(&case);
        if input.made {
            lab.remove(&input.path);
        }
    }
    for peer in PEERS {
        if let Some(made) = lab.made(peer)? {
            let resident = made.usage.most_resident as f64;
            figures.push(Figure::new(
                peer.name,
                Unit::Bytes,
                resident,
                "largest process, on the corpus",
                &peer.indexing(),
            ));
        }
    }
    Ok(figures)
}

fn p5(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    lab.first()?;
    let case = lab.case();
    let ours = |lab: &Lab, query: &queries::Asked| {
        let arguments: Vec<OsString> = vec!["search".into(), case.clone().into(), query.tamis.into()];
        Some(lab.tamis(&arguments).0)
    };
    let command =
        format!("tamis search CASE QUERY   ({} queries, {} rounds)", queries::ALL.len(), queries::ROUNDS);
    let own = queries::time(lab, &ours)?;
    let mut figures = times_of("tamis", &own, None, &command);
    for peer in PEERS {
        if lab.made(peer)?.is_some() {
            let times = queries::time(lab, &|lab, query| peer.search(lab, query))?;
            figures.extend(times_of(peer.name, &times, Some(&own), peer.search));
        }
    }
    Ok(figures)
}

/// Median and 95th percentile; beside those of `own` for a peer.
fn times_of(who: &str, times: &queries::Times, own: Option<&queries::Times>, command: &str) -> Vec<Figure> {
    let kinds: [(&str, f64); 2] = [("median", 0.5), ("95th percentile", 0.95)];
    let figure = |(name, share): (&str, f64)| {
        let what = format!("{name} of {} searches, {} queries", times.all.len(), times.queries);
        let figure = Figure::new(who, Unit::Milliseconds, times.quantile(share), what, command);
        match own {
            Some(own) => figure.over(own.quantile(share)),
            None => figure,
        }
    };
    kinds.into_iter().map(figure).collect()
}

fn p7(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let (first, _) = lab.first()?;
    let arguments = lab.open_arguments();
    let (mut command, shown) = lab.tamis(&arguments);
    let again = lab.run(&mut command, &shown)?;
    let percent = |part: f64, whole: f64| 100.0 * part / whole.max(1e-9);
    Ok(vec![
        Figure::new(
            "tamis",
            Unit::Percent,
            percent(again.cpu, first.cpu),
            format!("of the first run's processor time ({:.2} of {:.1} s)", again.cpu, first.cpu),
            &shown,
        ),
        Figure::new(
            "tamis",
            Unit::Percent,
            percent(again.wall, first.wall),
            format!("of the first run's time by the clock ({:.2} of {:.1} s)", again.wall, first.wall),
            &shown,
        ),
    ])
}

/// Whether a program of this name can be started.
fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| is_program(&dir.join(program)))
}

fn is_program(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    fn screen(arguments: &[&str]) -> Screen {
        Screen::new(&Cli::parse_from([&["tamis"], arguments, &["bench"]].concat()).global)
    }

    #[test]
    fn help_names_every_benchmark() {
        let table = Cli::command();
        let argument =
            table.find_subcommand("bench").unwrap().get_arguments().find(|arg| arg.get_id() == "name");
        let names: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        let help = argument.unwrap().get_help().unwrap().to_string();
        assert_eq!(help, format!("{}, or all", names.join(", ")));
    }

    #[test]
    fn a_table_shows_each_figure_beside_what_it_was_measured_on() {
        let bench = BENCHES.iter().find(|bench| bench.name == "p8").unwrap();
        let figure =
            |who, value| Figure::new(who, Unit::PerSecond, value, "judged", "in this process").on("mails");
        let script =
            Figure::new("peer", Unit::PerSecond, 2000.0, "verified", "python3 peer.py").over(40_000.0);
        let figures = [figure("tamis", 40_000.0), figure("floor", 80_000.0).over(40_000.0), script];
        let place = Place { machine: "two cores", corpus: "the corpus" };
        let printed = |arguments: &[&str]| {
            let mut out = Vec::new();
            print(bench, &figures, &place, &screen(arguments), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };

        let table = printed(&["--color", "never"]);
        let lines: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(lines[0], format!("P8  {}", bench.title));
        assert_eq!(lines[1], format!("    {}", bench.target));
        assert_eq!(
            lines[2..],
            [
                "    tamis             40,000/s  judged",
                "    floor             80,000/s  judged   tamis: 1/2.0 of it",
                "    peer               2,000/s  verified   tamis: 20.0 times it",
                "    on mails",
                "    $ in this process",
                "    $ python3 peer.py",
            ]
        );

        let rows: Vec<Value> =
            printed(&["--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let field = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(field("value"), [json!(40_000.0), json!(80_000.0), json!(2000.0)]);
        assert_eq!(field("ratio"), [json!(null), json!(0.5), json!(20.0)]);
        assert_eq!(field("corpus"), [json!("mails"), json!("mails"), json!("the corpus")]);
        assert_eq!(field("unit"), vec![json!("per-second"); 3]);
        assert_eq!(field("machine"), vec![json!("two cores"); 3]);
    }

    #[test]
    fn programs_are_looked_up_in_path() {
        assert!(installed("sh"));
        assert!(!installed("no-program-of-this-name"));
    }
}
