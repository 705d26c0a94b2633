//! `tamis keys recover`: keys computed from pairs of signatures of the case itself.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    ops::ControlFlow,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use tamis_evidence::keys::{
    PublicKey,
    recovery::{self, Recovered, Sample, Step, Stop, Work},
};
use tamis_model::{
    Blob,
    keys::{Channel, KeyObservation, ObservedKey},
    names::printable,
};
use tamis_pipeline::keys::{self, Checkpoints, Pair};

use super::{Change, Outcome, Teller, wanted};
use crate::{
    cli::{Global, KeysRecover},
    commands::{DONE, NO, open_case},
    failure::Failure,
    progress::{stop_on_interrupt, stopped},
    screen::Screen,
};

/// Pairs whose samples are held at a time.
const AT_A_TIME: usize = 16;
/// How often a line is printed where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Runs it.
pub fn run(args: &KeysRecover, global: &Global, screen: &Screen) -> Outcome {
    stop_on_interrupt();
    let mut teller = Teller::new(&args.case, "tamis keys recover", global)?;
    let checkpoints = Checkpoints::of(&args.case)?;
    let case = open_case(&args.case)?;
    let all = wanted::of(&case)?;
    // What was named is tried, however little speaks for it.
    let is_named = args.domain.is_some() || args.selector.is_some();
    let chosen = wanted::chosen(&all, args.domain.as_deref(), args.selector.as_deref())
        .filter(|wanted| wanted.known.is_none() && (is_named || wanted.recoverable));
    let pairs: Vec<Pair> =
        chosen.take(args.limit).map(|wanted| (wanted.domain.clone(), wanted.selector.clone())).collect();

    let mut tried: Vec<(Pair, Result<Recovered, Stop>)> = Vec::new();
    for some in pairs.chunks(AT_A_TIME) {
        let mut samples = keys::samples(&case, &some.iter().cloned().collect::<BTreeSet<_>>())?;
        for pair in some {
            let samples = samples.remove(pair).unwrap_or_default();
            let result = one(pair, &samples, &checkpoints, screen)?;
            if let Ok(recovered) = &result {
                teller.add(&[observation(pair, recovered)])?;
            }
            tried.push((pair.clone(), result));
        }
    }
    drop(case);
    let change = Change::of(&args.case, global, screen)?;
    if screen.json {
        let keys: Vec<Value> = tried.iter().map(|(pair, result)| value(pair, result)).collect();
        screen.print_json(&json!({ "keys": keys, "messages": change.json() }))?;
    } else {
        let mut out = screen.out();
        for (pair, result) in &tried {
            writeln!(out, "{}", line(pair, result, screen))?;
        }
        if tried.is_empty() {
            writeln!(
                out,
                "no key that is lacking can be computed: two signatures with an unchanged body are needed"
            )?;
        }
        change.print(&mut out)?;
        out.flush()?;
    }
    let none = !tried.is_empty() && tried.iter().all(|(_, result)| result.is_err());
    Ok(if none { NO } else { DONE })
}

/// Computes one key; where it was begun before, it goes on. Fails where it was asked to stop.
fn one(
    pair: &Pair,
    samples: &[Sample],
    checkpoints: &Checkpoints,
    screen: &Screen,
) -> Result<Result<Recovered, Stop>, Failure> {
    let mut shown = Shown::new(pair, screen);
    let mut kept = None;
    let mut progress = |step: Step| {
        if kept != Some(step.checkpoint) {
            // What a crash would lose otherwise; the end of the run tells whether it can be written.
            let _ = checkpoints.save(pair, step.checkpoint);
            kept = Some(step.checkpoint);
        }
        shown.update(&step);
        if stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let result = match stopped() {
        true => None,
        false => Some(recovery::recover(samples, &mut progress, checkpoints.load(pair))),
    };
    shown.finish();
    let because = match result {
        Some(Err(Stop::Cancelled(checkpoint))) => {
            checkpoints.save(pair, checkpoint)?;
            "it was asked to"
        }
        None => "it was asked to",
        Some(Err(Stop::NoThread)) => "the system gave no thread for the computation",
        Some(result) => {
            if result.is_ok() {
                checkpoints.remove(pair);
            }
            return Ok(result);
        }
    };
    let hint = "run the same command again: it goes on with this pair of signatures";
    Err(Failure::of("stopped".to_owned(), because.to_owned(), hint, true))
}

fn observation((domain, selector): &Pair, recovered: &Recovered) -> KeyObservation {
    let checked = match recovered.checked_by {
        0 => "unchecked".to_owned(),
        1 => "checked by 1 other".to_owned(),
        n => format!("checked by {n} others"),
    };
    KeyObservation {
        domain: domain.clone(),
        selector: selector.clone(),
        key: ObservedKey::Spki(recovered.spki.clone()),
        channel: Channel::Recovered,
        first_seen: None,
        last_seen: None,
        witness: None,
        note: Some(format!("computed from 2 signatures of this case; {checked}")),
    }
}

fn bits(recovered: &Recovered) -> u32 {
    PublicKey::from_spki(&recovered.spki).map_or(0, |key| key.bits())
}

fn value((domain, selector): &Pair, result: &Result<Recovered, Stop>) -> Value {
    let word = match result {
        Ok(_) => "recovered",
        Err(Stop::TooFew) => "too-few",
        Err(Stop::TooLong) => "too-long",
        Err(_) => "no-key",
    };
    let recovered = result.as_ref().ok();
    json!({
        "domain": domain,
        "selector": selector,
        "result": word,
        "bits": recovered.map(bits),
        "checked_by": recovered.map(|recovered| recovered.checked_by),
        "from": recovered.map(|recovered| recovered.pair.iter().map(Blob::to_string).collect::<Vec<_>>()),
    })
}

fn line((domain, selector): &Pair, result: &Result<Recovered, Stop>, screen: &Screen) -> String {
    let name = screen.strong(&format!("{}  {}", printable(domain), printable(selector)));
    match result {
        Ok(recovered) => {
            let note = match recovered.checked_by {
                0 => "no third signature checks it".to_owned(),
                n => format!("{n} other signatures verify with it"),
            };
            format!("{name}  {} bits, computed from 2 signatures; {note}", bits(recovered))
        }
        Err(stop) => format!("{name}  {stop}"),
    }
}

// ---- progress ----

/// Shows one computation.
struct Shown {
    bar: Option<ProgressBar>,
    lines: bool,
    name: String,
    started: Instant,
    last_line: Instant,
}

impl Shown {
    fn new((domain, selector): &Pair, screen: &Screen) -> Shown {
        let terminal = std::io::stderr().is_terminal();
        let bar = (terminal && !screen.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix} {bar:30} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        let name = format!("{} {}", printable(domain), printable(selector));
        let now = Instant::now();
        Shown { bar, lines: !terminal && !screen.quiet, name, started: now, last_line: now }
    }

    fn update(&mut self, step: &Step) {
        if self.bar.is_none() && (!self.lines || self.last_line.elapsed() < EVERY) {
            return;
        }
        let work = match step.work {
            Work::FirstPower | Work::SecondPower => "power",
            Work::Divisor => "divisor",
            Work::Check => "check",
        };
        let seconds = self.started.elapsed().as_secs();
        let message = format!(
            "try {} of at most {}, exponent {}, {work}, {seconds} s",
            step.done + 1,
            step.of,
            step.exponent
        );
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(self.name.clone());
                bar.set_length(step.of as u64);
                bar.set_position(step.done as u64);
                bar.set_message(message);
            }
            None => {
                self.last_line = Instant::now();
                eprintln!("{}: {message}", self.name);
            }
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
