//! Drives units through jailed processes: believes only what [`Machine`] let pass, halves a unit whose
//! process died until the guilty thing stands alone, and tries that one once more.

use std::{fs::File, io, ops::ControlFlow, os::fd::AsFd, path::Path, time::Duration};

use tamis_intake::{
    limits,
    out::{Child, Coding, Naming},
    protocol::{ChildContent, Frame, Machine, Reading, Task, Thing, Unit, Violation},
    reader::Slice,
};
use tamis_model::{
    Outcome, Reason,
    tables::{Defect, Fact},
};
use tamis_sandbox::{Exit, Limits, Nursery, Stop};

use crate::{
    body::{BodySpool, Decoded},
    jobs,
};

/// A nursery and what every unit of a run has in common.
pub struct Driver<'d> {
    nursery: Nursery,
    tmp: &'d Path,
    only_mail: bool,
}

/// How one process ended that did not answer everything that was asked.
#[derive(Debug)]
enum Broken {
    /// It spoke out of protocol.
    Lied(String),
    /// It died by itself: panic, stack overflow, out of memory, a forbidden call.
    Died(String),
    /// The clock stopped it.
    Slow,
    /// It was killed from outside.
    Killed,
}

/// Why a run cannot go on.
#[derive(Debug)]
pub enum DriverError {
    /// Decoded content could not be spooled, or a unit's file could not be made.
    Io(io::Error),
    /// No jail can be built on this machine.
    NoJail(String),
}

impl<'d> Driver<'d> {
    /// Starts a nursery by running `exe` with `args`. Call it on the thread that will drive.
    pub fn start(
        exe: &Path,
        args: &[&str],
        tmp: &'d Path,
        only_mail: bool,
    ) -> Result<Driver<'d>, DriverError> {
        let nursery = Nursery::spawn(exe, args).map_err(|error| DriverError::NoJail(error.to_string()))?;
        Ok(Driver { nursery, tmp, only_mail })
    }

    /// Reads `things`, windows of `source`. One reading each, whatever happens to the processes.
    pub fn read(&mut self, things: &[Thing], source: &File) -> Result<Vec<Reading<Decoded>>, DriverError> {
        match (self.run(things, source)?, things) {
            (Ok(readings), _) => Ok(readings),
            (Err(broken), [thing]) => Ok(vec![self.alone(thing, source, broken)?]),
            (Err(_), _) => {
                let (first, second) = things.split_at(things.len() / 2);
                let mut readings = self.read(first, source)?;
                readings.extend(self.read(second, source)?);
                Ok(readings)
            }
        }
    }

    /// The thing on which a process broke: once more, then in smaller pieces, then given up.
    fn alone(
        &mut self,
        thing: &Thing,
        source: &File,
        broken: Broken,
    ) -> Result<Reading<Decoded>, DriverError> {
        let broken = match broken {
            Broken::Died(_) => match self.run(std::slice::from_ref(thing), source)? {
                Ok(mut readings) => return readings.pop().ok_or_else(lost),
                Err(again) => again,
            },
            other => other,
        };
        match thing.task {
            Task::Slice(slice) if slice.len() > 1 => {
                let middle = slice.from + slice.len() / 2;
                let half = |from, to| Thing { task: Task::Slice(Slice { from, to }), ..thing.clone() };
                let first = self.read(&[half(slice.from, middle)], source)?.pop().ok_or_else(lost)?;
                let second = self.read(&[half(middle, slice.to)], source)?.pop().ok_or_else(lost)?;
                Ok(join(first, second))
            }
            Task::Slice(_) => Ok(broken.child()),
            Task::Read => {
                // A reader that can cut may lose one member only; one that cannot answers without slices.
                let cut = Thing { task: Task::Cut, ..thing.clone() };
                match self.run(&[cut], source)?.ok().and_then(|mut readings| readings.pop()) {
                    Some(reading) if reading.slices.is_some() => Ok(reading),
                    _ => Ok(broken.whole()),
                }
            }
            Task::Cut => Ok(broken.whole()),
        }
    }

    /// One process.
    fn run(
        &mut self,
        things: &[Thing],
        source: &File,
    ) -> Result<Result<Vec<Reading<Decoded>>, Broken>, DriverError> {
        let unit = Unit { things: things.to_vec(), only_mail: self.only_mail };
        let params = postcard::to_stdvec(&unit).map_err(io::Error::other).map_err(DriverError::Io)?;
        let mut machine = Machine::new(things, BodySpool::new(self.tmp));
        let mut violation = None;
        let ending = self.nursery.run(
            tamis_sandbox::Unit {
                job: jobs::READ,
                params: &params,
                source: Some(source.as_fd()),
                grammar: Frame::limit,
                limits: unit_limits(things),
            },
            &mut |frame| match machine.frame(frame.kind, frame.payload) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    let stop = Stop(error.to_string());
                    violation = Some(error);
                    ControlFlow::Break(stop)
                }
            },
        );
        if let Some(Violation::Spool(error)) = violation {
            return Err(DriverError::Io(error));
        }
        let said = if ending.stderr.is_empty() { String::new() } else { format!(" ({})", ending.stderr) };
        let broken = match ending.exit {
            Exit::Refused(why) => return Err(DriverError::NoJail(why)),
            Exit::Finished => {
                let readings = machine.finish();
                if readings.len() == things.len() {
                    return Ok(Ok(readings));
                }
                Broken::Lied("fewer answers than things".to_owned())
            }
            Exit::Stopped(Stop(why)) => Broken::Lied(why),
            Exit::Violated(violation) => Broken::Lied(violation.to_string()),
            Exit::Deadline | Exit::Signal(libc::SIGXCPU) => Broken::Slow,
            Exit::Signal(libc::SIGKILL) | Exit::Lost(_) => Broken::Killed,
            exit @ (Exit::Code(_) | Exit::Signal(_)) => Broken::Died(format!("{exit}{said}")),
        };
        Ok(Err(broken))
    }
}

fn lost() -> DriverError {
    DriverError::Io(io::Error::other("a unit answered nothing"))
}

/// What the clock allows any unit, and beside it for each unit of fuel: some ten times what fuel is worth on
/// a slow machine, so that fuel decides and the clock only catches what forgot to count.
const CLOCK: Duration = Duration::from_secs(30);
const NANOSECONDS: u64 = 4;

fn unit_limits(things: &[Thing]) -> Limits {
    let sum = |f: fn(u64) -> u64| things.iter().fold(0_u64, |sum, thing| sum.saturating_add(f(thing.len)));
    let output = sum(limits::facts).saturating_add(sum(limits::expansion)).saturating_add(sum(limits::rows));
    let fuel = sum(limits::fuel);
    let deadline = CLOCK + Duration::from_nanos(fuel.saturating_mul(NANOSECONDS));
    Limits { fuel, output, cpu_seconds: deadline.as_secs(), deadline }
}

impl Broken {
    fn outcome(&self) -> Outcome {
        Outcome::failed(match self {
            Broken::Lied(_) => Reason::Protocol,
            Broken::Died(_) => Reason::Died,
            Broken::Slow => Reason::Time,
            Broken::Killed => Reason::Killed,
        })
    }

    fn fact(&self) -> Vec<Fact> {
        let (Broken::Lied(note) | Broken::Died(note)) = self else { return Vec::new() };
        let note = note.chars().take(400).collect();
        vec![Fact::Defect(Defect { kind: "reading-process".to_owned(), at: None, len: None, note })]
    }

    /// The reading of a thing that could not be read.
    fn whole(self) -> Reading<Decoded> {
        Reading {
            outcome: self.outcome(),
            reader: None,
            media_type: "application/octet-stream".to_owned(),
            sure: true,
            facts: self.fact(),
            children: Vec::new(),
            covered: Vec::new(),
            slices: None,
            no_text: 0,
        }
    }

    /// The reading of a slice of one child that could not be read.
    fn child(self) -> Reading<Decoded> {
        let child = Child {
            name: Vec::new(),
            naming: Naming::Name,
            media_type: String::new(),
            stored: None,
            coding: Coding::Other,
            declared: None,
        };
        let absent = ChildContent::Absent { outcome: self.outcome(), bytes: 0 };
        Reading {
            outcome: Outcome::partial(Reason::Damaged),
            children: vec![(child, absent)],
            ..self.whole()
        }
    }
}

/// Two neighbouring slices as one.
fn join(mut first: Reading<Decoded>, second: Reading<Decoded>) -> Reading<Decoded> {
    first.outcome = worse(first.outcome, second.outcome);
    first.facts.extend(second.facts);
    first.children.extend(second.children);
    first.covered.extend(second.covered);
    first.no_text = first.no_text.saturating_add(second.no_text);
    first
}

/// The outcome of a whole whose parts came to these two: `parsed` only if both did; the first loss stays.
pub fn worse(one: Outcome, other: Outcome) -> Outcome {
    if one == Outcome::PARSED { other } else { one }
}
