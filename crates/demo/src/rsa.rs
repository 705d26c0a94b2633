//! RSA as a signer has it: a private key as `openssl genrsa` writes it (PKCS#1), the PKCS#1 v1.5 block
//! and its power. By hand and for any size from 512 bits on, since old mail was signed with keys that
//! libraries refuse. It is not constant in time: it signs invented mail with keys that stand in the source.

/// A hash of PKCS#1 v1.5 (RFC 8017 section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// DigestInfo up to the digest, as RFC 8017 section 9.2 note 1 lists it.
const SHA1_INFO: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
/// AlgorithmIdentifier of rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A private key.
pub(crate) struct Rsa {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    power: Power,
}

/// The private power of a block as long as the modulus.
type Power = Box<dyn Fn(&[u8]) -> Vec<u8>>;

impl Rsa {
    /// Of an RSAPrivateKey of two primes (RFC 8017 appendix A.1.2), whose modulus has 512, 768, 1024 or
    /// 2048 bits; `None` for anything else.
    pub(crate) fn new(der: &[u8]) -> Option<Rsa> {
        let (_, inside, _) = element(der)?;
        let mut rest = inside;
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (_, number, after) = element(rest)?;
            let zeros = number.iter().take_while(|byte| **byte == 0).count();
            numbers.push(number.get(zeros..)?);
            rest = after;
        }
        let [_, modulus, exponent, _, p, q, dp, dq, qinv] = numbers.as_slice() else { return None };
        let primes = [*p, *q, *dp, *dq, *qinv];
        let power = match modulus.len() {
            64 => crt::<4>(primes)?,
            96 => crt::<6>(primes)?,
            128 => crt::<8>(primes)?,
            256 => crt::<16>(primes)?,
            _ => return None,
        };
        Some(Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec(), power })
    }

    /// The signature of a digest (RFC 8017 section 8.2.1). The key must be long enough for the hash:
    /// 512 bits are for both.
    pub(crate) fn sign(&self, hash: Hash, digest: &[u8]) -> Vec<u8> {
        let info: &[u8] = match hash {
            Hash::Sha1 => &SHA1_INFO,
            Hash::Sha256 => &SHA256_INFO,
        };
        let fill = self.modulus.len().saturating_sub(3 + info.len() + digest.len());
        let block = [&[0, 1][..], &vec![0xff; fill], &[0], info, digest].concat();
        (self.power)(&block)
    }

    /// SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), DER: what a key record holds.
    pub(crate) fn spki(&self) -> Vec<u8> {
        let integer = |number: &[u8]| {
            // A leading bit that is set would make the number negative.
            let sign: &[u8] = if number.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
            wrap(0x02, &[sign, number].concat())
        };
        let key = wrap(0x30, &[integer(&self.modulus), integer(&self.exponent)].concat());
        wrap(0x30, &[&RSA_ENCRYPTION[..], &wrap(0x03, &[&[0], &key[..]].concat())].concat())
    }
}

/// The first element of DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |len: usize, digit| (len << 8) | usize::from(*digit)), rest)
        }
    };
    let (content, after) = rest.split_at_checked(len)?;
    Some((*tag, content, after))
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len();
    let head = match len {
        0..=0x7f => vec![tag, len as u8],
        0x80..=0xff => vec![tag, 0x81, len as u8],
        _ => vec![tag, 0x82, (len >> 8) as u8, len as u8],
    };
    [&head, content].concat()
}

/// A number of `L` words, the lowest first.
type Number<const L: usize> = [u64; L];

fn number<const L: usize>(bytes: &[u8]) -> Option<Number<L>> {
    if bytes.len() > 8 * L {
        return None;
    }
    let mut out = [0; L];
    for (word, chunk) in out.iter_mut().zip(bytes.rchunks(8)) {
        *word = chunk.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte));
    }
    Some(out)
}

/// The private power by the Chinese remainder theorem (RFC 8017 section 5.1.2, step 2 b): p, q, dP, dQ and
/// qInv have `L` words each.
fn crt<const L: usize>(numbers: [&[u8]; 5]) -> Option<Power> {
    let [p, q, dp, dq, qinv] = numbers;
    let (p, q) = (Field::new(number::<L>(p)?), Field::new(number::<L>(q)?));
    let (dp, dq, qinv) = (number(dp)?, number(dq)?, number(qinv)?);
    Some(Box::new(move |block: &[u8]| {
        let (high, low) = block.split_at_checked(8 * L).unwrap_or((&[], block));
        let (high, low) = (number(high).unwrap_or([0; L]), number(low).unwrap_or([0; L]));
        let one = p.power(&p.enter(&high, &low), &dp);
        let two = q.leave(&q.power(&q.enter(&high, &low), &dq));
        let difference = p.subtract(&one, &p.enter(&[0; L], &two));
        let h = p.multiply(&difference, &qinv);
        let words = multiply_add(&h, &q.modulus, &two);
        words.iter().rev().flat_map(|word| word.to_be_bytes()).collect()
    }))
}

/// `a * b + c`, `2 L` words.
fn multiply_add<const L: usize>(a: &Number<L>, b: &Number<L>, c: &Number<L>) -> Vec<u64> {
    let mut out = c.to_vec();
    out.resize(2 * L, 0);
    for (i, factor) in a.iter().enumerate() {
        let mut carry = 0;
        for (word, other) in out.iter_mut().skip(i).zip(b.iter().chain(std::iter::repeat(&0))) {
            (*word, carry) = step(*word, *factor, *other, carry);
        }
    }
    out
}

/// `word + a * b + carry`, low and high word: it cannot overflow.
fn step(word: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(word) + u128::from(a) * u128::from(b) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}

/// Numbers modulo an odd one, in Montgomery's form (1985): `x` is kept as `x * 2^(64 L)`.
struct Field<const L: usize> {
    modulus: Number<L>,
    /// `-1 / modulus` modulo 2^64.
    inverse: u64,
    /// `2^(128 L)` modulo the modulus.
    square: Number<L>,
}

impl<const L: usize> Field<L> {
    fn new(modulus: Number<L>) -> Field<L> {
        let lowest = modulus.first().copied().unwrap_or(1);
        // Newton's iteration doubles the number of right bits; an odd number is right to three.
        let inverse = (0..5).fold(lowest, |x, _| x.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(x))));
        let mut field = Field { modulus, inverse: inverse.wrapping_neg(), square: [0; L] };
        let mut power = [0; L];
        power.iter_mut().take(1).for_each(|word| *word = 1);
        for _ in 0..128 * L {
            power = field.add(&power, &power);
        }
        field.square = power;
        field
    }

    /// `high * 2^(64 L) + low` in Montgomery's form.
    fn enter(&self, high: &Number<L>, low: &Number<L>) -> Number<L> {
        let high = self.multiply(&self.multiply(high, &self.square), &self.square);
        self.add(&high, &self.multiply(low, &self.square))
    }

    fn leave(&self, x: &Number<L>) -> Number<L> {
        let mut one = [0; L];
        one.iter_mut().take(1).for_each(|word| *word = 1);
        self.multiply(x, &one)
    }

    /// `a * b / 2^(64 L)`, reduced; one of both must be below the modulus.
    fn multiply(&self, a: &Number<L>, b: &Number<L>) -> Number<L> {
        let (mut sum, mut top) = ([0; L], false);
        for factor in a {
            let mut carry = 0;
            for (word, other) in sum.iter_mut().zip(b) {
                (*word, carry) = step(*word, *factor, *other, carry);
            }
            let (above, over) = carry.overflowing_add(u64::from(top));
            let factor = sum.first().copied().unwrap_or(0).wrapping_mul(self.inverse);
            let mut carry = 0;
            for (word, other) in sum.iter_mut().zip(&self.modulus) {
                (*word, carry) = step(*word, factor, *other, carry);
            }
            // The lowest word is 0 now: the sum moves down by it.
            sum.rotate_left(1);
            let (last, again) = above.overflowing_add(carry);
            sum.iter_mut().rev().take(1).for_each(|word| *word = last);
            top = over | again;
        }
        self.reduce(sum, top)
    }

    fn add(&self, a: &Number<L>, b: &Number<L>) -> Number<L> {
        let (mut sum, mut carry) = ([0; L], 0);
        for ((word, a), b) in sum.iter_mut().zip(a).zip(b) {
            (*word, carry) = step(*a, *b, 1, carry);
        }
        self.reduce(sum, carry > 0)
    }

    /// `a - b`; both below the modulus.
    fn subtract(&self, a: &Number<L>, b: &Number<L>) -> Number<L> {
        let (difference, below) = minus(a, b);
        let mut out = difference;
        if below {
            let mut carry = 0;
            for (word, other) in out.iter_mut().zip(&self.modulus) {
                (*word, carry) = step(*word, *other, 1, carry);
            }
        }
        out
    }

    fn reduce(&self, sum: Number<L>, top: bool) -> Number<L> {
        let (difference, below) = minus(&sum, &self.modulus);
        if top || !below { difference } else { sum }
    }

    /// `x` to the power, four bits of the exponent at a time.
    fn power(&self, x: &Number<L>, exponent: &Number<L>) -> Number<L> {
        let mut one = [0; L];
        one.iter_mut().take(1).for_each(|word| *word = 1);
        let one = self.multiply(&one, &self.square);
        let table: Vec<Number<L>> =
            std::iter::successors(Some(one), |last| Some(self.multiply(last, x))).take(16).collect();
        let digits =
            exponent.iter().rev().flat_map(|word| (0..16).rev().map(move |at| word >> (4 * at) & 15));
        digits.skip_while(|digit| *digit == 0).fold(one, |mut out, digit| {
            for _ in 0..4 {
                out = self.multiply(&out, &out);
            }
            match table.get(digit as usize) {
                Some(factor) if digit > 0 => self.multiply(&out, factor),
                _ => out,
            }
        })
    }
}

/// `a - b` modulo 2^(64 L), and whether it is below zero.
fn minus<const L: usize>(a: &Number<L>, b: &Number<L>) -> (Number<L>, bool) {
    let (mut out, mut borrow) = ([0; L], false);
    for ((word, a), b) in out.iter_mut().zip(a).zip(b) {
        let (first, one) = a.overflowing_sub(*b);
        let (second, two) = first.overflowing_sub(u64::from(borrow));
        (*word, borrow) = (second, one | two);
    }
    (out, borrow)
}
