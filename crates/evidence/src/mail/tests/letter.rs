//! A small mail with a signer of its own: what intake would say of it, made without intake.
//!
//! It shares no code with the reader: header fields are hashed as `name:value`, chosen from the bottom up.

use crypto_bigint::BoxedUint;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use sha2::{Digest as _, Sha256};
use tamis_model::Blob;
use tamis_model::keys::{Channel, KeyObservation, ObservedKey};
use tamis_model::tables::{Digest, Message, Signature, Time};

use crate::keys::PublicKey;
use crate::keys::rsa::{HashKind, block};
use crate::mail::MessageFacts;

/// An RSA key pair, hexadecimal; the exponent is 65537.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    n: &'static str,
    d: &'static str,
}

/// A key of 1024 bits, made for these tests and used nowhere else.
pub const ONE: Key = Key {
    n: "d2c5586eb65fd509582581f4e150af186372bacbe14e207c34d449b1a852de186f115d49327851fe638b91b5d797 \
     6a237d9451e4647d305998c5257bba776930bc20b7720923471fa1d7b9da04bacddd8ebfb36b3b4596ef430baeda \
     c1a90a713a14ce3891304ab289dfe18b7577d7d6a21c89f7667f6091aef08d1f756d07cf",
    d: "3066029581a965d8fc75b86ecbe264229c8b76db6444356f700e2351f94df613f4452f7fa4683ea3c4a602f297ab \
     fc42640ecff33b24081b3ada626e13f6619fd55a09f0df0f493701055d789d6650e31a00427499162e833e52305e \
     e0abaab4cde68db9afac0810ea5c23623a4e6e02516d90a0ec1d031b72442dc6f960e341",
};

/// A key of 1024 bits, made for these tests and used nowhere else.
pub const TWO: Key = Key {
    n: "b1d0fe0cb5ac6df216a3c702f2e662dc2cbd3c1274f5954c787d32f73b954f62b05a1853fa6cedc1dce19ffce907 \
     9eb4708091abddb597b40343a285dfa2765b043eaa17c00a38e71b7c47ff87363994a364f94e5280c83e213ece56 \
     a1f4688dc39733ec8645d438a5f501dee7c12705aab1aa562b41776fe3cb4a1ffeae7303",
    d: "6d54498fb8f81ed59573f77de9a91ba9b25c5b9e218989d56dd3d4cd4c363e8c384ffcdb4d8342204b55f28f871b \
     e7499c4e80c2825c0fbd5fb06b3212d18a20dfb8c9587682254c4278b157dcb312466f56d8c439c406367547f893 \
     b173fe84dc22fa3519516b0e2c28d60f82740cbd8a384d10c452a70c9947280d27e93451",
};

/// A key of 512 bits, made for these tests and used nowhere else.
pub const SHORT: Key = Key {
    n: "efacd1c127ffa282c19644e674505cb384858a65f57a895a02e828c971207a6c57f3e4168754f62264b551b76a0f \
     1c5c418fd38980023ea4eaddc39b9c450aff",
    d: "665535a1f14016d5196eddb0400d67e74637f6659e3059a0d308e911497a028a985c4db16640293c3282ac4f5a46 \
     c605a7a7d99e73129d99da6726d3d18361f1",
};

const EXPONENT: [u8; 3] = [1, 0, 1];

impl Key {
    pub fn modulus(self) -> Vec<u8> {
        bytes(self.n)
    }

    /// `block^d mod n`: what the owner of the key does.
    pub fn sign(self, hash: HashKind, digest: &[u8]) -> Vec<u8> {
        let n = BoxedUint::from_be_slice_vartime(&self.modulus());
        let k = self.modulus().len();
        let block = block(hash, digest, k, true).unwrap();
        let params = BoxedMontyParams::new_vartime(n.to_odd().into_option().unwrap());
        let base = BoxedUint::from_be_slice(&block, params.bits_precision()).unwrap();
        let signature =
            BoxedMontyForm::new(base, &params).pow(&BoxedUint::from_be_slice_vartime(&bytes(self.d)));
        let octets = signature.retrieve().to_be_bytes();
        octets[octets.len() - k..].to_vec()
    }

    /// Somebody saw it.
    pub fn seen(self, domain: &str, selector: &str, channel: Channel) -> KeyObservation {
        KeyObservation {
            domain: domain.into(),
            selector: selector.into(),
            key: ObservedKey::Spki(
                PublicKey::Rsa { modulus: self.modulus(), exponent: EXPONENT.to_vec() }.spki(),
            ),
            channel,
            first_seen: Some(day(100)),
            last_seen: Some(day(900)),
            witness: Some("archive.example".into()),
            note: None,
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// Days after 2015-01-01.
pub fn day(days: i64) -> Time {
    Time((1_420_070_400 + days * 86_400) * 1_000_000)
}

/// A mail: fields from the top, then the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub fields: Vec<(String, String)>,
    pub body: String,
}

/// What a signature field claims; `b` is made by [`Claim::by`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub kind: &'static str,
    pub domain: String,
    pub selector: String,
    pub names: Vec<String>,
    pub hash: HashKind,
    pub body_hash: Vec<u8>,
    pub length: Option<u64>,
    pub signed_at: Option<Time>,
    pub instance: Option<u32>,
    pub chain: Option<String>,
    pub b: Vec<u8>,
}

pub const SEEN: [&str; 7] = ["from", "sender", "reply-to", "to", "cc", "date", "subject"];
/// What an ordinary signer signs.
pub const USUAL: [&str; 6] = ["from", "to", "date", "subject", "content-type", "content-transfer-encoding"];

impl Letter {
    pub fn new() -> Letter {
        let fields = [
            ("From", "Anna <anna@example.org>"),
            ("To", "bob@example.net"),
            ("Date", "Mon, 02 Nov 2015 10:00:00 +0000"),
            ("Subject", "Budget"),
            ("Content-Type", "text/plain; charset=us-ascii"),
            ("Content-Transfer-Encoding", "7bit"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Letter { fields, body: "We pay 100 euros.\r\nAnna\r\n".into() }
    }

    pub fn set(mut self, name: &str, value: &str) -> Letter {
        self.fields.iter_mut().filter(|(found, _)| found == name).for_each(|(_, old)| *old = value.into());
        self
    }

    pub fn on_top(mut self, name: &str, value: &str) -> Letter {
        self.fields.insert(0, (name.into(), value.into()));
        self
    }

    pub fn at_end(mut self, name: &str, value: &str) -> Letter {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Letter {
        self.fields.retain(|(found, _)| found != name);
        self
    }

    pub fn saying(mut self, body: &str) -> Letter {
        self.body = body.into();
        self
    }

    pub fn named(&self, name: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value.as_str()).collect()
    }

    fn body_digest(&self, hash: HashKind, length: Option<u64>) -> Vec<u8> {
        let all = self.body.as_bytes();
        hash_of(hash, &all[..length.map_or(all.len(), |length| (length as usize).min(all.len()))])
    }

    fn author_domains(&self) -> Vec<String> {
        let addresses = self.named("from").into_iter().flat_map(|value| value.split(','));
        let mut domains: Vec<String> = addresses
            .filter_map(|mailbox| {
                let address = mailbox.rsplit('<').next()?.trim_end_matches(['>', ' ']);
                Some(address.rsplit_once('@')?.1.to_lowercase())
            })
            .collect();
        domains.dedup();
        domains
    }

    /// What intake says of this mail with these signature fields, from the top.
    pub fn facts(&self, claims: &[&Claim]) -> MessageFacts {
        let from = self.named("from").first().map(|from| from.to_string());
        let address = from
            .as_deref()
            .and_then(|from| from.rsplit('<').next())
            .map(|a| a.trim_end_matches('>').to_owned());
        let message = Message {
            form: "source".into(),
            message_id: Some("1@example.org".into()),
            date_raw: self.named("date").first().map(|date| date.to_string()),
            date: Some(day(305)),
            utc_offset_min: Some(0),
            from_domain: address
                .as_deref()
                .and_then(|a| a.rsplit_once('@'))
                .map(|(_, domain)| domain.to_lowercase()),
            from_name: from
                .as_deref()
                .and_then(|from| from.split_once('<'))
                .map(|(name, _)| name.trim().to_owned()),
            from_addr: address,
            to: vec![],
            cc: vec![],
            bcc: vec![],
            subject: None,
            in_reply_to: vec![],
            references: vec![],
            mailer: None,
            list_id: self.named("list-id").first().map(|list| list.to_string()),
            received: 2,
            marks: vec![],
            lang: None,
            attachments: 0,
        };
        let mut facts = MessageFacts {
            blob: Blob::of(format!("{self:?}{claims:?}").as_bytes()),
            message,
            signatures: vec![],
            digests: vec![],
            part_signatures: vec![],
            places: vec!["inbox/1.eml".into()],
            first_seen: None,
        };
        for (ordinal, claim) in claims.iter().enumerate() {
            facts.signatures.push(claim.row(ordinal as u32, self));
            facts.digests.extend(claim.digests(ordinal as u32, self));
        }
        facts
    }
}

impl Claim {
    /// A DKIM signature of `domain`, selector `s1`, over the usual fields.
    pub fn of(domain: &str) -> Claim {
        Claim {
            kind: "dkim",
            domain: domain.into(),
            selector: "s1".into(),
            names: USUAL.map(str::to_owned).to_vec(),
            hash: HashKind::Sha256,
            body_hash: vec![],
            length: None,
            signed_at: Some(day(305)),
            instance: None,
            chain: None,
            b: vec![],
        }
    }

    pub fn over(self, names: &[&str]) -> Claim {
        Claim { names: names.iter().map(|name| (*name).to_owned()).collect(), ..self }
    }

    /// Signs the letter.
    pub fn by(mut self, key: Key, letter: &Letter) -> Claim {
        self.body_hash = letter.body_digest(self.hash, self.length);
        self.b = key.sign(self.hash, &hash_of(self.hash, &self.data(letter)));
        self
    }

    /// What is signed: the chosen fields, then all of the field's own claims.
    pub fn data(&self, letter: &Letter) -> Vec<u8> {
        let mut pool: Vec<&(String, String)> = letter.fields.iter().collect();
        let mut data = String::new();
        for name in &self.names {
            if let Some(at) = pool.iter().rposition(|(found, _)| found.eq_ignore_ascii_case(name)) {
                let (_, value) = pool.remove(at);
                data.push_str(&format!("{name}:{value}\r\n"));
            }
        }
        let empty = Claim { b: vec![], ..self.clone() };
        data.push_str(&format!("{empty:?}"));
        data.into_bytes()
    }

    fn row(&self, ordinal: u32, letter: &Letter) -> Signature {
        let listed = |name: &str| self.names.iter().filter(|found| *found == name).count();
        let there = |name: &str| letter.named(name).len();
        let all = |keep: &dyn Fn(&str) -> bool| -> Vec<String> {
            SEEN.iter().filter(|name| keep(name)).map(|name| (*name).to_owned()).collect()
        };
        let reads = ["content-type", "content-transfer-encoding"];
        let is_read = |name: &&str| there(name) <= listed(name).min(1);
        Signature {
            ordinal,
            field: ordinal,
            kind: self.kind.into(),
            instance: self.instance,
            dialect: if self.kind == "dkim" { "rfc6376".into() } else { "rfc8617".into() },
            domain: self.domain.clone(),
            selector: self.selector.clone(),
            identity: None,
            algorithm: format!("rsa-{}", self.hash.as_str()),
            canon: "simple/simple".into(),
            signed_headers: self.names.clone(),
            oversigned: vec![],
            unsigned_visible: all(&|name| listed(name) < there(name)),
            doubled_visible: all(&|name| there(name) > 1),
            one_reading: reads.iter().all(is_read),
            author_domains: letter.author_domains(),
            sender_domain: None,
            body_hash: Some(self.body_hash.clone()),
            body_length: self.length,
            signed_at: self.signed_at,
            expires_at: None,
            chain: self.chain.clone(),
            signature: self.b.clone(),
            defects: vec![],
        }
    }

    fn digests(&self, ordinal: u32, letter: &Letter) -> Vec<Digest> {
        let digest = |part: &str, digest: Vec<u8>| Digest {
            ordinal,
            part: part.into(),
            repair: None,
            hash: self.hash.as_str().into(),
            digest,
            holds: None,
            uncovered: 0,
            undone: None,
        };
        let header = digest("header", hash_of(self.hash, &self.data(letter)));
        if self.kind == "arc-seal" {
            return vec![header];
        }
        let body = letter.body_digest(self.hash, self.length);
        let is_there = self.length.is_none_or(|length| length <= letter.body.len() as u64);
        let holds = is_there && body == self.body_hash;
        let uncovered = self.length.map_or(0, |length| (letter.body.len() as u64).saturating_sub(length));
        vec![header, Digest { holds: Some(holds), uncovered, ..digest("body", body) }]
    }
}

pub fn hash_of(hash: HashKind, data: &[u8]) -> Vec<u8> {
    match hash {
        HashKind::Sha256 => Sha256::digest(data).to_vec(),
        HashKind::Sha1 => {
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref().to_vec()
        }
    }
}
