//! The settings `state.*`: `CONFIG SET`, redis.conf, `MODULE LOADEX`, and the arguments of
//! `loadmodule`.
//!
//! An argument of `loadmodule` becomes the setting's default. So CONFIG REWRITE keeps it: it writes
//! the loadmodule line with its arguments, and leaves out settings that equal their default.

use std::ffi::CStr;

use redis_state_core::Limits;

use crate::error::Error;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::setting::{self, Number, Switch, Text};
use crate::server::ffi::string::RedisStr;
use crate::server::global::cluster;
use crate::server::global::misspelt;

const MIB: i64 = 1024 * 1024;
const DAY_S: i64 = 24 * 60 * 60;

static SNAPSHOTS: Number = Number::new(c"snapshots", 10, 0, 1000);
static LABELS: Number = Number::new(c"labels", 8, 0, 64);
static DEFAULT_TTL_S: Number = Number::new(c"default-ttl", 300, 1, 365 * DAY_S);
static ATTEMPTS_HISTORY: Number = Number::new(c"attempts-history", 100, 0, 1000);
static IDEMPOTENCY_IDS: Number = Number::new(c"idempotency-ids", 64, 0, 1000);
static MAX_BYTES: Number = Number::memory(c"max-bytes", MIB, 1024, 64 * MIB);
static MAX_DEPTH: Number = Number::new(c"max-depth", 64, 1, 128);
static MAX_COST: Number = Number::new(c"max-cost", 20_000_000, 1_000_000, 1_000_000_000_000);
pub static AUDIT_MAXLEN: Number = Number::new(c"audit-maxlen", 200, 1, 1_000_000);
pub static AUDIT_TTL_S: Number = Number::new(c"audit-ttl", DAY_S, 1, 365 * DAY_S);
static AUDIT_PATCH_BYTES: Number = Number::memory(c"audit-patch-bytes", 4096, 0, MIB);
static AUDIT_DOCUMENT_BYTES: Number = Number::memory(c"audit-document-bytes", 65_536, 0, 64 * MIB);
pub static AUDIT_REJECTS: Number = Number::new(c"audit-rejects", 100, 0, 100_000);
pub static FEED_MAXLEN: Number = Number::new(c"feed-maxlen", 100_000, 1, 100_000_000);
pub static AUDIT: Switch = Switch::new(c"audit", true);
static AUDIT_CONFLICTS: Switch = Switch::new(c"audit-conflicts", false);

static NUMBERS: [&Number; 14] = [
    &SNAPSHOTS,
    &LABELS,
    &ATTEMPTS_HISTORY,
    &IDEMPOTENCY_IDS,
    &DEFAULT_TTL_S,
    &MAX_BYTES,
    &MAX_DEPTH,
    &MAX_COST,
    &AUDIT_MAXLEN,
    &AUDIT_TTL_S,
    &AUDIT_PATCH_BYTES,
    &AUDIT_DOCUMENT_BYTES,
    &AUDIT_REJECTS,
    &FEED_MAXLEN,
];
static SWITCHES: [&Switch; 2] = [&AUDIT, &AUDIT_CONFLICTS];

/// A folder of schemas to load; set at start only.
static SCHEMA_DIR: Text = Text::fixed(c"schema-dir", |_| Ok(()));
/// The key of the stream that gets every session expiry and every rejection.
pub static FEED: Text = Text::new(c"feed", check_feed);

static TEXTS: [&Text; 2] = [&SCHEMA_DIR, &FEED];

/// The feed's key is at most this long, in bytes.
const FEED_NAME_BYTES_MAX: usize = 128;

fn check_feed(name: &[u8]) -> Result<(), Error> {
    if !name.is_empty() && cluster::is_on() {
        return Err(Error::Setting(
            "state.feed can't be used in a cluster: read the audit stream of each state instead".to_owned(),
        ));
    }
    if name.len() > FEED_NAME_BYTES_MAX {
        return Err(Error::Setting(format!(
            "state.feed must be a key of at most {FEED_NAME_BYTES_MAX} bytes"
        )));
    }
    Ok(())
}

/// The limits in force, for one command.
pub fn limits() -> Limits {
    Limits {
        snapshots: SNAPSHOTS.size(),
        labels: LABELS.size(),
        bytes_max: MAX_BYTES.size(),
        depth_max: MAX_DEPTH.size(),
        cost_max: u64::try_from(MAX_COST.get()).unwrap_or(0),
        default_ttl_ms: DEFAULT_TTL_S.get().saturating_mul(1000),
        attempts_history: ATTEMPTS_HISTORY.size(),
        idempotency_ids: IDEMPOTENCY_IDS.size(),
        audit_patch_bytes: AUDIT_PATCH_BYTES.size(),
        audit_document_bytes: AUDIT_DOCUMENT_BYTES.size(),
        audit_conflicts: AUDIT_CONFLICTS.is_on(),
    }
}

/// The folder of schemas; `None` when it is not set.
pub fn schema_dir() -> Option<String> {
    SCHEMA_DIR.get().map(|dir| String::from_utf8_lossy(&dir.borrow()).into_owned())
}

/// Reads the arguments of `loadmodule`: pairs of a setting, with or without `state.`, and its
/// value.
pub fn read_arguments(args: &[RedisStr]) -> Result<(), Error> {
    for pair in args.chunks(2) {
        let name = String::from_utf8_lossy(&pair[0]).to_lowercase();
        let Some(value) = pair.get(1) else {
            return Err(Error::Setting(format!("loadmodule: {name} has no value")));
        };
        let value = String::from_utf8_lossy(value);
        let name = name.strip_prefix("state.").unwrap_or(&name);
        read_argument(name, &value)
            .map_err(|problem| Error::Setting(format!("loadmodule: {name} {value}: {problem}")))?;
    }
    Ok(())
}

fn read_argument(name: &str, value: &str) -> Result<(), Error> {
    let is = |setting: &CStr| setting.to_bytes() == name.as_bytes();
    if let Some(number) = NUMBERS.iter().find(|number| is(number.name)) {
        let in_range = parse_number(value).filter(|value| (number.min..=number.max).contains(value));
        let wanted = || Error::Setting(format!("must be a number from {} to {}", number.min, number.max));
        number.set(in_range.ok_or_else(wanted)?);
    } else if let Some(switch) = SWITCHES.iter().find(|switch| is(switch.name)) {
        switch.set(match value {
            "yes" => true,
            "no" => false,
            _ => return Err(Error::Setting("must be yes or no".to_owned())),
        });
    } else if let Some(text) = TEXTS.iter().find(|text| is(text.name)) {
        text.set(value.as_bytes())?;
    } else {
        return Err(Error::Setting(misspelt::advice(name, names())));
    }
    Ok(())
}

/// A number, or one with a unit of memory as redis.conf writes them.
fn parse_number(text: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let units =
        [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1000), ("m", 1_000_000), ("b", 1), ("", 1)];
    let (digits, unit) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))?;
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// The names of all settings, without `state.`.
fn names() -> impl Iterator<Item = &'static str> + Clone {
    let numbers = NUMBERS.iter().map(|number| number.name);
    let switches = SWITCHES.iter().map(|switch| switch.name);
    let texts = TEXTS.iter().map(|text| text.name);
    numbers.chain(switches).chain(texts).map(|name| name.to_str().unwrap_or_default())
}

/// Registers every setting and reads the server's configuration. The error names a setting that
/// does not exist, or says that a value is not allowed.
pub fn register(ctx: Ctx) -> Result<(), Error> {
    let registered = NUMBERS.iter().all(|number| number.register(ctx))
        && SWITCHES.iter().all(|switch| switch.register(ctx))
        && TEXTS.iter().all(|text| text.register(ctx));
    // The result matters: going on after a failure crashes some servers.
    if !registered || !setting::load(ctx) {
        return Err(Error::Setting("a setting state.* is rejected; the line above names it".to_owned()));
    }
    misspelt::look(ctx, names())
}
