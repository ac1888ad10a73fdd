//! What a server has to know before it is measured: the schemas, and the scripts that stand for what a bot would write without
//! the module.

use redis_state_benches::schema::Rules;

use crate::server::Server;

/// The digests by which EVALSHA knows the scripts.
pub struct Scripts {
    pub small: String,
    pub whole: String,
}

/// Teaches a server the schemas and the scripts; FLUSHALL takes neither away.
pub fn teach(server: &Server) -> Result<Scripts, String> {
    for rules in [Rules::Whole, Rules::Local] {
        let set = server.call(&[b"STATE.SCHEMA", b"SET", rules.schema().as_bytes(), rules.text().as_bytes()]);
        set.map_err(|problem| format!("{}: {problem}", rules.schema()))?;
    }
    let load = |name: &str, script: &str| {
        let loaded = server.call(&[b"SCRIPT", b"LOAD", script.as_bytes()]);
        loaded.map_err(|problem| format!("{name}: {problem}"))
    };
    Ok(Scripts {
        small: load("small.lua", include_str!("../scripts/small.lua"))?,
        whole: load("whole.lua", include_str!("../scripts/whole.lua"))?,
    })
}
