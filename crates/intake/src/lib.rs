//! Intake: bytes of a dump to facts. One format is one file in `formats/` and one line in
//! [`formats::ALL`]; readers run inside the jail and judge nothing.
//!
//! Two sides meet here. In the jail: [`job::read_unit`] picks a [`reader::Reader`] for each thing of a
//! unit and lets it speak through [`out::Out`]. In the parent: [`protocol::Machine`] takes the frames,
//! believes nothing, and hands out a [`protocol::Reading`] a thing. [`walk`] lists the files of a source.
//!
//! Invariant: nothing here opens a path, except [`walk`], which opens those of the source and never
//! looks into their content.

pub mod formats;
pub mod job;
pub mod limits;
pub mod out;
pub mod protocol;
pub mod reader;
pub mod source;
pub mod testing;
pub mod walk;
