//! STATE.UPDATE: changes a state, or creates one. STATE.SETPROTECTED: the same, including protected
//! members.

use redis_state_core::decide::{self, Update};
use redis_state_core::{Change, Etag, Expected, SchemaRef, Version};

use super::read;
use crate::arguments::expected;
use crate::arguments::options::{
    ACTOR, ALIGN, AUDIT, EVENT, ID, NOTE, OPERATION, Options, RETURN, TTL, TURN,
};
use crate::error::Error;
use crate::server::commands::entry::entry;
use crate::server::commands::table::{Arg, Command, KeySpec, WRITE};
use crate::server::commit::audit_stream::AuditStream;
use crate::server::commit::transaction::Transaction;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::global::config;
use crate::server::global::registry;

/// Position of the json argument.
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
    TURN,
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
    update: Update,
    stream: AuditStream,
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
    if options.rebase.is_some() && matches!(expected, Expected::Any | Expected::Absent) {
        return Err(Error::syntax(
            "REBASE needs the version or etag that the change was made for, not * or 0",
        ));
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let kind = options.kind.unwrap_or_default();
    let update = Update {
        expected,
        change: Change::parse(kind, json, &config::limits()),
        schema: owned(options.schema),
        label: owned(options.label),
        rebase: options.rebase.is_some(),
        ttl: options.ttl.unwrap_or_default(),
        metadata: options.metadata_and_id(command, [kind.as_str().as_bytes(), json.bytes()]),
    };
    Ok(Request {
        key: *key,
        update,
        stream: AuditStream::of_state(key, options.audit)?,
        align: options.align.take().unwrap_or_default(),
        dry_run: options.dry_run.is_some(),
        returns: options.returns.is_some(),
    })
}

fn run(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    update(ctx, args, &COMMAND, false)
}

fn run_protected(ctx: Ctx, args: &[RedisStr]) -> Result<(), Error> {
    ctx.redact(JSON);
    update(ctx, args, &PROTECTED_COMMAND, true)
}

/// `writes_protected`: whether protected members may be written.
fn update(ctx: Ctx, args: &[RedisStr], command: &Command, writes_protected: bool) -> Result<(), Error> {
    // Also for errors that are not of the grammar, which `entry` does not redact.
    let request = parse(args, command).inspect_err(|_| ctx.redact_all(args))?;
    let Request { key, update, stream, align, dry_run, returns } = request;
    redact_misplaced(ctx, args, &update);
    let opened = Transaction::open(ctx, key, stream, &align);
    redact_secrets(ctx, key, &update, opened.as_ref().ok());
    let mut transaction = match (opened, &update.change) {
        // An error of the arguments comes before one of the key.
        (Err(_), Err(error)) => return Err(error.clone().into()),
        (opened, _) => opened?,
    };
    let outcome =
        transaction.decide_as(writes_protected, |state, context| decide::update(state, &update, context));
    if dry_run {
        // The reply without applying. A rejection is not recorded.
        let etag = outcome.reply.clone()?;
        return reply(ctx, key, etag, outcome.resulting_version(transaction.state()).filter(|_| returns));
    }
    let etag = transaction.apply(outcome)?;
    reply_etag(ctx, &transaction, etag, returns)
}

/// If the arguments may be in the wrong order, redact all: any could be the json.
fn redact_misplaced(ctx: Ctx, args: &[RedisStr], update: &Update) {
    let names_no_schema = |name: &str| registry::read().get(name).is_err();
    if update.change.is_err() || update.schema.as_deref().is_some_and(names_no_schema) {
        ctx.redact_all(args);
    }
}

/// Keeps json that may have secrets in it out of SLOWLOG, MONITOR and crash reports, even if the
/// command fails. Redacts it unless a known schema without secrets applies.
fn redact_secrets(ctx: Ctx, key: RedisStr, update: &Update, transaction: Option<&Transaction>) {
    let named = update.schema.as_deref();
    let may_carry_secrets = transaction
        .is_none_or(|transaction| registry::read().may_carry_secrets(&key, transaction.state(), named));
    if may_carry_secrets {
        ctx.redact(JSON);
    }
}

/// The reply of a command that makes a version: its etag, and with RETURN the document.
pub fn reply_etag(ctx: Ctx, transaction: &Transaction, etag: Etag, returns: bool) -> Result<(), Error> {
    let state = transaction.state().filter(|_| returns);
    reply(ctx, transaction.name(), etag, state.map(|state| (state.schema(), state.head())))
}

fn reply(
    ctx: Ctx,
    key: RedisStr,
    etag: Etag,
    returned: Option<(Option<&SchemaRef>, &Version)>,
) -> Result<(), Error> {
    match returned {
        Some((schema, head)) => {
            let document = read::visible_document(ctx, key, schema, head)?;
            read::reply_document(ctx, etag, document.text());
        }
        None => ctx.reply_bytes(&etag.bytes()),
    }
    Ok(())
}
