//! What became of an item: the states of the ledger and their reasons.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The ledger's states. Each item is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Read in full.
    Parsed,
    /// Read, with gaps or defects that lost something; what was read stays.
    Partial,
    /// Kept and hashed, not understood.
    Opaque,
    /// Needs a password that was not given.
    Encrypted,
    /// Not read (on) because it would have passed one of our limits.
    Refused,
    /// Reading ended in an error.
    Failed,
    /// The same bytes were committed earlier in walk order; facts hang on the blob.
    Duplicate,
}

impl State {
    /// All states in the order in which they are shown.
    pub const ALL: [State; 7] = [
        State::Parsed,
        State::Partial,
        State::Opaque,
        State::Encrypted,
        State::Refused,
        State::Failed,
        State::Duplicate,
    ];

    /// The word used in tables, JSON and queries.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Parsed => "parsed",
            State::Partial => "partial",
            State::Opaque => "opaque",
            State::Encrypted => "encrypted",
            State::Refused => "refused",
            State::Failed => "failed",
            State::Duplicate => "duplicate",
        }
    }

    /// Whether bytes of an item in this state count as *unread* as a whole.
    pub fn is_unread(self) -> bool {
        matches!(self, State::Opaque | State::Encrypted | State::Refused | State::Failed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<State, ()> {
        State::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

macro_rules! reasons {
    ($($variant:ident $word:literal $meaning:literal)*) => {
        /// Why an item is in its state. One closed list: every word that the ledger can show.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
        }

        impl Reason {
            /// All reasons, in the order of the documentation.
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// The word used in tables, JSON and queries.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $word,)* }
            }

            /// One sentence for people.
            pub fn meaning(self) -> &'static str {
                match self { $(Reason::$variant => $meaning,)* }
            }
        }
    };
}

reasons! {
    // opaque
    NoReader "no-reader" "the format is known, but this version has no reader for it"
    UnknownType "unknown-type" "the content matches no format that is known here"
    NotAsked "not-asked" "left out because the run was told to read other things only"
    Synthetic "no-content" "the container declares the item but holds no content for it"
    // partial
    Damaged "damaged" "parts could not be read; each is a row of `defects`"
    Truncated "truncated" "the bytes end before the structure does"
    // refused: an entry that is not content
    Link "link" "a symbolic or hard link inside the source; noted, not followed"
    Device "device" "a device, pipe or socket; noted, not opened"
    // refused: caps
    Depth "depth" "nested deeper than the limit"
    Expansion "expansion" "would unpack to far more bytes than it is stored in"
    Children "children" "more children than the limit"
    Fuel "fuel" "needs more work than its size allows"
    Size "size" "a part declares more memory than the limit"
    Overlap "overlap" "its stored bytes are claimed by another member as well"
    Copies "copies" "further descendants of a duplicate, not listed one by one"
    // failed
    Checksum "checksum" "the content does not match the checksum stored with it"
    Corrupt "corrupt" "the structure is broken before anything could be read"
    Protocol "protocol" "the reading process answered outside its protocol and was not believed"
    Died "died" "the reading process died twice on this item"
    // failed for the machine's sake: unsettled
    Time "time" "the reading process was stopped by the clock"
    Killed "killed" "the reading process was killed from outside"
    Changed "changed" "the file changed while it was read"
    Unreadable "unreadable" "the file could not be opened or read"
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Reason {
    type Err = ();
    fn from_str(text: &str) -> Result<Reason, ()> {
        Reason::ALL.iter().copied().find(|reason| reason.as_str() == text).ok_or(())
    }
}

/// A state and, where there is one, its reason. Shown as `parsed` or `refused: depth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The ledger's state.
    pub state: State,
    /// Why; `None` for `parsed` and `duplicate`.
    pub reason: Option<Reason>,
}

impl Outcome {
    /// Read in full.
    pub const PARSED: Outcome = Outcome { state: State::Parsed, reason: None };
    /// Same bytes as an earlier item.
    pub const DUPLICATE: Outcome = Outcome { state: State::Duplicate, reason: None };

    /// Read with losses.
    pub const fn partial(reason: Reason) -> Outcome {
        Outcome { state: State::Partial, reason: Some(reason) }
    }
    /// Kept, not understood.
    pub const fn opaque(reason: Reason) -> Outcome {
        Outcome { state: State::Opaque, reason: Some(reason) }
    }
    /// A limit stood in the way.
    pub const fn refused(reason: Reason) -> Outcome {
        Outcome { state: State::Refused, reason: Some(reason) }
    }
    /// Reading ended in an error.
    pub const fn failed(reason: Reason) -> Outcome {
        Outcome { state: State::Failed, reason: Some(reason) }
    }
    /// Needs a password.
    pub const ENCRYPTED: Outcome = Outcome { state: State::Encrypted, reason: None };

    /// Whether the item was refused for where it stands rather than for its bytes: the same content may
    /// be read elsewhere, so this does not make later occurrences duplicates. (`partial: depth` is of the
    /// bytes: it was read.)
    pub fn is_of_the_place(&self) -> bool {
        let place = [Reason::Depth, Reason::Expansion, Reason::Copies, Reason::Overlap];
        self.state == State::Refused && self.reason.is_some_and(|reason| place.contains(&reason))
    }

    /// Whether the outcome is owed to the machine rather than to the bytes: such items stay outside
    /// the `read` digest and are tried again at the next `open`.
    pub fn is_unsettled(&self) -> bool {
        matches!(
            self,
            Outcome {
                state: State::Failed,
                reason: Some(Reason::Time | Reason::Killed | Reason::Changed | Reason::Unreadable)
            }
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.reason {
            None => write!(f, "{}", self.state),
            Some(reason) => write!(f, "{}: {reason}", self.state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_not_of_the_place() {
        assert!(Outcome::refused(Reason::Depth).is_of_the_place());
        for outcome in [Outcome::partial(Reason::Depth), Outcome::refused(Reason::Fuel), Outcome::PARSED] {
            assert!(!outcome.is_of_the_place(), "{outcome}");
        }
    }

    #[test]
    fn words_round_trip_and_are_unique() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for reason in Reason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
    }
}
