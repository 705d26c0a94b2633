//! The sums that stand beside each commit, so that `summary` starts no engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tamis_model::{State, tables::Time};

/// Sums over everything committed so far. The field names are those of `tamis summary --json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Items by the ledger's state.
    pub items: BTreeMap<String, u64>,
    /// Bytes of top-level files.
    pub bytes: ByteSums,
    /// Links and devices: refused, but they hold no content.
    #[serde(default)]
    pub not_content: u64,
    /// Mails, occurrences.
    pub messages: u64,
    /// Mails, content.
    pub messages_unique: u64,
    /// Distinct sender addresses.
    pub senders: u64,
    /// Earliest date of a mail, microseconds UTC.
    pub first: Option<i64>,
    /// Latest.
    pub last: Option<i64>,
    /// Attachments, occurrences: children of mails that have a name and are not mails themselves.
    pub attachments: u64,
    /// Attachments, content.
    pub attachments_unique: u64,
    /// Pages and images that hold no text.
    pub no_text: u64,
}

/// The ledger's equation over all sources: `in = accounted`, `accounted = read + unread`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByteSums {
    /// Sizes of top-level files at inventory.
    #[serde(rename = "in")]
    pub received: u64,
    /// Bytes that the items' equations cover.
    pub accounted: u64,
    /// Bytes read.
    pub read: u64,
    /// Bytes in gaps and in items that nobody could read.
    pub unread: u64,
}

impl Totals {
    /// Counts one more item in `state`.
    pub fn item(&mut self, state: State) {
        *self.items.entry(state.as_str().to_owned()).or_default() += 1;
    }

    /// Items in `state`.
    pub fn in_state(&self, state: State) -> u64 {
        self.items.get(state.as_str()).copied().unwrap_or(0)
    }

    /// Items in all states.
    pub fn all_items(&self) -> u64 {
        // A stranger's case may claim anything.
        self.items.values().copied().fold(0, u64::saturating_add)
    }

    /// Takes the date of a mail into `first` and `last`.
    pub fn date(&mut self, date: Option<Time>) {
        if let Some(Time(at)) = date {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }
}
