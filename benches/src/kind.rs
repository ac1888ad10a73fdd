//! The measured requests: the module's commands, and what a bot sends without it.

use redis_state_benches::document::{STEPS, TOKEN, change, changed};
use redis_state_benches::schema::Rules;
use serde::{Deserialize, Serialize};

use crate::scripts::Scripts;
use crate::wire::{command, encode};

/// Long enough that nothing expires during a measurement.
const TTL_MS: &[u8] = b"3600000";
const AUDIT_TTL_MS: &[u8] = b"86400000";
/// More than the tokens that a state keeps: a repeated token has been dropped.
const TURNS_WITH_ID: usize = 70;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Kind {
    Get,
    Set,
    /// SET, LPUSH, LTRIM, PEXPIRE twice and XADD between MULTI and EXEC: the writes of an update
    /// without any check.
    Multi,
    /// `scripts/small.lua`
    LuaSmall,
    /// `scripts/whole.lua`
    LuaWhole,
    StateGet,
    /// With a secret in the state: the ACL is asked whether the caller may read it.
    StateGetSecret,
    StateUpdate(Rules),
    /// With ID and ACTOR, as in `scripts/whole.lua`.
    StateUpdateId,
    StateRollback(Rules),
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Get => "GET",
            Kind::Set => "SET PX",
            Kind::Multi => "MULTI pipeline",
            Kind::LuaSmall => "Lua, small",
            Kind::LuaWhole => "Lua, all features",
            Kind::StateGet => "STATE.GET",
            Kind::StateGetSecret => "STATE.GET + token",
            Kind::StateUpdate(Rules::Whole) => "STATE.UPDATE",
            Kind::StateUpdate(Rules::Local) => "STATE.UPDATE, local rules",
            Kind::StateUpdateId => "STATE.UPDATE ID",
            Kind::StateRollback(Rules::Whole) => "STATE.ROLLBACK",
            Kind::StateRollback(Rules::Local) => "STATE.ROLLBACK, local rules",
        }
    }

    /// What a bot does without the module.
    pub fn baseline(self) -> Option<Kind> {
        match self {
            Kind::Get | Kind::Set | Kind::Multi | Kind::LuaSmall | Kind::LuaWhole => None,
            Kind::StateGet | Kind::StateGetSecret => Some(Kind::Get),
            Kind::StateUpdate(_) | Kind::StateRollback(_) => Some(Kind::LuaSmall),
            Kind::StateUpdateId => Some(Kind::LuaWhole),
        }
    }

    /// Replies to one request.
    pub fn replies(self) -> usize {
        if self == Kind::Multi {
            "MULTI SET LPUSH LTRIM PEXPIRE PEXPIRE XADD EXEC".split(' ').count()
        } else {
            1
        }
    }

    /// The number of turns of each key before a connection repeats its first request: the same
    /// change twice in a row would have no effect.
    pub fn turns(self) -> usize {
        if matches!(self, Kind::LuaWhole | Kind::StateUpdateId) { TURNS_WITH_ID } else { 2 }
    }

    /// The commands that create a key, of one reply each.
    pub fn prepare(self, key: &str, document: &str) -> Vec<Vec<u8>> {
        let key = key.as_bytes();
        match self {
            Kind::Get | Kind::Set | Kind::Multi => vec![set(key, document.as_bytes())],
            Kind::LuaSmall => {
                vec![set(key, format!(r#"{{"version":1,"document":{}}}"#, changed(document, 0)).as_bytes())]
            }
            Kind::LuaWhole => {
                let state = format!(
                    r#"{{"version":1,"etag":"1-0","parent":0,"seed":"9f3a","at":0,"document":{}}}"#,
                    changed(document, 0)
                );
                vec![set(key, state.as_bytes())]
            }
            Kind::StateGet | Kind::StateUpdateId => start_offer(key, document, Rules::Local),
            Kind::StateUpdate(rules) => start_offer(key, document, rules),
            Kind::StateGetSecret => {
                let token = command(&[b"STATE.SETPROTECTED", key, b"*", TOKEN.as_bytes()]);
                [start_offer(key, document, Rules::Local), vec![token]].concat()
            }
            Kind::StateRollback(rules) => {
                let labelled = LABELS.iter().enumerate().map(|(number, label)| {
                    let change = change(number);
                    command(&[b"STATE.UPDATE", key, b"*", change.as_bytes(), b"LABEL", label])
                });
                [start_offer(key, document, rules), labelled.collect()].concat()
            }
        }
    }

    /// One request: the `number`th of its connection, each with another change.
    pub fn request(
        self,
        key: &str,
        document: &str,
        number: usize,
        turn: usize,
        scripts: &Scripts,
    ) -> Vec<u8> {
        let (change, key) = (change(number), key.as_bytes());
        let (change, expiry) = (change.as_bytes(), [b"PX", TTL_MS]);
        let token = format!("wamid.HBgMMjYzNzcx{number:08}");
        match self {
            Kind::Get => command(&[b"GET", key]),
            Kind::Set => set(key, changed(document, number).as_bytes()),
            Kind::Multi => multi(key, &changed(document, number), &changed(document, number + 1), change),
            Kind::LuaSmall => {
                let [snapshots, audit] = [b":snapshots", &b":audit"[..]].map(|end| [key, end].concat());
                let keys: [&[u8]; 4] = [b"3", key, &snapshots, &audit];
                let args: [&[u8]; 4] = [b"", change, TTL_MS, b"amount_input"];
                command(&[&[&b"EVALSHA"[..], scripts.small.as_bytes()], &keys[..], &args[..]].concat())
            }
            Kind::LuaWhole => {
                let ends: [&[u8]; 4] = [b":snapshots", b":audit", b":tokens", b":order"];
                let [snapshots, audit, tokens, order] = ends.map(|end| [key, end].concat());
                let keys: [&[u8]; 6] = [b"5", key, &snapshots, &audit, &tokens, &order];
                let args: [&[u8]; 6] =
                    [b"*", change, TTL_MS, b"amount_input", token.as_bytes(), AUDIT_TTL_MS];
                command(&[&[&b"EVALSHA"[..], scripts.whole.as_bytes()], &keys[..], &args[..]].concat())
            }
            Kind::StateGet | Kind::StateGetSecret => command(&[b"STATE.GET", key]),
            Kind::StateUpdate(_) => command(&[&[b"STATE.UPDATE", key, b"*", change], &expiry[..]].concat()),
            Kind::StateUpdateId => {
                let said: [&[u8]; 4] = [b"ACTOR", b"amount_input", b"ID", token.as_bytes()];
                command(&[&[b"STATE.UPDATE", key, b"*", change], &expiry[..], &said[..]].concat())
            }
            Kind::StateRollback(_) => {
                let target: [&[u8]; 2] = [b"LABEL", LABELS[turn % LABELS.len()]];
                command(&[&[b"STATE.ROLLBACK", key, b"*"], &target[..], &expiry[..]].concat())
            }
        }
    }
}

/// Two versions as alternating targets of a rollback.
const LABELS: [&[u8]; 2] = [b"offer", b"checkpoint"];

fn set(key: &[u8], value: &[u8]) -> Vec<u8> {
    command(&[b"SET", key, value, b"PX", TTL_MS])
}

fn multi(key: &[u8], document: &str, before: &str, change: &[u8]) -> Vec<u8> {
    let [snapshots, audit] = [b":snapshots", &b":audit"[..]].map(|end| [key, end].concat());
    let (snapshots, audit) = (&snapshots[..], &audit[..]);
    let mut request = command(&[b"MULTI"]);
    encode(&[b"SET", key, document.as_bytes(), b"PX", TTL_MS], &mut request);
    encode(&[b"LPUSH", snapshots, before.as_bytes()], &mut request);
    encode(&[b"LTRIM", snapshots, b"0", b"9"], &mut request);
    encode(&[b"PEXPIRE", snapshots, TTL_MS], &mut request);
    encode(&[b"PEXPIRE", audit, AUDIT_TTL_MS], &mut request);
    let trim: [&[u8]; 6] = [b"XADD", audit, b"MAXLEN", b"~", b"200", b"*"];
    let fields: [&[u8]; 8] =
        [b"event", b"update", b"version", b"7", b"actor", b"amount_input", b"patch", change];
    encode(&[&trim[..], &fields[..]].concat(), &mut request);
    encode(&[b"EXEC"], &mut request);
    request
}

/// Creates a state and leads it, by the steps of its schema, to the handle of an offer.
fn start_offer(key: &[u8], document: &str, rules: Rules) -> Vec<Vec<u8>> {
    let expiry = [b"PX", TTL_MS];
    let create: [&[u8]; 7] = [
        b"STATE.SETPROTECTED",
        key,
        b"0",
        document.as_bytes(),
        b"REPLACE",
        b"SCHEMA",
        rules.schema().as_bytes(),
    ];
    let mut commands = vec![command(&[&create[..], &expiry].concat())];
    commands.extend(
        STEPS.map(|step| command(&[&[b"STATE.UPDATE", key, b"*", step.as_bytes()], &expiry[..]].concat())),
    );
    commands
}
