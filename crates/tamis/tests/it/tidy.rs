//! Rules of the repository that neither the compiler nor clippy knows: who may depend on what, what a
//! file looks like, which words are never printed, and that the documents describe what is there.
//! Each check says in its message what to do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test, with helpers that clippy does not take for one"
)]

mod licence;
mod rust;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;
use tamis_model::{
    Reason, State,
    findings::MessageState,
    keys::{Channel, KeyEventKind},
    tables::{Facts, FindingRow, Row as _, StateRow},
};

use rust::Source;

// ---- what is allowed ----

/// Licences that a dependency may have: permissive, or weak enough for a program under Apache-2.0 or
/// MIT whose users can link it anew (LGPL, MPL). Never GPL or AGPL.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Crates that must not be in the graph at all. A name that ends in `*` stands for all that begin so.
const FORBIDDEN: &[(&str, &str)] = &[
    ("openssl*", "one crypto library is enough: aws-lc-rs"),
    ("native-tls", "brings the system's OpenSSL; rustls is there"),
    ("reqwest", "an HTTP client: nothing here fetches by itself"),
    ("ballista*", "forces DataFusion's default features on every build"),
    ("pdf-extract", "panics on hostile files"),
    ("rtf-parser", "panics on hostile files"),
    ("msg_parser", "a second, untested way to property streams"),
    ("outlook-pst", "reads nothing of real files and loses attachments"),
    ("mail-auth", "insists on DNS and refuses old keys"),
];

/// Crates that other people's crates may use, and ours must not name.
const NOT_OURS: &[(&str, &str)] = &[
    ("anyhow", "errors here are enums that can be compared"),
    ("rayon", "threads are started where they can be counted"),
    ("eyre", "errors here are enums that can be compared"),
    ("log", "a defect is a row of a table, not a log line"),
    ("tracing", "a defect is a row of a table, not a log line"),
    ("rand", "chance is passed in"),
    ("chrono", "jiff is there"),
];

/// Which of our crates each of ours may name. ARCHITECTURE.md shows the same table.
const ROOMS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sandbox", &[]),
    ("intake", &["model", "sandbox"]),
    ("case", &["model"]),
    ("search", &["model"]),
    ("engine", &["model", "case"]),
    ("evidence", &["model"]),
    ("demo", &["model"]),
    ("pipeline", &["model", "sandbox", "intake", "case", "search", "engine", "evidence"]),
    ("tamis", &["model", "sandbox", "intake", "case", "search", "engine", "evidence", "demo", "pipeline"]),
];

/// Libraries that only these of our crates may name, so that they can be replaced there. Tests may use
/// them elsewhere, as a second opinion.
const THEIR_ROOMS: &[(&str, &[&str])] = &[
    ("datafusion", &["engine"]),
    // Behind a synchronous face in both: DataFusion's threads, and questions to DNS.
    ("tokio", &["engine", "tamis"]),
    ("tantivy", &["search"]),
    ("rusqlite", &["case"]),
    ("landlock", &["sandbox"]),
    ("seccompiler", &["sandbox"]),
    ("mail-parser", &["intake"]),
    ("encoding_rs", &["intake"]),
    ("html5ever", &["intake"]),
    ("malachite-base", &["evidence"]),
    ("malachite-nz", &["evidence"]),
    ("psl", &["evidence"]),
    ("hickory-resolver", &["tamis"]),
    ("clap", &["tamis"]),
    ("indicatif", &["tamis"]),
];

/// What opens a connection to other machines, and the one file that may: it does so when it is told to.
const NETWORK: &[&str] = &["hickory_resolver", "TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];
const ASKS_THE_NETWORK: &str = "crates/tamis/src/commands/keys/fetch.rs";

/// Longest file, in lines.
const LINES: usize = 1000;
/// Files that may be longer, and why.
const LONG_FILES: &[(&str, &str)] = &[];

/// What a library must not ask for, and files below `crates/` that may.
const NOT_ASKED_FOR: &[(&str, &[&str])] = &[
    // The kind of processor is known when the program is compiled.
    ("std::env", &["sandbox/src/jail.rs"]),
    ("env::", &["sandbox/src/jail.rs"]),
    ("SystemTime", &[]),
    ("Instant::now", &[]),
    ("Zoned::now", &[]),
    ("Timestamp::now", &[]),
    ("rand::", &[]),
    ("thread_rng", &[]),
];

/// Words that would accuse. The program says what was observed, never what somebody is.
const ACCUSING: &[&str] = &[
    "forged",
    "forgery",
    "forger",
    "fake",
    "faked",
    "bot",
    "bots",
    "troll",
    "trolls",
    "liar",
    "fraud",
    "fraudster",
    "culprit",
    "perpetrator",
    "traitor",
    "spy",
    "russian",
    "russians",
];

// ---- dependencies ----

#[test]
fn licences_can_be_combined_with_ours() {
    let allowed = |licence: &str| LICENCES.contains(&licence);
    let bad = METADATA.packages.iter().filter(|package| !licence::satisfied(&package.licence, &allowed));
    let bad = bad.map(|package| format!("{} {}: “{}”", package.name, package.version, package.licence));
    nothing(bad, "no licence of these packages is on the list LICENCES: find another library");
}

#[test]
fn forbidden_crates_stay_out() {
    let names: BTreeSet<&str> = METADATA.packages.iter().map(|package| package.name.as_str()).collect();
    let bad = FORBIDDEN.iter().flat_map(|(forbidden, why)| {
        let fits = |name: &&&str| match forbidden.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => **name == *forbidden,
        };
        names.iter().filter(fits).map(move |name| format!("{name}: {why}")).collect::<Vec<_>>()
    });
    nothing(bad, "these crates came in through some dependency: `cargo tree -i NAME` shows which");
}

#[test]
fn our_crates_name_no_crate_that_is_not_ours_to_name() {
    let bad = METADATA.ours().flat_map(|package| {
        let named = NOT_OURS.iter().filter(|(name, _)| package.names(name, Kind::Any));
        named.map(|(name, why)| format!("{} depends on {name}: {why}", package.name)).collect::<Vec<_>>()
    });
    nothing(bad, "take these dependencies out of the Cargo.toml");
}

#[test]
fn arrows_between_rooms_point_one_way() {
    let rooms: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let bad = METADATA.ours().filter(|package| package.room() != "deps").flat_map(|package| {
        let Some(allowed) = rooms.get(package.room()) else {
            return vec![format!("{} is not in the table ROOMS", package.name)];
        };
        let named = package.dependencies.iter().filter_map(|(name, _)| name.strip_prefix("tamis-"));
        let wrong = named.filter(|room| *room != "deps" && !allowed.contains(room));
        wrong.map(|room| format!("{} depends on tamis-{room}", package.room())).collect()
    });
    nothing(bad, "what two rooms both have to say belongs into `model`; see ARCHITECTURE.md, “Rooms”");
}

#[test]
fn big_libraries_stay_in_their_room() {
    let bad = METADATA.ours().filter(|package| package.room() != "deps").flat_map(|package| {
        let wrong = THEIR_ROOMS
            .iter()
            .filter(|(name, rooms)| !rooms.contains(&package.room()) && package.names(name, Kind::Normal));
        wrong
            .map(|(name, rooms)| format!("{} names {name}, as only {} may", package.name, rooms.join(", ")))
            .collect::<Vec<_>>()
    });
    nothing(bad, "let that room offer what is needed in words of its own");
}

#[test]
fn every_dependency_has_one_place_and_a_reason() {
    let architecture = read("ARCHITECTURE.md");
    let lock = read("Cargo.lock");
    let deps = METADATA.ours().find(|package| package.room() == "deps").expect("crates/deps");
    let unexplained = deps
        .dependencies
        .iter()
        .filter(|(name, _)| !architecture.contains(&format!("| `{name}` |")))
        .map(|(name, _)| format!("{name}: add a line to the table of dependencies in ARCHITECTURE.md"));
    let unlisted = METADATA.ours().flat_map(|package| {
        let outside = package
            .dependencies
            .iter()
            .filter(|(name, _)| !name.starts_with("tamis-") && !deps.names(name, Kind::Any));
        outside.map(|(name, _)| format!("{} of {}: name it in crates/deps too", name, package.name))
    });
    let elsewhere = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.ends_with("/crates.io-index\""))
        .map(|line| format!("Cargo.lock: {line}: only packages of the public index can be built anywhere"));
    nothing(unexplained.chain(unlisted).chain(elsewhere), "dependencies are decided in one place");
}

// ---- files ----

#[test]
fn files_begin_with_what_they_are_and_stay_short() {
    let bad = FILES.iter().filter(|file| file.is_rust()).flat_map(|file| {
        let lines = file.text.lines().count();
        let long = lines > LINES && !LONG_FILES.iter().any(|(path, _)| *path == file.path);
        let headless = !file.text.starts_with("//! ");
        [
            headless
                .then(|| format!("{}: begin it with a `//!` comment: what lives here, and why", file.path)),
            long.then(|| {
                format!("{}: {lines} lines; split it, or add it to LONG_FILES with a reason", file.path)
            }),
        ]
    });
    nothing(bad.flatten(), "each file has one subject and says which");
}

#[test]
fn only_the_command_line_prints() {
    let bad = library_code().flat_map(|(file, source)| {
        ["println!", "eprintln!", "print!", "eprint!", "dbg!"]
            .into_iter()
            .flat_map(|word| {
                source.lines_with(word).into_iter().map(move |line| (word, line)).collect::<Vec<_>>()
            })
            .map(|(word, line)| format!("{}:{line}: {word}", file.path))
            .collect::<Vec<_>>()
    });
    nothing(bad, "a library reports through a value or a trait that its caller gives");
}

#[test]
fn libraries_ask_neither_the_clock_nor_the_environment_nor_chance() {
    let bad = library_code().flat_map(|(file, source)| {
        let mut found = Vec::new();
        for (word, may) in NOT_ASKED_FOR {
            if !may.iter().any(|path| file.path == format!("crates/{path}")) {
                found.extend(
                    source.lines_with(word).into_iter().map(|line| format!("{}:{line}: {word}", file.path)),
                );
            }
        }
        found
    });
    nothing(bad, "let the caller pass it in; only crates/tamis asks the machine");
}

#[test]
fn one_file_asks_the_network() {
    let bad = code().filter(|(file, _)| file.path != ASKS_THE_NETWORK).flat_map(|(file, source)| {
        let on = |word: &&str| {
            let lines = source.lines_with(word).into_iter();
            lines.map(|line| format!("{}:{line}: {word}", file.path)).collect::<Vec<_>>()
        };
        NETWORK.iter().flat_map(on).collect::<Vec<_>>()
    });
    nothing(bad, "nothing leaves this machine unless somebody says `tamis keys fetch`");
}

#[test]
fn what_is_for_tests_is_named_in_tests_only() {
    let bad = code().flat_map(|(file, source)| {
        // Its declaration, or a field that is called so (`t=y` of a key: its owner is testing).
        let no_module = |line: &usize| {
            let line = source.code.lines().nth(*line - 1).unwrap_or_default();
            let field = line.replace("testing::", "").contains("testing:") || line.contains(".testing");
            field || line.trim() == "pub mod testing;"
        };
        let named = source.lines_with("testing").into_iter().filter(|line| !no_module(line));
        named.map(|line| format!("{}:{line}", file.path)).collect::<Vec<_>>()
    });
    nothing(bad, "modules `testing` read bytes outside the jail or skip checks: use them in tests only");
}

#[test]
fn no_path_of_somebodys_machine() {
    let folders = ["work", "root", "home", "Users", "builds"].map(|name| format!("/{name}/"));
    let may = ["crates/demo/src/prose/"]; // Words of a fiction.
    let bad =
        FILES.iter().filter(|file| !may.iter().any(|path| file.path.starts_with(path))).flat_map(|file| {
            let on = |(line, text): (usize, &str)| {
                let found = folders.iter().find(|folder| {
                    let follows = text.split(folder.as_str()).nth(1);
                    follows.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '.'))
                })?;
                Some(format!("{}:{}: {found}…", file.path, line + 1))
            };
            file.text.lines().enumerate().filter_map(on).collect::<Vec<_>>()
        });
    nothing(bad, "name a path relative to the repository, or pass it in");
}

#[test]
fn no_settings_that_hold_on_one_machine_only() {
    let names =
        [".npmrc", ".netrc", "pip.conf", ".cargo/config.toml", ".cargo/config", ".cargo/credentials.toml"];
    let bad = FILES.iter().filter(|file| {
        names.iter().any(|name| file.path == *name || file.path.ends_with(&format!("/{name}")))
    });
    nothing(bad.map(|file| file.path.clone()), "registries and mirrors are set outside the repository");
}

#[test]
fn no_text_of_the_program_accuses() {
    let texts = code().flat_map(|(file, source)| {
        source.texts.into_iter().map(|(line, text)| (&file.path, line, text)).collect::<Vec<_>>()
    });
    // Comments of the command line are its help; documents are read by people.
    let whole =
        FILES.iter().filter(|file| file.path.starts_with("crates/tamis/src/") || file.path.ends_with(".md"));
    let lines = whole.flat_map(|file| {
        (1..).zip(file.text.lines()).map(|(line, text)| (&file.path, line, text.to_owned()))
    });
    let bad = texts.chain(lines).filter_map(|(path, line, text)| {
        // A name with `_` is somebody's file or field.
        let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let word = words.find(|word| ACCUSING.iter().any(|accusing| word.eq_ignore_ascii_case(accusing)))?;
        Some(format!("{path}:{line}: “{word}”"))
    });
    nothing(bad, "say what was observed and which innocent causes there are, not what somebody is");
}

#[test]
#[cfg(unix)]
fn scripts_can_be_run() {
    use std::os::unix::fs::PermissionsExt;
    for script in ["demo", "test", ".ci/run"] {
        let mode = fs::metadata(ROOT.join(script))
            .unwrap_or_else(|error| panic!("{script}: {error}"))
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111, "chmod +x {script}");
        assert!(
            read(script).contains("\nset -euo pipefail\n"),
            "{script}: begin it with `set -euo pipefail`"
        );
    }
}

// ---- documents ----

#[test]
fn the_documents_show_the_rooms() {
    let architecture = read("ARCHITECTURE.md");
    let rows = ROOMS.iter().map(|(room, knows)| {
        let knows: Vec<String> = knows.iter().map(|room| format!("`{room}`")).collect();
        format!("| `{room}` | {} |", if knows.is_empty() { "–".to_owned() } else { knows.join(", ") })
    });
    nothing(
        rows.filter(|row| !architecture.contains(row)),
        "ARCHITECTURE.md, “Rooms”: these lines are missing",
    );
}

#[test]
fn the_documents_describe_every_column() {
    let text = read("docs/case-format.md");
    let batches = tamis_case::Table::all().into_iter().map(|table| (table.name, table.schema));
    let threads = [("threads", tamis_engine::threads::schema())];
    let judged = [(FindingRow::TABLE, FindingRow::schema()), (StateRow::TABLE, Facts::<StateRow>::schema())];
    let mut bad = Vec::new();
    for (table, schema) in batches.chain(threads).chain(judged) {
        let heading = format!("\n### `{table}`");
        let Some((_, section)) = text.split_once(&heading) else {
            bad.push(format!("no section “{}”", heading.trim()));
            continue;
        };
        let section = section.split("\n#").next().unwrap_or(section);
        for field in schema.fields() {
            let row = format!("| `{}` | {} |", field.name(), type_word(field));
            if !section.contains(&row) {
                bad.push(format!("{table}: no line “{row} …”"));
            }
        }
        let described = section.lines().filter(|line| line.starts_with("| `")).count();
        if described != schema.fields().len() {
            bad.push(format!(
                "{table}: {described} columns are described, there are {}",
                schema.fields().len()
            ));
        }
    }
    nothing(bad, "docs/case-format.md describes each table and column with its type");
}

/// How docs/case-format.md calls a column's type.
fn type_word(field: &arrow::datatypes::Field) -> String {
    use arrow::datatypes::DataType;
    let word = match field.data_type() {
        DataType::Utf8 => "text",
        DataType::Binary => "bytes",
        DataType::Boolean => "boolean",
        DataType::Int32 => "int32",
        DataType::UInt32 => "uint32",
        DataType::UInt64 => "uint64",
        DataType::Timestamp(..) => "time",
        DataType::List(_) => "list of text",
        other => panic!("add a word for {other} here and in docs/case-format.md"),
    };
    format!("{word}{}", if field.is_nullable() { ", null" } else { "" })
}

#[test]
fn the_documents_explain_every_word_of_the_ledger() {
    let text = read("docs/ledger.md");
    let states = State::ALL.iter().map(|state| state.as_str());
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    let missing = states.chain(reasons).filter(|word| !text.contains(&format!("\n| `{word}` |")));
    nothing(missing, "docs/ledger.md: these words need a line in a table");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let documents = FILES.iter().filter(|file| file.path.ends_with(".md"));
    let bad = documents.flat_map(|file| {
        let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        let targets = targets.map(|(target, _)| target).filter(|target| !target.contains("://"));
        let broken = targets.filter(|target| {
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
            let path = if path.is_empty() { PathBuf::from(&file.path) } else { folder.join(path) };
            let text = fs::read_to_string(ROOT.join(path));
            text.is_err()
                || !heading.is_empty()
                    && !text.is_ok_and(|text| text.lines().any(|line| anchor(line) == heading))
        });
        broken.map(|target| format!("{}: {target}", file.path)).collect::<Vec<_>>()
    });
    nothing(bad, "there is no such file, or no such heading in it");
}

/// What links to a heading call it; empty for a line that is none.
fn anchor(line: &str) -> String {
    let Some((_, title)) = line.split_once("# ").filter(|(marks, _)| marks.chars().all(|c| c == '#')) else {
        return String::new();
    };
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_documents_explain_every_state_and_rule() {
    let text = read("docs/evidence.md");
    let states = MessageState::ALL.map(|state| format!("### {state}: {}", state.words()));
    let channels = Channel::ALL.map(|channel| format!("| `{}` |", channel.as_str()));
    let events = KeyEventKind::ALL.map(|event| format!("`{}`", event.as_str()));
    let rules = tamis_evidence::rules::RULES;
    // What a signature that holds leaves open stands behind the explanations of a rule's own.
    let limits = rules.iter().flat_map(|rule| rule.alternatives().into_iter().skip(rule.alternatives.len()));
    let limits = limits.map(str::to_owned);
    let names = rules.iter().map(|rule| format!("`{}`", rule.id));
    let strengths = rules.iter().filter(|rule| {
        let mut rows = text.lines().filter(|line| line.starts_with("| `mail."));
        let row = rows.find(|line| line.contains(&format!("`{}`", rule.id)));
        row.is_some_and(|row| !row.ends_with(&format!(" {} |", rule.most)))
    });
    let strengths = strengths.map(|rule| format!("{}: its strength is at most {}", rule.id, rule.most));
    let words = states.into_iter().chain(limits).chain(channels).chain(events).chain(names);
    nothing(
        words.filter(|word| !text.contains(word.as_str())).chain(strengths),
        "docs/evidence.md: these words are missing or wrong",
    );
}

#[test]
fn the_documents_teach_a_query_language_that_works() {
    let text = read("docs/search.md");
    let fields = tamis_search::fields::FIELDS.iter().map(|field| format!("| `{}:` |", field.name));
    nothing(
        fields.filter(|row| !text.contains(row)),
        "docs/search.md: these fields need a line in the table",
    );

    let examples = |heading: &str| -> Vec<String> {
        let (_, section) =
            text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
        let section = section.split("\n## ").next().unwrap_or(section);
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split("` |").next());
        cells.map(|cell| cell.trim_matches('`').trim().to_owned()).collect()
    };
    let (good, bad) = (examples("Examples"), examples("What is refused"));
    assert!(good.len() >= 10 && bad.len() >= 5, "docs/search.md: too few examples: {good:?} {bad:?}");
    let parses = |query: &String| tamis_search::Query::parse(query).is_ok();
    nothing(good.into_iter().filter(|query| !parses(query)), "docs/search.md: these examples are no queries");
    nothing(bad.into_iter().filter(parses), "docs/search.md: these are said to be refused, and are not");
}

// ---- what the checks look at ----

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
});

/// A text file of the repository.
struct File {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

impl File {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the file is compiled for tests only (or is no part of the program).
    fn is_test(&self) -> bool {
        let mut steps = self.path.split('/');
        steps.any(|step| matches!(step, "tests" | "examples" | "benches" | "testing.rs"))
            || TEST_MODULES.contains(&self.path)
    }

    /// The files behind `#[cfg(test)] mod name;` in this one.
    fn test_modules(&self) -> Vec<String> {
        let (dir, name) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let dir = match name {
            "mod.rs" | "lib.rs" | "main.rs" => dir.to_owned(),
            _ => format!("{dir}/{}", name.trim_end_matches(".rs")),
        };
        let after = self.text.split("#[cfg(test)]").skip(1);
        let names = after.filter_map(|rest| rest.trim_start().strip_prefix("mod ")?.split_once(';'));
        names
            .filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
            .map(|(name, _)| format!("{dir}/{name}.rs"))
            .collect()
    }
}

static TEST_MODULES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| FILES.iter().filter(|file| file.is_rust()).flat_map(File::test_modules).collect());

static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut files = Vec::new();
    collect(&ROOT, "", &mut files);
    assert!(files.iter().filter(|file| file.is_rust()).count() > 50, "the repository was not found");
    files
});

fn collect(dir: &Path, below: &str, files: &mut Vec<File>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().expect("names of the repository are plain");
        let (path, kind) = (format!("{below}{name}"), entry.file_type().unwrap());
        if kind.is_dir() && !matches!(name.as_str(), ".git" | "target" | "node_modules") {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            // What is not UTF-8 is test data, not text.
            files.extend(fs::read_to_string(entry.path()).ok().map(|text| File { path, text }));
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(ROOT.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file of the program, without what is for tests.
fn code() -> impl Iterator<Item = (&'static File, Source)> {
    let files = FILES.iter().filter(|file| file.is_rust() && !file.is_test());
    files.map(|file| (file, Source::new(&file.text)))
}

/// As [`code`], without the command line.
fn library_code() -> impl Iterator<Item = (&'static File, Source)> {
    code().filter(|(file, _)| !file.path.starts_with("crates/tamis/"))
}

/// Fails with the list of what was found.
fn nothing<T: std::fmt::Display>(found: impl IntoIterator<Item = T>, what_to_do: &str) {
    let found: Vec<String> = found.into_iter().map(|one| format!("  {one}\n")).collect();
    assert!(found.is_empty(), "{what_to_do}\n{}", found.concat());
}

struct Metadata {
    packages: Vec<Package>,
}

struct Package {
    name: String,
    version: String,
    licence: String,
    ours: bool,
    /// Names, and whether the dependency is an ordinary one.
    dependencies: Vec<(String, bool)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal,
    Any,
}

impl Package {
    fn names(&self, other: &str, kind: Kind) -> bool {
        self.dependencies.iter().any(|(name, normal)| name == other && (*normal || kind == Kind::Any))
    }

    /// The name of one of our crates without `tamis-`.
    fn room(&self) -> &str {
        self.name.strip_prefix("tamis-").unwrap_or(&self.name)
    }
}

impl Metadata {
    fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.ours)
    }
}

/// The packages that are built here. Those of other systems are not downloaded, so not looked at.
static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", &platform])
        .current_dir(&*ROOT)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut packages = Vec::new();
    for package in list(&metadata, "packages") {
        let dependencies = list(&package, "dependencies").into_iter();
        packages.push(Package {
            name: text(&package, "name"),
            version: text(&package, "version"),
            licence: text(&package, "license"),
            ours: package["source"].is_null(),
            dependencies: dependencies
                .map(|dependency| (text(&dependency, "name"), dependency["kind"].is_null()))
                .collect(),
        });
    }
    assert!(
        packages.iter().filter(|package| package.ours).count() > ROOMS.len(),
        "cargo metadata lists our crates"
    );
    Metadata { packages }
});
