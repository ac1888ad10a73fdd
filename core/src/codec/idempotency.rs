//! The bytes of tokens: what a state remembers of the commands that came with an ID.

use crate::etag::Etag;
use crate::state::idempotency::{Made, Remembered, TOKENS_CEILING, Token, Tokens};
use crate::wire::{Reader, Writer};

const MADE_ETAG: u8 = 1;
const MADE_ATTEMPTS: u8 = 2;

pub(super) fn write_tokens(out: &mut Writer, tokens: &Tokens) {
    out.len(tokens.kept.len());
    tokens.kept.iter().for_each(|token| write_token(out, token));
}

pub(super) fn read_tokens(input: &mut Reader) -> Option<Tokens> {
    let kept = (0..input.len(TOKENS_CEILING)?).map(|_| read_token(input)).collect::<Option<_>>()?;
    Some(Tokens { kept })
}

pub(super) fn write_remembered(out: &mut Writer, remembered: &Remembered) {
    write_token(out, &remembered.token);
    out.len(remembered.kept_max);
}

pub(super) fn read_remembered(input: &mut Reader) -> Option<Remembered> {
    let token = read_token(input)?;
    let kept_max = usize::try_from(input.number()?).ok().filter(|max| *max <= TOKENS_CEILING)?;
    Some(Remembered { token, kept_max })
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

fn read_token(input: &mut Reader) -> Option<Token> {
    let (name, digest) = (input.name()?, input.fixed()?);
    let made = match input.byte()? {
        MADE_ETAG => Made::Etag(Etag { version: input.number()?, digest: input.fixed()? }),
        MADE_ATTEMPTS => Made::Attempts(input.number()?),
        _ => return None,
    };
    Some(Token { name, digest, made })
}
