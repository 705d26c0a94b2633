//! The text of a key record (RFC 6376 section 3.6.1 and its forerunners).
