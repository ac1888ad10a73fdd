//! The keys of a state's etags: a keyed hash, so that an etag reveals nothing about a secret in the
//! document.
//!
//! The digest is SipHash-2-4, with a 128-bit key of the state, of the version and of the text's
//! xxh3. Not xxh3 alone, because it is no keyed hash: the digest of a known text reveals its seed,
//! and with the seed an attacker guesses a PIN offline. Without the key the output of SipHash-2-4
//! is indistinguishable from random numbers. The version makes each input unique: two versions with
//! the same secret look like two with different ones.
//!
//! xxh3 only has to make an accidental collision as unlikely as the 64 bits of a digest do. An
//! update pays 230 instructions for this, at any length. SipHash-2-4 or BLAKE3 of the whole text
//! cost 7,200 more for 2 KB, an eighth of an update. Not a digest without the secrets: after a
//! failover, two versions that differ in a secret alone would have the same etag.

use std::num::NonZeroU64;

use siphasher::sip::SipHasher24;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// 128 bits: an attacker with a thousand graphics cards could search 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Not zero, so that `Option<Key>` takes no extra byte.
    pub(crate) first: NonZeroU64,
    pub(crate) second: u64,
}

/// The seed and the key of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EtagKeys {
    /// Seeds the xxh3; never leaves the server.
    pub(crate) seed: u64,
    /// `None` in a state that a release without keys has written, until its next version.
    pub(crate) key: Option<Key>,
}

impl EtagKeys {
    /// The keys from random bits.
    pub fn from_random([seed, first, second]: [u64; 3]) -> EtagKeys {
        let first = NonZeroU64::new(first).unwrap_or(NonZeroU64::MIN);
        EtagKeys { seed, key: Some(Key { first, second }) }
    }

    /// Whether the next version brings a key.
    pub fn have_no_hash_key(self) -> bool {
        self.key.is_none()
    }

    /// The keys of the next version of a state: its own, and the key of `others` if it has none.
    pub(crate) fn or_key_of(self, others: EtagKeys) -> EtagKeys {
        EtagKeys { key: self.key.or(others.key), ..self }
    }

    /// The digest of a document's text in the etag of this version.
    pub(crate) fn digest(self, version: u64, text: &str) -> u64 {
        let text = xxh3_64_with_seed(text.as_bytes(), self.seed);
        let Some(Key { first, second }) = self.key else { return text };
        let mut input = [0; 16];
        let (head, tail) = input.split_at_mut(8);
        head.copy_from_slice(&version.to_le_bytes());
        tail.copy_from_slice(&text.to_le_bytes());
        SipHasher24::new_with_keys(first.get(), second).hash(&input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [u64; 3] = [0x5eed, 0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];

    /// The digest is the one in docs/format.md: the reference vector of SipHash-2-4 for 16 bytes
    /// 00..0f checks the hash, and this test composes the parts by hand.
    #[test]
    fn digest_is_siphash_of_version_and_text() {
        let vector: [u8; 16] = std::array::from_fn(|at| at as u8);
        let hasher = SipHasher24::new_with_keys(KEYS[1], KEYS[2]);
        assert_eq!(hasher.hash(&vector), 0x3f2a_cc7f_57c2_9bdb);
        let text = r#"{"pin":"7391"}"#;
        let input = [7_u64.to_le_bytes(), xxh3_64_with_seed(text.as_bytes(), 0x5eed).to_le_bytes()].concat();
        assert_eq!(EtagKeys::from_random(KEYS).digest(7, text), hasher.hash(&input));
    }

    #[test]
    fn digest_depends_on_version_text_seed_and_both_halves_of_the_key() {
        let digest = |random, version, text| EtagKeys::from_random(random).digest(version, text);
        let own = digest(KEYS, 7, "{}");
        assert_eq!(own, digest(KEYS, 7, "{}"));
        let [seed, first, second] = KEYS;
        for other in [
            digest(KEYS, 8, "{}"),
            digest(KEYS, 7, "[]"),
            digest([1, first, second], 7, "{}"),
            digest([seed, 1, second], 7, "{}"),
            digest([seed, first, 1], 7, "{}"),
        ] {
            assert_ne!(own, other);
        }
    }

    /// The attack on etags without a key: the etag of `{}` reveals the seed, and the seed one PIN
    /// of ten thousand.
    #[test]
    fn pin_is_found_by_the_digest_without_a_key_alone() {
        let pin = |pin: u32| format!(r#"{{"pin":"{pin:04}"}}"#);
        let keyed = EtagKeys::from_random(KEYS);
        let without_key = EtagKeys { key: None, ..keyed };
        let seed = seed_of_empty_object(without_key.digest(1, "{}"));
        assert_eq!(seed, keyed.seed);
        let guessing = EtagKeys { seed: keyed.seed, key: None };
        let guessed = |digest| (0..10_000).find(|guess| guessing.digest(2, &pin(*guess)) == digest);
        assert_eq!(guessed(without_key.digest(2, &pin(7391))), Some(7391));
        assert_ne!(seed_of_empty_object(keyed.digest(1, "{}")), keyed.seed);
        assert_eq!(guessed(keyed.digest(2, &pin(7391))), None);
    }

    /// The seed that gives `{}` this digest: it inverts each step of xxh3 for short inputs.
    fn seed_of_empty_object(digest: u64) -> u64 {
        let seeded = |digest| unmixed(digest) ^ 0x7d7b_027d;
        seeded(digest).wrapping_sub(seeded(xxh3_64_with_seed(b"{}", 0)))
    }

    /// Inverts the avalanche of XXH64: shifts and multiplications by odd numbers.
    fn unmixed(digest: u64) -> u64 {
        let unshifted = |value: u64, by: u32| (0..64 / by).fold(value, |known, _| value ^ (known >> by));
        let divided = |value: u64, odd: u64| {
            let step = |inverse: u64, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
            value.wrapping_mul((0..6).fold(odd, step))
        };
        let mixed = divided(unshifted(digest, 32), 0x1656_67b1_9e37_79f9);
        unshifted(divided(unshifted(mixed, 29), 0xc2b2_ae3d_27d4_eb4f), 33)
    }
}
