//! The searches that are timed: a fixed list, in this program's language and in those of its peers.

use std::process::{Command, Stdio};

use super::{lab::Lab, process};
use crate::{failure::Failure, progress};

/// How often the whole list is asked, after one round that is not counted.
pub const ROUNDS: usize = 5;

/// A query in four languages; `None` where a peer has no equivalent.
pub struct Asked {
    /// In ours.
    pub tamis: &'static str,
    /// In that of notmuch.
    pub notmuch: Option<&'static str>,
    /// In that of mu.
    pub mu: Option<&'static str>,
    /// In that of recoll.
    pub recoll: Option<&'static str>,
}

/// The same in all four.
const fn same(query: &'static str) -> Asked {
    all(query, query, query, query)
}

const fn all(tamis: &'static str, notmuch: &'static str, mu: &'static str, recoll: &'static str) -> Asked {
    Asked { tamis, notmuch: Some(notmuch), mu: Some(mu), recoll: Some(recoll) }
}

/// The list: frequent and rare words, phrases, beginnings of words, fields, dates, exclusions, and words
/// that do not occur. Nothing in it depends on the numbers of a dump but `EAD5HDU1ZJ`, a reference.
pub const ALL: &[Asked] = &[
    same("réunion"),
    same("budget"),
    same("facture"),
    same("invoice"),
    same("attaque"),
    same("morlabrac"),
    same("EAD5HDU1ZJ"),
    same("inexistantissime"),
    same("le"),
    same("réunion budget"),
    same("devis traiteur"),
    same("virement chèque"),
    same("rumeur polémique"),
    same("meeting schedule"),
    same("réunion équipe budget planning"),
    same("\"compte rendu\""),
    same("\"en fin de journée\""),
    same("\"2023 421\""),
    same("budg*"),
    same("trésor*"),
    same("s*"),
    all("facture OR invoice", "facture or invoice", "facture or invoice", "facture OR invoice"),
    all(
        "(sondage OR enquête) meeting",
        "(sondage or enquête) meeting",
        "(sondage or enquête) meeting",
        "(sondage OR enquête) AND meeting",
    ),
    all("sondage -presse", "sondage not presse", "sondage not presse", "sondage -presse"),
    all("facture -newsletter", "facture not newsletter", "facture not newsletter", "facture -newsletter"),
    all("from:morlabrac", "from:morlabrac", "from:morlabrac", "author:morlabrac"),
    all("from:demain.example", "from:demain.example", "from:demain.example", "author:demain.example"),
    all(
        "from:poste.example facture",
        "from:poste.example facture",
        "from:poste.example facture",
        "author:poste.example facture",
    ),
    all("to:guilec", "to:guilec", "to:guilec", "recipient:guilec"),
    all("subject:planning", "subject:planning", "subject:planning", "subject:planning"),
    all(
        "subject:budget from:demain.example",
        "subject:budget from:demain.example",
        "subject:budget from:demain.example",
        "subject:budget author:demain.example",
    ),
    all("on:2024-03", "date:2024-03..2024-03", "date:2024-03..2024-03", "date:2024-03-01/2024-03-31"),
    all(
        "budget on:2025",
        "budget date:2025..2025",
        "budget date:2025..2025",
        "budget date:2025-01-01/2025-12-31",
    ),
    all(
        "réunion after:2024-06 before:2024-09",
        "réunion date:2024-07..2024-08",
        "réunion date:2024-07..2024-08",
        "réunion date:2024-07-01/2024-08-31",
    ),
    Asked { tamis: "has:attachment", notmuch: Some("tag:attachment"), mu: Some("flag:attach"), recoll: None },
    Asked {
        tamis: "has:attachment budget",
        notmuch: Some("tag:attachment budget"),
        mu: Some("flag:attach budget"),
        recoll: None,
    },
];

/// Times of one program.
pub struct Times {
    /// Milliseconds of each search, ascending.
    pub all: Vec<f64>,
    /// Different queries.
    pub queries: usize,
}

impl Times {
    /// The time that `share` of the searches did not pass (nearest rank); 0 where there are none.
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (self.all.len() as f64 * share).ceil() as usize;
        self.all.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

/// Times every query for which there is a command. Answers are read by nobody.
pub fn time(lab: &Lab, command: &dyn Fn(&Lab, &Asked) -> Option<Command>) -> Result<Times, Failure> {
    let mut times = Times { all: Vec::new(), queries: 0 };
    for round in 0..=ROUNDS {
        times.queries = 0;
        for query in ALL {
            let Some(mut command) = command(lab, query) else { continue };
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let usage = process::run(&mut command)?;
            if progress::stopped() {
                return Ok(times);
            }
            times.queries += 1;
            if round > 0 {
                times.all.push(usage.wall * 1000.0);
            }
        }
    }
    times.all.sort_by(f64::total_cmp);
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_queries_and_each_can_be_read() {
        assert!(ALL.len() >= 30);
        for query in ALL {
            assert!(tamis_search::Query::parse(query.tamis).is_ok(), "{}", query.tamis);
        }
        let distinct: std::collections::BTreeSet<&str> = ALL.iter().map(|query| query.tamis).collect();
        assert_eq!(distinct.len(), ALL.len());
    }

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let times = |n: u32| Times { all: (1..=n).map(f64::from).collect(), queries: 1 };
        for (n, median, late) in
            [(0, 0.0, 0.0), (1, 1.0, 1.0), (2, 1.0, 2.0), (100, 50.0, 95.0), (101, 51.0, 96.0)]
        {
            assert_eq!((times(n).quantile(0.5), times(n).quantile(0.95)), (median, late), "{n}");
        }
    }
}
