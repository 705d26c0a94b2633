//! Samples to measure recovery with: three signatures each of two keys made for this and thrown away.
//!
//! They are signatures of nothing but the texts below; the private keys are kept nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tamis_model::ids::Blob;

use super::{HashKind, Sample};

/// Three samples of one key of 1024 or 2048 bits with the exponent 65537: two to recover it from, one to check
/// it. For measurements and tests only. No other size is there: empty.
pub fn synthetic(bits: u32) -> Vec<Sample> {
    let signatures = match bits {
        1024 => &OF_1024_BITS,
        2048 => &OF_2048_BITS,
        _ => return Vec::new(),
    };
    signatures.iter().enumerate().filter_map(|(number, signature)| sample(number, signature)).collect()
}

/// The signature of a text that its number gives.
fn sample(number: usize, signature: &str) -> Option<Sample> {
    let text = format!("tamis recovery sample {number}");
    Some(Sample {
        signature: STANDARD.decode(signature).ok()?,
        hash: HashKind::Sha256,
        digest: Sha256::digest(text.as_bytes()).to_vec(),
        blob: Blob::of(text.as_bytes()),
    })
}

/// By a key of 1024 bits, base64.
const OF_1024_BITS: [&str; 3] = [
    "g5tvRY2Blximn7SjIbcSK5LWJgDnEQ2wow5Qc2DytFZ5J+OiIdRQGJ/a4EYoNKPztIgJgVqqI3x3R37Ustu5jg9DwPMjD+R4\
     wtFU+OUL3ujk85GrUofDNL7XFRCiuxxW9Zrc51VmVk7tZwoS3yDWKE+BKLumpHBI603IwRrwki8=",
    "c9HxXg1+yrz8axkkiHM9/0RgxvcbGqrYBfA42DsLNu/rGl2ccUB0Vzd+f2tTmZ8VQYqpO5LgXfjf9yzqYI5sINnzXo0Qfi0y\
     QLlDYisen9SEPhNQNBt3Gmzctkv4Ntj1R2VRXhYcLu0t5g3M5ZHVRiBIx5/2XmiCnngLJx49y0c=",
    "dkQc2RHbqjyRgCjBC3K7pBUF5hq0t41GHelCnguiDUTYNDh4krBY2d8wLaxvfg/1Jd8e7xLNGTWWi9NGM28ho8XKhDCTH8/6\
     v7ijIBvtcrD4zyR9zD7ShMsu/ctOIs9crVEO7N5sa9hdKcm2sNebQ1GsWBPs93iWCuctPwmpEAE=",
];

/// By a key of 2048 bits, base64.
const OF_2048_BITS: [&str; 3] = [
    "b66kf40LkYefRSGhsBy5i82G2yF2j9n6I1Ph51i2qU4IXNbFVJ2ENcm7sGPOT2XaIfFsHfbFZbn6MRhgxmrX5VnK27Kx3m+D\
     kq6MQ7L5iTy69VsSVHOWKfj8FAxA8U7KmpYiOFOWH9zWGXEnM3XLHnbjTMFtpCbLcGPv8zS57cBre08URq/t3yXPrrmd2+ag\
     6K/SxqcDY2Jegr5lUPt7lCo41lkc1qr/mt6Rw1HlznR4FkoGfdhnigCr8njuh0lA3BLSaKV23uakFRHSzHjnRdcnVmT75UsG\
     YXVpKoUjyWaKu1ttMuU1PGPHM2nOIBU1CXPR8vJzusBHCIPpllGKGQ==",
    "ZfCTPNX/Z92WClIlylXXLaZ7w539+bvYatTXOt2PeEp3ve7KAeNv37M0Qjub93VCjuchwfNBsRfFcXCcGBsSBkZqBkT23Ert\
     YcS0xAXYFmmL8SPBQhMPtUWENXTtMLW8knIqV2EHMV+HJLT+82MA9gdBJIRaQMQWcgQUM+nJzLNewoBklcM53fSoKX/1xT3C\
     SmgiRq/Ccr93n2MyVxhZoeMJ91Bw2UZdtppP7b1zMSWoRhRx1nKGh0b9swbK1yWW7C8DKkJlB4X7mBYKKdKylpQWABv3CfRF\
     qFt/QsQWOM6Zp5yvGhvwvVDaBMhUoTtRwjCSQfoVBVmfI9uRG5Gjng==",
    "krqVK/T85DTlBvdq+yqllzD2EMq0iZ3Y3ewGT/HGbzRkJSj4ekwE9Jltmrtz9CTf22+EF9oZsE/SX67oL36gmtzxrCN+IZfc\
     FfGKblrGByHI44Rb18zRR5dTYTz4HjDg42OCcj1QQZik8Z6+kTqQ55/gXfOaMk4L6f2sDRGekqhuWMKwfXrxtamwB1JDQTa2\
     SeQLA3bO/KY5slnaLxtQsrsWgQb6AHfbSlXIJgfrgG+IgAYmG3M8qRCIUf8KlTLcnVZtSJA5LWL4J97Ul4QHfSuEF1JzxFkZ\
     sZJ2Eo6DicaavPjzVux9T1f9pOo5LxQVCwMH9Iym2Ov/oOCF4bekRw==",
];
