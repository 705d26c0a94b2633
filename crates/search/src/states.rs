//! The state of evidence (A–F) of each item, beside the index: one byte for each number of a source's walk.
//!
//! States change whenever a key is found and the text does not: a new judgement replaces this table, and
//! no document of the index is written again.
//!
//! As stored, all numbers little-endian: the eight bytes `tamis-AF`, the version (u32), the number of
//! sources (u32); then for each source in ascending order its id (u32), the number of its bytes (u64, at
//! least 1), how many of them are `A`, `B`, … `F` (six u64), and the bytes: `0` for an item without a
//! state, else its letter, the last one a letter. Nothing follows. One table has one form; the totals show
//! a byte that has changed since.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read, Write},
};

use tamis_model::{SourceId, findings::MessageState};

/// Most bytes of a table, all sources together: as many items.
pub const MAX_BYTES: u64 = 1 << 30;

/// The first bytes of a stored table.
const MAGIC: [u8; 8] = *b"tamis-AF";
/// The version of the form above.
const VERSION: u32 = 1;
/// The byte of an item without a state.
const NONE: u8 = 0;
/// Most bytes set aside for a source before any of them is read.
const ROOM: u64 = 1 << 20;

/// The state of evidence of each item that has one. A lookup takes two steps, whatever the size.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct States {
    /// By source, then by number in walk order. No list is empty or ends with [`NONE`].
    sources: BTreeMap<SourceId, Vec<u8>>,
    /// Bytes of all sources.
    bytes: u64,
}

/// Why a table of states could not be read or filled.
#[derive(Debug, thiserror::Error)]
pub enum StatesError {
    /// The file is something else.
    #[error("this is not a table of states")]
    NotStates,
    /// Written by another version of this program.
    #[error("the table of states has version {0}, this program reads version {VERSION}")]
    OtherVersion(u32),
    /// More items than can be held, or than the caller allows.
    #[error("a table of states with more than {limit} items is not held")]
    TooLong {
        /// How many may be held.
        limit: u64,
    },
    /// The bytes are not as they were written.
    #[error("the table of states is damaged: {0}")]
    Damaged(&'static str),
    /// The file cannot be read.
    #[error("the table of states could not be read")]
    Io(#[source] io::Error),
}

impl States {
    /// Says the state of the item with number `walk` in walk order of `source`; a later word replaces an
    /// earlier one. Memory is that of the highest number of each source, one byte an item.
    ///
    /// # Errors
    /// [`StatesError::TooLong`] for a number that would take the table beyond [`MAX_BYTES`], which no
    /// honest case has. The table is then as it was.
    pub fn set(&mut self, source: SourceId, walk: u64, state: MessageState) -> Result<(), StatesError> {
        let known = self.sources.get(&source).map_or(0, |bytes| bytes.len() as u64);
        let others = self.bytes - known;
        let at = usize::try_from(walk).ok().filter(|_| walk < MAX_BYTES - others);
        let at = at.ok_or(StatesError::TooLong { limit: MAX_BYTES })?;
        let bytes = self.sources.entry(source).or_default();
        if bytes.len() <= at {
            bytes.resize(at + 1, NONE);
        }
        if let Some(byte) = bytes.get_mut(at) {
            *byte = byte_of(state);
        }
        self.bytes = others + bytes.len() as u64;
        Ok(())
    }

    /// The state of an item, by its number in walk order. `None`: no message, or not judged.
    pub fn get(&self, source: SourceId, walk: u64) -> Option<MessageState> {
        state_of(self.byte(source, walk))
    }

    /// What stands in the table for an item: its letter, or [`NONE`].
    pub(crate) fn byte(&self, source: SourceId, walk: u64) -> u8 {
        let bytes = self.sources.get(&source);
        let byte = bytes.zip(usize::try_from(walk).ok()).and_then(|(bytes, walk)| bytes.get(walk));
        byte.copied().unwrap_or(NONE)
    }

    /// Writes the table in the form that stands at the head of this file.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        let sources = u32::try_from(self.sources.len()).map_err(io::Error::other)?;
        to.write_all(&sources.to_le_bytes())?;
        for (source, bytes) in &self.sources {
            to.write_all(&source.0.to_le_bytes())?;
            to.write_all(&(bytes.len() as u64).to_le_bytes())?;
            for count in totals(bytes).unwrap_or_default() {
                to.write_all(&count.to_le_bytes())?;
            }
            to.write_all(bytes)?;
        }
        Ok(())
    }

    /// Reads a table to its end. At most `limit` bytes of states are held (and never more than
    /// [`MAX_BYTES`]), and none before they are there, whatever the lengths say. The number of items is too
    /// low a limit for a case with items that were read again: they have new numbers at the end.
    ///
    /// # Errors
    /// A table that is not exactly as [`States::write`] makes it, that is longer, or that cannot be read.
    pub fn read(from: &mut impl Read, limit: u64) -> Result<States, StatesError> {
        let limit = limit.min(MAX_BYTES);
        if array(from).map_err(|error| not_ours(error, StatesError::NotStates))? != MAGIC {
            return Err(StatesError::NotStates);
        }
        match number(from)? {
            VERSION => {}
            version => return Err(StatesError::OtherVersion(version)),
        }
        let mut states = States::default();
        let mut last = None;
        for _ in 0..number(from)? {
            let source = SourceId(number(from)?);
            if last.replace(source).is_some_and(|last| last >= source) {
                return Err(StatesError::Damaged("its sources are out of order"));
            }
            let bytes = one_source(from, limit - states.bytes, limit)?;
            states.bytes += bytes.len() as u64;
            states.sources.insert(source, bytes);
        }
        match from.take(1).read_to_end(&mut Vec::new()) {
            Ok(0) => Ok(states),
            Ok(_) => Err(StatesError::Damaged("something follows it")),
            Err(error) => Err(StatesError::Io(error)),
        }
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("States").field("sources", &self.sources.len()).field("bytes", &self.bytes).finish()
    }
}

/// The bytes of one source, of which `room` may be held.
fn one_source(from: &mut impl Read, room: u64, limit: u64) -> Result<Vec<u8>, StatesError> {
    let length = u64::from_le_bytes(array(from).map_err(short)?);
    if length > room {
        return Err(StatesError::TooLong { limit });
    }
    let mut written = [0; MessageState::ALL.len()];
    for count in &mut written {
        *count = u64::from_le_bytes(array(from).map_err(short)?);
    }
    let mut bytes = Vec::with_capacity(length.min(ROOM) as usize);
    from.take(length).read_to_end(&mut bytes).map_err(StatesError::Io)?;
    if (bytes.len() as u64) < length {
        return Err(StatesError::Damaged(SHORT));
    }
    if bytes.last().is_none_or(|last| *last == NONE) {
        return Err(StatesError::Damaged("a source has no states at its end"));
    }
    match totals(&bytes) {
        None => Err(StatesError::Damaged("it holds something that is no state")),
        Some(counted) if counted != written => Err(StatesError::Damaged("its totals do not fit its states")),
        Some(_) => Ok(bytes),
    }
}

/// How many bytes are each letter; `None` if one is neither a letter nor [`NONE`].
fn totals(bytes: &[u8]) -> Option<[u64; MessageState::ALL.len()]> {
    let mut seen = [0_u64; 256];
    for byte in bytes {
        if let Some(count) = seen.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let of = |byte: u8| seen.get(usize::from(byte)).copied().unwrap_or(0);
    let totals = MessageState::ALL.map(|state| of(byte_of(state)));
    let known = of(NONE) + totals.iter().sum::<u64>();
    (known == bytes.len() as u64).then_some(totals)
}

fn byte_of(state: MessageState) -> u8 {
    state.letter().bytes().next().unwrap_or(NONE)
}

fn state_of(byte: u8) -> Option<MessageState> {
    MessageState::ALL.into_iter().find(|state| byte_of(*state) == byte)
}

fn number(from: &mut impl Read) -> Result<u32, StatesError> {
    array(from).map(u32::from_le_bytes).map_err(short)
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

const SHORT: &str = "it ends too early";

fn short(error: io::Error) -> StatesError {
    not_ours(error, StatesError::Damaged(SHORT))
}

/// An end that comes too early says something of the file, any other error something of the machine.
fn not_ours(error: io::Error, early: StatesError) -> StatesError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => early,
        _ => StatesError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &[(u32, u64, MessageState)]) -> States {
        let mut states = States::default();
        for (source, walk, state) in entries {
            states.set(SourceId(*source), *walk, *state).unwrap();
        }
        states
    }

    fn stored(states: &States) -> Vec<u8> {
        let mut bytes = Vec::new();
        states.write(&mut bytes).unwrap();
        bytes
    }

    fn read(mut bytes: &[u8]) -> Result<States, StatesError> {
        States::read(&mut bytes, 1000)
    }

    /// Two sources, with 60 bytes before the states of each.
    fn small() -> Vec<u8> {
        use MessageState::{A, D, F};
        stored(&table(&[(2, 3, D), (7, 0, A), (7, 1, F)]))
    }

    #[test]
    fn the_last_word_counts_and_every_other_item_has_none() {
        use MessageState::{A, C, F};
        let states = table(&[(1, 4, A), (3, 0, C), (1, 2, F), (1, 4, C)]);
        let known = |source, walk| states.get(SourceId(source), walk);
        for (source, walk, state) in [
            (1, 4, Some(C)),
            (1, 2, Some(F)),
            (3, 0, Some(C)),
            (1, 0, None),
            (1, 5, None),
            (1, u64::MAX, None),
            (2, 0, None),
            (3, 1, None),
        ] {
            assert_eq!(known(source, walk), state, "{source} {walk}");
        }
    }

    #[test]
    fn the_stored_form() {
        let mut expected = b"tamis-AF\x01\0\0\0\x02\0\0\0".to_vec();
        for (source, bytes, totals) in
            [(2, b"\0\0\0D".as_slice(), [0, 0, 0, 1, 0, 0]), (7, b"AF", [1, 0, 0, 0, 0, 1])]
        {
            expected.extend([source, 0, 0, 0]);
            expected.extend((bytes.len() as u64).to_le_bytes());
            totals.into_iter().for_each(|total: u64| expected.extend(total.to_le_bytes()));
            expected.extend(bytes);
        }
        assert_eq!(small(), expected);
        assert_eq!(stored(&States::default()), b"tamis-AF\x01\0\0\0\0\0\0\0");
    }

    #[test]
    fn what_is_refused_and_why() {
        let changed = |at: usize, byte: u8| {
            let mut bytes = small();
            bytes[at] = byte;
            bytes
        };
        let first = 16 + 60;
        for (what, bytes, message) in [
            ("empty", vec![], "this is not a table of states"),
            ("another file", b"PAR1 and so on, for long".to_vec(), "this is not a table of states"),
            ("newer", changed(8, 9), "has version 9"),
            ("one source more", changed(12, 3), "ends too early"),
            ("one source less", changed(12, 1), "something follows"),
            ("a byte more", [small(), vec![0]].concat(), "something follows"),
            ("sources out of order", changed(16, 9), "out of order"),
            ("a source twice", changed(16, 7), "out of order"),
            ("a length that lies", changed(20 + 3, 1), "more than 1000 items"),
            ("no length", changed(20, 0), "no states at its end"),
            ("a letter beyond", changed(first + 3, b'G'), "no state"),
            ("a small letter", changed(first + 3, b'd'), "no state"),
            ("no letter at the end", changed(first + 3, 0), "no states at its end"),
            ("another letter", changed(first + 3, b'A'), "totals"),
            ("a letter more", changed(first, b'A'), "totals"),
        ] {
            let error = read(&bytes).expect_err(what).to_string();
            assert!(error.contains(message), "{what}: {error}");
        }
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let intact = small();
        assert!(read(&intact).is_ok());
        for at in 0..intact.len() {
            assert!(read(&intact[..at]).is_err(), "cut at {at}");
            // The ids of sources are the one thing that the form does not check.
            if at != 16 && !(80..84).contains(&at) {
                for flip in [0x01, 0x05, 0x80] {
                    let mut bytes = intact.clone();
                    bytes[at] ^= flip;
                    assert!(read(&bytes).is_err(), "{flip:#x} at {at}");
                }
            }
        }
    }

    /// A few bytes that promise a lot cost a few bytes.
    #[test]
    fn a_length_alone_takes_no_memory() {
        let mut bytes = small();
        bytes[20..28].copy_from_slice(&MAX_BYTES.to_le_bytes());
        let error = States::read(&mut bytes.as_slice(), u64::MAX).expect_err("it is short");
        assert_eq!(error.to_string(), "the table of states is damaged: it ends too early");
        bytes[20..28].copy_from_slice(&(MAX_BYTES + 1).to_le_bytes());
        assert!(matches!(
            States::read(&mut bytes.as_slice(), u64::MAX),
            Err(StatesError::TooLong { limit: MAX_BYTES })
        ));
    }

    #[test]
    fn the_limit_is_that_of_all_sources() {
        let bytes = small();
        assert!(States::read(&mut bytes.as_slice(), 6).is_ok());
        assert!(matches!(States::read(&mut bytes.as_slice(), 5), Err(StatesError::TooLong { limit: 5 })));
    }

    #[test]
    fn a_number_that_no_case_has_changes_nothing() {
        let mut states = table(&[(1, 2, MessageState::B)]);
        let before = states.clone();
        for walk in [MAX_BYTES - 3, MAX_BYTES, u64::MAX] {
            let refused = states.set(SourceId(9), walk, MessageState::A);
            assert!(matches!(refused, Err(StatesError::TooLong { .. })), "{walk}");
            assert_eq!(states, before);
        }
        assert_eq!(read(&stored(&states)).unwrap(), before);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(
            entries in proptest::collection::vec((0_u32..4, 0_u64..200, 0_usize..6), 0..40),
        ) {
            let mut states = States::default();
            let mut last = BTreeMap::new();
            for (source, walk, state) in entries {
                states.set(SourceId(source), walk, MessageState::ALL[state]).unwrap();
                last.insert((source, walk), MessageState::ALL[state]);
            }
            let again = read(&stored(&states)).unwrap();
            proptest::prop_assert_eq!(&again, &states);
            proptest::prop_assert_eq!(stored(&again), stored(&states));
            for source in 0..5 {
                for walk in 0..201 {
                    let expected = last.get(&(source, walk)).copied();
                    proptest::prop_assert_eq!(again.get(SourceId(source), walk), expected);
                }
            }
        }

        /// Whatever is accepted is the one form of its table.
        #[test]
        fn any_bytes_are_refused_or_have_one_form(
            changes in proptest::collection::vec((0_usize..142, proptest::num::u8::ANY), 0..4),
            cut in 0_usize..200,
        ) {
            let mut bytes = small();
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            bytes.truncate(cut);
            if let Ok(states) = read(&bytes) {
                proptest::prop_assert_eq!(stored(&states), bytes);
            }
        }
    }
}
