//! The tokens of commands that a state has executed, so that a repeated request is executed once.
//!
//! A webhook is redelivered when its answer was lost, and its sender can't know whether the command
//! was executed. The memory is part of the state: it commits, replicates and migrates with it. Not
//! a separate store: either of the two could be lost, evicted or expire without the other. Only a
//! digest of the command is kept, seeded with the state's seed, since its JSON may hold a secret.

use std::collections::VecDeque;
use std::fmt;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::attempts::COUNT_MAX;
use redis_state_types::{Etag, VERSION_MAX};

/// Above the upper end of `state.idempotency-ids`.
pub(crate) const TOKENS_CEILING: usize = 1000;

/// `ID`: the token of a command and a description of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// The caller's token, such as the ID of a message.
    pub token: String,
    /// `OWNER`: the caller, such as one handling of one delivery of the message.
    pub owner: Option<String>,
    asked: Vec<u8>,
}

impl Id {
    /// The token of `command`. `details` identifies the command when it is repeated: kind and JSON
    /// of an update, operation and outcome of an attempt. All words but the last are free of NULs.
    pub fn new(token: String, owner: Option<String>, command: &str, details: [&[u8]; 2]) -> Id {
        let [how, what] = details;
        Id { token, owner, asked: [command.as_bytes(), how, what].join(&0) }
    }

    /// The digest of the command, as a state with this seed keeps it.
    pub(crate) fn digest(&self, seed: u64) -> u64 {
        xxh3_64_with_seed(&self.asked, seed)
    }
}

/// The reply of the first command with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// The etag of the state after the command.
    Etag(Etag),
    /// The number of attempts after the command.
    Attempts(u64),
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Made::Etag(etag) => write!(f, "{etag}"),
            Made::Attempts(attempts) => write!(f, "attempt {attempts}"),
        }
    }
}

/// A token and the command that used it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub(crate) name: Box<str>,
    pub(crate) digest: u64,
    pub(crate) made: Made,
    /// The owner of the command; its repeats get the reply, others an error.
    pub(crate) owner: Option<Box<str>>,
}

/// One more token to remember; decided on the primary and replicated unchanged (invariant I4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub(crate) token: Token,
    /// How many tokens are kept.
    pub(crate) kept_max: usize,
}

/// The tokens of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Oldest first.
    pub(crate) kept: VecDeque<Token>,
}

impl Tokens {
    pub(crate) fn find(&self, name: &str) -> Option<&Token> {
        self.kept.iter().find(|token| &*token.name == name)
    }

    pub(crate) fn admits(&self, remembered: &Remembered) -> bool {
        let known = self.find(&remembered.token.name);
        // Another owner has taken it over.
        known.is_none_or(|known| known.owner != remembered.token.owner) && remembered.token.is_sound()
    }

    pub(crate) fn apply(&mut self, remembered: Remembered) {
        self.kept.retain(|known| known.name != remembered.token.name);
        self.kept.push_back(remembered.token);
        let surplus = self.kept.len().saturating_sub(remembered.kept_max);
        self.kept.drain(..surplus);
    }

    /// Checks what must hold for decoded tokens; returns the rule that is broken.
    pub(crate) fn check_invariants(&self) -> Result<(), &'static str> {
        let mut names: Vec<&str> = self.kept.iter().map(|token| &*token.name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err("a token is remembered twice");
        }
        if !self.kept.iter().all(Token::is_sound) {
            return Err("a token made what can't be");
        }
        Ok(())
    }

    /// The sizes of the memory blocks of the tokens.
    pub(crate) fn heap_blocks_bytes(&self) -> impl Iterator<Item = usize> {
        let table = self.kept.capacity().saturating_mul(size_of::<Token>());
        let owners = self.kept.iter().filter_map(|token| token.owner.as_ref().map(|owner| owner.len()));
        self.kept.iter().map(|token| token.name.len()).chain(owners).chain([table])
    }
}

impl Token {
    fn is_sound(&self) -> bool {
        match self.made {
            Made::Etag(etag) => (1..=VERSION_MAX).contains(&etag.version),
            Made::Attempts(attempts) => attempts <= COUNT_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(name: &str, kept_max: usize) -> Remembered {
        let made = Made::Etag(Etag { version: 7, digest: 0x1f0c });
        Remembered { token: Token { name: name.into(), digest: 1, made, owner: None }, kept_max }
    }

    #[test]
    fn the_oldest_go_first() {
        let mut tokens = Tokens::default();
        for name in ["wamid.1", "wamid.2", "wamid.3"] {
            tokens.apply(remembered(name, 2));
        }
        assert!(tokens.find("wamid.1").is_none() && tokens.find("wamid.2").is_some());
        tokens.apply(remembered("wamid.4", 0));
        assert_eq!(tokens, Tokens::default());
    }

    #[test]
    fn a_token_is_remembered_once() {
        let mut tokens = Tokens::default();
        assert!(tokens.admits(&remembered("wamid.1", 2)));
        tokens.apply(remembered("wamid.1", 2));
        assert!(!tokens.admits(&remembered("wamid.1", 2)) && tokens.admits(&remembered("wamid.2", 2)));
        assert!(tokens.check_invariants().is_ok());
        tokens.kept.push_back(remembered("wamid.1", 2).token);
        assert!(tokens.check_invariants().is_err());
    }

    #[test]
    fn another_owner_replaces_a_token() {
        let owned = |owner: &str| {
            let mut remembered = remembered("wamid.1", 2);
            remembered.token.owner = Some(owner.into());
            remembered
        };
        let mut tokens = Tokens::default();
        tokens.apply(owned("process 1"));
        assert!(!tokens.admits(&owned("process 1")) && tokens.admits(&owned("process 2")));
        tokens.apply(owned("process 2"));
        let owner = tokens.find("wamid.1").and_then(|token| token.owner.as_deref());
        assert_eq!((owner, tokens.kept.len()), (Some("process 2"), 1));
    }

    #[test]
    fn what_is_asked_is_told_apart_by_every_part_and_by_the_seed() {
        let digest = |command, details: [&str; 2], seed| {
            Id::new("wamid.1".into(), None, command, details.map(str::as_bytes)).digest(seed)
        };
        let asked = digest("STATE.UPDATE", ["MERGE", "{}"], 1);
        assert_eq!(asked, digest("STATE.UPDATE", ["MERGE", "{}"], 1));
        for other in [
            digest("STATE.SETPROTECTED", ["MERGE", "{}"], 1),
            digest("STATE.UPDATE", ["SHALLOW", "{}"], 1),
            digest("STATE.UPDATE", ["MERGE", "{} "], 1),
            digest("STATE.UPDATE", ["MERGE{", "}"], 1),
            digest("STATE.UPDATE", ["MERGE", "{}"], 2),
        ] {
            assert_ne!(asked, other);
        }
    }
}
