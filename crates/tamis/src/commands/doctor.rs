//! `tamis doctor`: what this machine can do, and what it lacks.

use std::{io::Write, path::Path};

use serde_json::json;
use tamis_pipeline::open;
use tamis_sandbox::{
    Enforcement, Nursery,
    probe::{self, Outcome as Probed},
};

use super::{DONE, NO, Outcome};
use crate::{
    failure::Failure,
    screen::{Screen, bytes},
};

/// Runs it.
pub fn run(screen: &Screen) -> Outcome {
    let sandbox = sandbox();
    let disk = disk(Path::new("."));
    let memory = memory();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut problems = sandbox.problems;
    if disk.encrypted == Some(false) {
        problems.push("the disk is not encrypted: stolen mail would lie on it in the clear".to_owned());
    }
    if memory.is_some_and(|memory| memory < 2 << 30) {
        problems.push("less than 2 GiB of memory: use --jobs 1".to_owned());
    }
    let walls = sandbox.enforcement.unwrap_or_default();
    if screen.json {
        screen.print_json(&json!({
            "sandbox": {
                "landlock_abi": walls.landlock_abi,
                "seccomp": walls.seccomp,
                "rlimits": walls.limited,
                "complete": walls.complete(),
            },
            "disk": { "free": disk.free, "filesystem": disk.filesystem, "encrypted": disk.encrypted },
            "memory": memory,
            "cores": cores,
            "problems": problems,
        }))?;
    } else {
        let yes = |holds: bool| if holds { "yes" } else { "NO" };
        let mut out = screen.out();
        writeln!(
            out,
            "jail      system calls filtered: {}   limits: {}   Landlock: ABI {}   complete: {}",
            yes(walls.seccomp),
            yes(walls.limited),
            walls.landlock_abi,
            yes(walls.complete())
        )?;
        writeln!(out, "probes    {} attempts to get out, {} stopped", sandbox.attempts, sandbox.stopped)?;
        let encrypted = match disk.encrypted {
            Some(true) => "encrypted",
            Some(false) => "not encrypted",
            None => "encryption unknown",
        };
        writeln!(out, "disk      {} free, {}, {encrypted}", bytes(disk.free), disk.filesystem)?;
        writeln!(out, "memory    {}", memory.map_or("unknown".to_owned(), bytes))?;
        writeln!(out, "cores     {cores}")?;
        for problem in &problems {
            writeln!(out, "problem   {problem}")?;
        }
        if problems.is_empty() {
            writeln!(out, "nothing is missing")?;
        }
        out.flush()?;
    }
    Ok(if walls.complete() { DONE } else { NO })
}

struct Sandbox {
    enforcement: Option<Enforcement>,
    attempts: usize,
    stopped: usize,
    problems: Vec<String>,
}

/// Builds a jail and tries to get out of it in every way the probes know.
fn sandbox() -> Sandbox {
    let (exe, args) = open::SELF;
    let mut found = Sandbox { enforcement: None, attempts: 0, stopped: 0, problems: Vec::new() };
    let mut nursery = match Nursery::spawn(Path::new(exe), args) {
        Ok(nursery) => nursery,
        Err(error) => {
            found.problems.push(error.to_string());
            return found;
        }
    };
    match probe::enforcement(&mut nursery) {
        Ok(walls) => {
            if walls.landlock_abi == 0 {
                found
                    .problems
                    .push("no Landlock: the second wall against opening files is missing".to_owned());
            }
            found.enforcement = Some(walls);
        }
        Err(error) => {
            found.problems.push(error.to_string());
            return found;
        }
    }
    for result in probe::all(&mut nursery) {
        found.attempts += 1;
        match result.outcome {
            Probed::Denied(_) | Probed::Killed => found.stopped += 1,
            other => found.problems.push(format!("the jail did not stop {}: {other:?}", result.name)),
        }
    }
    found
}

/// For `--require-sandbox`: the full jail, or an error.
pub fn require_sandbox() -> Result<(), Failure> {
    let found = sandbox();
    match (found.enforcement.is_some_and(|walls| walls.complete()), found.problems.first()) {
        (true, None) => Ok(()),
        (_, problem) => Err(Failure::unusable(
            "this machine cannot build the full jail",
            problem.cloned().unwrap_or_else(|| "one of its walls is missing".to_owned()),
            "run `tamis doctor`; leave --require-sandbox away to read with what there is",
        )),
    }
}

struct Disk {
    free: u64,
    filesystem: String,
    /// `None` where it cannot be told.
    encrypted: Option<bool>,
}

fn disk(dir: &Path) -> Disk {
    let free = rustix::fs::statvfs(dir).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    let (filesystem, device) = mount(dir).unwrap_or_else(|| ("unknown".to_owned(), String::new()));
    // A device-mapper volume says in sysfs whether it is dm-crypt; of others nothing can be told from here.
    let name = Path::new(&device).canonicalize().ok().and_then(|path| Some(path.file_name()?.to_owned()));
    let uuid = name.and_then(|name| {
        std::fs::read_to_string(Path::new("/sys/class/block").join(name).join("dm/uuid")).ok()
    });
    Disk { free, filesystem, encrypted: uuid.map(|uuid| uuid.starts_with("CRYPT-")) }
}

/// File system and device of the mount that holds `dir`.
fn mount(dir: &Path) -> Option<(String, String)> {
    let dir = dir.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let lines = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.next()?, words.next()?))
    });
    let holding =
        lines.filter(|(_, point, _)| dir.starts_with(point)).max_by_key(|(_, point, _)| point.len())?;
    Some((holding.2.to_owned(), holding.0.to_owned()))
}

fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())?;
    kilobytes.checked_mul(1024)
}
