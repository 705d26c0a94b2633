//! ARC chains, hop by hop (RFC 8617).
