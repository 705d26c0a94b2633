//! Keys as they travel (RFC 9580 section 10.1): a primary key, what it says of itself, its user ids and
//! subkeys. What counts is only what the primary key has signed: anybody may hang a name or a subkey of
//! their own on another's key.

use aws_lc_rs::digest::Context;

use super::{
    packets::{Packets, PublicKey, Says, Signature, kind},
    verify::{Check, OPERATION, Padding},
};
use crate::out::{Out, Stop};

/// User ids, and subkeys, of one key that are looked at.
const PARTS: usize = 8;
/// Its own signatures about one of them, the latest first.
const SIGNATURES: usize = 4;

/// A primary key with its parts, each with the signatures about it that name the primary key.
#[derive(Debug)]
pub(super) struct Transferable<'b> {
    /// The key that all hangs on.
    pub primary: PublicKey<'b>,
    own: Vec<Signature<'b>>,
    users: Vec<(&'b [u8], Vec<Signature<'b>>)>,
    subkeys: Vec<(PublicKey<'b>, Vec<Signature<'b>>)>,
}

/// What a key says of itself, as far as it has signed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// User ids, in their order.
    pub users: Vec<String>,
    /// Seconds from its making to its end.
    pub expires: Option<u32>,
    /// It has withdrawn itself.
    pub is_revoked: bool,
}

/// How a subkey hangs on its primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    /// Both have signed it; seconds from the subkey's making to its end.
    Bound(Option<u32>),
    /// The primary key has withdrawn it.
    Revoked,
    /// One of the signatures is missing, or does not hold.
    Loose,
}

/// Where a signature packet belongs.
#[derive(Clone, Copy)]
enum Place {
    Primary,
    User,
    Subkey,
    /// To something that is passed over.
    Nowhere,
}

/// The keys in `bytes`, at most `most`.
pub(super) fn keys(bytes: &[u8], most: usize) -> Vec<Transferable<'_>> {
    let mut keys: Vec<Transferable> = Vec::new();
    let mut place = Place::Nowhere;
    for packet in Packets(bytes) {
        if packet.kind == kind::PUBLIC_KEY {
            if keys.len() >= most {
                break;
            }
            place = Place::Nowhere;
            if let Some(primary) = PublicKey::parse(packet.body) {
                keys.push(Transferable { primary, own: Vec::new(), users: Vec::new(), subkeys: Vec::new() });
                place = Place::Primary;
                continue;
            }
        }
        // A key that cannot be read takes its parts with it.
        let (Some(key), true) = (keys.last_mut(), packet.kind != kind::PUBLIC_KEY) else { continue };
        match packet.kind {
            kind::SIGNATURE => key.take(place, packet.body),
            kind::USER_ID if key.users.len() < PARTS => {
                key.users.push((packet.body, Vec::new()));
                place = Place::User;
            }
            kind::PUBLIC_SUBKEY if key.subkeys.len() < PARTS => match PublicKey::parse(packet.body) {
                Some(subkey) => {
                    key.subkeys.push((subkey, Vec::new()));
                    place = Place::Subkey;
                }
                None => place = Place::Nowhere,
            },
            kind::USER_ID | kind::PUBLIC_SUBKEY | kind::USER_ATTRIBUTE => place = Place::Nowhere,
            _ => {}
        }
    }
    keys
}

impl<'b> Transferable<'b> {
    fn take(&mut self, place: Place, body: &'b [u8]) {
        let Some(signature) = Signature::parse(body).filter(|one| self.primary.is_issuer_of(&one.says))
        else {
            return;
        };
        let list = match place {
            Place::Primary => &mut self.own,
            Place::User => match self.users.last_mut() {
                Some((_, list)) => list,
                None => return,
            },
            Place::Subkey => match self.subkeys.last_mut() {
                Some((_, list)) => list,
                None => return,
            },
            Place::Nowhere => return,
        };
        // The latest come first.
        let at = list.partition_point(|other| other.says.created >= signature.says.created);
        list.insert(at, signature);
        list.truncate(SIGNATURES);
    }

    /// The primary key and its subkeys that a signature may be by; the primary key has no number.
    pub(super) fn issuers(&self, says: &Says) -> impl Iterator<Item = (Option<usize>, &PublicKey<'b>)> {
        let subkeys = self.subkeys.iter().enumerate().map(|(n, (subkey, _))| (Some(n), subkey));
        std::iter::once((None, &self.primary)).chain(subkeys).filter(|(_, key)| key.is_issuer_of(says))
    }

    /// Subkey `n`.
    pub(super) fn subkey(&self, n: usize) -> Option<&PublicKey<'b>> {
        self.subkeys.get(n).map(|(subkey, _)| subkey)
    }

    /// What the key says of itself.
    pub(super) fn identity(&self, out: &mut Out) -> Result<Identity, Stop> {
        let mut identity = Identity::default();
        for signature in &self.own {
            let is_direct = signature.of == 0x1f && identity.expires.is_none();
            let is_revocation = signature.of == 0x20;
            if (is_direct || is_revocation) && self.holds(signature, &self.primary, |_| Some(()), out)? {
                identity.is_revoked |= is_revocation;
                identity.expires = identity.expires.or(signature.says.key_expires);
            }
        }
        let mut latest = None;
        for (user, signatures) in &self.users {
            // What the key said last about a user id counts.
            for signature in signatures.iter().filter(|one| matches!(one.of, 0x10..=0x13 | 0x30)) {
                let content = |digest: &mut Context| {
                    digest.update(&[0xb4]);
                    digest.update(&u32::try_from(user.len()).ok()?.to_be_bytes());
                    digest.update(user);
                    Some(())
                };
                if !self.holds(signature, &self.primary, content, out)? {
                    continue;
                }
                if signature.of != 0x30 {
                    let user = user.get(..user.len().min(4096)).unwrap_or_default();
                    identity.users.push(String::from_utf8_lossy(user).into_owned());
                    if latest < Some(signature.says.created) {
                        latest = Some(signature.says.created);
                        identity.expires = signature.says.key_expires.or(identity.expires);
                    }
                }
                break;
            }
        }
        Ok(identity)
    }

    /// How subkey `n` hangs on the key: by a signature of the primary key, which holds one of the subkey
    /// (section 10.1.5), so that none can take another's.
    pub(super) fn binding(&self, n: usize, out: &mut Out) -> Result<Binding, Stop> {
        let Some((subkey, signatures)) = self.subkeys.get(n) else { return Ok(Binding::Loose) };
        let content = |digest: &mut Context| subkey.hash_into(digest);
        for signature in signatures.iter().filter(|one| matches!(one.of, 0x18 | 0x28)) {
            if !self.holds(signature, &self.primary, content, out)? {
                continue;
            }
            if signature.of == 0x28 {
                return Ok(Binding::Revoked);
            }
            let back = signature.says.embedded.and_then(Signature::parse).filter(|back| back.of == 0x19);
            let is_bound = match back {
                Some(back) => self.holds(&back, subkey, content, out)?,
                None => false,
            };
            if is_bound {
                return Ok(Binding::Bound(signature.says.key_expires));
            }
        }
        Ok(Binding::Loose)
    }

    /// Whether a signature by `key` over the primary key and `content` holds.
    fn holds(
        &self,
        signature: &Signature,
        key: &PublicKey,
        content: impl Fn(&mut Context) -> Option<()>,
        out: &mut Out,
    ) -> Result<bool, Stop> {
        out.spend(OPERATION)?;
        let (Some(hash), Some(value)) = (signature.hash(), signature.value(&key.key)) else {
            return Ok(false);
        };
        let mut begun = Context::new(hash.algorithm());
        begun.update(signature.salt);
        let hashed = self.primary.hash_into(&mut begun).and_then(|()| content(&mut begun));
        let digest = signature.end(begun);
        let holds = key.key.check(hash, Padding::Pkcs1, &digest, &value) == Check::Holds;
        Ok(hashed.is_some() && holds && !signature.says.critical)
    }
}
