//! Key observations from the files that people have, and back.
