//! The peers: programs that index mail, each with its own configuration in the temporary folder, so that
//! nothing of the user's is read or touched.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    installed,
    lab::{self, Lab},
    process::Usage,
    queries::Asked,
};
use crate::failure::Failure;

/// Most hits a peer shows; the default of `tamis search`.
const HITS: &str = "20";

/// A program that does a part of what this one does.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// The program that indexes.
    indexer: &'static str,
    /// The program that searches, as shown.
    pub searcher: &'static str,
    /// How it says its version.
    version: &'static [&'static str],
    /// Writes its configuration.
    configure: fn(&Path, &Path) -> io::Result<()>,
    /// What makes its database of `corpus` in `dir`, one after the other.
    index: fn(&Path, &Path) -> Vec<Vec<OsString>>,
    /// The arguments of a search.
    search: fn(&Path, &Asked) -> Option<Vec<OsString>>,
    /// What prints a number of mails in the database, or a line for each.
    count: Option<fn(&Path) -> Vec<OsString>>,
}

/// All peers.
pub const PEERS: &[Peer] = &[
    Peer {
        name: "notmuch",
        indexer: "notmuch",
        searcher: "notmuch search --limit=20",
        version: &["notmuch", "--version"],
        configure: |dir, corpus| {
            let (dir, corpus) = (dir.display(), corpus.display());
            // It would rename files to match its tags.
            let quiet =
                "[new]\ntags=\nignore=\n[search]\nexclude_tags=\n[maildir]\nsynchronize_flags=false\n";
            let user = "[user]\nname=Bench\nprimary_email=bench@bench.invalid\n";
            fs::write(
                PathBuf::from(dir.to_string()).join("config"),
                format!("[database]\npath={dir}/database\nmail_root={corpus}\n{user}{quiet}"),
            )?;
            fs::create_dir(format!("{dir}/database"))
        },
        index: |dir, _| {
            vec![line([
                "notmuch".as_ref(),
                config(dir).as_ref(),
                "new".as_ref(),
                "--no-hooks".as_ref(),
                "--quiet".as_ref(),
            ])]
        },
        search: |dir, query| {
            let limit = format!("--limit={HITS}");
            Some(line([
                "notmuch".as_ref(),
                config(dir).as_ref(),
                "search".as_ref(),
                limit.as_ref(),
                query.notmuch?.as_ref(),
            ]))
        },
        count: Some(|dir| {
            line([
                "notmuch".as_ref(),
                config(dir).as_ref(),
                "count".as_ref(),
                "--output=files".as_ref(),
                "*".as_ref(),
            ])
        }),
    },
    Peer {
        name: "mu",
        indexer: "mu",
        searcher: "mu find -n 20",
        version: &["mu", "--version"],
        configure: |_, _| Ok(()),
        index: |dir, corpus| {
            vec![
                line([
                    "mu".as_ref(),
                    "init".as_ref(),
                    "--quiet".as_ref(),
                    with("--muhome=", dir).as_ref(),
                    with("--maildir=", corpus).as_ref(),
                ]),
                line(["mu".as_ref(), "index".as_ref(), "--quiet".as_ref(), with("--muhome=", dir).as_ref()]),
            ]
        },
        search: |dir, query| {
            Some(line([
                "mu".as_ref(),
                "find".as_ref(),
                with("--muhome=", dir).as_ref(),
                "-n".as_ref(),
                HITS.as_ref(),
                query.mu?.as_ref(),
            ]))
        },
        count: Some(|dir| {
            line([
                "mu".as_ref(),
                "find".as_ref(),
                with("--muhome=", dir).as_ref(),
                "--fields=i".as_ref(),
                "\"\"".as_ref(),
            ])
        }),
    },
    Peer {
        name: "recoll",
        indexer: "recollindex",
        searcher: "recollq -n 20",
        version: &["recollq", "-v"],
        configure: |dir, corpus| {
            let text =
                format!("topdirs = {}\nloglevel = 1\nnoaspell = 1\nskippedPaths =\n", corpus.display());
            fs::write(dir.join("recoll.conf"), text)
        },
        index: |dir, _| vec![line(["recollindex".as_ref(), "-c".as_ref(), dir.as_os_str()])],
        search: |dir, query| {
            Some(line([
                "recollq".as_ref(),
                "-c".as_ref(),
                dir.as_os_str(),
                "-n".as_ref(),
                HITS.as_ref(),
                query.recoll?.as_ref(),
            ]))
        },
        count: None,
    },
];

/// The peer of this name.
pub fn named(name: &str) -> Option<&'static Peer> {
    PEERS.iter().find(|peer| peer.name == name)
}

/// What a peer made of the corpus.
#[derive(Clone)]
pub struct Made {
    /// What that took.
    pub usage: Usage,
    /// Bytes of its database.
    pub disk: u64,
    /// Mails in it, where it says so.
    pub mails: Option<u64>,
    /// As shown.
    pub command: String,
}

impl Peer {
    /// The first line that it says of itself; `None` where it is not installed.
    pub fn version(&self) -> Option<String> {
        if !installed(self.indexer) {
            return None;
        }
        let (program, arguments) = self.version.split_first()?;
        let said = Command::new(program).args(arguments).output().ok()?;
        let text = String::from_utf8_lossy(if said.stdout.is_empty() { &said.stderr } else { &said.stdout })
            .into_owned();
        Some(tamis_model::names::printable(text.lines().next().unwrap_or("installed")))
    }

    /// Makes its database of the corpus; `None` where it is not installed.
    pub fn make(&self, lab: &Lab) -> Result<Option<Made>, Failure> {
        if !installed(self.indexer) {
            return Ok(None);
        }
        let dir = self.dir(lab);
        fs::create_dir(&dir)?;
        (self.configure)(&dir, &lab.corpus.dir)?;
        let mut made = Made { usage: Usage::default(), disk: 0, mails: None, command: String::new() };
        for arguments in (self.index)(&dir, &lab.corpus.dir) {
            let Some(mut command) = command(lab, &arguments) else { continue };
            let shown = shown(&arguments, &dir, &lab.corpus.dir);
            made.usage = made.usage.and(lab.run(&mut command, &shown)?);
            made.command =
                if made.command.is_empty() { shown } else { format!("{} && {shown}", made.command) };
        }
        made.disk = lab::size(&dir, &|_| true);
        made.mails = self.count.and_then(|count| counted(lab, &count(&dir)));
        Ok(Some(made))
    }

    /// A search in the database that was made.
    pub fn search(&self, lab: &Lab, query: &Asked) -> Option<Command> {
        command(lab, &(self.search)(&self.dir(lab), query)?)
    }

    fn dir(&self, lab: &Lab) -> PathBuf {
        lab.path(self.name)
    }
}

fn command(lab: &Lab, arguments: &[OsString]) -> Option<Command> {
    let (program, arguments) = arguments.split_first()?;
    let mut command = lab.command(program);
    command.args(arguments);
    Some(command)
}

/// A number that a command prints; else how many lines it prints.
fn counted(lab: &Lab, arguments: &[OsString]) -> Option<u64> {
    let said = command(lab, arguments)?.output().ok()?;
    let text = String::from_utf8_lossy(&said.stdout);
    text.trim().parse().ok().or(Some(text.lines().count() as u64))
}

/// The command with the two folders by their names: where they lie says nothing.
fn shown(arguments: &[OsString], dir: &Path, corpus: &Path) -> String {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let text = words.join(" ");
    text.replace(&*dir.to_string_lossy(), "DATABASE").replace(&*corpus.to_string_lossy(), "CORPUS")
}

fn line<const N: usize>(words: [&OsStr; N]) -> Vec<OsString> {
    words.into_iter().map(OsStr::to_owned).collect()
}

fn config(dir: &Path) -> OsString {
    with("--config=", &dir.join("config"))
}

fn with(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(option);
    text.push(path);
    text
}
