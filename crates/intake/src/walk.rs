//! Lists the files of a source in walk order: bytewise by raw relative path. Nothing is opened but
//! directories, no link is followed, no content is looked at.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat},
};
use tamis_model::names::escape;

/// All files of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// In walk order.
    pub entries: Vec<Entry>,
}

impl Inventory {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let sizes = self.entries.iter().map(|entry| match entry.kind {
            EntryKind::File { bytes, .. } => bytes,
            _ => 0,
        });
        sizes.fold(0, u64::saturating_add)
    }
}

/// One file of a source, or something that stands in the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Raw path below the source, joined with `/`; the base name where the source is one file.
    pub path_raw: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
}

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file. Times and numbers tell later whether it is still the same; times in nanoseconds
    /// since 1970.
    File {
        /// Size.
        bytes: u64,
        /// Last change of the content.
        mtime_ns: i64,
        /// Last change of the content or of what is known of it.
        ctime_ns: i64,
        /// Number of the file on its device.
        inode: u64,
        /// Number of the device.
        device: u64,
    },
    /// A symbolic link.
    Link {
        /// Where it points, raw.
        target: Vec<u8>,
    },
    /// A pipe, socket or device, by that word.
    Special(&'static str),
    /// A directory that could not be listed to its end, or a file of which nothing could be learned.
    Unreadable(String),
}

/// The source itself cannot be listed. Occurs when its path does not exist, may not be looked at, or is
/// neither a file nor a directory.
#[derive(Debug, thiserror::Error)]
#[error("cannot list {path}: {source}")]
pub struct WalkError {
    /// The path, escaped.
    pub path: String,
    /// What the system said.
    pub source: io::Error,
}

/// Lists `root`: the file itself, or all files below the directory, without what is below `exclude`.
/// A link is followed at `root` only. What cannot be read is an entry.
pub fn inventory(root: &Path, exclude: Option<&Path>) -> Result<Inventory, WalkError> {
    let failed = |source: io::Error| WalkError { path: escape(root.as_os_str().as_bytes()), source };
    let stat = rustix::fs::stat(root).map_err(|error| failed(error.into()))?;
    let mut entries = Vec::new();
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            let name = match root.file_name() {
                Some(name) => name.as_bytes().to_vec(),
                None => fs::canonicalize(root)
                    .map_err(failed)?
                    .file_name()
                    .map(|name| name.as_bytes().to_vec())
                    .unwrap_or_default(),
            };
            entries.push(Entry { path_raw: name, kind: file(&stat) });
        }
        FileType::Directory => {
            // By identity, whatever way its path is written.
            let exclude = exclude.and_then(|path| rustix::fs::stat(path).ok()).map(|stat| identity(&stat));
            let top = open_directory(root, false).map_err(failed)?;
            let mut pending = vec![(Vec::new(), Some(top))];
            // Depth is bounded by the longest path the system takes, memory by the number of entries.
            while let Some((path, open)) = pending.pop() {
                let open = open.map_or_else(|| open_directory(&join(root, &path), true), Ok);
                let listed =
                    open.and_then(|directory| list(directory, &path, exclude, &mut entries, &mut pending));
                if let Err(error) = listed {
                    if path.is_empty() {
                        return Err(failed(error));
                    }
                    entries.push(Entry { path_raw: path, kind: EntryKind::Unreadable(error.to_string()) });
                }
            }
        }
        _ => {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "neither a file nor a directory",
            )));
        }
    }
    entries.sort_unstable_by(|a, b| a.path_raw.cmp(&b.path_raw));
    Ok(Inventory { entries })
}

type Pending = Vec<(Vec<u8>, Option<OwnedFd>)>;

/// Lists one directory: files into `entries`, directories into `pending`.
fn list(
    directory: OwnedFd,
    path: &[u8],
    exclude: Option<(u64, u64)>,
    entries: &mut Vec<Entry>,
    pending: &mut Pending,
) -> io::Result<()> {
    for found in Dir::read_from(&directory)? {
        let found = found?;
        let name = found.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let mut path_raw = Vec::with_capacity(path.len() + 1 + name.to_bytes().len());
        path_raw.extend_from_slice(path);
        if !path.is_empty() {
            path_raw.push(b'/');
        }
        path_raw.extend_from_slice(name.to_bytes());
        let stat = match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(error) => {
                let kind = EntryKind::Unreadable(io::Error::from(error).to_string());
                entries.push(Entry { path_raw, kind });
                continue;
            }
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                if exclude != Some(identity(&stat)) {
                    pending.push((path_raw, None));
                }
                continue;
            }
            FileType::RegularFile => file(&stat),
            FileType::Symlink => match rustix::fs::readlinkat(&directory, name, Vec::new()) {
                Ok(target) => EntryKind::Link { target: target.into_bytes() },
                Err(error) => EntryKind::Unreadable(io::Error::from(error).to_string()),
            },
            FileType::Fifo => EntryKind::Special("pipe"),
            FileType::Socket => EntryKind::Special("socket"),
            FileType::CharacterDevice | FileType::BlockDevice => EntryKind::Special("device"),
            _ => EntryKind::Special("unknown"),
        };
        entries.push(Entry { path_raw, kind });
    }
    Ok(())
}

/// Opens a directory for listing. Below the root, one that became a link meanwhile is not followed.
fn open_directory(path: &Path, below: bool) -> io::Result<OwnedFd> {
    let follow = if below { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | follow;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

fn join(root: &Path, path: &[u8]) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(path))
}

fn file(stat: &Stat) -> EntryKind {
    let (device, inode) = identity(stat);
    EntryKind::File {
        bytes: u64::try_from(stat.st_size).unwrap_or(0),
        mtime_ns: nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        ctime_ns: nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
        inode,
        device,
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

fn nanoseconds(seconds: i64, fraction: u64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add_unsigned(fraction)
}

#[cfg(test)]
mod tests {
    use std::os::unix::{
        ffi::OsStringExt,
        fs::{PermissionsExt, symlink},
    };

    use super::*;

    /// A directory of its own that goes when the test ends.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("tamis-walk-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn paths(inventory: &Inventory) -> Vec<String> {
        inventory.entries.iter().map(|entry| escape(&entry.path_raw)).collect()
    }

    #[test]
    fn order_is_bytewise_by_the_whole_path() {
        let scratch = Scratch::new("order");
        for path in ["b", "a/x", "a.txt", "a/y/z", "B", "a-b/q", "\u{e9}"] {
            let path = scratch.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "12").unwrap();
        }
        fs::write(scratch.0.join(std::ffi::OsString::from_vec(b"\xff\x1b".to_vec())), "").unwrap();
        fs::create_dir(scratch.0.join("empty")).unwrap();
        let inventory = inventory(&scratch.0, None).unwrap();
        assert_eq!(paths(&inventory), ["B", "a-b/q", "a.txt", "a/x", "a/y/z", "b", "\u{e9}", "%FF%1B"]);
        assert_eq!(inventory.bytes(), 14);
    }

    #[test]
    fn what_is_no_file() {
        let scratch = Scratch::new("kinds");
        fs::create_dir(scratch.0.join("d")).unwrap();
        symlink("..", scratch.0.join("d/loop")).unwrap();
        symlink("/nowhere", scratch.0.join("l")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(scratch.0.join("s")).unwrap();
        rustix::fs::mknodat(CWD, scratch.0.join("p"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let inventory = inventory(&scratch.0, None).unwrap();
        let kinds: Vec<_> = inventory.entries.into_iter().map(|entry| entry.kind).collect();
        assert_eq!(
            kinds,
            [
                EntryKind::Link { target: b"..".into() },
                EntryKind::Link { target: b"/nowhere".into() },
                EntryKind::Special("pipe"),
                EntryKind::Special("socket"),
            ]
        );
    }

    #[test]
    fn one_file_or_none() {
        let scratch = Scratch::new("one");
        let file = scratch.0.join("a.mbox");
        fs::write(&file, "123").unwrap();
        let found = inventory(&file, None).unwrap();
        assert_eq!(paths(&found), ["a.mbox"]);
        assert!(matches!(found.entries[0].kind, EntryKind::File { bytes: 3, mtime_ns: 1.., .. }));
        let error = inventory(&scratch.0.join("no\x1b"), None).unwrap_err();
        assert!(error.to_string().contains("no%1B"), "{error}");
        assert!(inventory(Path::new("/dev/null"), None).is_err());
    }

    #[test]
    fn the_case_itself_is_left_out() {
        let scratch = Scratch::new("exclude");
        for path in ["case/x", "dump/y"] {
            fs::create_dir_all(scratch.0.join(path)).unwrap();
            fs::write(scratch.0.join(path).join("f"), "").unwrap();
        }
        let exclude = scratch.0.join("dump/../case");
        assert_eq!(paths(&inventory(&scratch.0, Some(&exclude)).unwrap()), ["dump/y/f"]);
    }

    #[test]
    fn unreadable_directories_are_entries() {
        let scratch = Scratch::new("closed");
        let closed = scratch.0.join("closed");
        fs::create_dir(&closed).unwrap();
        fs::write(closed.join("f"), "").unwrap();
        fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
        let found = inventory(&scratch.0, None).unwrap();
        // Nothing is closed to root.
        let root = fs::read_dir(&closed).is_ok();
        fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
        if root {
            assert_eq!(paths(&found), ["closed/f"]);
        } else {
            assert!(
                matches!(&found.entries[..], [Entry { kind: EntryKind::Unreadable(_), .. }]),
                "{found:?}"
            );
        }
    }

    #[test]
    fn depth_needs_no_stack() {
        let scratch = Scratch::new("deep");
        let mut path = scratch.0.clone();
        for _ in 0..1500 {
            path.push("d");
        }
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("f"), "").unwrap();
        assert_eq!(inventory(&scratch.0, None).unwrap().entries.len(), 1);
    }
}
