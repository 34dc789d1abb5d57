//! Secrets: pairing codes and device tokens. Both are random, both are kept as BLAKE3 hashes alone, and both are compared in constant time.
//!
//! A **code** is twelve signs in three groups (`7KQF-2M9X-D4TB`), easy to read aloud and to type: no I, L, O or U, and case, spaces and hyphens don't matter. Its first group names it, so that a wrong
//! guess can be counted against it; the other two are the secret, 40 random bits that live for ten minutes and five wrong guesses. A **token** is 256 random bits.

use std::fmt;

use altair_protocol::Hash;

/// Crockford's alphabet for base 32.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const NAME_SIGNS: usize = 4;
const SIGNS_IN_CODE: usize = 12;

/// A pairing code as a person gets and types it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code([u8; SIGNS_IN_CODE]);

impl Code {
    /// The code of some random bytes.
    pub(crate) fn from_random(random: [u8; SIGNS_IN_CODE]) -> Self {
        Self(random.map(|byte| SIGNS[usize::from(byte % 32)]))
    }

    /// Reads a code as it was typed. `None`: it can't be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut signs = [0; SIGNS_IN_CODE];
        let mut found = 0;
        for sign in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            // Read as what they were taken for.
            let sign = match sign.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let sign = u8::try_from(sign).ok().filter(|sign| SIGNS.contains(sign))?;
            *signs.get_mut(found)? = sign;
            found += 1;
        }
        (found == SIGNS_IN_CODE).then_some(Self(signs))
    }

    /// The part that names it, which is no secret.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.0[..NAME_SIGNS]).into_owned()
    }

    /// The hash of the secret part.
    pub(crate) fn hash(&self) -> Hashed {
        Hashed(blake3::derive_key("altair-server 2026 pairing code", &self.0))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, group) in self.0.chunks(4).enumerate() {
            if n > 0 {
                f.write_str("-")?;
            }
            f.write_str(&String::from_utf8_lossy(group))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.name())
    }
}

/// A device's token: what it shows with every request.
#[derive(Clone)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// The token of some random bytes.
    pub(crate) const fn from_random(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// Reads a token: 64 hexadecimal digits. `None`: it can't be one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse::<Hash>().ok().map(|bytes| Self(*bytes.as_bytes()))
    }

    /// What is kept of it. A plain hash will do, as nobody can guess 256 bits.
    pub(crate) fn hash(&self) -> Hashed {
        Hashed(blake3::derive_key("altair-server 2026 device token", &self.0))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A hashed secret. Comparing takes as long wherever two differ.
#[derive(Clone, Copy)]
pub(crate) struct Hashed([u8; 32]);

impl Hashed {
    /// The hash of its stored bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be stored.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its hexadecimal digits: the name under which a token's device is found.
    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        // BLAKE3's own comparison takes constant time.
        blake3::Hash::from_bytes(self.0) == blake3::Hash::from_bytes(other.0)
    }
}

impl Eq for Hashed {}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Code::from_random([7, 19, 22, 15, 2, 20, 9, 29, 13, 4, 26, 11]);
        assert_eq!(code.to_string(), "7KPF-2M9X-D4TB");
        for typed in ["7KPF-2M9X-D4TB", "7kpf2m9xd4tb", " 7kpf 2m9x d4tb\n", "7-K-P-F2M9XD4TB"] {
            assert_eq!(Code::parse(typed), Some(code.clone()), "{typed}");
        }
        assert_eq!(Code::parse("OOOO-IIII-llll"), Code::parse("0000-1111-1111"));
        assert_eq!(code.name(), "7KPF");
    }

    #[test]
    fn what_is_no_code_is_none() {
        for typed in ["", "7KPF-2M9X", "7KPF-2M9X-D4TB-0", "7KPF-2M9X-D4T!", "7KPF-2M9X-D4TÜ", &"0".repeat(100_000)] {
            assert_eq!(Code::parse(typed), None);
        }
    }

    #[test]
    fn a_token_is_found_by_its_hash_and_never_shown() {
        let token = Token::from_random([7; 32]);
        assert_eq!(Token::parse(&token.to_string()).unwrap().hash(), token.hash());
        assert_ne!(token.hash().hex(), token.to_string());
        assert_eq!(format!("{token:?}"), "Token");
        assert!(Token::parse("07").is_none());
    }
}
