//! The checks of the demo: what was found in the case, held against the truth of the dump.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Value, json};
use tamis_case::{Case, Totals};
use tamis_demo::{Copies, Expected, Place, Planted, Thread, Truth};
use tamis_engine::{Engine, output};
use tamis_model::{Blob, Outcome, Reason, State};
use tamis_pipeline::index;
use tamis_search::{Options, Query, Searcher};

use super::{
    super::{Scratch, sql},
    signed::{self, States, signed_checks},
};
use crate::{cli::Global, failure::Failure, screen::rfc3339};

/// One thing that is true of the dump, and what was found.
pub struct Check {
    /// What.
    pub what: String,
    /// As planted.
    pub truth: Value,
    /// As found.
    pub found: Value,
    /// Whether they agree.
    pub ok: bool,
}

impl Check {
    /// Two values that should be the same.
    pub fn equal(what: impl Into<String>, truth: impl Into<Value>, found: impl Into<Value>) -> Check {
        let (truth, found) = (truth.into(), found.into());
        Check { what: what.into(), ok: truth == found, truth, found }
    }

    /// As in `tamis demo --json`.
    pub fn json(self) -> Value {
        json!({ "what": self.what, "truth": self.truth, "found": self.found, "ok": self.ok })
    }
}

/// The words planted in one place.
pub struct Words {
    /// The place.
    pub place: String,
    /// Words planted there.
    pub planted: u64,
    /// Words found in each item that holds them and in no other.
    pub found: u64,
    /// Words that some item holds and does not show.
    pub missed: u64,
    /// Words found in items that do not hold them.
    pub extra: u64,
}

impl Words {
    /// Whether each was found.
    pub fn check(&self) -> Check {
        Check::equal(format!("words: {}", self.place), self.planted, self.found)
    }

    /// As in `tamis demo --json`.
    pub fn json(&self) -> Value {
        json!({
            "place": self.place,
            "planted": self.planted,
            "found": self.found,
            "missed": self.missed,
            "too_many": self.extra,
        })
    }
}

/// All checks.
pub struct Report {
    /// Those that compare two values, under their titles.
    pub sections: Vec<(&'static str, Vec<Check>)>,
    /// Planted words by place.
    pub words: Vec<Words>,
    /// The same for places whose format has no reader in this version. They are no checks.
    pub waiting: Vec<Words>,
    /// What was found of signatures, by what a mail shows of them; empty for a case that was not examined.
    pub signed: Vec<signed::Kind>,
}

impl Report {
    /// Every check, in order.
    pub fn checks(&self) -> impl Iterator<Item = Check> {
        let sections = self.sections.iter().flat_map(|(_, checks)| checks).map(|check| Check {
            what: check.what.clone(),
            truth: check.truth.clone(),
            found: check.found.clone(),
            ok: check.ok,
        });
        sections.chain(self.words.iter().map(Words::check)).chain(self.signed.iter().map(signed::Kind::check))
    }

    /// How many checks do not hold.
    pub fn differing(&self) -> u64 {
        self.checks().filter(|check| !check.ok).count() as u64
    }
}

/// Holds a case against the truth of its dump. `states` are those of its messages, by content; none of them:
/// the case was not examined, and signatures are not checked.
pub fn all(case: &Case, truth: &Truth, states: &States, global: &Global) -> Result<Report, Failure> {
    let seen = Seen::of(case, truth)?;
    let scratch = Scratch::new()?;
    let engine = Engine::open(case, sql::settings(global, &scratch))?;
    let searcher = index::searcher(case)?;
    let ask = Ask { searcher: &searcher, last_batch: case.last_batch() };
    let (words, waiting) = words(&ask, &truth.planted, &seen)?;
    Ok(Report {
        sections: vec![
            ("figures", figures(case, truth, &engine)?),
            ("special files", special(&truth.ledger, &seen)),
            (
                "threads, copies, what stays hidden",
                vec_of([
                    threads(&engine, &truth.threads)?,
                    vec![copies(&truth.copies, &seen), absent(&ask, &truth.absent)?],
                ]),
            ),
        ],
        words,
        waiting,
        signed: match states.is_empty() {
            true => Vec::new(),
            false => signed_checks(&truth.signed, states),
        },
    })
}

fn vec_of<const N: usize>(lists: [Vec<Check>; N]) -> Vec<Check> {
    lists.into_iter().flatten().collect()
}

/// What the ledger says, of what the truth names.
struct Seen {
    /// What stands at a path that the truth names.
    items: HashMap<String, At>,
    /// Media types that the ledger lists as `opaque: no-reader`.
    unread: BTreeSet<String>,
}

impl Seen {
    fn of(case: &Case, truth: &Truth) -> Result<Seen, Failure> {
        let special = truth.ledger.iter().map(|expected| &expected.path);
        let copies = truth.copies.iter().flat_map(|copies| copies.groups.iter().flatten());
        let wanted: BTreeSet<&String> = special.chain(copies).collect();
        let mut seen = Seen { items: HashMap::new(), unread: BTreeSet::new() };
        let mut first: HashMap<Blob, Outcome> = HashMap::new();
        case.items(|item| {
            let outcome = Outcome { state: item.state, reason: item.reason };
            if outcome == Outcome::opaque(Reason::NoReader) {
                seen.unread.insert(item.media_type);
            }
            if let Some(blob) = item.blob.filter(|_| item.state != State::Duplicate) {
                first.insert(blob, outcome);
            }
            // The content of a gzip file has the same path, one step deeper: the file itself is meant.
            let deeper = |at: &At| at.depth <= item.depth;
            if wanted.contains(&item.path) && !seen.items.get(&item.path).is_some_and(deeper) {
                let at = At { depth: item.depth, outcome, became: outcome, blob: item.blob };
                seen.items.insert(item.path, at);
            }
            Ok(())
        })?;
        for at in seen.items.values_mut().filter(|at| at.outcome.state == State::Duplicate) {
            at.became = at.blob.and_then(|blob| first.get(&blob).copied()).unwrap_or(at.outcome);
        }
        Ok(seen)
    }
}

struct At {
    depth: u32,
    /// As the ledger says.
    outcome: Outcome,
    /// Of a duplicate, what became of the same content where it was read; else the same.
    became: Outcome,
    blob: Option<Blob>,
}

impl At {
    /// Whether the ledger says one of the expected things of it.
    fn is(&self, expected: &Expected) -> bool {
        let fits = |outcome: &Outcome| {
            let reason = outcome.reason.map_or("", Reason::as_str);
            // Where a state without a reason is right as well, the reasons are those of the others.
            let any = expected.reasons.is_empty() || outcome.state == State::Parsed;
            expected.states.contains(&outcome.state)
                && (any || expected.reasons.iter().any(|word| word == reason))
        };
        fits(&self.outcome) || fits(&self.became)
    }

    fn words(&self) -> String {
        if self.outcome == self.became {
            self.outcome.to_string()
        } else {
            format!("{} of {}", self.outcome, self.became)
        }
    }
}

/// The counts of the dump.
fn figures(case: &Case, truth: &Truth, engine: &Engine) -> Result<Vec<Check>, Failure> {
    let (counts, totals): (_, &Totals) = (&truth.counts, case.totals());
    // A uuencoded file is an attachment of its mail like any other.
    let uuencoded = truth.planted.iter().filter(|word| word.place == Place::Uuencoded).count() as u64;
    let files: u64 = case.sources()?.iter().map(|source| source.files).sum();
    let time = |at: Option<i64>| at.and_then(rfc3339).unwrap_or_default();
    let number = |sql: &str| -> Result<u64, Failure> {
        let rows: Vec<Number> = rows(engine, sql)?;
        Ok(rows.first().map_or(0, |row| row.n))
    };
    Ok(vec![
        Check::equal("files", counts.files, files),
        Check::equal("bytes", counts.bytes, totals.bytes.received),
        Check::equal("bytes accounted for", counts.bytes, totals.bytes.accounted),
        Check::equal("mails", counts.mails, totals.messages),
        Check::equal("different mails", counts.mails_unique, totals.messages_unique),
        Check::equal("mails in mails", counts.mails_nested, number(NESTED)?),
        Check::equal("Message-IDs", counts.message_ids, number(MESSAGE_IDS)?),
        Check::equal("mails without Message-ID", counts.without_message_id, number(WITHOUT_ID)?),
        Check::equal("mails without readable date", counts.without_date, number(WITHOUT_DATE)?),
        Check::equal("senders", counts.senders, totals.senders),
        Check::equal("first date", counts.first.clone(), time(totals.first)),
        Check::equal("last date", counts.last.clone(), time(totals.last)),
        Check::equal("attachments", counts.attachments + counts.uuencoded, totals.attachments),
        Check::equal(
            "different attachments",
            counts.attachments_unique + uuencoded,
            totals.attachments_unique,
        ),
    ])
}

const MESSAGE_IDS: &str = "SELECT count(DISTINCT message_id) AS n FROM messages";
const WITHOUT_ID: &str = "SELECT count(*) AS n FROM mails WHERE message_id IS NULL";
const WITHOUT_DATE: &str = "SELECT count(*) AS n FROM mails WHERE date IS NULL";
const NESTED: &str = "SELECT count(*) AS n FROM mails m \
    JOIN items i ON i.source_id = m.source_id AND i.item_id = m.item_id \
    JOIN items p ON p.source_id = i.source_id AND p.item_id = i.parent_id \
    WHERE p.media_type = 'message/rfc822'";

#[derive(Deserialize)]
struct Number {
    n: u64,
}

/// The answer to a question of which few rows are expected.
fn rows<R: for<'de> Deserialize<'de>>(engine: &Engine, sql: &str) -> Result<Vec<R>, Failure> {
    let mut text = Vec::new();
    output::write(engine.query(sql)?, output::Format::Json, &mut text)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line).map_err(std::io::Error::from)?)).collect()
}

/// Special files: what the ledger should say of each.
fn special(expected: &[Expected], seen: &Seen) -> Vec<Check> {
    let check = |expected: &Expected| {
        let got = seen.items.get(&expected.path);
        let states: Vec<&str> = expected.states.iter().map(|state: &State| state.as_str()).collect();
        let reasons = if expected.reasons.is_empty() {
            String::new()
        } else {
            format!(": {}", expected.reasons.join("|"))
        };
        Check {
            what: expected.what.clone(),
            truth: format!("{}{reasons}", states.join("|")).into(),
            found: got.map_or("not in the ledger".to_owned(), At::words).into(),
            ok: got.is_some_and(|at| at.is(expected)),
        }
    };
    expected.iter().map(check).collect()
}

/// Mails at several places: the same bytes have one content, different bytes do not.
fn copies(copies: &[Copies], seen: &Seen) -> Check {
    let holds = |copies: &&Copies| {
        let mut contents = BTreeSet::new();
        copies.groups.iter().all(|group| {
            let blobs: BTreeSet<Option<Blob>> =
                group.iter().map(|path| seen.items.get(path).and_then(|at| at.blob)).collect();
            match (blobs.len(), blobs.first()) {
                (1, Some(Some(blob))) => contents.insert(*blob),
                _ => false,
            }
        })
    };
    let held = copies.iter().filter(holds).count();
    Check::equal("mails at several places", copies.len(), held)
}

/// Threads: members, who answered whom, and the first mail that is not in the dump.
fn threads(engine: &Engine, threads: &[Thread]) -> Result<Vec<Check>, Failure> {
    let ids = threads.iter().flat_map(|thread| &thread.message_ids);
    let quoted: Vec<String> = ids.map(|id| format!("'{}'", bare(id).replace('\'', "''"))).collect();
    let mut by_thread: BTreeMap<String, Vec<ThreadRow>> = BTreeMap::new();
    if !quoted.is_empty() {
        let sql = format!(
            "SELECT thread_id, message_id, parent_message_id, missing FROM threads WHERE thread_id IN \
             (SELECT thread_id FROM threads WHERE message_id IN ({})) ORDER BY thread_id, position",
            quoted.join(", ")
        );
        for row in rows::<ThreadRow>(engine, &sql)? {
            by_thread.entry(row.thread_id.clone()).or_default().push(row);
        }
    }
    // The rows of the one thread that holds a planted thread's mails.
    let of = |thread: &Thread| -> &[ThreadRow] {
        let first = thread.message_ids.first().map(|id| bare(id));
        let holds = |rows: &&Vec<ThreadRow>| rows.iter().any(|row| row.message_id.as_deref() == first);
        by_thread.values().find(holds).map_or(&[], Vec::as_slice)
    };
    let count = |holds: &dyn Fn(&Thread, &[ThreadRow]) -> bool| {
        threads.iter().filter(|thread| holds(thread, of(thread))).count()
    };
    let all = threads.len();
    Ok(vec![
        Check::equal("threads with all their mails", all, count(&members_hold)),
        Check::equal("threads with the right parents", all, count(&parents_hold)),
        Check::equal("threads with the mail that is missing", all, count(&missing_holds)),
    ])
}

#[derive(Deserialize)]
struct ThreadRow {
    thread_id: String,
    message_id: Option<String>,
    parent_message_id: Option<String>,
    missing: bool,
}

fn bare(id: &str) -> &str {
    id.trim_start_matches('<').trim_end_matches('>')
}

fn members_hold(thread: &Thread, rows: &[ThreadRow]) -> bool {
    let planted: BTreeSet<Option<&str>> = thread.message_ids.iter().map(|id| Some(bare(id))).collect();
    let found: BTreeSet<Option<&str>> = rows.iter().map(|row| row.message_id.as_deref()).collect();
    planted == found
}

fn parents_hold(thread: &Thread, rows: &[ThreadRow]) -> bool {
    thread.message_ids.iter().zip(&thread.parents).all(|(id, parent)| {
        let parent = parent.and_then(|at| thread.message_ids.get(at)).map(|id| bare(id));
        let mut own = rows.iter().filter(|row| row.message_id.as_deref() == Some(bare(id))).peekable();
        own.peek().is_some() && own.all(|row| row.parent_message_id.as_deref() == parent)
    })
}

fn missing_holds(thread: &Thread, rows: &[ThreadRow]) -> bool {
    let planted: Vec<&str> = thread.missing.iter().map(|id| bare(id)).collect();
    let found: Vec<&str> =
        rows.iter().filter(|row| row.missing).filter_map(|row| row.message_id.as_deref()).collect();
    !rows.is_empty() && planted == found
}

/// Asks the index, which is opened once.
struct Ask<'a> {
    searcher: &'a Searcher,
    last_batch: u64,
}

impl Ask<'_> {
    /// Items that hold `text`, and the paths of the first `limit`.
    fn paths(&self, text: &str, limit: usize) -> Result<(u64, Vec<String>), Failure> {
        let options = Options { limit, last_batch: self.last_batch, ..Options::default() };
        let hits = self.searcher.search(&Query::literal(text)?, &options)?;
        Ok((hits.total, hits.hits.into_iter().map(|hit| hit.path).collect()))
    }
}

/// Words that stand only in encrypted content.
fn absent(ask: &Ask, absent: &[String]) -> Result<Check, Failure> {
    let mut hits = 0;
    for word in absent {
        hits += ask.paths(word, 0)?.0;
    }
    Ok(Check::equal(format!("items with one of {} encrypted words", absent.len()), 0, hits))
}

/// Planted words by place: those that can be read, and those whose format has no reader.
fn words(ask: &Ask, planted: &[Planted], seen: &Seen) -> Result<(Vec<Words>, Vec<Words>), Failure> {
    let mut places: BTreeMap<Place, Words> = BTreeMap::new();
    for word in planted {
        let words = places.entry(word.place).or_insert_with(|| Words {
            place: name(word.place),
            planted: 0,
            found: 0,
            missed: 0,
            extra: 0,
        });
        let (missed, extra) = misses(ask, word)?;
        words.planted += 1;
        words.found += u64::from(missed == 0 && extra == 0);
        words.missed += u64::from(missed > 0);
        words.extra += u64::from(extra > 0);
    }
    let waits = |place: &Place| format_of(*place).is_some_and(|media_type| seen.unread.contains(media_type));
    let (waiting, read): (Vec<_>, Vec<_>) = places.into_iter().partition(|(place, _)| waits(place));
    let strip = |list: Vec<(Place, Words)>| list.into_iter().map(|(_, words)| words).collect();
    Ok((strip(read), strip(waiting)))
}

/// How many items that hold the word were not found, and how many were that do not.
fn misses(ask: &Ask, word: &Planted) -> Result<(u64, u64), Failure> {
    let (total, hits) = ask.paths(&word.text, word.paths.len() + 16)?;
    // Each place is one item: what is found there is at it or inside it.
    let mut places: Vec<&str> = word.paths.iter().map(String::as_str).collect();
    let mut right = 0;
    for hit in &hits {
        if let Some(at) = places.iter().position(|place| lies_in(hit, place)) {
            places.swap_remove(at);
            right += 1;
        }
    }
    Ok((word.items.saturating_sub(right), total.saturating_sub(right)))
}

/// Whether a path is `place` or something inside it.
fn lies_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['!', '#']))
}

/// The media type that must be read to find words in a place, where that is in question. Whether it is
/// read is for the ledger to say.
fn format_of(place: Place) -> Option<&'static str> {
    match place {
        Place::AttachmentPdf => Some("application/pdf"),
        Place::AttachmentDocx => {
            Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document")
        }
        Place::AttachmentXlsx => Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => None,
    }
}

/// The place's word in `truth.json`.
fn name(place: Place) -> String {
    match serde_json::to_value(place) {
        Ok(Value::String(name)) => name,
        _ => format!("{place:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_lies_in_a_place_at_a_step() {
        for (path, place, inside) in [
            ("a.mbox#1", "a.mbox#1", true),
            ("a.mbox#1!x.pdf", "a.mbox#1", true),
            ("a.mbox#12", "a.mbox#1", false),
            ("a.zip!b.zip!c.txt", "a.zip", true),
            ("b.txt", "a.txt", false),
            ("a.txt", "a.txt!b", false),
        ] {
            assert_eq!(lies_in(path, place), inside, "{path} in {place}");
        }
    }

    fn row(id: &str, parent: Option<&str>, missing: bool) -> ThreadRow {
        ThreadRow {
            thread_id: "t".to_owned(),
            message_id: Some(id.to_owned()),
            parent_message_id: parent.map(str::to_owned),
            missing,
        }
    }

    #[test]
    fn threads_that_differ_are_noticed() {
        let thread = Thread {
            message_ids: vec!["<a>".to_owned(), "<b>".to_owned(), "<c>".to_owned()],
            parents: vec![None, Some(0), Some(1)],
            missing: Some("<a>".to_owned()),
        };
        let rows = |c: Option<&str>, missing: bool| {
            vec![row("a", None, missing), row("b", Some("a"), false), row("c", c, false)]
        };
        let verdicts = |rows: &[ThreadRow]| {
            (members_hold(&thread, rows), parents_hold(&thread, rows), missing_holds(&thread, rows))
        };
        assert_eq!(verdicts(&rows(Some("b"), true)), (true, true, true));
        assert_eq!(verdicts(&rows(Some("a"), true)), (true, false, true));
        assert_eq!(verdicts(&rows(Some("b"), false)), (true, true, false));
        assert_eq!(verdicts(&rows(Some("b"), true)[..2]), (false, false, true));
        assert_eq!(verdicts(&[]), (false, false, false));
    }
}
