//! Where a case may lie, and the one lock that guards its writing.

use std::{
    fs::{File, OpenOptions},
    path::Path,
};

use rustix::fs::{FlockOperation, flock, statfs};

use crate::CaseError;

/// File systems that are served over a network, by the magic number of `statfs(2)`.
const NETWORK: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0000_517b, "SMB"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0102_1997, "9P"),
];

/// Kind of network file system for a `statfs` magic number; `None` for local ones.
pub(crate) fn network_kind(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, kind)| *kind)
}

/// Refuses a folder on a network mount.
pub(crate) fn refuse_network(dir: &Path) -> Result<(), CaseError> {
    let stat = statfs(dir).map_err(|error| CaseError::io("look at", dir)(error.into()))?;
    // The magic number is 32 bits wide wherever the field is wider.
    match network_kind(stat.f_type as u32) {
        Some(kind) => Err(CaseError::NetworkMount { path: dir.to_owned(), kind }),
        None => Ok(()),
    }
}

/// The ingest lock: held until dropped, released by the system if the process dies.
#[derive(Debug)]
pub(crate) struct IngestLock {
    _file: File,
}

impl IngestLock {
    /// Takes the lock of the case at `dir`, without waiting.
    pub(crate) fn take(dir: &Path) -> Result<IngestLock, CaseError> {
        let path = dir.join("ingest.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(CaseError::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(IngestLock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(CaseError::Locked { path: dir.to_owned() }),
            Err(error) => Err(CaseError::io("lock", &path)(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_mounts_are_told_from_local_disks() {
        for (magic, kind) in
            [(0x6969, Some("NFS")), (0xef53, None), (0x0102_1994, None), (0xfe53_4d42, Some("SMB2"))]
        {
            assert_eq!(network_kind(magic), kind);
        }
    }
}
