//! The bot's schema in two forms.
//!
//! An update may be validated in two ways. Where a schema can be taken apart by members, only what changed has to be looked at;
//! one rule over all members that is referred to, and so may lead anywhere, and the whole document has to be. The bot's schema
//! is of the first kind. Its twin has one such rule more, so that both ways can be measured, whichever the module takes by itself.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Rules {
    /// The twin with a rule over all members.
    Whole,
    /// The bot's schema as it is.
    Local,
}

const CHANNEL: &str = include_str!("../../schemas/vimbiso.channel.json");
/// Who has a token is a member whom the API knows.
const OVER_ALL: &str = r##"{"allOf": [{"$ref": "#/$defs/known"}],
  "$defs": {"known": {"if": {"required": ["auth"]}, "then": {"required": ["dashboard"]}}},"##;

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
            Rules::Whole => CHANNEL.replacen('{', OVER_ALL, 1),
            Rules::Local => CHANNEL.to_owned(),
        }
    }
}
