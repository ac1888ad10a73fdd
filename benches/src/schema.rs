//! The bot's schema in two forms.
//!
//! An update is validated in one of two ways. If the schema can be split by members, only changed
//! ones are checked. A rule over all members with a reference, which may lead anywhere, makes the
//! whole document be checked. The bot's schema is of the first kind. Its twin has one such rule
//! more, so that both ways can be measured.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Rules {
    /// The twin with a rule over all members.
    Whole,
    /// The bot's schema.
    Local,
}

const CHANNEL: &str = include_str!("../../schemas/vimbiso.channel.json");
/// A session with a token has a known member.
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

    /// The text of the schema.
    pub fn text(self) -> String {
        match self {
            Rules::Whole => CHANNEL.replacen('{', OVER_ALL, 1),
            Rules::Local => CHANNEL.to_owned(),
        }
    }
}
