//! Signs in tests, with small keys made for nothing else.

use malachite_base::num::arithmetic::traits::ModPow;
use sha2::{Digest, Sha256};
use tamis_model::ids::Blob;

use super::Sample;
use crate::keys::rsa::{HashKind, block, natural, octets_of};

/// A private key, hexadecimal.
pub struct Signer {
    pub exponent: u64,
    pub modulus: &'static str,
    pub private: &'static str,
}

impl Signer {
    /// n, big-endian.
    pub fn modulus(&self) -> Vec<u8> {
        hex(self.modulus)
    }

    /// e, big-endian.
    pub fn exponent(&self) -> Vec<u8> {
        self.exponent.to_be_bytes().into_iter().skip_while(|&octet| octet == 0).collect()
    }

    /// Octets of the modulus.
    pub fn octets(&self) -> usize {
        self.modulus.len() / 2
    }

    /// `block^d mod n`, whatever the block is.
    pub fn sign_block(&self, block: &[u8]) -> Vec<u8> {
        let power = natural(block).mod_pow(natural(&hex(self.private)), natural(&self.modulus()));
        let short = octets_of(&power);
        [vec![0; self.octets() - short.len()], short].concat()
    }

    /// The usual signature of a digest.
    pub fn sign(&self, hash: HashKind, digest: &[u8]) -> Vec<u8> {
        self.sign_block(&block(hash, digest, self.octets(), true).unwrap())
    }

    /// The signature of a message of that number; SHA-1 where the key is too small for SHA-256.
    pub fn sample(&self, number: u8) -> Sample {
        let hash = if self.octets() < 62 { HashKind::Sha1 } else { HashKind::Sha256 };
        let digest = Sha256::digest([number])[..hash.octets()].to_vec();
        Sample { signature: self.sign(hash, &digest), hash, digest, blob: Blob::of(&[number]) }
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub const KEY_384_E3: Signer = Signer {
    exponent: 3,
    modulus: "ae937829ecb998df03449096c94594b471ef579f550c8375213e9eb49eaf35f7827d99b01b8201683bdffd66a4372d4f",
    private: "7462501bf32665ea022db5b9db83b8784bf4e514e35dacf7a6f531ff5979eb3795065024ec8bf300516ce47cabb89b1b",
};

pub const KEY_384_E17: Signer = Signer {
    exponent: 17,
    modulus: "e22374384d4f773abf5d19db895f367a4e3575dd47e493db493880a7cb575fe94bf9bcb7c6e8dc15dd0b5896f8e96403",
    private: "92532d155f336b4421787a24a42e8ca97de65b52f2489be7070e789c368ffadb662533329c88886bf621e2e5bab23991",
};

pub const KEY_384_E65537: Signer = Signer {
    exponent: 65537,
    modulus: "baa569a5e3a5f2370351758328d18435abf99f952ff88ac0c90b51551a7a8fdfcc325bba9821254c38ad8a7f044c9109",
    private: "27c5899ea4c4beb94446be60a57907d01c0644201929bffef919841ef090dfb9c9c7e1ac6856474812dd7df941757075",
};

pub const KEY_512_E3: Signer = Signer {
    exponent: 3,
    modulus: "9e1ab6d0abfbcabd6eb949f41bb7c075791527da6af0d36382ec616a35d08cc928dbb8795fc2ec003fc0038ad7d59844\
              77da06df5624aed5a55e0c906fb76db1",
    private: "6967248b1d528728f47b86a2bd252af8fb636fe6f1f5e242574840f17935b32fb97db3a16b14c92e46ade75a4b4cea44\
              87d2b3f2e4619cd92d448cab2f53e643",
};

pub const KEY_512_E65537: Signer = Signer {
    exponent: 65537,
    modulus: "f40ad836c9121def2041d1ca082e41913e1b349f5daa1caa4c07250680eaa4912f735b90a165294d5a14aa1fe91a6539\
              9e35d6f79fd54f4ab5cff6870d8fe8f1",
    private: "9216ebd7e00638652daa392bf839b88679e74f591778fe2ff3d35316d195a56d18f0a6b00e21d6a996bacc8ca452ddde\
              911d363feed95dadb00b51fe98ad2c01",
};

pub const KEY_509_E17: Signer = Signer {
    exponent: 17,
    modulus: "18ff7d8dcb43e152673a5252151e91ced1efa4b13ff45c3fe47095acddc687b417e7f924d38dbd01204e0b349f13a96c\
              1f97053bb661f3ee5d553dca4ef3da79",
    private: "02f0e1983607fc640c24faa03eb84d63a03a4f9c61e08352cf94c650928fd3bac22bddbc543cd208ee5b9d7a0d9e9cdd\
              00b0e6f1384abdcc60a2b03780076811",
};

pub const KEY_768_E65537: Signer = Signer {
    exponent: 65537,
    modulus: "e0745b67abf07965cc85def2ec4ff313fa5b03038ddb0913c84ae7acf653504c93a3b6d8bb41b33a6dd5e376b9a0e7ce\
              7200394b9a3c02bcf1f26d64428abe145074e672d5ab008ac36054637dec3fd045d4670c227dc37e4349b98d0f7a3d73",
    private: "41ee8c0708ffab7956b9a042f55d8ac6bc8ccd76d6cd977e0320d5aafdf47d2af1576ed77d321066c26ac8d55033cec3\
              4ded7efc3930ef20c191a5ded95d28cb759e6bea338e7c86408433e13f5514ebc0c8ec48325ac2165d66fc0c1c776051",
};
