//! p10: a case is examined, and examined again with one more key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::Path,
};

use tamis_case::{Case, Register};
use tamis_demo::{Layout, Plan, Scale};
use tamis_evidence::keys::{imports, observations::normal_pair};
use tamis_model::{Blob, keys::KeyObservation, tables::Signature};

use super::{
    figure::{Figure, Unit},
    lab::{self, Lab},
    process::Usage,
};
use crate::{failure::Failure, screen::count};

/// One mail in fourteen is a copy of another: this is 100,000 messages.
const PLAN: Plan = Plan { scale: Scale::Fraction(1.5), seed: 1, layout: Layout::Mixed };

/// Keys: those that most messages name. The dump names more, its desk has keys of them all.
const KEYS: usize = 60;

/// Domain and selector.
type Pair = (String, String);

/// Seconds by the clock: afresh, and with the key that most mails name and that was kept back.
pub fn p10(lab: &mut Lab) -> Result<Vec<Figure>, Failure> {
    let folder = lab.path("p10");
    let (dump, case) = (folder.join("dump"), lab.path("p10.case"));
    fs::create_dir_all(&folder)?;
    lab.say("writing a dump for p10");
    tamis_demo::write(&PLAN, &dump).map_err(lab::unwritten)?;
    let arguments = words(&["open"], &[&dump], &["--no-desk", "--case"], &[&case]);
    let (mut command, shown) = lab.tamis(&arguments);
    lab.run_whatever_the_answer(&mut command, &shown)?;

    let keys = fs::read(tamis_demo::keys_path(&dump))?;
    let keys = imports::import(&keys, Some(imports::Format::JsonLines), "keys.jsonl").observations;
    let pair_of = |key: &KeyObservation| normal_pair(&key.domain, &key.selector);
    let (messages, named) = counted(&case, &lab.path("scratch"), &keys)?;
    let Some(((held, mails), known)) = named.split_first() else { return Err(no_key()) };
    let (late, early) = keys.into_iter().partition::<Vec<_>, _>(|key| pair_of(key) == *held);
    let known: BTreeSet<&Pair> = known.iter().map(|(pair, _)| pair).collect();
    let early: Vec<_> = early.into_iter().filter(|key| known.contains(&pair_of(key))).collect();
    let now = jiff::Timestamp::now().to_string();
    Register::open(&case)?.add(&early, "the demo", "tamis", &now)?;
    let late_file = lab.path("one-more.jsonl");
    fs::write(&late_file, imports::export(&late))?;

    let (mut command, examining) = lab.tamis(&words(&["examine"], &[&case], &[], &[]));
    let afresh = lab.run(&mut command, &examining)?;
    let (mut command, importing) = lab.tamis(&words(&["keys", "import"], &[&case, &late_file], &[], &[]));
    let again = lab.run(&mut command, &importing)?;
    lab.remove(&case);
    lab.remove(&folder);

    let on = format!("the demo at scale 1.5, seed 1: {} messages", count(messages));
    let figure = |usage: Usage, what: String, command: &str| {
        let what = format!("{what}; {:.1} CPU s, start of the program included", usage.cpu);
        Figure::new("tamis", Unit::Seconds, usage.wall, what, command).on(&on)
    };
    let one = format!("one more key, named by {} messages", count(*mails));
    Ok(vec![
        figure(afresh, format!("afresh: {} messages, {} keys", count(messages), known.len()), &examining),
        figure(again, one, &importing),
    ])
}

fn no_key() -> Failure {
    Failure::unusable("no mail of p10 names a key that is known", "this is a bug", "report it")
}

/// A command: words and paths in turn.
fn words(first: &[&str], paths: &[&Path], then: &[&str], more: &[&Path]) -> Vec<OsString> {
    let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
    let paths_of = |paths: &[&Path]| paths.iter().map(OsString::from).collect::<Vec<_>>();
    [words(first), paths_of(paths), words(then), paths_of(more)].concat()
}

/// Messages of a case, and the pairs of `keys` that most of them name, with how many do; most first.
fn counted(case: &Path, scratch: &Path, keys: &[KeyObservation]) -> Result<(u64, Vec<(Pair, u64)>), Failure> {
    let known: BTreeSet<Pair> = keys.iter().map(|key| normal_pair(&key.domain, &key.selector)).collect();
    let case = Case::open(case, scratch)?;
    let mut by_pair: BTreeMap<Pair, BTreeSet<Blob>> = BTreeMap::new();
    case.facts(
        |_| true,
        |blob, signature: Signature| {
            let pair = normal_pair(&signature.domain, &signature.selector);
            if known.contains(&pair) {
                by_pair.entry(pair).or_default().insert(blob);
            }
            Ok(())
        },
    )?;
    let mut counts: Vec<(Pair, u64)> =
        by_pair.into_iter().map(|(pair, blobs)| (pair, blobs.len() as u64)).collect();
    counts.sort_by_key(|(_, mails)| std::cmp::Reverse(*mails));
    counts.truncate(KEYS);
    Ok((case.totals().messages_unique, counts))
}
