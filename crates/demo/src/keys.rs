//! The private keys of the demo: made once with `openssl genrsa`, published here on purpose. They sign
//! invented mail and nothing else; nobody must use them for anything.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use crate::{mail::base64_line, rsa::Rsa, signing::Key};

/// Which key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyId {
    /// The campaign's own.
    Campaign,
    /// A big webmail service's.
    Courriel,
    /// A mail provider's, for all of its customers.
    Provider,
    /// A newsletter service's.
    Service,
    /// The newsletter service's under the names of its customers.
    Customer,
    /// A forwarder's that seals what it passes on (RFC 8617).
    Sealer,
    /// A paper's.
    Matin,
    /// A paper's.
    Daily,
    /// The webmail service's before its change of keys.
    CourrielOld,
    /// A mail service's that withdrew it later.
    Poste,
    /// Of a host that still signs with SHA-1.
    Org,
    /// Of a host whose key nobody has seen.
    Unseen,
    /// Of a host that published its private key afterwards.
    Published,
    /// A paper's.
    Gazette,
    /// A paper's.
    Echo,
    /// A paper's.
    Observer,
    /// A paper's that states the length of the body.
    Depeche,
    /// Of the campaign's mailing lists.
    List,
    /// Of DomainKeys, 2007.
    Old,
    /// Of DomainKeys, 2007, and short.
    Archive,
    /// A host's that is far too short.
    Boite,
    /// A paper's, Ed25519.
    Phare,
    /// A paper's second one, Ed25519.
    Herald,
}

impl KeyId {
    /// Each of them.
    pub(crate) const ALL: [KeyId; 23] = [
        KeyId::Campaign,
        KeyId::Courriel,
        KeyId::Provider,
        KeyId::Service,
        KeyId::Customer,
        KeyId::Sealer,
        KeyId::Matin,
        KeyId::Daily,
        KeyId::CourrielOld,
        KeyId::Poste,
        KeyId::Org,
        KeyId::Unseen,
        KeyId::Published,
        KeyId::Gazette,
        KeyId::Echo,
        KeyId::Observer,
        KeyId::Depeche,
        KeyId::List,
        KeyId::Old,
        KeyId::Archive,
        KeyId::Boite,
        KeyId::Phare,
        KeyId::Herald,
    ];

    fn private(self) -> Private {
        match self {
            KeyId::Campaign => Private::Rsa(CAMPAIGN),
            KeyId::Courriel => Private::Rsa(COURRIEL),
            KeyId::Provider => Private::Rsa(PROVIDER),
            KeyId::Service => Private::Rsa(SERVICE),
            KeyId::Customer => Private::Rsa(CUSTOMER),
            KeyId::Sealer => Private::Rsa(SEALER),
            KeyId::Matin => Private::Rsa(MATIN),
            KeyId::Daily => Private::Rsa(DAILY),
            KeyId::CourrielOld => Private::Rsa(COURRIEL_OLD),
            KeyId::Poste => Private::Rsa(POSTE),
            KeyId::Org => Private::Rsa(ORG),
            KeyId::Unseen => Private::Rsa(UNSEEN),
            KeyId::Published => Private::Rsa(PUBLISHED),
            KeyId::Gazette => Private::Rsa(GAZETTE),
            KeyId::Echo => Private::Rsa(ECHO),
            KeyId::Observer => Private::Rsa(OBSERVER),
            KeyId::Depeche => Private::Rsa(DEPECHE),
            KeyId::List => Private::Rsa(LIST),
            KeyId::Old => Private::Rsa(OLD),
            KeyId::Archive => Private::Rsa(ARCHIVE),
            KeyId::Boite => Private::Rsa(BOITE),
            KeyId::Phare => Private::Ed25519(*b"invented mail of a paper: phare "),
            KeyId::Herald => Private::Ed25519(*b"invented mail of a paper: herald"),
        }
    }
}

enum Private {
    /// RSAPrivateKey (RFC 8017 appendix A.1.2), DER in base64.
    Rsa(&'static str),
    /// The seed.
    Ed25519([u8; 32]),
}

/// A key, ready to sign. `None` never happens: every key is read in a test.
pub(crate) fn key(id: KeyId) -> Option<Key> {
    match id.private() {
        Private::Rsa(text) => Rsa::new(&decode(text)?).map(Key::Rsa),
        Private::Ed25519(seed) => Ed25519KeyPair::from_seed_unchecked(&seed).ok().map(Key::Ed25519),
    }
}

/// The text of the key's record (RFC 6376 section 3.6.1, RFC 8463 section 4).
pub(crate) fn record(key: &Key) -> String {
    match key {
        Key::Rsa(key) => format!("v=DKIM1; k=rsa; p={}", base64_line(&key.spki())),
        Key::Ed25519(key) => format!("v=DKIM1; k=ed25519; p={}", base64_line(key.public_key().as_ref())),
    }
}

/// Base64 without line breaks (RFC 4648 section 4).
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut word = 0;
        for at in 0..4 {
            let value = match group.get(at) {
                Some(byte @ b'A'..=b'Z') => byte - b'A',
                Some(byte @ b'a'..=b'z') => byte - b'a' + 26,
                Some(byte @ b'0'..=b'9') => byte - b'0' + 52,
                Some(b'+') => 62,
                Some(b'/') => 63,
                None => 0,
                Some(_) => return None,
            };
            word = word << 6 | u32::from(value);
        }
        let [_, bytes @ ..] = word.to_be_bytes();
        out.extend(bytes.iter().take(group.len() - 1));
    }
    Some(out)
}

/// 2048 bits.
const CAMPAIGN: &str = "\
    MIIEpAIBAAKCAQEA2uxp49MGKQ3VmmBU8JN1nE26W3LFjSNWdFxzWFGNiL7m9oFyP8sM0rsK7gZwS0Zj+M2tXlZVwJREc/gsFxHf\
    fZ86Wispv/KK/0/eRSCUmaRD7ZfR5n1MFum1FepGFTclV9IhMi0uP5kwGaWi8vZrkGdtMpXl0Gc+kqXlRZ07ZZLlplSpbrIY8nCY\
    LhgZFAvhziYCCiFdZu4nhc+RkaRxB6ZSEEczmzF8OZ1GB8bawE86vH7lId75vy6K+iHJCxfA1uQ3hYqW3vmBBhxWG6H9g2OKemS4\
    xB0Q9yRW7uOaCbStuBqezv3G0j1ZNIL6GqaktE6UTTInjsHmDeR60v3JQwIDAQABAoIBAFbjDpG7ro27rmOjSQLkW4DJ/qUN06cU\
    99qd2K+cSnKT5cG/FXOJKJE4Z/mZN5dAnCvioaS32jfhAJwQSptrXgqTGAsyZ1MFtbHn5n0EFcY2wjj5kPaMExdi8Rp+DQudg+Yr\
    gT5TXTAjocoECbypHX7F9bpmcLv6RgTY77pl0W2ZmDS2KiL2isoHoUuQ43AvalYEo4VkBm/VKJOT3k9MBRevamfntgl9yChZdTFO\
    EOIsHiJsztzL2xqjBDpbkS+lTUYJ8QKn0+fiz1e0WyLhxgDBVHTOnClxTJuf5eju/ScAzdnolb1e2lILpxIQkXbxgcUVwd7sr+/0\
    xqj1loGjNp0CgYEA8W9YmpI/Aq8GyavgAwFKe3N1ZoB3kHLqznRshZKlOu8BIf5rGoLe55zBKwrWIdcobaD9PbkLCyVR0Bojkicp\
    sF8bmct4/Xh8jO7D/jv65O1U+6gQZIvwAP2/9U4NUZ/ya4YStwR66/O8AMO8TwZkGQbIgk19dqb3nmBGV/16r+UCgYEA6CFoKoGt\
    pTwrlg1P1xyz0oP6Ylg0tHjfKLxOhaiW1MeazGeaijMH9yqFpXmKLgF3dvVb1mPdgSk2XnQGvgLz3fljZg76k+gDk9WkRHPi/KER\
    JjPrPAghvk84hPQZE3KQJgeqdRh9ZUVYsPL40Z23UitIKdb5MGUKJQ5W2/4jcgcCgYASsi+nUJnmiE07Qr8HHIt7AdbeiCY6HlwG\
    fseElHWNGcL5sezzUZ0XTHE89wrb9gBgdO4HYJP1Wf964PtOLxAwYz0M7M/CuRjUBQ1SW6yzG5nQHxSd5KRCP2QlB9VKM9ue7fP3\
    DjbCnM47NO0ZJYKM2ZSfWobTsFxOfGAWIj/k7QKBgQDaAGW/ZcIaaAPXC/FraD1I+0FuksAMrWeG7jIgPFBKzJqIVNRB7eMRMRIK\
    cbZftmjng04Ybflcj8PLuNOMJ2G3mbrL4k1aEo8pi36V+u+1qd5dLm1BF7H49JVz53qVVQYjcReYmMNLFHFS3RzoX2IG/TbsdEPa\
    O0nnuyu/t1C6iQKBgQC7nd3MRG45dTz7CUjTpTX6THaMgdEkVmCM9dcBxpmL+QKvrDbl1/X6sWKP9vERSRU/eNEBSt8MJtQdZqa9\
    1+Uqt4iWKhOcf9IIkmWvqXJ29FY1iKkhDdFyQr+q/inpazhvkSaKNej0Z5Qnnp9Afl5S3FP0SBzlpCWuVmx3nGLk4g==";

/// 2048 bits.
const COURRIEL: &str = "\
    MIIEowIBAAKCAQEAk5fbQOPR4ujB/FiGvk+R/OE+6uakiIgIFTviirfns6Dkn3cNw+gXSNkMty1dkeJUjYG8IHHABsRMzVyiNMOi\
    DuNiqwDBDdwyB4GGte+3XlLfyw3w6Z6oXEuzztm6C8v+cpPKWOPl9+9S/IgC2k0E3d9MFqNLTKECblO0RPxbHN/g2BR1fzkMDJzP\
    /QVRSqf4BG/Ulbvl0M9G8Qlrlm06vGMYHmNdDbWdDzw+ycfucN0d5br0G4tTERkEPmVvOxN8Hk/uztLWCw8s4Vux+DvwpGLJxWpr\
    O1nRiF5ugnTKngQqteR3wS4gpUcZxFuj+YmzvmmL0pUqBJxlBI7YGMvnpQIDAQABAoIBAArzK7w94AmhHMSPfs5UvJnRzjytiDcW\
    5zPywZpquCEesTIsKinG03S/TE8KFGnpLD5kCc8wZpTkmxFrVh9rBOAXj5pB5Ttq2DgFVzddRbHqR8SFUBfNAmRNO4BVApVdzjlg\
    Qeq5XGDkxmKKPAfydId6HxIuOD0YVEQCKBrWzB2xWNEh3J5GXEzX5HTasFrQ+0zVHF8c4sHQWDXv8QOHtVpVXS6nh2qJol1VzKBV\
    m/iudJSolV47LgDXwwOXpIsKv4Zsjm77yua150L4XHbS3PDAG5QC0TeRKMdSEfFymXArsZEYaJqjLIp54IlKla7MnTiB6EvXMfON\
    2gCH1QQQ/VECgYEAz+2u7UP0ByYNyd+uYa4c1ELxHZk0astu1xOD4H51ERo6jxhPpXLc0PkwhK7fU6WVJpho/GUYA0COmMAf6EmX\
    mAIJtSx0ObI9Wuc8Eq4+nh74msXt5wYhid15FjZXnunw6//LqJ09MNTiOsE7gYEoeD4w1z5hB7lWa5wls7ZTIR0CgYEAtbc1w515\
    cn4bDVdYVDpkb0tJ146flY463m+fEHYQNoNmA4Qswg174aGFAvV4Rjh3at/rX/smNX8Z8ArH/X7s6Z76KPxLihgji6Qy3qmvD0VB\
    qOf3KimZYtY1qxc7bMrtf7q5BpR1zVHHyzKX20hoUl8bFO0/Fm8xJcyY+TdA4ikCgYEAwzs59x/J3nh1k+oJkz/nY8ojGRaD6A5x\
    WVLCjaRPCSrmdvtttTxfZ3vCeaK0oJalr+KFGQ9W957DBVvH2dRXmWu4b7t4ub/I6jSZ7DRdKRyNcs2LrlLMZOVlz1xg8x5Xj0/T\
    itNw5AvPCznqRJPgSt6h/0hb1OPJ6CpqIA5+iWUCgYAdHccSmffsvYIOKDGyBU00fAbP8D1n1Etgetgs5g4A/hrpc1NMoKZ558yN\
    RdHIxqFz0X9AeNiNd9krGj8jQiQp5txElvBvpyCC7oNsJBo1wy4bJ1f2PIYkTRh6WpWeAAIAFmYxRLZ/eJwf1fJ5I2f70ttfBgi2\
    yohAe0EDpbPSyQKBgFx6MBSvkMVFI+5aO3XEyEKXRTnIoVZTpAmQxcLNZdWuvPB4YqgP9pHqhemu22qbAXg8DY4ZbxJkVNTEf5zN\
    Q8LmSHm6eKduYne+X4UcgIZ5hrOx3xPsxrpmM/JF/jJ4fX3502NYsqf+CSZfFSd0h9u4H3TJFL1ef4c2jPa8AeuG";

/// 2048 bits.
const PROVIDER: &str = "\
    MIIEowIBAAKCAQEA37EjAcD6ygZg8ij7j1ejauQMKwN4Cld8JYNK+pn9hDA+vAJNdgWGsL3MzCG/m5QSdF2ObxUx+eHckCrY1SMW\
    93qcr4dDjiZ/rwPhC3YsueS0hF1sjoo336uJ7K4gRtCJw5KSRHXTsw27QPSbcC+jGCzJSM6XNLxzedanM7Z9JVtidbZUkTi+D3Kd\
    0kde23ORl38zt5zUOEjLgECWy5fz3wUqSP0j5+ap8sLllDqr+wdhE6pgzAK64otSMGktM1zU+vm8OYdtIyzNTVyoiz+rYxh7dJ6A\
    BXwJRkcflwWvj3MVnERJBcw6o66fC46THIvB+Llg9wSmAmnwHYbc0peiIwIDAQABAoIBADOqdTx1dzdsS74C6z+LbWpF6+2Pao1w\
    8XK0pX/GS4DZp9PC8GM/GYH/BKttbBUiGTUZWsmbaqSdn1UJIHXyGd7lSgVcx6SwjbM9wR/llqUFBxC/h1BQ6mDV/RBWk4vnpLow\
    Q2pekJv9ou94z+IUjqYJyh/v34rFsCJHCu1ty+/xgcawlWkKhsYsMSjgSuzIhqiDl0IGfUOQB+DQYtPQ4eXZawqwUVpDVCoGWV37\
    3kRIouIqavQAiT6zATxVrxNigWLmxknGyykyQRf6Of0H97MTnAvbthGKaleYR1/7Nstf4YkZQ9EX8jM4BwrT6fp9Ehsj7zdojxOl\
    Ktnxn2O2mvkCgYEA/nTSMx/h3AJhmDTC14ZG/PywcwzgIYg4gNP7SzL0AzM5APS2U9BOJ3SUIHaHqM+yM+ZC4mJ4zfHHxeumaT5K\
    pm/QSz8f1pHPvM261vmxLa+7eypM7lqcHSvetRQtc9SDdlJpEDyoHQOisrifI8dKY/46us7vQ4OTkZx0T28JfvcCgYEA4QyJnWYL\
    CO/xuo7L4nRRnFmOXyhdfovq0t6Y0FYyf3cgqBnsZkeUv30+bI7fKnh84izS/FmvCyzu6XL3X1Qblr/s282ep8SIZ8/1q36u7uSs\
    jdZoEEBE1uDPswsLqsheq1SQrJx/MyslRSY4XRP03Pf5X/cTZdczEs2klWH3LzUCgYEA23ZORSHeXy7+lZQL6G87kr8uQEx+ku02\
    LoamWjlcE9Z998EX8Dnc7lKx3z3by1E3VWPnk/FyV82Mi7uvD15WbC5L7FpJT3r7PNADsZ4xnkHO5W+aYolr1A0eS/dXLGvB5q81\
    RnfKVxvnm1V4jBc6pfuDE9OesRAumoviFRCjlAkCgYAmCLxpQYmz5PlxkhibGRWB2xDYvDWw4Wy6Xqxs6WR3bmaygk8VqhtVkZEv\
    P6Yvw1U31GOECpQuy1VFVwy/q7NN8vnQ3BtoNyrmgJsAdNSTw0n2XroPpQz9U9lGZSN/pYV6ZzxcL8a/mxcdbKwx7uF/Rtl6goNg\
    vtH+54pdRMVF0QKBgF9M7HaA7TVoKK9dVHtBAOg9OdLSEESQgGKuldr/mV9Qu5qbaDejqQxdnOqW9/hXilpuY+LKiAsQuviiR8gZ\
    z8fLn219IaSr1ysd71baYw635xYD3JW1YT3i0FabVmk1coKTltOGrD9C+FLGko0LbHFbbcotEmF4dWSybnYomE3x";

/// 2048 bits.
const SERVICE: &str = "\
    MIIEpAIBAAKCAQEArdnYCHyrhqIQ9py+VAZhZJwc/YnA0wU+um6oPRIjmgfI454ztB6XWMki+nV2fg20IGa3raX9D6LksgZXrdjp\
    Ekhd3Uov5914bDdWwE9aFu1aIRFe82m8HcVY0NJyCQpau7bQODDmJP3d6Ykt1jk1JFb4JZU6QjI7ZcWoUCGqD9PYQv6mm6MNeL6U\
    yXnwTB4RDHd3x8khRn3ld5F4Nti084ZZ85zfuMZs/+CLYo1sjRZmIMf+w62C2e8O0b+WCOW0pFkBsnkYOV9pmFEAIGkxtJdoWSJv\
    +PTcW7T0SKGdYUiv8SSVg05WwKoZgdzcreJMcb4ORdALXXYX3jT1XH6LbwIDAQABAoIBAD9ovtZtnmRHNVe1mOftwdUf6aUB+u4c\
    siHunXdU595U64011Rbjt4D/L75ZXIQifGn6/RCdg70RxUc3cABtJqlv8qh1WB7CVRtnXcFbz/ifzqlT/CVdEetr4PadY1Fv0OM5\
    jR2JnE+utqNo0OqbSAo+nFic4rhlOOvoWXkMpkoJ+Nc7sTnnVpZgDfiOnvb++Rh/UKJpIe2brTncHK8j7dFQx7x7KNCl/PWMtCL5\
    WWGyWF0GE+TIpn1KW+PS2UsZmaCcfKN2HVOvXAJEM3iibzk+mgD7ozzLOsQfSfZ8QCrMQVZgq0i0RpfMWTIJxMYyERmXHuVD9Ddj\
    gHyyjHSxrMkCgYEA4Pw769IYnH91YKqdLeSQWkTNxdEFDxhsEEcWKDaPRCMUwU9rYdazRk6Rgg5JlAnBXrjLeXCNx+LUtX3WWaAf\
    Il9L0mHzuNrZaQymRCH4vbsXqnuu13iwveWdDN0uyzIg+eIh65Xc+41asR/5UL9zAdSVPM/mvCpBM1nufkS02VcCgYEAxdESM50H\
    zHxyTGi11auIw94XCkNiw58cFtAXK7QBcIs7Jx2OnXD+LirnvpWFAVqkuYgkm7LlLWTbnAKL9VWvzM/sX3XuxkwXCrqrcEtAHb5J\
    afVx9yjiwZaPMCLGfpggmpN33+qm+2avdUBXTKMkRaHXs+9h+eCW5LJWYNMl16kCgYBsQvPSllahd/PTgEYCP2n3BgS+m8YDbY0S\
    iCJxV0+5SehC3SSe/+Fkg4ohOx7MzaTvH51J4o9XEB+q9dKfbh2NPK4PnnLZEPZtRlj7kB1RryXEM5/+r2Tc/BCGkChkPsr/c4E/\
    C+46Xdq2QNyHrph42QK3MJOnF+4n9657tDQSIQKBgQClseUsJHl22DqpNAAzdNY/MlVcPGuK7kiJ902hRsr56TXoIsLlr9LI+xlY\
    s0dQhgt6eMYpQOTkbBnjiOKQ4nA5/2O/5jnWEcAvNYMKsY2IHG7D+Vq3q6CchS91I3veaDDPKXz8q0GpTS7k6Lr3L6PfS5wxVO9d\
    bbkW4SanPdXx2QKBgQCY1GIUmjEA5dq9btjhfEpxPTOCPr2V99smQ9Gg0YClvSyr6AR2G8wUuq1nnZ6qbMc9h12pAry0ZwesSEoD\
    ZPlPehmSvBt+sdMVtHCTYHg2RZ1ZNxSspZe0sp4afyQiXNzrOYZ9RSFXR/fmQwhmFpQCdaAU8fx+CXF7TfXhbaf4qg==";

/// 2048 bits.
const SEALER: &str = "\
    MIIEpAIBAAKCAQEAqhpsmv4Y/4ogxVD0Vg3Ao8Vp2JNky3VnsptMDxymyEix0fA+wSVqC1nFoICqp2pV54AqhzkA3j5fG0LU/xhh\
    LgzQKkuZvbFxjw+4sEw8LmvojA7knh98BwsgqpHG90EZBYHR5sTGtsO+9K1Pdrt3d3wIU/dxp757qxFcFTF0FJQxP4GUwx5Xa/bl\
    oKSBP/VTDutEQ2mOl5q/0u02jbmyDTkiLx7BptUNKunpMubbZGJB11jZBnUMp5oqMMCKCNOUyssChfAEysKtcblfxvvdsbnIXNF+\
    WtVBkvu7o4WunjR4niL5HLG6vciyBGuIr/S1+F2/cUUjyKYYNuE1ldvV+wIDAQABAoIBAAr7bBdGSsiLcJnco/xppI4jljWrL8mU\
    +bjFyaTQyuceY7Xz+/vjVaky8WKZ5qqqtQNzumCC6nlEGfF8IJ1G7oCXHNobicBTVEtnY/Ckk17EjRMnI6pzykGi0x1ADnzzISbt\
    CTy2vUTvzAR8Vfzf6z11xAyLwAo+RDoOA7MYlMUpQGE1wKfUsc9Ybph41hVC3CFLnMEvBi3ZtZeU69N/9LxwMwL5mBRlL6dFFAV9\
    b+bGWNJPhc3R06zDqVcdahSRHPJN6zejkIX9EwdTaDN0GsugP+ofkDKjjA4FnJpgPGk1xFaI2oHv44clIRno8gDnZIuj1JkR2EJj\
    Kf0aeTlBBCkCgYEA6XQs6KbX0OA28e1mGwhy5uT02jd+IX9r8RpWrJv8nIPwKISWUUq7VkSUNRF6WRv912eCSpL5elXVUkoRivhs\
    XY/S/bytT62sYwbBM2AI2B2hKQ1GrhrVUDhWy9fXZxAc08xmAxFE89JBJpBH6sfpLNpx8GgQhC5qWux4ruiS4MMCgYEAuof+Fwj7\
    5WxDaMUd1cTmOCl0KuSyUblpN4kh5NM/fCV36zm89m+bVw4PuVHUP6Ky325LbAOYCetGpagOpodPmTNQLlF6HmgQpxrjEPO+DmC8\
    c/e7o/WYlMeZ0RIbPSbXtX//G+RgUME8+C+dv4kH3j5B84Fg/izoiNkohiDxYmkCgYEAkDmdpP2uRvS9/ShU9E577fl063ttCPTX\
    ktRax7h2j5tTOzTuSLqKkfk8NqzdkT+hyvm/nKLATbvJVlU8EUb4a7T2/Jsb1yXMYkFCCqNB04I6lkoFaHpbXnvv428tPBbQOGkG\
    fM6mcptqdJCeXYWzoGo0CfnAemjSe+mrhSNZ2lECgYAjnJMGEtEEnAbCmd94UH8jecaT6dWhhKRx1dyCs1ILgZvDbOKGqggeNrEJ\
    0HWVMJq1zXjYxlbgjeqO9ebWJD8uIH3OWf/Wjkefn6J6Og6u8AkKmuFYDCt1PCZBpBNPOXs1S5qI2LEKudnKCE01pBO8emZc9vZt\
    kGVUuyDheqibAQKBgQCjM2QlIHb3IQtmWYF4xxzPAK2yzxkEC2efqB/Iog/C8jWJ2ynibs88aNGeE2UpN5OJ9eZgIX9UAWU8UUAU\
    mXgxj97TfGV5iZbV93vCudIeg/A38ghtX1ETRb/pLiJS5G26GNUnDNGo+J36YXd+kboIhae4SfabFe+zWIqHEuT0Jg==";

/// 2048 bits.
const MATIN: &str = "\
    MIIEogIBAAKCAQEAk3NlgrA45tXJ/I9vja+jRZf48NuLb/VvN+AKYiXo/1oprxpRZSWOVt+jAxK8ydNN13zJFRmz4NEVIFalMJl5\
    9JI+7RR7hgb8cAtu13c0q9sib25sdTBUN8wMalRFjTvPdGiIgBuU9Y+dw6Gk2Igf7szR7OtOySv8vupEHBCtNgB1rdLYUWO5QAqa\
    XdCs4WBT4Alr52QeRon7lgwEnm6eJHDFo/vT7BWgBOnQg3dLXIjmdq5M3boxekK/kSoOaLyv4rzYmzdQGjmuYomUg5nadNCd7+Zc\
    YxX4lU8gmJzoxoQXvtr78a043y6TDvr9thhigGBlh1pbaibhSX7caE/dwQIDAQABAoIBADDkIgQP74Ym3Ec4vknyM4aXag1fFqCE\
    dqDF0luR62yEFm8/oD6UEdrfY3tY4q1fOZ/aeghbkefZHBKxeCuhsCz2sxPEZ2Lc/SYfvFyIY7gaPJRLPn4rDLnFmFZHZBp8+wBD\
    ywMDYkR8Htknx3Oey0vQsUjIC0MsKS2amwPdSbmuM3gtywTmPykhNsCj/nXOqk/74QhlV+4tUHywMO8BEJ1/ea6nFedtKzpDDfRn\
    Add6t0oCUHjyno2R4Zo67ODg4d3al9l4Vv2jXuO1WQwd6N3kHnPpKJQpcTeo7O6SXJBv6Bv/BvPqhXjlzDSrcliojdHJMOkHG+Fl\
    TrG1OG9meBMCgYEAxkQo1OG8oDn58soTCa7Pw8ncpnUziakmZ3pcTTj4C3RJ+72j0Y1eMqpj4Io/IGeYymzwvuwqUED9F26Mh1Dt\
    gVWxl59t3ek+Ua/lBUebj5EB4pryCR2a0qv8wYmDYIhh3PE3JGZnEiF6Uh0jsiui1Tszkl/hVuo3s7W7ymaPTCsCgYEAvmMs/pqS\
    jrPL0k0r7tHtI88EcJ83i4ISlZ83LlNrzFSIOXqcuy3g/NHLF+MPdnKQ/ryie5GMZglueYwWYOV/Ma0KbsS1wtGMWjqVSGjKNFgQ\
    uRreUzJrbyCKwKfx1epC8zIRlF8Mt0j112Vm2Sw9Ds/7FaFF3fEIT6EKMcopC8MCgYBgoG9V8P5BCIBsd1d37J6NSSAkcBJCERIK\
    dHPvnsgkrPQxoGbqhf9WqfwrPrUtUdABN77NDcRBgKrYdKRAfoyB8AWxY53j/PzGSvdO72s9OOq2SdWT473E1tVEbYR903n+eADr\
    2Ix7JZ27zz/KYcHmMggcWmY0OcoT54oyRnGoKQKBgDPlRLaB28EaMUy5zGfkwQcpvsQUIkfcxMQUCi6OfqvLvvYr/dznvJQte3af\
    Ze+bevp04LVeDy8hEwP+s3rmE62uxVE8PW9FP0S5A0ghiDyMZMKQGFoFPFOmQywQm1L78BPqafBPmF+9e4WjFk3MSThoaMCUnT7K\
    HMHX27eGq3mRAoGAYZPx4/w3nBfgCVAfXKUPq9Esd5EPRf1L+BRYBoz+YXq3dmZpALFT6Fe3DxnRy8A7zQxnSFOf8PKzWxAG1Xrg\
    /uraOk2sCSynWx4ZpoDWNuSuxNPcsIpf238oCAQggYq8RxLFHOTIObC7fNxVtvxCT4sosuBIXYB9KNKqPVG0IBI=";

/// 2048 bits.
const DAILY: &str = "\
    MIIEogIBAAKCAQEAsuBRn/ipnqEAqPmQQM6vGGhIky/cvycd9FokA3E+xjGOOvM1NCKbM5/MZqIv659ByU5/Ax+UgDaFh6WJVH+l\
    3dYhbAkKM/bslG7y1xvNWB9V6p0cf3cq1jh833CtH7omF0FE2AFWnqIFpnrClwV3aw/ymBBEUu57KhtNNMShixofP3K15WF81BZh\
    jTXX2duVtztlE5+x7cD1+4sZZM27Krs0MHAU24PVsKmjDeMrGLHl7ykvQTmdg4aHGKvY/mdKqb1sGnntSqqDL6RyYWb3TVS7NI0F\
    4jIzDOY/6XO/VchIidso9HJzHT/CnXsxk37QtTgSaqUcF7w9TxzYJYn1LwIDAQABAoIBAD5LV7Hd7/hh+rBeJUokkJ7v5mJ39ykM\
    7uYjpEocnK96H53RCDTNXn6GhrExh33Huynnr9z/GQDju/IHCMIIKFQO2BnfNhHtyutQjjqyoHsxgoLPz1ZmwmDTUE2iWHBlrBFK\
    NjcBlFBvfYdCVlUw3qtG5QXnGFxHWFZMJsGbPuUJkQ/NOFgeraUXUeZnqD12FaJ/g+9zU8kvDE7nNd1HUQIuvmRhbVTubiImCR2R\
    DW/YT6gxzWn79VtaidyN2w9GahSy3caoA9fIvNqVcpc84H7+AuqHhxdUM2qL+u78oEF9OgNmZaGJf/5HAvP92NeyFkua08sODQW1\
    xJL9ViOAHEECgYEA4qW4aBoa1ayKkbcWkdPVe97uIjBDRZhyStFm6zyjie7r8tLpEpd/24V6Jj3IweYodFwQmH6ByPyym1GfM6/O\
    foRSEwuvM+ds/VZMcspLMyBEm2lOEKnY/JfJESi/uCJlh/8pyDJW7mVzGL/7TwGaJHrmjkEahQHPksOWeoEArkECgYEAygrK6IWg\
    d1dRUV+UcIb0NxRv+5RdphNg5rDw7ddwBHliqW+zPSA7X/UnV2Yqvfvxf8qc1JDj4oKZsZXSxGuO5RclnAlzFu+DWYSLJjqj0egQ\
    hf4hWE7w3N/BkP+fH5nX2MpaaoAhaZC3Kh1hO3AU9b6IGkBvnoTuVwHWbYQSp28CgYB1k17csl4lZsLj4MUWlXv0LKwAlGTxn6n6\
    4jKv6d802PsSFxPOD0XGzbGWUQrqe8mUw4XgdhBCAcVuCaO7HoLS4zXop3EWTgIeUjyKeCMWvLCapsBWqKXmM5+dBTSgA0gEivxT\
    3Ll4JqzUtBNc4wnhztf4CBIH2e6ixlAz8OQ3gQKBgACElpCSBx9HMgYrYI4JSob5nm/eqX7LfewZeASkEL1yMjaM+sClXIGad0da\
    E7H4+12Af3ZsCKmD/DDgWXH3dJ5RuN71hz3/zy5jkJfAfrsDBUfSpvM7AJMQX8anYRkLo+oCWsj7GxrSLCYHfUBRwTwACQlIMQEP\
    Bi1i69HMDOAxAoGAb8laGK7nntK/64RX+oCW/m1SVrYgqmy9AZ0LzJMUi1SU3Yf2ltStHb4p5eio/wWOI3sKn5lpRteNtSQiIMa+\
    TybrFbHebkvS/IJSg8HkrEYti1MuK6LcdZl1t7nsuU5CwbH+m7tJ1lY/HLjSRlppNNKxr3QbscOnimcjCO3N80U=";

/// 1024 bits.
const COURRIEL_OLD: &str = "\
    MIICXAIBAAKBgQCSFuEvpV08VnzcRMieZG5apXxooLQVCKTgnYvufENXZNIo4DbLobsfQN5Lg99a6kfTnFi7UuaFK1ZhYE0KJ42+\
    YKINapFDb2A5RywkJ9OoSCLsPnXB1tvpZpAgxBDvA8JrAQE97RgAk0e4Il2qbv3Q0IWvFqYDt2o9w3PpvON/qQIDAQABAoGAS7de\
    CSLM+wvcdRGVZTqqU4L3wwafr1MmmWAueXGgOXiA0Dy9SbdOU7l8PWlg5y8MASpEdvpVjenTQG74Hu43MQ9PwILsZkRc7IDFQuY/\
    OfHdX1j6Q+RW+e29s2jMwq7u1l8XXKNdMConrgq9bZ1Y8O13bcRBCEoB57GspSXTigECQQDBbiXYHxjbVgkc/BVgY33WlUsFRqCK\
    ZBsoTRVObPhAPW2fQ8gVaaYMFvYOdlRzukCmoSU10jBgkMh4Hsk+jbnBAkEAwVh1g4BVfJWFR4PQ3Gtg5zyhh508L2hJFiGxkLIw\
    iug/BQpUVhaeyR93pj+O4MDIpfmG0Cw8G2QH20vpLYsv6QJAQZTi59/DQbpt5JHjfYa+B58ejG9hxwoh2wwniSuRD9bD8Be/IuNr\
    FPZD/qtH/uTLPrOsNg9Jr7PnBDML8FWFAQJBAJ/Zabah2Iua9sjsgzZpFIG5T/bWGVc8ighhLPPrTlTZtJiPNLDEHN09RefN7muF\
    F56ZUUs09zDSH+i/tvXveFkCQGgJB/BcHqiMhtfLkwSsXvfY8baRIWB1yYgF1cQqamd8HznzVhbML17/KMFKYydWMJN8udw70ZUs\
    aGKjcGU2w28=";

/// 1024 bits.
const POSTE: &str = "\
    MIICXAIBAAKBgQCl+/wsdjFlmxUvBtaFSuIhypfX4QhgJGr7Lpq3pFlidBsBasbQEcKOrT2ilOfJhUe881xC7PxxapAA5ZwF49Hr\
    dHmKjgsbZbgYDFnu2Ol9hPU0kkiqESNQkqLr9l9bRhvrGu16G0n9pUbfigx2epGMOXb0I7FoHeO/Y+AHSavQAQIDAQABAoGBAIgf\
    GPWVkHkVL9A7OV5ixQSVUuV15RqDg0CvPa7xF2TIdwU4fgdRKU88/9j/aP85UFXC9pzkITsZ+zLhGo0yAopVOjRukldAyKgkBRl1\
    7CMYKz10pgs8ujanCuBGlpE1l3PjbSTF+H1XIUQeYafv7Lsrfuwe9kzeK0+WooY/wLVpAkEA3MsZho8uapjIPBBsH+BBym7gxj2r\
    5MNQemFAmplePQgXfJqvyJ+967eJp04d9HbyoTgipuCTSZBdWTU2XdDqKwJBAMBzjTa9hkqtQjT0gCB0lIpvNXTSlpcepLjczHl0\
    C1L6sHF1jQGjTrsGKRXTF7Cd1qXKlJFGteLB12pUaI859IMCQCdOVM36oWXCqyreNZF7J9s03/kKs5Y3GxWeSJT9JqSw0xWQqCiM\
    H5BeDThmlLiXkFwZFTomErJu699ctMAA2B8CQDJYyHOup0g4BV8HK9HRzd5dc5WpVf4Y5Sz7jn6jjibaMHiuMQJhr8IbvXnZLJRm\
    5nWfBrjuz7yPy4Qkqun1VnMCQCQv7cDrTPAyTB08VUqi1yZxPi2K5HneuvTQf5yFlTAkfs0KDqpHIcd4z6JbCnVfb2hiTyUvYiVL\
    Skn167u9zBI=";

/// 1024 bits.
const ORG: &str = "\
    MIICWwIBAAKBgQC7hKoOtBJU+1BfsxOvoiJWO43moBXzzFAuehG3hAUVJ9mdtyTt9AiA1m2mRt2v58MK07fElEhJen3Gqnl4ozO6\
    4haTXpVVGJsIpL8o9okDVKIsfQsxWEspbUazyoeKC0QvdQRgW6KQknxhpWUK+o1dB6B49KIV+JkYep6z1ve+bQIDAQABAoGACKQY\
    Yg0SOzBJh99srM8/3dFovJPr7wwfNcUSQ+6lfVAUyxvBa+Wu7qDy9JKXbJ+1cS5IbZqXqism2JzKdDCxFXtcLv9WENFugMlSYwWV\
    HwSULIOx+4u7LIXQo4Bn4Wa/BMU7g/9aGOAiVmB5pSFGxjXKzS8d8TqMZdA+aRwBuFECQQDcXawJcP/DYJnrgi8OT4+SzaxN4Yvb\
    /iBcNw5jilPMRuqJ9zFh4CS9yxtxi2I5Ar0EfY1tVFn826ZUwgEiOQNDAkEA2dc4aWVsF+niXL3LdO1y71WYRP2hnEhEUhCNPVXl\
    UvWC8nyiWzwhC7BiG29ksZz6fya8kuf7r/0pMV8gXFikjwJAD5ToBzrgOtZny8lGvoJNqpm0Z0VdeE69xwd1kwBC8JzLFLpP2ZXZ\
    wznLVPoAFfvllZ2zFFn0ivaVCkU1g0/4tQJAav2lmz5RBL2+i8Y780XcOWhUzS20/kkQJS4z8HgLld83XVmRdDXoFRGgXdEsJ3/u\
    GB0yaQS/PQSeAr2x6ykuSQJAMfw81QhPe8bT/asaeVD+LHQ4mI/PvXiz8uBNAqS1mLHXM1BFhm44l4aLE7dOGizDlgI9plrjABmQ\
    v8iRySxBqA==";

/// 1024 bits.
const UNSEEN: &str = "\
    MIICXQIBAAKBgQDWcCSFLY6/IED/q6BOQ6nX1j93fqkZ4VOVjTJlFuixWD3rzHKseHvwR0Vng9xOM0aNtwD/4u4AjN69VC0Jvx2k\
    Ly6RcgI714UZ1lRgz8y71qXkO2ujvpdbQ0XKrTorTE7kl75r3mUTx4QbfU5kPwANOHhAV3maQOoNxhBRj7452QIDAQABAoGATyxG\
    f5lre+uns/4lCOB4pAUpl6//NVv5ZV0lfydvMJNZAWeR61XsxLE70dVgkMrjwM0RpGif4TohvxuGKXQTt+6lFyv5BjUodVcBgle4\
    VFd4SneujTIx9kHxo+HT/S5y5q2xU9ijsy1Lvklm6Sc0Ehv3JZxHETJCGeZbuA8jooUCQQD3HupKQ9GF/6o6cwZAw7/7k+Osdo8j\
    YvlKwvQzusGkNftpGgice0QIuV0cUrFOoC//f9ZevB7aT7D6wnGEbqY/AkEA3iSaWl2+3CGL7Rpq6aed9kD3eHxQJvZhUNfWgxAv\
    2rtBxXfR3rChJtsgKqdZysrlnKlNcaZZenq0upIp3HIJ5wJANHBwATBg/tFg+yQ7eHTRgX5BevBxsW2oPvAdx/hibQkzf3sRxrr1\
    lfBXzNHTZD7j0JD9GX9MAMGWaa/nTNX6GwJBALXeM7yeGX8xu9Rfl346K5oLsE+lPx3XAu9j9gyReQxT2NIpedoes6ETL2+cWWgs\
    2vV6qpvMPF+JDGPe/IStnKsCQQDE71L+JlORWxTycUc4nQZqsPhsiPpuTqGzNosQGxvGkSU7bRr+Pc82Q+DGvadhOW2i+GTKSiNd\
    fSP9vKtsXycd";

/// 1024 bits.
const PUBLISHED: &str = "\
    MIICXQIBAAKBgQDfvYPLgPraItMLNwM4rq0nAY/Wc2C3+0PoQn96wQG7G04KoRROnglymYozDXNwXv914Jrb9nGsKODXnQlBe65k\
    s6ggNtM/5t8ExubuYvMj42z1MJpzsn9/CAmsZ5DbXUXtu+TrVaz+y1sfBm03zcWm9zNSN+3GNc5SduFN4IzGywIDAQABAoGBAJQf\
    B/Ci+++L3IHxMp3E7ncDTrFfgulqXCOYWoLu4fF3+yuIRkRh1clboqV3wzPigGcOghcbSVf7XBcCLI2Ajwt49+Dzuf/yV+UGvNiC\
    f27k4rvKidWUuOth9ZYJnWbY/7tBaM+zjapuv5ZbSicdCOJh3Nt3V/2mCJb4t4CLhpwxAkEA9QP0QFO+5txaEaI9kJQcZ7ul+HBM\
    aT5VKurpyB4StyLJOqEmYouT/YCsIPd7DFtKVeDq+5sanl+Apak19wULMwJBAOnFYq3yfJQg84noOu+aIAtqmGHvidA6knpxOt2Y\
    M4g2h55oBUkOQLnc2YK5y79PHgdQhOPI8w6N6iMH81vzFgkCQG4kced8/iNfySmGKnDU9BP5ufl92guxlq2tXpy0UCt9esJdcRj5\
    r/RUpIxJVEpQu5DxhBDJP+UT/4v5DiZWYRsCQQCWWIkXgF2Y0vxuVDobQQ+c6Ahq7CjBD/qG3u3R+IIj95YPTa0giBcesif9yEp+\
    ln6ki6d77BBN6v2LXCCqoVMpAkB7JAckmzY7+JCwCbjKs5KdoSbXLof8Elv0opW3vdahn2TCRwPUvIorIsxDM3K31h0WBe3nIiX1\
    h3yicvFYIjPH";

/// 1024 bits.
const GAZETTE: &str = "\
    MIICXgIBAAKBgQDHVDwc+JZqyhf/tjWw/lZXiCRSLQ+izV93rmB8OsVgim+NDGwp0blx2pYenZ0DVQK1kHe0/z/wot2xPbwk6trd\
    fwGtKQ1oOS03kRkeYg6joS0IdHFBOcqAj0gUWeAPpagWLHBgf+1ZIuyS7bFeIt7tFhuFEOeXafauYATVY6YsKQIDAQABAoGBAJo7\
    rX/lQc5DraopPQZE5l44c5I6V7zrGJGsle/KMetvcr06/X6mTs2wCzSJVHK9lqkSre2ZC8qQ2uVIFYqjRtF6wSDZ9n40FvRj01M3\
    22SjKKjl2R6rvlgjlrg3BheNgkKE4Nx6u3VudGNoxvjyZ354cR2uQ3F5SIW90/Lr9DMBAkEA5651ocRXeyyzM1sTNMbo1xvjJGM4\
    mFhcad9Gq7ZgLQtHBfTExxeXP3PiygVji6q2SM55f90WF6QHfR9JwkNu8QJBANxAbdfCQ7UABRggpvOn2NgdbEeDUti62Py3NGow\
    103qMx8TNl/F3+LWFSFJfNcdBx2sFYj6bsKjRK9LWyWbALkCQQCvDWSYG/A1g2rLTO9QG1Lm5Y1UexvSEEGTRT7yk1RL9I9vcqgT\
    /kErknYzSqsSZqRgkpG/CN+ecTOvWKq0e5shAkBRPfrGcUPkSeOXKMQscCdOYFwGbOxsQU+0uCc/XFCuzsqYlc+iuCyDUZBtvNut\
    xWlQip9O7YFZjjvRpSwzzN8RAkEAiZQbIaVCU9BonbnV+KKwPEL6FsZmfV7a8LMVfv3j943dSaNJ/ArnC7JJNOzC8CRrAnhMY+uE\
    MoOqSuPiKoL+pA==";

/// 1024 bits.
const ECHO: &str = "\
    MIICWwIBAAKBgQCgL9mASR2GUHk6dwAUJ+r7yqvI5Mxl445EW9+RWwu/cmR6GMr45jxq5FlXthkQq0mbPPFrVUhpexfCWSIyJv2S\
    K1CjfBdLhYClGrRnqxN4ZG5P+wHFrXEtC1Th/k2BJJ/RC/SF+sn/9oxZOWP07kmJaZ2yj8JSDAjLbhLruTtVhwIDAQABAoGASE4Q\
    8TUPnKcKcXdxk6eJC+qpq96K3Jrghr6ppaThIqNx8yLpy3uxXdaA9XR+z+VhLi9OEdLHAsXLLbCqHNU4s2D8Ka+EIMkcJPxXjkui\
    oSiJnTQXQRVCJT6jvR7PldKTjm3ITqhYitANibJjOW5sUeSRApl4nX8aeubgxei6n/ECQQDOjC9hLt+oa3fZ0wIqKposfaS5fBH9\
    yxifaRLK7hv2ocyuWN23vN2a5e4NM5wcoun75i72jqPq63H8liLHF32VAkEAxooaYlbBj6yRRWkRJvhedZnoN3ZkQY90P4kNksRq\
    Xt/6skEU5cBzVg5+JIN17wqtMqwL0vtwTulOAiYnCRXnqwJALfdiv/UHj1rDZHWiQLIUd5xKoYDsHBgr1aYzqXfOP1gIzjA2v6JH\
    iyZqkQOQVYsoGYhDoVljP2/AgV8ERFyE9QJAPUOaVqQMwIfwn+mG+G6Fv2ZJqOuoji51IbHp9VMUu8gDtQOuLiNPs8tvE1dZifTS\
    cyNx1p3uDvuhLbqWKxCOVwJAY+BUDXNxCVVaW4x1d0lRKTWFYdsgfxklrYGxXd2YikVTtggHJo3d1ZIBIkyge8xpBdiyJTw3E5/r\
    Xj5GKhhU/A==";

/// 1024 bits.
const OBSERVER: &str = "\
    MIICXgIBAAKBgQC3wDaDMZh8Ka6GhVFwlze0GY4cnimqzhVNJ29q78o+sRogpd6SEP/PvzgTw3wR36kVoXp4mgcaegegMBe6GcwZ\
    Aa6+Exn1ZMd1vM0rPsOk5ed4QKHowO8CfloXkgbOLRK/3kcG4QQD5Bv+whhDsQ5MIkLEe5fuU2NHlWeH6LBSUQIDAQABAoGBALQN\
    et0PShXQWh2ioWysIH8v01sjeDzQd3sEu16T3R+VNr7rCa8jTSdqfi6PjRGOkgaKFpH6jB9bmAFVXsqS4LOtwkpfB88fnTAZ/ah/\
    5LI3NBgNA8ZSCG/ToyDyZDHpnCnvgT6NC7LKfYJ5/FmgwxOT+pW8CUe2HHo32yLIagJJAkEA62Si14W54vUey5U0bVD6sRO8BuOh\
    hFyGRm9ZCNGomGhXdPMnJRdZy3xY6AJ2GctWohqRHDo+/0ToQbgbDafCuwJBAMfWOoNNUDsX40qeehvWdeOTGjaF34CydwD/CGgB\
    DxsmuOQARUBJ4jE+GKWayJ6NzHfZQ0B/wPuejOoOPmI5zGMCQEo0q3Et4u+9PjwHiUN858qy4e96Cwzi7iF+MJ8rGO8S1Z80l/6F\
    YfVX+d8KB5kSFPl9TomLgxiN7HnrQ/wGCskCQQCGYdqRR2Fni6XOHQoSREKcmeRru9TTr691HQtjHSsyX/S/Zisrk0OnR5G9c3vr\
    m4FfKtwduItm6XTrRE7RMPrvAkEAuX7e7uc8eiHvneIyM+875BBLxIccvzLFjPq6h0W9usKU8NJIlF79aF+vMzEt9ShtbRuwUj/x\
    jsQxpsmPaxKxvA==";

/// 1024 bits.
const DEPECHE: &str = "\
    MIICWwIBAAKBgQCqljw1AKdxx88Dwu/HX0mm/QZAcK8WpH8n6kZgxxS59c59KeI8Rs+ebvdknDf7c2Y+H1VQOZC4lT5p7ynDkJly\
    hbuyd6WxIrpBGaNpFK+z5Upb/dhT4yFi+YTVGblw99IMdR2z8xrqkO7acRbHCHfQIVWvleoZZTsqiUCeKrDiUQIDAQABAoGAGL2b\
    U9CZeG4TPydpoU/Xncl6u6PcMPuAmahntqeJAQN+hDar4jQe7oqHhOcHU4fEH2Rp+i2vKKY0nCactwlkx7OxdNLXyh9I+eGtlydo\
    1yMRG1SxAFnZGXWHevpLIRnmCNrWGU4+DUqKxYkiajoxqEYjeAOkbo6Dch6dN9n9l/ECQQDSIt32OYsLp1knLIqiud9miUSPEd63\
    iQQ0KNBpvHwQsEzYmdLDRcH35oe3M637IC4Ph/P0WBobt0xEjc5qdQzNAkEAz9GXYtY2b8MgHLW1ZiMCXWeHKDOJNm/ohGzWgMxb\
    yXKisEkNwIj6JiJB+eicAweuyZpJUtwH/PGoZn2UORIrlQJAYetjeRhpZb3OuoVz+M4afwJaEz0lhmrvrYqTS6JMQc6VkJ1lbB82\
    etlOxpzrZskhDZWxpVvklqO8g3l9BXiTxQJAdEwDHtFnp0WXu9lICT9APIsKDMpCWA9qHGlX5L34A5S+TE6lfoBpFFwJddPhMqTj\
    AHjx3Ye6hKerqKdQAlwTvQJAK6vnrGiXB7iOv49eTpfGHwLtbhZDYEaZsafV8VtpABsHvRJsjqr8mvZaOikLXgErm2GVQvnlU/SY\
    i66IAc165w==";

/// 1024 bits.
const LIST: &str = "\
    MIICWwIBAAKBgQDRrSEp+uLCj6OyfVpYt84uotgbsBDFrhf1wBG/f4rCI8f+zru2z59RIWU1QuKff8Bj/hjmluBnPKwYvAEIBQ9n\
    hmXpgwrTTgQ/+sMObmWnWDa7vbsrh2H6ACf51rLeHaauUFUyzsTcSE1zahZfjENhV6EQDuB8JNwrHeOc//dO6QIDAQABAoGAKhje\
    fbU3beS08xMj3ogYx1g+l2CEHYxUlyyW46HR1CSm9MvA+HU7AWj5DvZ81ZUqpWjQywsjxtZxnw2wD1Ikw0EZLKCBNUla8Q1YSa29\
    7lGCGyHmLJzJsyYLHJpobbbEkWIK/PKng6itcviKn5wV12xFQH2Hl84vSp+zcNkDC+ECQQD0Od7Bssw1KZwmBmRu5r6s5Agv7ZqI\
    PGWHm5cWS7/AJ/++juSegkjnVV48ExE+BT4o7OkXhPLGvZY917/jZYeFAkEA28jciM7yJtGkuGwO20bMCogdWs2iXxjRc1RDNBsp\
    HtdvwQuMiDEFOwwrAmabBpP8do97i4gaeUIrhZ1EGh69FQJASvaIXUQYUikXeMR1h2TkGgVUTgHMcQy4zUsAsSNHFCAy67bIja7H\
    2dnmNuJTZIoPblhpo4J3UnFW8FyM1auQUQJAdPhWnpz89Tn334rq8Tqhly1P6iasts3fkvCSf6XA4cAoouYBme306bMVJMb01LBn\
    2bWNO/polIZp4UeMmhYn7QJAJ30bKMZNqk6JyiUYQmnj2xt6CxkOX3zmk+CFd9WG2c1shW6VvyZ0WQ7FbxjlH9tpouF21WCHhmr6\
    QR1HjJ9+RA==";

/// 1024 bits.
const OLD: &str = "\
    MIICXAIBAAKBgQC6fRpF1XjsnSsGjztpyZrR/IIKdxIvIziSNU6sDyWWQfYFsZTadAwWODXOY5el6QVvbFApN70DNVBg8vQuqBwR\
    QiUX6GFZ4PoChE+yUzHSr++/lEFuiVD2y2j5nstMOoHPgBHYej15NjSoDp4gMu6xTCCrm+YblzY44Bg1ZSv4sQIDAQABAoGAVmWC\
    +HtvrF8cAcv1wIrQGRycunBzkjcFDGd57SiPR0+DxRuCVLqSpvCfrOBi71BHXlmVwaK7BHN8q42jJsJnTaRzkxFZizGTyKgWnGsi\
    ziUMKjcvOwPzC+SNQMVzmLW9OCmzD7d3JpypkVErrDXvnucc2gPLoRdMeK9tIHLN6GECQQDs5HcJOwSOBVsW0r4HD2lNwzi9f9/L\
    QsIsPetu74a3i5yDr43jxj1dp7GnGqVH7pAD7rOg8gzBCoRzlaAsBMhFAkEAyYfc0ABeo9LBzYNkSbZxWBqfzUic9wkhjYlX2zPD\
    I7PCULCGS7zYJv8ksARWQr23OSfBxsxsCBblT6RTws3jfQJBAKafuD6s3XJLwBtYlkL/CxGgXDumQzKEPXHDB+Oa5QYbVDan98Sb\
    vrQubN3d9x2WZoPtlTmCp4fsrudh+iycHIUCQBLPaI/NiQfXcxlgiyrKKZgknAfIIEZ6hrQ0PowKL8uUSq3HXDGThcVWCTGYpgiC\
    tqhSCqcoi2jR4kNlvh+voe0CQAx1L5jEBqdUL9YLb3TCaFfINuLEBNAdAyiCKT0U00spJVhKpY18ElLEzG6CojpKXPYg29CITq3G\
    dBQffkhl4PQ=";

/// 768 bits.
const ARCHIVE: &str = "\
    MIIBywIBAAJhALyKU5Pfnd9zg5+ZFmSDsSjBi1pZygXytr6m8a9n90XgEujj6GLlQPDzQzfIi3T7vsl1TpT9QPoGelfZZ+6jGpsU\
    DN13oJSSA98t+iiSge1K134a2aKSiTkOanUrJMgVOwIDAQABAmA8FgFowP05N0EdXdZrFiUhjfzxQGhH2QAwZlfjxMhjNnQQUIHA\
    8rrtjzk+z+TR1WB9Rt+ZoSDjQ9xK8ss0zmwwg0XyzsNo9XLEXrLIIc2r55hnKw0n+VVvVfjnFhLfQUECMQD1NckK4Jc009skLfjj\
    tlULFRPzCfeUDX559CP65y+ScjuXfjx1r/rKB8mXWdgGJzECMQDE1iySac1u8r5l9YmreMidgoJKlpJH6qAX6kyL5NvIuhwZjwE0\
    WxMYbNMO6D7XgCsCMQDpyIzTvQsMh8wP83CvEgCE32S0u9T6p97kwNqo9U+KzTR5nBZikhSGF+SgUz09qJECMFV75lOX234psgK5\
    xhZQGGA/g7I8/j55aRm5yZCfzcu49+cpsg4412wuJuM8fb49jQIxAIErCshbQB3iJk1G1wzVNxPCeyCAMywQ2amT8btk26pucZjd\
    GPaEYFsmOEd86YJ+wA==";

/// 512 bits.
const BOITE: &str = "\
    MIIBOwIBAAJBAKi9ts8nmFnymaKNGde9Dkz89O8EhmwpQNwtpLNV9sftDAOu0PkIYlmaIbsEoMJBRjRUZmoqkIbOXrjC3h5W2QUC\
    AwEAAQJBAJ8X76o0rMHxp8TIwFrV1wvjW5OXcp2773koV6b2H+yyHLv2j5w8lBsOMGcQV945BWBUQif79ezVw5ET0D4v/kECIQDP\
    4jugtJp2Zb2HEEhKyNXf8nE5Pws2tC77TfovX4mQiQIhAM/MJ8t4tK8PMCwKujgROu1fq1WN1avE72oEhwBSgE2dAiEAzyXXVw9A\
    b8R39JN0BhlUjaDP1ESPDwbDXiXYrMYdlUkCIBgh0oFLzFgEQIjs2gGG5rwIf0JZTXY8Ub2TNwZvjlz1AiBT1ru7mf1usQAiUD/J\
    HUavmCKkY/Si0MBu+4zH2aLGLg==";

/// 1024 bits.
const CUSTOMER: &str = "\
    MIICXQIBAAKBgQC/s2iOhX0oT/PJ8ohJn+vpZRIG9dtHr8jc1fgDc8trcmRL2C0YZXjn0vcDG3B1Vu0/Zmc7DEJk1tY41HU90L73\
    /+Qg4HzWX2qSMKfUjYvLjJ0hUPCNC8C/UAkyJn6AEwKsUN4JWRQoT9FRUWgsEV7Lq7PqykNsbccL8VMIZzWnZwIDAQABAoGAcU5J\
    bnPYFgurvKFtjJbJiZoDnbmTcjukLWMKxH+crFVgkrOjc9gGLn+zIFMHlVNbxy1vtqb4V0HkPJLW+UJ4nHY2eZS7R7gd2UvlX6/I\
    rn8sCKyK4u0aYiV/pE6uTjl4Bjflv4nNRXgx69b0EVSMbYb9NsBMQoP8b64GHf8mywECQQDuwsEPrjq0O3ZBpo8ggbvTK3cWm3iK\
    2VaKS/Do/o+h7wpY6tvPNlzv53iKfUkejOpZnKCGEUqQWnu6lNU3X5LJAkEAzYrMwtErWU2ot3/fdQU1bBPSCSOYu7bF7nAawu2d\
    EOqbacEc8KsLGcIPtDOwB6psxWJGlPZeqiV7GieLcjXQrwJBAOm+gIN5br9D92IOTdDlMZxq0Quw6TIF1FNQRWnUzYkbHGYwh0E1\
    V4cGdVwfi5X9HvDcBcs64mSwMLFZQ+QSDQECQHuupgAk9bzLKlchL0mvVLIwSxcMwH9UQE52TuQ1L2pagiJk/hEkG43oZKK+55H1\
    T3aG6IoCpnwkCat3WEXldCkCQQCubcDqvvB2qkFRNu8aWTUKnkOeg6fXR5L/Aa8mmIYrZGNeMf8zIBemygvXea6PR63m3rfC4Tgg\
    Icc6oG+MM+ED";

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::rsa::Hash;

    #[test]
    fn every_key_can_be_read() {
        for id in KeyId::ALL {
            let record = record(&key(id).unwrap());
            assert!(record.len() > 60, "{id:?}: {record}");
        }
    }

    /// `openssl dgst -HASH -sign KEY` of "tamis demo\n" and `openssl rsa -pubout -outform DER`, as SHA-256
    /// of what they wrote.
    #[test]
    fn signatures_and_public_keys_are_those_of_openssl() {
        for (id, hash, signature, public) in [
            (
                KeyId::Boite,
                Hash::Sha1,
                "0ba28da39d03ff8975adf5832f23862352837e6acf7ce97d90b1fb812bfb1b2e",
                "38a74f3c74985fe3a296d46b886188dc6fdeb17a46c333f9b99c9cb68346e766",
            ),
            (
                KeyId::Archive,
                Hash::Sha256,
                "67c0763bf12be04312a3f0be3778bc5539dacd93c606aac81d3dce40247d745f",
                "079a388c17185fbc949abe04c4969078620df9c5771e7afab31146f7743278fb",
            ),
            (
                KeyId::Org,
                Hash::Sha1,
                "9559485928d7a80690332b04d0c11903fae841e854cb55f3dcdd4f41bc54fc3a",
                "7c1af4d274694ea47433fb6acbce88b4b40271aa58a933ad11318af52003fbae",
            ),
            (
                KeyId::Courriel,
                Hash::Sha256,
                "cd23dcfce6996a5ad572623bb74392c4e2c5615042fccc9f1dbee75b98ca4e3b",
                "827ecf4183736b3d3816adbc2e6f0c95ff6d01d1b3af0693ecb8eba5a51d1089",
            ),
        ] {
            let Some(Key::Rsa(key)) = key(id) else { panic!("{id:?}") };
            let digest = match hash {
                Hash::Sha1 => {
                    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"tamis demo\n")
                        .as_ref()
                        .to_vec()
                }
                Hash::Sha256 => Sha256::digest(b"tamis demo\n").to_vec(),
            };
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert_eq!(hex(&Sha256::digest(key.sign(hash, &digest))), signature, "{id:?}");
            assert_eq!(hex(&Sha256::digest(key.spki())), public, "{id:?}");
        }
    }
}
