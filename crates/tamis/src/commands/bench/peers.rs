//! The peers: programs that index mail, each with its own configuration in the temporary folder, so that
//! nothing of the user's is read or touched.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    process::Command,
};

use super::{
    installed,
    lab::{self, Lab},
    process::Usage,
    queries::Asked,
};
use crate::failure::Failure;

/// A program that does a part of what this one does. In its commands and files `DATABASE` stands for a
/// folder of its own, `CORPUS` for the mails, `QUERY` for what is asked.
pub struct Peer {
    /// Its name.
    pub name: &'static str,
    /// Prints its version.
    version: &'static str,
    /// Its configuration: files in its folder and what they hold.
    files: &'static [(&'static str, &'static str)],
    /// Makes the database, one after the other.
    index: &'static [&'static str],
    /// Searches, and shows as many hits as `tamis search` does.
    pub search: &'static str,
    /// Its query, where it has an equivalent.
    query: fn(&Asked) -> Option<&'static str>,
    /// Prints the number of mails in the database, or a line for each; empty: it cannot tell.
    count: &'static str,
}

/// All peers.
pub const PEERS: &[Peer] = &[
    Peer {
        name: "notmuch",
        version: "notmuch --version",
        // With synchronize_flags it would rename files of the corpus.
        files: &[
            (
                "config",
                "[database]\npath=DATABASE/xapian\nmail_root=CORPUS\n\
                 [user]\nname=Bench\nprimary_email=bench@bench.invalid\n\
                 [new]\ntags=\nignore=\n[search]\nexclude_tags=\n[maildir]\nsynchronize_flags=false\n",
            ),
            ("xapian/placeholder", ""),
        ],
        index: &["notmuch --config=DATABASE/config new --no-hooks --quiet"],
        search: "notmuch --config=DATABASE/config search --limit=20 QUERY",
        query: |asked| asked.notmuch,
        count: "notmuch --config=DATABASE/config count --output=files *",
    },
    Peer {
        name: "mu",
        version: "mu --version",
        files: &[],
        index: &["mu init --quiet --muhome=DATABASE --maildir=CORPUS", "mu index --quiet --muhome=DATABASE"],
        search: "mu find --muhome=DATABASE -n 20 QUERY",
        query: |asked| asked.mu,
        count: "mu find --muhome=DATABASE --fields=i \"\"",
    },
    Peer {
        name: "recoll",
        version: "recollq -v",
        files: &[("recoll.conf", "topdirs = CORPUS\nloglevel = 1\nnoaspell = 1\nskippedPaths =\n")],
        index: &["recollindex -c DATABASE"],
        search: "recollq -c DATABASE -n 20 QUERY",
        query: |asked| asked.recoll,
        count: "",
    },
];

/// What a peer made of the corpus.
#[derive(Clone)]
pub struct Made {
    /// What that took.
    pub usage: Usage,
    /// Bytes of its database.
    pub disk: u64,
    /// Mails in it, where it says so.
    pub mails: Option<u64>,
}

impl Peer {
    /// What makes its database, as shown.
    pub fn indexing(&self) -> String {
        self.index.join(" && ")
    }

    /// The first line that it says of itself; `None` where it is not installed.
    pub fn version(&self) -> Option<String> {
        let mut words = self.version.split(' ');
        let program = words.next().filter(|program| installed(program))?;
        let said = Command::new(program).args(words).output().ok()?;
        let text = if said.stdout.is_empty() { said.stderr } else { said.stdout };
        let text = String::from_utf8_lossy(&text).into_owned();
        Some(tamis_model::names::printable(text.lines().next().unwrap_or("installed")))
    }

    /// Makes its database of the corpus; `None` where it is not installed.
    pub fn make(&self, lab: &Lab) -> Result<Option<Made>, Failure> {
        let programs = self.index.iter().filter_map(|command| command.split(' ').next());
        if !programs.chain([self.search.split(' ').next().unwrap_or("")]).all(installed) {
            return Ok(None);
        }
        self.configure(lab)?;
        let mut usage = Usage::default();
        for template in self.index {
            let Some(mut command) = self.command(lab, template, "") else { continue };
            usage = usage.and(lab.run(&mut command, template)?);
        }
        Ok(Some(Made { usage, disk: lab::size(&self.dir(lab), &|_| true), mails: self.counted(lab) }))
    }

    /// A search in the database that was made.
    pub fn search(&self, lab: &Lab, asked: &Asked) -> Option<Command> {
        self.command(lab, self.search, (self.query)(asked)?)
    }

    fn dir(&self, lab: &Lab) -> PathBuf {
        lab.path(self.name)
    }

    fn configure(&self, lab: &Lab) -> io::Result<()> {
        let dir = self.dir(lab);
        fs::create_dir(&dir)?;
        for (name, text) in self.files {
            let path = dir.join(name);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, self.fill(lab, text, "").as_bytes())?;
        }
        Ok(())
    }

    /// A number that its command prints; else how many lines it prints.
    fn counted(&self, lab: &Lab) -> Option<u64> {
        let said = self.command(lab, self.count, "")?.output().ok()?;
        let text = String::from_utf8_lossy(&said.stdout);
        text.trim().parse().ok().or(Some(text.lines().count() as u64))
    }

    /// The command of a template; `None` of an empty one.
    fn command(&self, lab: &Lab, template: &str, query: &str) -> Option<Command> {
        let mut words = template.split(' ').map(|word| self.fill(lab, word, query));
        let program = words.next().filter(|program| !program.is_empty())?;
        let mut command = lab.command(&program);
        command.args(words);
        Some(command)
    }

    fn fill(&self, lab: &Lab, text: &str, query: &str) -> OsString {
        let dir = self.dir(lab);
        let values = [
            ("DATABASE", dir.as_os_str()),
            ("CORPUS", lab.corpus.dir.as_os_str()),
            ("QUERY", OsStr::new(query)),
        ];
        fill(text, &values)
    }
}

/// `text` with each name replaced by its value; values are not looked through again.
fn fill(text: &str, values: &[(&str, &OsStr)]) -> OsString {
    let mut filled = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match values.iter().find_map(|(name, value)| Some((rest.strip_prefix(name)?, value))) {
            Some((after, value)) => {
                filled.extend_from_slice(value.as_bytes());
                rest = after;
            }
            None => {
                let (one, after) = rest.split_at(next.len_utf8());
                filled.extend_from_slice(one.as_bytes());
                rest = after;
            }
        }
    }
    OsString::from_vec(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_template_are_replaced_once() {
        let values = [("CORPUS", OsStr::new("/QUERY/é")), ("QUERY", OsStr::new("a CORPUS"))];
        for (text, filled) in [
            ("--maildir=CORPUS", "--maildir=/QUERY/é"),
            ("QUERY", "a CORPUS"),
            ("é CORPUS QUERY.", "é /QUERY/é a CORPUS."),
            ("", ""),
        ] {
            assert_eq!(fill(text, &values), OsStr::new(filled));
        }
    }
}
