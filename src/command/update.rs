//! STATE.UPDATE: changes a state, or creates one. STATE.SETPROTECTED: the same, including protected
//! members.

use redis_state_core::decide::{self, Outcome, Rights, Update};
use redis_state_core::{Change, ChangeKind, Error as CoreError, Expected, Ttl};

use super::read;
use crate::arguments::expected;
use crate::arguments::options::{ACTOR, ALIGN, AUDIT, EVENT, ID, NOTE, OPERATION, Options, RETURN, TTL};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Target;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;

/// Where the json is among the words.
const JSON: usize = 3;

const ARGS: &[Arg] = &[
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
    OPERATION,
    ID,
    Arg::flag(c"rebase", c"REBASE").optional(),
    Arg::flag(c"dryrun", c"DRYRUN").optional(),
    RETURN,
    AUDIT,
    ALIGN,
];

pub static COMMAND: Command = Command {
    name: c"state.update",
    summary: c"Creates a state, or changes it if the present version is the expected one.",
    complexity: c"O(N) where N is the length of document and change.",
    flags: c"write deny-oom",
    categories: "write slow",
    arity: -3,
    keys: &[KeySpec::First(WRITE), KeySpec::Audit, KeySpec::Align],
    args: ARGS,
    example: "person:7 0 '{\"stage\":\"menu\"}'",
    run: Some(entry!(run)),
    ..Command::DEFAULT
};

pub static PROTECTED_COMMAND: Command = Command {
    name: c"state.setprotected",
    summary: c"Creates or changes a state as STATE.UPDATE does, including protected members.",
    categories: "write slow dangerous",
    run: Some(entry!(run_protected)),
    ..COMMAND
};

struct Request<'a> {
    key: RedisStr<'a>,
    json: RedisStr<'a>,
    kind: ChangeKind,
    update: Update,
    audit: Option<RedisStr<'a>>,
    align: Vec<RedisStr<'a>>,
    dry_run: bool,
    returns: bool,
}

fn parse<'a>(args: &[RedisStr<'a>], command: &Command) -> Result<Request<'a>, Error> {
    let [_, key, expected, json, rest @ ..] = args else { return Err(expected::missing(command, args)) };
    let expected = expected::expected(command, expected)?;
    let mut options = Options::parse(command, rest)?;
    if options.component.is_some() && options.operation.is_none() {
        return Err(Error::syntax("COMPONENT needs OPERATION: the attempt that it belongs to"));
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let kind = options.kind.unwrap_or_default();
    if options.rebase.is_some() && matches!(expected, Expected::Any | Expected::Absent) {
        return Err(Error::syntax(
            "REBASE needs the version or etag that the change was made for, not * or 0",
        ));
    }
    let update = Update {
        expected,
        schema: owned(options.schema),
        label: owned(options.label),
        rebase: options.rebase.is_some(),
        ttl: options.ttl.unwrap_or_default(),
        metadata: options.remarks_and_id(command, [kind.as_str().as_bytes(), json.bytes()]),
    };
    Ok(Request {
        key: *key,
        json: *json,
        kind,
        update,
        audit: options.audit,
        align: options.align.take().unwrap_or_default(),
        dry_run: options.dry_run.is_some(),
        returns: options.returns.is_some(),
    })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    let request = parse(args, &COMMAND).inspect_err(|_| ctx.redact_all(args))?;
    update(ctx, args, request, false)
}

fn run_protected(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    ctx.redact(JSON);
    update(ctx, args, parse(args, &PROTECTED_COMMAND).inspect_err(|_| ctx.redact_all(args))?, true)
}

/// Opens the key; json that may have secrets in it is kept out of SLOWLOG, MONITOR and crash
/// reports, whatever becomes of the command: all of it, unless a schema that is known and has no
/// secrets applies.
fn open<'a>(ctx: Ctx, request: &Request<'a>, stream: AuditStream) -> Result<Target<'a>, Error> {
    let open = if request.dry_run { Target::open_as_is } else { Target::open };
    let target = open(ctx, request.key, stream).inspect_err(|_| ctx.redact(JSON))?;
    let named = request.update.schema.as_deref();
    if registry::read().may_carry_secrets(&request.key, target.state(), named) {
        ctx.redact(JSON);
    }
    Ok(target)
}

/// `protect`: protected members may be written too.
fn update(ctx: Ctx, args: &[RedisStr], request: Request, protect: bool) -> Result<(), Error> {
    let stream = AuditStream::of_state(&request.key, request.audit).inspect_err(|_| ctx.redact_all(args))?;
    let change = Change::parse(request.kind, &request.json, &config::limits());
    let names_no_schema = |name: &str| registry::read().get(name).is_err();
    // The words may be in the wrong order: any of them may be the json.
    if change.is_err() || request.update.schema.as_deref().is_some_and(names_no_schema) {
        ctx.redact_all(args);
    }
    let mut target = match (open(ctx, &request, stream), &change) {
        // An error of the arguments comes before one of the key.
        (Err(_), Err(error)) => return Err(error.clone().into()),
        (target, _) => target?,
    };
    let rights = Rights { protect, read_secrets: &|| protect || ctx.may_set_protected(request.key) };
    let outcome = change.and_then(|change| {
        let (shown, registry) = (target.shown(), registry::read());
        decide::update(shown.as_deref(), &request.update, rights, change, &target.context(&registry))
    });
    let Update { metadata, ttl, .. } = &request.update;
    if request.dry_run {
        return reply(ctx, &target, &outcome?, request.returns);
    }
    finish(ctx, &mut target, outcome, metadata, *ttl, &request.align, request.returns)
}

/// The end of a command that makes a version: applies the outcome and replies, or records the
/// rejection.
pub fn finish(
    ctx: Ctx,
    target: &mut Target,
    outcome: Result<Outcome, CoreError>,
    metadata: &decide::Metadata,
    ttl: Ttl,
    align: &[RedisStr],
    returns: bool,
) -> Result<(), Error> {
    let outcome = outcome.map_err(|error| target.reject(error, metadata, ttl))?;
    let etag = outcome.etag;
    target.carry_out(outcome)?;
    target.align(align);
    match target.state().filter(|_| returns) {
        Some(state) => {
            let document = read::present(ctx, target.name(), state.schema(), state.head())?;
            read::reply_document(ctx, etag, document.text());
        }
        None => ctx.reply_bytes(&etag.bytes()),
    }
    Ok(())
}

/// The reply of a dry run: the state that would result.
fn reply(ctx: Ctx, target: &Target, outcome: &Outcome, returns: bool) -> Result<(), Error> {
    let before = target.shown();
    let after = outcome.after(before.as_deref()).filter(|_| returns);
    match after {
        Some((schema, head)) => {
            let document = read::present(ctx, target.name(), schema, head)?;
            read::reply_document(ctx, outcome.etag, document.text());
        }
        None => ctx.reply_bytes(&outcome.etag.bytes()),
    }
    Ok(())
}
