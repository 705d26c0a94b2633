//! RSA with keys of any size: the block that a signature opens to.
