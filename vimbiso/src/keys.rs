//! The names of the bot's keys, one function for each scheme that its notes use. The server takes
//! any key; these are here so that no two places of a program write the same key differently.
//!
//! In a cluster keys can be aligned (`ALIGN`) and used together when they lie in one slot, which
//! what stands between a key's first braces decides. So the braces of [`user_state`] and [`token`]
//! are written literally: both have the telephone number between them. A session has its own id
//! there, and lies in the user's slot only when that id is the number. Giving it the number as its
//! tag was rejected: the id of a session alone would no longer lead to it. On a single server any
//! keys can be aligned.

pub use redis_state_client::audit_stream;

/// `channel:{channel_id}`, the braces not written: the key of a conversation on a channel.
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::channel("+263771234567"), "channel:+263771234567");
/// ```
pub fn channel(channel_id: &str) -> String {
    format!("channel:{channel_id}")
}

/// `user:{phone_number}:state`, the braces written: a user's conversation.
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
/// // State and token share a slot, so they can be made to expire at the same instant, in a cluster too.
/// let create = Update::create(keys::user_state(phone), Change::none()).schema("vimbiso.conversation");
/// states.send(&create.align([keys::token(phone)])).await?;
/// # Ok(()) });
/// ```
pub fn user_state(phone_number: &str) -> String {
    format!("user:{{{phone_number}}}:state")
}

/// `session:{id}:data`, the braces written: what belongs to a session. It can be aligned with
/// [`user_state`] and [`token`] on a single server; in a cluster with the other keys of this
/// session, and with those two when `id` is the telephone number.
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::session_data("91c2"), "session:{91c2}:data");
/// ```
pub fn session_data(id: &str) -> String {
    format!("session:{{{id}}}:data")
}

/// `token:{phone_number}`, the braces written: a user's token, in the slot of their [`user_state`].
///
/// ```
/// assert_eq!(redis_state_vimbiso::keys::token("+263771234567"), "token:{+263771234567}");
/// ```
pub fn token(phone_number: &str) -> String {
    format!("token:{{{phone_number}}}")
}

/// Where an import puts a string aside whose key the state shall have: `{key}:imported`, or the key
/// with `:imported` behind it when it has a hash tag, in the slot of `key` either way. `None` for a
/// key without an audit stream.
///
/// ```
/// use redis_state_vimbiso::keys;
///
/// assert_eq!(keys::imported("+263771234567").as_deref(), Some("{+263771234567}:imported"));
/// assert_eq!(keys::imported("user:{+263771234567}:state").as_deref(), Some("user:{+263771234567}:state:imported"));
/// ```
pub fn imported(key: &str) -> Option<String> {
    let stream = audit_stream(key)?;
    Some(format!("{}imported", stream.strip_suffix("audit")?))
}

/// The five keys in which the first bot kept a user. In a cluster they lie in five slots.
///
/// ```
/// let keys = redis_state_vimbiso::keys::CachedUserKeys::new("+263771234567");
/// assert_eq!(keys.state, "+263771234567");
/// assert_eq!(keys.jwt_token, "+263771234567_jwt_token");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CachedUserKeys {
    /// `{mobile}`, which is the bare number: profile, current account and page number as JSON.
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
}
