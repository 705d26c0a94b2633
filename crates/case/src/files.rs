//! File operations that a commit stands on: hashed, synced, renamed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::CaseError;

/// A new file that is hashed while it is written. Nothing may seek in it.
pub(crate) struct HashedFile {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

/// A finished [`HashedFile`]: on disk, synced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl HashedFile {
    /// Creates the file; it must not exist.
    pub(crate) fn create(path: &Path) -> Result<HashedFile, CaseError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(CaseError::io("create", path))?;
        Ok(HashedFile { file: BufWriter::with_capacity(256 << 10, file), hash: Sha256::new(), bytes: 0 })
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    /// Flushes and syncs.
    pub(crate) fn finish(self) -> io::Result<Written> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Written { bytes: self.bytes, sha256: self.hash.finalize().into() })
    }
}

impl Write for HashedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.hash.update(buf.get(..n).unwrap_or(buf));
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), CaseError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(CaseError::io("sync", path))
}

/// Replaces a small file as a whole: written beside, synced, renamed, folder synced.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), CaseError> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside).map_err(CaseError::io("create", &beside))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(CaseError::io("write", &beside))?;
    fs::rename(&beside, path).map_err(CaseError::io("rename", &beside))?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// Removes everything below `dir`, but not `dir`.
pub(crate) fn sweep(dir: &Path) -> Result<(), CaseError> {
    for entry in fs::read_dir(dir).map_err(CaseError::io("list", dir))? {
        let entry = entry.map_err(CaseError::io("list", dir))?;
        let path: PathBuf = entry.path();
        let is_dir = entry.file_type().map_err(CaseError::io("look at", &path))?.is_dir();
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(CaseError::io("remove", &path))?;
    }
    Ok(())
}
