//! The encoding of attempts: counters and history.

use crate::state::attempts::{
    ATTEMPT_ERROR_BYTES_MAX, ATTEMPTS_CEILING, Attempt, Attempts, Counter, OPERATIONS_MAX,
};
use crate::wire::{DecodeError, Reader, Writer};

pub(super) fn write_attempts(out: &mut Writer, attempts: &Attempts) {
    out.len(attempts.counters.len());
    for counter in &attempts.counters {
        out.text(&counter.operation);
        out.number(counter.attempts);
        out.number(counter.failures);
    }
    out.len(attempts.history.len());
    attempts.history.iter().for_each(|attempt| write_attempt(out, attempt));
}

pub(super) fn read_attempts(input: &mut Reader) -> Result<Attempts, DecodeError> {
    let counters = (0..input.len(OPERATIONS_MAX)?).map(|_| {
        Ok(Counter { operation: input.name()?, attempts: input.number()?, failures: input.number()? })
    });
    let counters = counters.collect::<Result<_, DecodeError>>()?;
    let history =
        (0..input.len(ATTEMPTS_CEILING)?).map(|_| read_attempt(input)).collect::<Result<_, DecodeError>>()?;
    Ok(Attempts { counters, history })
}

pub(super) fn write_attempt(out: &mut Writer, attempt: &Attempt) {
    out.text(&attempt.operation);
    out.optional_text(attempt.component.as_deref());
    out.time(attempt.at_ms);
    out.byte(u8::from(attempt.success));
    out.optional_text(attempt.error.as_deref());
}

pub(super) fn read_attempt(input: &mut Reader) -> Result<Attempt, DecodeError> {
    Ok(Attempt {
        operation: input.name()?,
        component: input.optional_name()?,
        at_ms: input.time()?,
        success: input.flag()?,
        error: input.optional_text(ATTEMPT_ERROR_BYTES_MAX)?,
    })
}
