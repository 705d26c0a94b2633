//! The public key from two signatures: gcd of what both divide.
