//! Formats that are recognised by their first bytes and wait for a reader, and the words for kinds.

use crate::reader::Look;

/// Media type of content whose signature is known; `None` where it is not.
pub fn media_type(_look: &Look) -> Option<&'static str> {
    None
}
