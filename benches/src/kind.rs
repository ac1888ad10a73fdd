//! The measured requests: the module's commands, and what a bot sends without it.

use redis::{Cmd, cmd, pipe};
use redis_state_benches::document::{STEPS, TOKEN, change, changed};
use redis_state_benches::schema::Rules;
use serde::{Deserialize, Serialize};

use crate::scripts::Scripts;

/// Long enough that nothing expires during a measurement.
pub const TTL_MS: u64 = 3_600_000;
const AUDIT_TTL_MS: u64 = 86_400_000;
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
        match self {
            Kind::Get | Kind::Set | Kind::Multi => vec![set(key, document)],
            Kind::LuaSmall => {
                vec![set(key, &format!(r#"{{"version":1,"document":{}}}"#, changed(document, 0)))]
            }
            Kind::LuaWhole => {
                let state = format!(
                    r#"{{"version":1,"etag":"1-0","parent":0,"seed":"9f3a","at":0,"document":{}}}"#,
                    changed(document, 0)
                );
                vec![set(key, &state)]
            }
            Kind::StateGet | Kind::StateUpdateId => start_offer(key, document, Rules::Local),
            Kind::StateUpdate(rules) => start_offer(key, document, rules),
            Kind::StateGetSecret => {
                let token = cmd("STATE.SETPROTECTED").arg((key, "*", TOKEN)).get_packed_command();
                [start_offer(key, document, Rules::Local), vec![token]].concat()
            }
            Kind::StateRollback(rules) => {
                let labelled = LABELS.iter().enumerate().map(|(number, label)| {
                    let words = (key, "*", change(number), "LABEL", label);
                    cmd("STATE.UPDATE").arg(words).get_packed_command()
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
        let change = change(number);
        let token = format!("wamid.HBgMMjYzNzcx{number:08}");
        match self {
            Kind::Get => cmd("GET").arg(key).get_packed_command(),
            Kind::Set => set(key, &changed(document, number)),
            Kind::Multi => multi(key, &changed(document, number), &changed(document, number + 1), &change),
            Kind::LuaSmall => cmd("EVALSHA")
                .arg((&scripts.small, 3, key, format!("{key}:snapshots"), format!("{key}:audit")))
                .arg(("", change, TTL_MS, "amount_input"))
                .get_packed_command(),
            Kind::LuaWhole => cmd("EVALSHA")
                .arg((&scripts.whole, 5, key))
                .arg(&["snapshots", "audit", "tokens", "order"].map(|end| format!("{key}:{end}")))
                .arg(("*", change, TTL_MS, "amount_input", token, AUDIT_TTL_MS))
                .get_packed_command(),
            Kind::StateGet | Kind::StateGetSecret => cmd("STATE.GET").arg(key).get_packed_command(),
            Kind::StateUpdate(_) => update(key, "*", &change).get_packed_command(),
            Kind::StateUpdateId => {
                update(key, "*", &change).arg(("ACTOR", "amount_input", "ID", token)).get_packed_command()
            }
            Kind::StateRollback(_) => {
                let words = (key, "*", "LABEL", LABELS[turn % LABELS.len()], "PX", TTL_MS);
                cmd("STATE.ROLLBACK").arg(words).get_packed_command()
            }
        }
    }
}

/// Two versions as alternating targets of a rollback.
const LABELS: [&str; 2] = ["offer", "checkpoint"];

/// A STATE.UPDATE with a merge patch.
pub fn update(key: &str, expected: &str, change: &str) -> Cmd {
    let mut update = cmd("STATE.UPDATE");
    update.arg((key, expected, change, "PX", TTL_MS));
    update
}

fn set(key: &str, value: &str) -> Vec<u8> {
    cmd("SET").arg((key, value, "PX", TTL_MS)).get_packed_command()
}

fn multi(key: &str, document: &str, before: &str, change: &str) -> Vec<u8> {
    let (snapshots, audit) = (format!("{key}:snapshots"), format!("{key}:audit"));
    pipe()
        .atomic()
        .cmd("SET")
        .arg((key, document, "PX", TTL_MS))
        .cmd("LPUSH")
        .arg((&snapshots, before))
        .cmd("LTRIM")
        .arg((&snapshots, 0, 9))
        .cmd("PEXPIRE")
        .arg((&snapshots, TTL_MS))
        .cmd("PEXPIRE")
        .arg((&audit, AUDIT_TTL_MS))
        .cmd("XADD")
        .arg((&audit, "MAXLEN", "~", 200, "*"))
        .arg(("event", "update", "version", 7, "actor", "amount_input", "patch", change))
        .get_packed_pipeline()
}

/// Creates a state and leads it, by the steps of its schema, to the handle of an offer.
fn start_offer(key: &str, document: &str, rules: Rules) -> Vec<Vec<u8>> {
    let words = (key, 0, document, "REPLACE", "SCHEMA", rules.schema(), "PX", TTL_MS);
    let create = cmd("STATE.SETPROTECTED").arg(words).get_packed_command();
    let steps = STEPS.map(|step| update(key, "*", step).get_packed_command());
    [vec![create], steps.to_vec()].concat()
}
