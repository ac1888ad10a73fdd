//! The encoding of the tokens of commands with an ID.

use crate::state::idempotency::{Made, Remembered, TOKENS_CEILING, Token, Tokens};
use crate::wire::{DecodeError, Reader, Writer};
use redis_state_types::Etag;

const MADE_ETAG: u8 = 1;
const MADE_ATTEMPTS: u8 = 2;

pub(super) fn write_tokens(out: &mut Writer, tokens: &Tokens) {
    out.len(tokens.kept.len());
    tokens.kept.iter().for_each(|token| write_token(out, token));
}

pub(super) fn read_tokens(input: &mut Reader) -> Result<Tokens, DecodeError> {
    let kept =
        (0..input.len(TOKENS_CEILING)?).map(|_| read_token(input)).collect::<Result<_, DecodeError>>()?;
    Ok(Tokens { kept })
}

pub(super) fn write_remembered(out: &mut Writer, remembered: &Remembered) {
    write_token(out, &remembered.token);
    out.len(remembered.kept_max);
}

pub(super) fn read_remembered(input: &mut Reader) -> Result<Remembered, DecodeError> {
    let token = read_token(input)?;
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
    Ok(Token { name, digest, made })
}
