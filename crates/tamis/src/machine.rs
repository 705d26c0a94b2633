//! What the program asks of the system before it reads a dump.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Blocks from this size on go back to the system when they are freed: a dump's contents come and go, and
/// would otherwise keep the heap as large as it ever was.
const BIG: libc::c_int = 128 << 10;

/// Free memory at the end of the heap that is kept: small contents come and go by the megabyte, and giving
/// their pages back and asking for them again costs more than reading them.
const SPARE: libc::c_int = 32 << 20;

/// Raises the limit of open files to what is allowed, and lets freed memory go.
pub fn prepare() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    #[cfg(target_env = "gnu")]
    // SAFETY: called while there is one thread; they only set numbers of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, BIG);
        libc::mallopt(libc::M_TRIM_THRESHOLD, SPARE);
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
