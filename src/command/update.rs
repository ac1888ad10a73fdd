//! STATE.UPDATE: changes a state, or creates one.

use redis_state_core::decide::{self, Outcome, Update};
use redis_state_core::{Change, ChangeKind, Error, Expected};

use super::options::{ACTOR, AUDIT, EVENT, NOTE, Options, RETURN, TTL};
use super::{Refused, read};
use crate::server::audit::Trail;
use crate::server::ctx::Ctx;
use crate::server::entry::entry;
use crate::server::string::RedisStr;
use crate::server::table::{Arg, Command, KeySpec, WRITE};
use crate::server::target::Target;
use crate::server::{config, registry};

pub static COMMAND: Command = Command {
    name: c"state.update",
    summary: c"Changes a state if it is the one that was expected, or creates it.",
    complexity: c"O(N) where N is the length of document and change.",
    flags: c"write deny-oom",
    arity: -4,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit],
    args: &[
        Arg::key(0),
        Arg::text(c"expected"),
        Arg::text(c"json"),
        Arg::one_of(
            c"kind",
            &[
                Arg::flag(c"merge", c"MERGE"),
                Arg::flag(c"shallow", c"SHALLOW"),
                Arg::flag(c"patch", c"PATCH"),
                Arg::flag(c"replace", c"REPLACE"),
            ],
        )
        .optional(),
        Arg::text(c"name").token(c"SCHEMA").optional(),
        TTL,
        Arg::text(c"name").token(c"LABEL").optional(),
        EVENT,
        ACTOR,
        NOTE,
        Arg::flag(c"dryrun", c"DRYRUN").optional(),
        RETURN,
        AUDIT,
    ],
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

struct Request<'a> {
    key: RedisStr<'a>,
    json: RedisStr<'a>,
    kind: ChangeKind,
    update: Update,
    audit: Option<RedisStr<'a>>,
    dry_run: bool,
    returns: bool,
}

fn parse<'a>(args: &[RedisStr<'a>]) -> Result<Request<'a>, Refused> {
    let [_, key, expected, json, rest @ ..] = args else { return Err(Refused::WrongArity) };
    let options = Options::parse(&COMMAND, rest)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let update = Update {
        expected: expected_word(expected)?,
        schema: owned(options.schema),
        label: owned(options.label),
        ttl: options.ttl.unwrap_or_default(),
        remarks: options.remarks(),
    };
    Ok(Request {
        key: *key,
        json: *json,
        kind: options.kind.unwrap_or_default(),
        update,
        audit: options.audit,
        dry_run: options.dry_run.is_some(),
        returns: options.returns.is_some(),
    })
}

/// The word that says which state the caller has read.
pub fn expected_word(word: &[u8]) -> Result<Expected, Refused> {
    Expected::parse(word).ok_or_else(|| {
        Refused::syntax("expected is an etag, a version, 0 (there must be no state) or * (whatever is there)")
    })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Refused> {
    let request = parse(args)?;
    let trail = Trail::of(&request.key, request.audit)?;
    let change = Change::parse(request.kind, &request.json, &config::limits());
    let mut target = match (Target::open(ctx, request.key, trail), &change) {
        // What is wrong with the arguments is said before what is wrong with the key.
        (Err(_), Err(error)) => return Err(error.clone().into()),
        (target, _) => target?,
    };
    let outcome = change.and_then(|change| {
        decide::update(target.state(), &request.update, change, &target.context(&registry::read()))
    });
    if request.dry_run {
        let outcome = outcome?;
        reply(ctx, &target, &outcome, request.returns);
        return Ok(());
    }
    finish(ctx, &mut target, outcome, &request.update.remarks, request.returns)
}

/// The end of a command that makes a version: what was decided is carried out and replied, or the refusal is.
pub fn finish(
    ctx: Ctx,
    target: &mut Target,
    outcome: Result<Outcome, Error>,
    remarks: &decide::Remarks,
    returns: bool,
) -> Result<(), Refused> {
    let outcome = outcome.map_err(|error| target.refuse(error, remarks))?;
    let etag = outcome.etag;
    target.carry_out(outcome)?;
    match target.state().filter(|_| returns) {
        Some(state) => read::reply_document(ctx, etag, state.head().document.text()),
        None => ctx.reply_text(&etag.to_string()),
    }
    Ok(())
}

/// The reply of a dry run: what would be there.
fn reply(ctx: Ctx, target: &Target, outcome: &Outcome, returns: bool) {
    if returns {
        read::reply_document(ctx, outcome.etag, outcome.document(target.state()));
    } else {
        ctx.reply_text(&outcome.etag.to_string());
    }
}
