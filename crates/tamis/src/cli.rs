//! The table of commands: `--help`, man pages, completions and `tamis help --all` come from it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// A hack-and-leak response workbench: what is in a dump, what became of every byte, a search over all of
/// it, and what its signatures prove. Nothing leaves this machine, unless you say `tamis keys fetch`.
#[derive(Debug, Parser)]
#[command(name = "tamis", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(
    after_help = "Example:\n  tamis open leak.zip --no-desk\n  tamis search leak.zip.case 'from:dupont \"bon de commande\"'\n\nExit codes: 0 done; 1 done, and the answer is no or with losses; 2 wrong usage or unusable input; 3 stopped, can be continued."
)]
pub struct Cli {
    /// For every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// One JSON value on standard output, or JSON Lines where rows stream
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// No progress
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Colour on standard error and in tables
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: Color,
    /// Reading processes at a time [default: the number of cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Global options")]
    pub jobs: Option<u16>,
    /// Bytes for buffers, e.g. 256M; never changes a result
    #[arg(long, global = true, value_name = "BYTES", value_parser = parse_bytes, default_value = "128M", help_heading = "Global options")]
    pub memory: u64,
    /// The time that counts as now, e.g. 2017-05-05T20:00:00Z [default: now]
    #[arg(long, global = true, value_name = "TIME", help_heading = "Global options")]
    pub as_of: Option<jiff::Timestamp>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// All commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a dump into a case, or go on where a run stopped
    #[command(
        after_help = "Example:\n  tamis open boites.mbox pieces/ --case affaire.case --no-desk\n\nThe case is a folder beside the dump unless --case names another. Running the same command again goes on after the last batch, reads what is new, and leaves the rest alone."
    )]
    Open(Open),
    /// Write a synthetic dump, open it, and compare what was found with the truth
    #[command(after_help = "Example:\n  tamis demo\n  tamis demo --scale 1 --case /tmp/big.case")]
    Demo(Demo),
    /// What is in a case
    #[command(after_help = "Example:\n  tamis summary demo.case --json")]
    Summary(CaseArg),
    /// The one line by which two desks compare what they have
    #[command(
        after_help = "Example:\n  tamis digest demo.case\n\nEqual `received` means the same files; equal `read` means the same reading of them."
    )]
    Digest(CaseArg),
    /// Read a case again: every hash, every sum, the audit chain, every mail that is shown as proven
    #[command(after_help = "Example:\n  tamis verify demo.case")]
    Verify(CaseArg),
    /// What became of every byte
    #[command(after_help = "Example:\n  tamis ledger demo.case --state refused")]
    Ledger(Ledger),
    /// Search all text of a case
    #[command(
        after_help = "Example:\n  tamis search demo.case 'from:dupont \"bon de commande\" after:2017-01-01 -newsletter'\n  tamis search demo.case --terms companies.txt --json\n\nFields, phrases, prefixes and their rules: docs/search.md."
    )]
    Search(Search),
    /// Show an item
    #[command(after_help = "Example:\n  tamis show demo.case 5c8908300c47770062ae21b2cc0f45c5 --as headers")]
    Show(Show),
    /// Ask the case's tables in SQL, read-only
    #[command(
        after_help = "Example:\n  tamis sql demo.case 'SELECT from_domain, count(*) FROM messages GROUP BY 1 ORDER BY 2 DESC LIMIT 10'\n\nTables and columns: docs/case-format.md, or: SHOW TABLES; DESCRIBE items."
    )]
    Sql(Sql),
    /// State, signatures and findings of a mail, without a case
    #[command(
        after_help = "Example:\n  tamis check suspect.eml --keys keys.jsonl\n\nExit code 1: a signature does not hold, or a contradiction is shown. What the states mean: docs/evidence.md."
    )]
    Check(Check),
    /// Judge a case again with everything that is known now
    #[command(
        after_help = "Example:\n  tamis examine demo.case\n  tamis examine demo.case --rule mail.dkim.verified\n\n`tamis open` and `tamis keys` judge again what changed; this judges every mail, and takes nothing over."
    )]
    Examine(Examine),
    /// What the rules found, with the innocent explanations beside it
    #[command(
        after_help = "Example:\n  tamis findings demo.case --rule mail.dkim.verified\n  tamis findings demo.case --state E --json\n\nStrongest first. What a rule means: `tamis rules`, docs/evidence.md."
    )]
    Findings(Findings),
    /// What each rule means, its standard, its error rate
    #[command(after_help = "Example:\n  tamis rules\n  tamis rules --json")]
    Rules,
    /// What is known of signing keys
    #[command(subcommand)]
    Keys(Keys),
    /// Dated intrusions: they sharpen what signatures say
    #[command(subcommand)]
    Incident(Incident),
    /// One mail's proof, to be checked by others with other people's tools
    #[command(
        after_help = "Example:\n  tamis prove demo.case 5c8908300c47770062ae21b2cc0f45c5 --to proof/\n  sh proof/check.sh\n\nThe folder holds the mail, the keys and their witnesses, the finding, the limits: nothing of any other item. It is written only if the mail's bytes, read and judged again, say what the case says. Exit code 1: nothing can be proven of this mail."
    )]
    Prove(Prove),
    /// Who did what to a case
    #[command(after_help = "Example:\n  tamis audit demo.case")]
    Audit(CaseArg),
    /// What this machine can do
    #[command(after_help = "Example:\n  tamis doctor --json")]
    Doctor,
    /// Measure this program against its peers
    #[command(
        after_help = "Example:\n  tamis bench p1\n\nPeers are used where they are installed, in the same run."
    )]
    Bench(Bench),
    /// This text, for one command or for all
    Help(Help),
}

/// `tamis open`
#[derive(Debug, Args)]
pub struct Open {
    /// Files or folders
    #[arg(required = true, value_name = "DUMP")]
    pub dumps: Vec<PathBuf>,
    /// The case's folder [default: DUMP.case]
    #[arg(long, value_name = "DIR")]
    pub case: Option<PathBuf>,
    /// Read nothing else; the rest is kept and listed
    #[arg(long, value_name = "WHAT", value_parser = ["mail"])]
    pub only: Option<String>,
    /// Leave the files where they are; the case holds what is inside them
    #[arg(long)]
    pub by_reference: bool,
    /// Key observations, as for `tamis keys import`; may be given several times
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// When the dump was stolen, e.g. 2017-04-24: the short form of an incident
    #[arg(long, value_name = "DATE")]
    pub stolen_at: Option<String>,
    /// Exit with 1 if anything failed or was refused
    #[arg(long)]
    pub strict: bool,
    /// Do not read without the full jail
    #[arg(long)]
    pub require_sandbox: bool,
    /// Read again: failed, older, or a kind such as mail
    #[arg(long, value_name = "WHICH")]
    pub reread: Option<String>,
    /// Do not open the desk
    #[arg(long)]
    pub no_desk: bool,
}

/// `tamis demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The case's folder
    #[arg(long, value_name = "DIR", default_value = "demo.case")]
    pub case: PathBuf,
    /// Share of the full size of 71,848 mails [default: a few hundred mails]
    #[arg(long, value_name = "F", value_parser = parse_scale)]
    pub scale: Option<f64>,
    /// Another dump of the same kind
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Do not open the desk
    #[arg(long)]
    pub no_desk: bool,
}

/// A case and nothing else.
#[derive(Debug, Args)]
pub struct CaseArg {
    /// The case's folder
    pub case: PathBuf,
}

/// `tamis ledger`
#[derive(Debug, Args)]
pub struct Ledger {
    /// The case's folder
    pub case: PathBuf,
    /// Only items in this state: parsed, partial, opaque, encrypted, refused, failed, duplicate
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    pub state: Option<tamis_model::State>,
    /// Only items of this source
    #[arg(long, value_name = "N")]
    pub source: Option<u32>,
}

/// `tamis search`
#[derive(Debug, Args)]
pub struct Search {
    /// The case's folder
    pub case: PathBuf,
    /// What to look for; everything, if it is empty
    #[arg(required_unless_present = "terms", conflicts_with = "terms", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// Search each line of a file, taken literally
    #[arg(long, value_name = "FILE")]
    pub terms: Option<PathBuf>,
    /// Most hits shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Hits passed over first
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub offset: usize,
    /// Order of the hits
    #[arg(long, value_name = "ORDER", default_value = "relevance")]
    pub sort: Sort,
    /// One hit for each content, with the number of its copies
    #[arg(long)]
    pub fold: bool,
}

/// Order of hits.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Sort {
    /// Best match first.
    Relevance,
    /// Oldest first.
    Date,
    /// Newest first.
    Newest,
    /// As they stand in the dump.
    Walk,
    /// Largest first.
    Size,
}

/// `tamis show`
#[derive(Debug, Args)]
pub struct Show {
    /// The case's folder
    pub case: PathBuf,
    /// The item's id, or its path as shown
    pub item: String,
    /// What of it
    #[arg(long = "as", value_name = "WHAT", default_value = "text")]
    pub form: Form,
}

/// What of an item is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Its text.
    Text,
    /// Its bytes, as they are.
    Raw,
    /// Its header fields.
    Headers,
    /// Its HTML parts, as source.
    Html,
    /// Its findings.
    Findings,
    /// All items with the same content.
    Copies,
}

/// `tamis check`
#[derive(Debug, Args)]
pub struct Check {
    /// Mails
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Key observations, in any format that `tamis keys import` reads; may be given several times
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
}

/// `tamis examine`
#[derive(Debug, Args)]
pub struct Examine {
    /// The case's folder
    pub case: PathBuf,
    /// Print the findings of this rule
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
}

/// `tamis findings`
#[derive(Debug, Args)]
pub struct Findings {
    /// The case's folder
    pub case: PathBuf,
    /// Only of this rule, or of all whose name begins so
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only about mails in this state, A to F
    #[arg(long, value_name = "STATE", value_parser = parse_message_state)]
    pub state: Option<tamis_model::findings::MessageState>,
}

/// `tamis keys`
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Take in observations of keys, events of keys, trusted sealers, delegates
    #[command(
        after_help = "Example:\n  tamis keys import demo.case archive.jsonl\n  dig +noall +answer TXT s1._domainkey.example.org > s1.txt\n  tamis keys import demo.case s1.txt --channel dns --witness 'desk, by dig'\n\nReads JSON Lines, zone files, dig and host output, opendkim .txt, CSV, archive.prove.email's JSON, and a folder of records. Bad lines are named; the good ones are used.\n\nLines {\"domain\",\"selector\",\"event\",\"at\",\"source\"} are events of keys, {\"sealer\",\"reason\"} trusted sealers of ARC chains, {\"signer\",\"domain\",\"reason\"} a provider's name for a customer; one file may mix them.\n\n--channel says how an observation came to be where its file has no place for it; an archive's answer and a column `channel` count as they are, and nothing is raised. dnssec, dns, archive and outside-mail prove: name who looked with --witness."
    )]
    Import(KeysImport),
    /// All observations of the case
    #[command(after_help = "Example:\n  tamis keys list demo.case")]
    List(CaseArg),
    /// Keys that would let mails be checked, most wanted first
    #[command(after_help = "Example:\n  tamis keys wanted demo.case")]
    Wanted(CaseArg),
    /// Compute keys from pairs of signatures; proves less than a key that somebody saw
    #[command(
        after_help = "Example:\n  tamis keys recover demo.case --domain example.org --selector s1\n\nHalf a minute a key on one core. Ctrl-C stops; the same command goes on. Without --domain or --selector, keys are tried for which two mails with an unchanged body wait.\n\nSuch a key was seen by nobody, so mails are consistent with it, not proven. If the desk holds a mail from before the incident (a recipient's copy) that verifies with it, the key was seen outside:\n  tamis keys export demo.case > keys.jsonl\n  tamis check older.eml --keys keys.jsonl\nIf it verifies, write that key's line to a file with the channel outside-mail and who held the mail, or without a channel, and import it so:\n  tamis keys import demo.case key.jsonl --channel outside-mail --witness 'anna, since 2016-03-02'"
    )]
    Recover(KeysRecover),
    /// Ask DNS for the keys that are wanted: the only command that uses the network, and only when told to
    #[command(
        after_help = "Example:\n  tamis keys fetch demo.case --domain example.org --selector s1\n  tamis keys fetch demo.case --server 192.0.2.53:53\n\nAsks for SELECTOR._domainkey.DOMAIN of the keys that are wanted, and of those that nobody outside the case saw. Whom it asks, and for which names, is said before it asks. What a name server knows of today says nothing of a key's first day."
    )]
    Fetch(KeysFetch),
    /// Write all observations as JSON Lines
    #[command(after_help = "Example:\n  tamis keys export demo.case > keys.jsonl")]
    Export(CaseArg),
}

/// `tamis keys import`
#[derive(Debug, Args)]
pub struct KeysImport {
    /// The case's folder
    pub case: PathBuf,
    /// Files, or folders of records
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the files are [default: told by their content]
    #[arg(long, value_name = "FORMAT", value_parser = ["jsonl", "zone", "dig", "host", "opendkim", "archive", "csv", "record"])]
    pub format: Option<String>,
    /// Columns of a CSV, e.g. domain=2,selector=1,record=TXT
    #[arg(long, value_name = "MAPPING")]
    pub map: Option<String>,
    /// How observations came to be that do not say it [default: user]; raises none that does
    #[arg(long, value_name = "CHANNEL", value_parser = ["dnssec", "dns", "archive", "outside-mail", "archive-unstated", "user"])]
    pub channel: Option<String>,
    /// Who looked, of observations that do not say it
    #[arg(long, value_name = "WHO")]
    pub witness: Option<String>,
}

/// `tamis keys recover`
#[derive(Debug, Args)]
pub struct KeysRecover {
    /// The case's folder
    pub case: PathBuf,
    /// Only of this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Only of this selector
    #[arg(long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Most keys that are computed, most wanted first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// `tamis keys fetch`
#[derive(Debug, Args)]
pub struct KeysFetch {
    /// The case's folder
    pub case: PathBuf,
    /// Only of this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Only of this selector
    #[arg(long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// The name server that is asked [default: the system's]
    #[arg(long, value_name = "ADDRESS")]
    pub server: Option<std::net::SocketAddr>,
    /// Most names that are asked for
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

/// `tamis incident`
#[derive(Debug, Subcommand)]
pub enum Incident {
    /// Note an intrusion
    #[command(
        after_help = "Example:\n  tamis incident add demo.case --what mailbox --whose anna@example.org \\\n      --from 2017-03-01 --to 2017-04-24 --source 'police report 17/1'"
    )]
    Add(IncidentAdd),
    /// The intrusions that are noted
    #[command(after_help = "Example:\n  tamis incident list demo.case")]
    List(CaseArg),
}

/// `tamis incident add`
#[derive(Debug, Args)]
pub struct IncidentAdd {
    /// The case's folder
    pub case: PathBuf,
    /// What the intruder had: mailbox, server, key, laptop
    #[arg(long, value_name = "WHAT", value_parser = ["mailbox", "server", "key", "laptop"])]
    pub what: String,
    /// Whose: an address, a domain, a name
    #[arg(long, value_name = "WHOSE")]
    pub whose: String,
    /// First day or time, e.g. 2017-03-01 or 2017-03-01T08:00:00Z
    #[arg(long, value_name = "DATE")]
    pub from: String,
    /// Last day or time [default: not known to have ended]
    #[arg(long, value_name = "DATE")]
    pub to: Option<String>,
    /// Where this is known from
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
}

/// `tamis prove`
#[derive(Debug, Args)]
pub struct Prove {
    /// The case's folder
    pub case: PathBuf,
    /// The item's id, or its path as shown
    pub item: String,
    /// A new folder for the proof
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

/// `tamis sql`
#[derive(Debug, Args)]
pub struct Sql {
    /// The case's folder
    pub case: PathBuf,
    /// One SELECT
    pub query: String,
    /// How rows are written; --json is short for json
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Table,
    /// One object a row.
    Json,
    /// RFC 4180.
    Csv,
    /// A Parquet file on standard output.
    Parquet,
}

/// `tamis bench`
#[derive(Debug, Args)]
pub struct Bench {
    /// p1, p3, p4, p5, p7, p8, p9, p10, or all
    #[arg(default_value = "all")]
    pub name: String,
    /// Mails, one file each [default: writes the demo at scale 0.5]
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
}

/// `tamis help`
#[derive(Debug, Args)]
pub struct Help {
    /// Of this command, e.g. keys import
    pub command: Vec<String>,
    /// Of every command
    #[arg(long, action = ArgAction::SetTrue)]
    pub all: bool,
    /// Write man pages into this folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub man: Option<PathBuf>,
    /// Write the completions of a shell
    #[arg(long, value_name = "SHELL", hide = true)]
    pub completions: Option<clap_complete::Shell>,
}

fn parse_state(text: &str) -> Result<tamis_model::State, String> {
    let known = || tamis_model::State::ALL.map(tamis_model::State::as_str).join(", ");
    text.parse().map_err(|()| format!("the states are {}", known()))
}

fn parse_message_state(text: &str) -> Result<tamis_model::findings::MessageState, String> {
    tamis_model::findings::MessageState::parse(text)
        .ok_or_else(|| "the states are A, B, C, D, E, F".to_owned())
}

fn parse_scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| "a number such as 0.5".to_owned())?;
    if scale > 0.0 && scale <= 4.0 { Ok(scale) } else { Err("more than 0 and at most 4".to_owned()) }
}

/// A number of bytes with an optional K, M or G.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "a number of bytes, such as 256M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}
