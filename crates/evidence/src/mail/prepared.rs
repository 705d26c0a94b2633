//! RSA keys made ready once: preparing one costs more than using it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::keys::PublicKey;
use crate::keys::rsa::{RsaKey, Unsupported};

/// Keys of a case that were needed so far, ready for use; shared by all threads that judge with one
/// [`super::Context`]. It holds no more than the key book does, and never changes an answer.
#[derive(Debug, Default)]
pub struct Prepared(RwLock<BTreeMap<PublicKey, Result<Arc<RsaKey>, Unsupported>>>);

impl Prepared {
    /// The key, ready.
    ///
    /// # Errors
    /// What [`RsaKey::new`] refuses; Ed25519 keys need no preparing and are refused here.
    pub(crate) fn rsa(&self, key: &PublicKey) -> Result<Arc<RsaKey>, Unsupported> {
        // A thread that died here left a whole map behind: entries are inserted whole.
        if let Some(ready) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return ready.clone();
        }
        let PublicKey::Rsa { modulus, exponent } = key else { return Err(Unsupported("not an RSA key")) };
        let ready = RsaKey::new(modulus, exponent).map(Arc::new);
        self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_insert(ready).clone()
    }
}
