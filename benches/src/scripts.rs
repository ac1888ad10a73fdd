//! Prepares a server: the schemas, and the scripts that a bot could use without the module.

use redis::cmd;
use redis_state_benches::schema::Rules;

use crate::server::Server;

/// The digests of the scripts for EVALSHA.
pub struct Scripts {
    pub small: String,
    pub whole: String,
}

/// Sets the schemas and loads the scripts; FLUSHALL removes neither.
pub fn teach(server: &Server) -> Result<Scripts, String> {
    for rules in [Rules::Whole, Rules::Local] {
        let set = server.call::<()>(cmd("STATE.SCHEMA").arg(("SET", rules.schema(), rules.text())));
        set.map_err(|problem| format!("{}: {problem}", rules.schema()))?;
    }
    let load = |name: &str, script: &str| {
        let loaded = server.call(cmd("SCRIPT").arg(("LOAD", script)));
        loaded.map_err(|problem| format!("{name}: {problem}"))
    };
    Ok(Scripts {
        small: load("small.lua", include_str!("../scripts/small.lua"))?,
        whole: load("whole.lua", include_str!("../scripts/whole.lua"))?,
    })
}
