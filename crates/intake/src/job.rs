//! The job that runs in the jail: read the things of a unit, one after the other.

use tamis_model::{Outcome, Reason};

use crate::{
    formats::{self, Choice},
    limits,
    out::{Out, Stop, Wire},
    protocol::{Kind, Task, Thing, Unit},
    reader::Look,
    source::{ReadAt, Source},
};

/// Reads the things of `unit`, whose windows lie in `bytes`, and sends the frames of
/// [`crate::protocol`]. Ends early only when the parent hangs up.
pub fn read_unit(unit: &Unit, bytes: &dyn ReadAt, send: &mut Wire) -> Result<(), Stop> {
    unit.things.iter().try_for_each(|thing| read_thing(thing, unit.only_mail, bytes, send))
}

fn read_thing(thing: &Thing, only_mail: bool, bytes: &dyn ReadAt, send: &mut Wire) -> Result<(), Stop> {
    let source = Source::new(bytes, thing.at, thing.len);
    let head = source.head();
    let (choice, sure) = formats::choose(&Look { head: &head, bytes: thing.len, hint: &thing.hint });
    let choice = match choice {
        Choice::Reader(reader) if only_mail && !formats::is_mail(reader) => {
            Choice::None { media_type: reader.media_type(), reason: Reason::NotAsked }
        }
        other => other,
    };

    let (name, media_type) = match choice {
        Choice::Reader(reader) => (Some(reader.id().to_string()), reader.media_type()),
        Choice::None { media_type, .. } => (None, media_type),
    };
    let open = postcard::to_stdvec(&(name, media_type, sure)).map_err(|_| Stop::Closed)?;
    send(Kind::Open, &open)?;

    let mut out = Out::new(thing.len, send);
    let read = match choice {
        Choice::None { reason, .. } => Ok(Outcome::opaque(reason)),
        Choice::Reader(reader) => match thing.task {
            Task::Slice(slice) => reader.read(&source, Some(slice), &mut out),
            Task::Read if thing.len <= limits::UNIT_BYTES => reader.read(&source, None, &mut out),
            Task::Read | Task::Cut => match reader.cut(&source, &mut out) {
                None => reader.read(&source, None, &mut out),
                Some(cut) => cut.and_then(|(slices, outcome)| out.slices(&slices).map(|()| outcome)),
            },
        },
    };
    match read {
        Ok(outcome) => out.done(outcome),
        Err(Stop::Closed) => Err(Stop::Closed),
        Err(stop) => out.done(stop.outcome()),
    }
}
