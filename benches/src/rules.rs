//! What a server has to know before it is measured: the bot's schema in two forms, and the scripts that stand for what a bot
//! would write without the module.
//!
//! An update may be validated in two ways. Where every rule of a schema is about one member, only what changed has to be looked
//! at; one rule across members, and the whole document has to be. The bot's schema is of the first kind. Its twin has one
//! such rule more, so that both ways can be measured, whichever the module takes by itself.

use serde::{Deserialize, Serialize};

use crate::server::Server;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Rules {
    /// The twin with a rule across members.
    Whole,
    /// The bot's schema as it is.
    Local,
}

const CHANNEL: &str = include_str!("../../schemas/vimbiso.channel.json");
/// Who has a token is a member whom the API knows.
const ACROSS: &str = r#"{"if": {"required": ["auth"]}, "then": {"required": ["dashboard"]},"#;

impl Rules {
    /// The name of the schema.
    pub fn schema(self) -> &'static str {
        match self {
            Rules::Whole => "bench.whole",
            Rules::Local => "vimbiso.channel",
        }
    }

    /// Its text.
    pub fn text(self) -> String {
        match self {
            Rules::Whole => CHANNEL.replacen('{', ACROSS, 1),
            Rules::Local => CHANNEL.to_owned(),
        }
    }
}

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
