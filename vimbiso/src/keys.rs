//! The names of the bot's keys, a function for each scheme of the design notes. The server accepts
//! any key; these functions prevent different spellings of the same key.
//!
//! In a cluster, keys can be aligned (`ALIGN`) and used together if they have the same slot, which
//! depends on the text in a key's first braces. So the braces of [`user_state`] and [`token`] are
//! literal, with the telephone number in them. A session has its own ID there, and the user's slot
//! only if that ID is the number. Not the number as its hash tag: the ID alone would no longer lead
//! to the session. On a single server any keys can be aligned.

pub use redis_state_client::audit_stream;

/// `channel:{channel_id}`, without braces: the key of a conversation on a channel.
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::channel("+263771234567"), "channel:+263771234567");
/// ```
pub fn channel(channel_id: &str) -> String {
    format!("channel:{channel_id}")
}

/// `user:{phone_number}:state`, with braces: a user's conversation.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::{Change, Update, connect};
/// use redis_state_vimbiso::keys;
///
/// let mut states = connect(url).await?;
/// let phone = "+263771234567";
/// assert_eq!(keys::user_state(phone), "user:{+263771234567}:state");
///
/// // State and token share a slot, so they can be aligned, in a cluster too.
/// let create =
///     Update::create(keys::user_state(phone), Change::none()).schema("vimbiso.conversation");
/// states.send(&create.align([keys::token(phone)])).await?;
/// # Ok(()) });
/// ```
pub fn user_state(phone_number: &str) -> String {
    format!("user:{{{phone_number}}}:state")
}

/// `session:{id}:data`, with braces: data of a session. It can be aligned with [`user_state`] and
/// [`token`] on a single server; in a cluster with the other keys of this session, and with those
/// two if `id` is the telephone number.
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::session_data("91c2"), "session:{91c2}:data");
/// ```
pub fn session_data(id: &str) -> String {
    format!("session:{{{id}}}:data")
}

/// `token:{phone_number}`, with braces: a user's token, in the slot of their [`user_state`].
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::token("+263771234567"), "token:{+263771234567}");
/// ```
pub fn token(phone_number: &str) -> String {
    format!("token:{{{phone_number}}}")
}

/// The key to which an import renames a string whose key the state takes: `{key}:imported`, or
/// `key` with the suffix `:imported` if it has a hash tag; in the slot of `key` either way. `None`
/// for a key without an audit stream.
///
/// ```
/// use redis_state_vimbiso::keys;
///
/// assert_eq!(keys::imported("+263771234567").as_deref(), Some("{+263771234567}:imported"));
/// assert_eq!(
///     keys::imported("user:{+263771234567}:state").as_deref(),
///     Some("user:{+263771234567}:state:imported")
/// );
/// ```
pub fn imported(key: &str) -> Option<String> {
    let stream = audit_stream(key)?;
    Some(format!("{}imported", stream.strip_suffix("audit")?))
}

/// `{prefix}:{version}:{key}`: where django-redis keeps a value of the bot's cache. `prefix` is the
/// bot's `KEY_PREFIX`, which may be empty, and `version` its `VERSION`, 1 unless it is set.
///
/// ```
/// use redis_state_vimbiso::keys;
///
/// assert_eq!(keys::django("vimbiso", 1, "+263771234567_stage"), "vimbiso:1:+263771234567_stage");
/// assert_eq!(keys::django("", 1, "+263771234567"), ":1:+263771234567");
/// ```
pub fn django(prefix: &str, version: u64, key: &str) -> String {
    format!("{prefix}:{version}:{key}")
}

/// The key whose string an import has renamed to this one: the inverse of [`imported`].
#[cfg(feature = "import")]
pub(crate) fn renamed_from(key: &str) -> Option<&str> {
    let renamed = key.strip_suffix(":imported")?;
    let tagged = renamed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    [tagged, Some(renamed)].into_iter().flatten().find(|before| imported(before).as_deref() == Some(key))
}

/// The five keys of a user of the first bot. In a cluster they have different slots.
///
/// ```
/// let keys = redis_state_vimbiso::keys::CachedUserKeys::new("+263771234567");
/// assert_eq!(keys.state, "+263771234567");
/// assert_eq!(keys.jwt_token, "+263771234567_jwt_token");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedUserKeys {
    /// `{mobile}`, the bare number: profile, current account and page number as JSON.
    pub state: String,
    /// `{mobile}_stage`
    pub stage: String,
    /// `{mobile}_option`
    pub option: String,
    /// `{mobile}_direction`
    pub direction: String,
    /// `{mobile}_jwt_token`
    pub jwt_token: String,
}

impl CachedUserKeys {
    /// The keys of the user with this number.
    pub fn new(mobile_number: &str) -> CachedUserKeys {
        let of = |suffix: &str| format!("{mobile_number}{suffix}");
        CachedUserKeys {
            state: of(""),
            stage: of("_stage"),
            option: of("_option"),
            direction: of("_direction"),
            jwt_token: of("_jwt_token"),
        }
    }

    /// The mobile number of one of the five keys: 5 to 20 digits, with or without a plus sign.
    /// `None` for any other key.
    ///
    /// ```
    /// use redis_state_vimbiso::keys::CachedUserKeys;
    ///
    /// assert_eq!(CachedUserKeys::mobile_number("+263771234567_stage"), Some("+263771234567"));
    /// assert_eq!(CachedUserKeys::mobile_number("263771234567"), Some("263771234567"));
    /// assert_eq!(CachedUserKeys::mobile_number("channel:+263771234567"), None);
    /// ```
    pub fn mobile_number(key: &str) -> Option<&str> {
        let suffixes = ["_stage", "_option", "_direction", "_jwt_token"];
        let number = suffixes.iter().find_map(|suffix| key.strip_suffix(suffix)).unwrap_or(key);
        let digits = number.strip_prefix('+').unwrap_or(number);
        let is_number =
            (5..=20).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_number.then_some(number)
    }
}

#[cfg(all(test, feature = "import"))]
mod tests {
    use super::*;

    #[test]
    fn renamed_key_leads_back() {
        for key in ["+263771234567", "channel:+263771234567", "user:{+263771234567}:state", "a:imported"] {
            assert_eq!(renamed_from(&imported(key).expect("a key")), Some(key));
        }
        for other in ["+263771234567", "{+263771234567}:audit", ":imported"] {
            assert_eq!(renamed_from(other), None, "{other}");
        }
    }
}
