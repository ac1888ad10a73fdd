//! The encoding of the tokens of commands with an ID.

use crate::state::idempotency::{Made, Remembered, TOKENS_CEILING, Token, Tokens};
use crate::wire::{DecodeError, Reader, Writer};
use redis_state_types::Etag;

const MADE_ETAG: u8 = 1;
const MADE_ATTEMPTS: u8 = 2;

pub(super) fn write_tokens(out: &mut Writer, tokens: &Tokens) {
    out.len(tokens.kept.len());
    for token in &tokens.kept {
        write_token(out, token);
        out.optional_text(token.owner.as_deref());
    }
}

/// `have_owners`: not in formats before 4.
pub(super) fn read_tokens(input: &mut Reader, have_owners: bool) -> Result<Tokens, DecodeError> {
    let count = input.len(TOKENS_CEILING)?;
    let token = |_| {
        let token = read_token(input)?;
        Ok(Token { owner: if have_owners { input.optional_name()? } else { None }, ..token })
    };
    let kept = (0..count).map(token).collect::<Result<_, DecodeError>>()?;
    Ok(Tokens { kept })
}

pub(super) fn write_remembered(out: &mut Writer, remembered: &Remembered) {
    write_token(out, &remembered.token);
    out.len(remembered.kept_max);
}

/// Reads a token to remember; its owner, if it has one, comes before it.
pub(super) fn read_remembered(
    input: &mut Reader,
    owner: Option<Box<str>>,
) -> Result<Remembered, DecodeError> {
    let token = Token { owner, ..read_token(input)? };
    let kept_max = input.number_to(TOKENS_CEILING, "how many tokens are kept")?;
    Ok(Remembered { token, kept_max })
}

fn write_token(out: &mut Writer, token: &Token) {
    out.text(&token.name);
    out.fixed(token.digest);
    match token.made {
        Made::Etag(etag) => {
            out.byte(MADE_ETAG);
            out.number(etag.version);
            out.fixed(etag.digest);
        }
        Made::Attempts(attempts) => {
            out.byte(MADE_ATTEMPTS);
            out.number(attempts);
        }
    }
}

fn read_token(input: &mut Reader) -> Result<Token, DecodeError> {
    let (name, digest) = (input.name()?, input.fixed()?);
    let kind = input.unexpected("what a command made: 1 an etag, 2 a count of attempts");
    let made = match input.byte()? {
        MADE_ETAG => Made::Etag(Etag { version: input.number()?, digest: input.fixed()? }),
        MADE_ATTEMPTS => Made::Attempts(input.number()?),
        _ => return Err(kind),
    };
    Ok(Token { name, digest, made, owner: None })
}
