//! Files of what is known of keys: observations in any form, and lines of events, trusted sealers and
//! delegates, all of which one file may mix. Bounded; a bad line never costs a good one.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tamis_evidence::{
    domains::normal_domain,
    keys::{
        events,
        imports::{self, Format, Imported, MAX_FILE, Mapping},
    },
};
use tamis_model::{
    keys::{Channel, Delegate, KeyObservation, TrustedSealer},
    names::printable,
};
use tamis_pipeline::examine::Told;

use crate::failure::Failure;

/// Most files of one folder.
const MOST_FILES: usize = 10_000;
/// Most octets of one folder's files.
const MOST_OCTETS: usize = 256 << 20;
/// Folders are followed so deep.
const DEEPEST: usize = 16;
/// Problems that are named; others are counted.
const MOST_PROBLEMS: usize = 10_000;
/// A longer line is no event, sealer or delegate.
const LONGEST_LINE: usize = 4 << 20;
/// Lines that tell what a file is.
const FIRST_LINES: usize = 100;
/// What a case keeps of one observation as JSON, in octets, at most.
const LONGEST_VALUE: usize = 1 << 20;

/// How files are read, and what is said of what they leave unsaid.
#[derive(Debug, Default)]
pub struct How {
    /// What the files are; `None`: told by their content.
    pub format: Option<Format>,
    /// Columns of a table.
    pub map: Option<Columns>,
    /// How observations came to be that do not say it. Where the file's format has a place for it (a column
    /// `channel`, an archive's answer), what stands there counts, even where it is the weakest.
    pub channel: Option<Channel>,
    /// Who looked, where an observation does not say it.
    pub witness: Option<String>,
}

/// Columns of a table, named on the command line.
#[derive(Debug)]
pub struct Columns {
    mapping: Mapping,
    says_channel: bool,
}

impl Columns {
    /// Of `--map`.
    pub fn parse(text: &str) -> Result<Columns, Failure> {
        let mapping = Mapping::parse(text).map_err(|because| {
            Failure::unusable(
                format!("cannot read the mapping {text:?}"),
                because,
                "write e.g. domain=2,selector=1,record=TXT",
            )
        })?;
        let says_channel = text.split(',').filter_map(|pair| pair.split('=').next()).any(is_channel);
        Ok(Columns { mapping, says_channel })
    }
}

/// What files gave.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be used.
    pub told: Told,
    /// What cannot, or not fully.
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub unnamed: usize,
}

/// Something in a file that cannot be used, or not fully.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub file: String,
    /// Its line, from 1; 0 where it is about the file.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Found {
    /// How many things can be used.
    pub fn len(&self) -> usize {
        let told = &self.told;
        told.keys.len() + told.events.len() + told.sealers.len() + told.delegates.len()
    }

    /// One line for each problem on standard error.
    pub fn print_problems(&self) {
        for Problem { file, line, what } in &self.problems {
            let place = if *line == 0 { String::new() } else { format!(" line {line}:") };
            eprintln!("{}:{place} {}", printable(file), printable(what));
        }
        if self.unnamed > 0 {
            eprintln!("{} more problems are not named", self.unnamed);
        }
    }

    fn problem(&mut self, file: &str, line: usize, what: impl Into<String>) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.unnamed += 1;
            return;
        }
        self.problems.push(Problem { file: file.to_owned(), line, what: what.into() });
    }

    /// Reads a file, or the files of a folder. Fails where it cannot be read at all.
    pub fn read(&mut self, path: &Path, how: &How) -> Result<(), Failure> {
        let shown = path.to_string_lossy().into_owned();
        let about = fs::metadata(path).map_err(|error| cannot_read(&shown, &error.to_string()))?;
        if about.is_dir() {
            return self.folder(path, &shown, how);
        }
        let octets = octets(path, MAX_FILE).map_err(|because| cannot_read(&shown, &because))?;
        self.file(&octets, &shown, &shown, how);
        Ok(())
    }

    /// `name` says whose keys the file holds, where nothing else does.
    fn file(&mut self, octets: &[u8], shown: &str, name: &str, how: &How) {
        if let Some(columns) = &how.map {
            return self.take_in(
                imports::import_csv(octets, &columns.mapping),
                shown,
                !columns.says_channel,
                how,
            );
        }
        if matches!(how.format, None | Some(Format::JsonLines)) {
            let text = imports::decode(octets);
            if how.format.is_some() || is_ours(&text) {
                return self.lines(&text, shown, how);
            }
        }
        let imported = imports::import(octets, how.format, name);
        let says_channel = match imported.format {
            Some(Format::Archive | Format::JsonLines) | None => true,
            Some(Format::Csv) => header_says_channel(octets),
            Some(Format::Zone | Format::Dig | Format::Host | Format::Opendkim | Format::Record) => false,
        };
        self.take_in(imported, shown, !says_channel, how);
    }

    fn take_in(&mut self, imported: Imported, shown: &str, unsaid: bool, how: &How) {
        for (line, what) in imported.problems {
            self.problem(shown, line, what);
        }
        for mut observation in imported.observations {
            how.fill(&mut observation, unsaid);
            // Every observation is short, but for what somebody made up.
            if serde_json::to_vec(&observation).map_or(usize::MAX, |json| json.len()) > LONGEST_VALUE {
                self.problem(shown, 0, "not used: an observation is longer than 1 MiB");
                continue;
            }
            self.told.keys.push(observation);
        }
    }

    /// JSON Lines. Each kind is read from a text that holds the lines of that kind alone, at their numbers.
    fn lines(&mut self, text: &str, shown: &str, how: &How) {
        let mut of_kind: [Vec<&str>; 3] = Default::default();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            let kind = kind(line);
            let [said, unsaid, events] = &mut of_kind;
            for (lines, wanted) in [(said, Kind::Said), (unsaid, Kind::Unsaid), (events, Kind::Event)] {
                lines.push(if kind == wanted { line } else { "" });
            }
            let read = match kind {
                Kind::Sealer => sealer(line).map(|sealer| self.told.sealers.push(sealer)),
                Kind::Delegate => delegate(line).map(|delegate| self.told.delegates.push(delegate)),
                _ => Ok(()),
            };
            if let Err(what) = read {
                self.problem(shown, number + 1, what);
            }
        }
        let [said, unsaid, events] = of_kind.map(|lines| lines.join("\n"));
        for (text, is_unsaid) in [(said, false), (unsaid, true)] {
            let imported = imports::import(text.as_bytes(), Some(Format::JsonLines), shown);
            self.take_in(imported, shown, is_unsaid, how);
        }
        let (events, problems) = events::parse_events(events.as_bytes());
        self.told.events.extend(events);
        for (line, what) in problems {
            self.problem(shown, line, what);
        }
        self.problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }

    /// The files of a folder, by name. Links are not followed.
    fn folder(&mut self, folder: &Path, shown: &str, how: &How) -> Result<(), Failure> {
        let mut files = Vec::new();
        self.list(folder, DEEPEST, &mut files).map_err(|error| cannot_read(shown, &error.to_string()))?;
        files.sort();
        if files.len() > MOST_FILES {
            return Err(cannot_read(shown, "it holds more than 10,000 files"));
        }
        let mut left = MOST_OCTETS;
        for path in files {
            let shown = path.to_string_lossy().into_owned();
            // The folder's own name can be the domain.
            let base = folder.file_name().map(PathBuf::from).unwrap_or_default();
            let name = base.join(path.strip_prefix(folder).unwrap_or(&path));
            match octets(&path, left.min(MAX_FILE)) {
                Ok(octets) => {
                    left = left.saturating_sub(octets.len());
                    self.file(&octets, &shown, &name.to_string_lossy(), how);
                }
                Err(because) => self.problem(&shown, 0, format!("not read: {because}")),
            }
        }
        Ok(())
    }

    fn list(&mut self, dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
        let mut entries: Vec<(OsString, fs::FileType)> = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            entries.push((entry.file_name(), entry.file_type()?));
            if files.len() + entries.len() > MOST_FILES {
                break;
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in entries {
            let path = dir.join(name);
            let shown = path.to_string_lossy().into_owned();
            if kind.is_dir() && depth > 0 && files.len() <= MOST_FILES {
                if let Err(error) = self.list(&path, depth - 1, files) {
                    self.problem(&shown, 0, format!("not read: {error}"));
                }
            } else if kind.is_file() {
                files.push(path);
            } else {
                self.problem(&shown, 0, "not read: it is no file");
            }
        }
        Ok(())
    }
}

impl How {
    /// Fills in what an observation leaves unsaid, and raises nothing that it says.
    fn fill(&self, observation: &mut KeyObservation, channel_is_unsaid: bool) {
        if let Some(channel) =
            self.channel.filter(|_| channel_is_unsaid && observation.channel == Channel::User)
        {
            observation.channel = channel;
        }
        if observation.witness.is_none() && observation.channel != Channel::Recovered {
            observation.witness.clone_from(&self.witness);
        }
    }
}

// ---- lines ----

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing, or a remark.
    Empty,
    /// An observation that says how it came to be.
    Said,
    /// One that does not, and what is no JSON.
    Unsaid,
    Event,
    Sealer,
    Delegate,
}

fn kind(line: &str) -> Kind {
    if line.is_empty() || line.starts_with('#') {
        return Kind::Empty;
    }
    let Some(Value::Object(fields)) = object(line) else { return Kind::Unsaid };
    let says = |(name, value): (&String, &Value)| is_channel(name) && !value.is_null();
    match () {
        _ if fields.contains_key("event") => Kind::Event,
        _ if fields.contains_key("sealer") => Kind::Sealer,
        _ if fields.contains_key("signer") => Kind::Delegate,
        _ if fields.iter().any(says) => Kind::Said,
        _ => Kind::Unsaid,
    }
}

fn object(line: &str) -> Option<Value> {
    (line.starts_with('{') && line.len() <= LONGEST_LINE).then(|| serde_json::from_str(line).ok())?
}

/// Whether the text is JSON Lines of ours: one of its first lines is.
fn is_ours(text: &str) -> bool {
    let filled = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    filled.take(FIRST_LINES).any(|line| {
        let has = |value: &Value| {
            ["event", "sealer", "signer", "record", "spki"].iter().any(|name| value.get(name).is_some())
        };
        object(line).as_ref().is_some_and(has)
    })
}

/// Whether a column or key is the channel, as the imports read names.
fn is_channel(name: &str) -> bool {
    let plain = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
    plain.take(8).eq("channel".chars())
}

fn header_says_channel(octets: &[u8]) -> bool {
    let text = imports::decode(octets);
    let header = text.lines().next().unwrap_or_default();
    header.split([',', ';', '\t']).any(is_channel)
}

fn sealer(line: &str) -> Result<TrustedSealer, String> {
    let value = object(line).unwrap_or_default();
    Ok(TrustedSealer { domain: domain(&value, "sealer")?, reason: text(&value, "reason")? })
}

fn delegate(line: &str) -> Result<Delegate, String> {
    let value = object(line).unwrap_or_default();
    Ok(Delegate {
        signer: domain(&value, "signer")?,
        domain: domain(&value, "domain")?,
        reason: text(&value, "reason")?,
    })
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let text = value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    match text {
        Some(text) if text.len() > 4096 => Err(format!("{name} is longer than 4 KiB")),
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("{name} lacks")),
    }
}

fn domain(value: &Value, name: &str) -> Result<String, String> {
    normal_domain(&text(value, name)?).ok_or_else(|| format!("{name} is no domain name"))
}

// ---- files ----

fn cannot_read(shown: &str, because: &str) -> Failure {
    Failure::unusable(
        format!("cannot read the keys in {}", printable(shown)),
        because,
        "name files or folders of keys",
    )
}

/// At most `most` octets of a file; why not, if there are more.
fn octets(path: &Path, most: usize) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut octets = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut octets).map_err(|error| error.to_string())?;
    match octets.len() > most {
        true => Err(format!("it is larger than {most} bytes: split it")),
        false => Ok(octets),
    }
}
