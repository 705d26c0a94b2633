//! `tamis open`: a dump into a case.

use std::path::{Path, PathBuf};

use tamis_case::{Options, Register};
use tamis_model::{State, keys::IncidentWhat};
use tamis_pipeline::{
    examine::Told,
    open::{self, Opened, Request, Reread},
    progress::Progress as _,
};

use super::{DONE, NO, Outcome, doctor, examine, keys, open_case, summary};
use crate::{
    cli::{Global, Open},
    dates,
    failure::Failure,
    machine,
    progress::{Shown, stop_on_interrupt},
    screen::{Screen, count},
};

/// Runs it.
pub fn run(args: &Open, global: &Global, screen: &Screen) -> Outcome {
    let case = match &args.case {
        Some(case) => case.clone(),
        None => beside(&args.dumps)?,
    };
    if args.require_sandbox {
        doctor::require_sandbox()?;
    }
    let options = Options { only_mail: args.only.is_some(), by_reference: args.by_reference };
    let reread = args.reread.as_deref().map(reread).transpose()?;
    let told = told(args)?;
    let (opened, seconds) = read(&args.dumps, &case, options, reread, global, screen)?;
    told.add_to(&case, global)?;
    let (_, judging) = examine::case(&case, false, global, screen)?;
    let seconds = seconds + judging;
    let made = open_case(&case)?;
    summary::print(&made, seconds, screen)?;
    closing(&opened, &case, screen);
    let losses = lost(&opened) > 0;
    Ok(if args.strict && losses { NO } else { DONE })
}

/// What `--keys` and `--stolen-at` tell the case.
struct Tell {
    told: Told,
    from: String,
}

fn told(args: &Open) -> Result<Tell, Failure> {
    let mut told = Told::default();
    for file in &args.keys {
        keys::read_into(&mut told, file)?;
    }
    if let Some(date) = &args.stolen_at {
        let from = dates::parse(date, dates::End::First)?;
        told.incidents.push(tamis_model::keys::Incident {
            what: IncidentWhat::Theft,
            whose: None,
            from,
            to: None,
            source: Some("--stolen-at".to_owned()),
        });
    }
    let names: Vec<_> = args.keys.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Ok(Tell { told, from: names.join(", ") })
}

impl Tell {
    fn add_to(&self, case: &Path, global: &Global) -> Result<(), Failure> {
        let told = &self.told;
        let at = now(global);
        let mut register = Register::open(case)?;
        register.add(&told.keys, &self.from, "tamis", &at)?;
        register.add(&told.events, &self.from, "tamis", &at)?;
        register.add(&told.sealers, &self.from, "tamis", &at)?;
        register.add(&told.delegates, &self.from, "tamis", &at)?;
        register.add(&told.incidents, "--stolen-at", "tamis", &at)?;
        Ok(())
    }
}

/// The time now, for the audit chain.
pub fn now(global: &Global) -> String {
    global.as_of.unwrap_or_else(jiff::Timestamp::now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Reads dumps into a case; what it came to, and the seconds it took.
pub fn read(
    dumps: &[PathBuf],
    case: &Path,
    options: Options,
    reread: Option<Reread>,
    global: &Global,
    screen: &Screen,
) -> Result<(Opened, f64), Failure> {
    stop_on_interrupt();
    machine::prepare();
    let now = || now(global);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (exe, arguments) = open::SELF;
    let request = Request {
        dumps,
        case,
        options,
        reread,
        jobs: global.jobs.map_or(cores, usize::from),
        memory: global.memory,
        nursery: (Path::new(exe), arguments),
        now: &now,
    };
    let mut shown = Shown::new(screen);
    let result = open::open(&request, &mut shown);
    let seconds = shown.finish();
    if shown.stop() && !screen.quiet && matches!(result, Err(tamis_pipeline::Error::Stopped)) {
        eprintln!("stopped after {seconds:.1} s; what is committed stays");
    }
    Ok((result?, seconds))
}

/// `DUMP.case` beside the dump.
fn beside(dumps: &[PathBuf]) -> Result<PathBuf, Failure> {
    match dumps {
        [dump] => {
            let absolute = dump.canonicalize().unwrap_or_else(|_| dump.clone());
            let mut name = absolute.into_os_string();
            name.push(".case");
            Ok(PathBuf::from(name))
        }
        _ => Err(Failure::unusable(
            "no case is named",
            "more than one dump is given, so there is no one place beside it",
            "name the case with --case DIR",
        )),
    }
}

fn reread(which: &str) -> Result<Reread, Failure> {
    let kinds = tamis_intake::formats::known::KINDS;
    match which {
        "failed" => Ok(Reread::Failed),
        "older" => Ok(Reread::Older),
        kind if kinds.contains(&kind) => Ok(Reread::Kind(kind.to_owned())),
        other => Err(Failure::unusable(
            format!("cannot read {other:?} again"),
            "it is neither failed, nor older, nor a kind of item",
            format!("the kinds are {}", kinds.join(", ")),
        )),
    }
}

/// Items that count as losses: refused or failed, except links and devices, which hold no bytes.
pub fn lost(opened: &Opened) -> u64 {
    let in_state = |state| opened.totals.in_state(state);
    (in_state(State::Failed) + in_state(State::Refused)).saturating_sub(opened.totals.not_content)
}

/// The last lines: how to go on, and always, as the last word, whether something was lost.
pub fn closing(opened: &Opened, case: &Path, screen: &Screen) {
    let shown = tamis_model::names::printable(&case.to_string_lossy());
    let talks = !screen.quiet && !screen.json;
    if talks {
        eprintln!(
            "\nnext      tamis search {shown} 'WORDS'   ·   tamis ledger {shown}   ·   tamis sql {shown} 'SELECT …'"
        );
    }
    match lost(opened) {
        0 if talks => eprintln!("done      nothing was lost"),
        0 => {}
        n => eprintln!(
            "done      with losses: {} items failed or were refused; tamis ledger {shown} --state failed (or refused) lists them",
            count(n)
        ),
    }
}
