//! Whose domain is it: organisational domains, providers' delegates, alignment.
