//! The cached user of the first bot: a user as a value with the bot's defaults, and in [`manager`]
//! the calls that change it. The value is a copy of one version. Not an object that reads on each
//! access, as in the first bot, because two of its members could come from two versions.

pub mod manager;

use redis_state_client::Etag;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::menu::Handler;

/// The schema of these states.
pub const CACHED_USER_SCHEMA: &str = "vimbiso.cached-user";

/// A user as read by [`CachedUserManager::read`](crate::CachedUserManager::read), with the first
/// bot's defaults if nothing is stored.
///
/// ```
/// # support::example(async |url| {
/// use redis_state_client::connect;
/// use redis_state_vimbiso::CachedUserManager;
///
/// let mut states = connect(url).await?;
/// let visitor = CachedUserManager::new(&mut states, "+263771234567").read().await?;
/// assert_eq!((visitor.first_name(), visitor.last_name()), ("Welcome", "Visitor"));
/// assert_eq!(visitor.state().stage(), "handle_action_menu");
/// assert_eq!(visitor.etag(), None);
/// # Ok(()) });
/// ```
#[derive(Clone, PartialEq)]
pub struct CachedUser {
    etag: Option<Etag>,
    mobile_number: String,
    state: CachedUserState,
}

/// A [`CachedUser`]'s place in the conversation, with the data of the bot. Every getter has the
/// first bot's default.
#[derive(Clone, PartialEq)]
pub struct CachedUserState(Stored);

/// The document of schema `vimbiso.cached-user`. One flat struct, because serde's `flatten` does
/// not support numbers of arbitrary precision.
#[derive(Clone, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Stored {
    stage: Option<String>,
    option: Option<String>,
    direction: Option<String>,
    #[serde(deserialize_with = "object_or_null")]
    state: Map<String, Value>,
    jwt_token: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    registration_complete: Option<bool>,
}

impl CachedUser {
    /// The etag of the version that was read; `None` without a state.
    pub fn etag(&self) -> Option<Etag> {
        self.etag
    }

    /// The user's number.
    pub fn mobile_number(&self) -> &str {
        &self.mobile_number
    }

    /// `Welcome`, until the user has a name.
    pub fn first_name(&self) -> &str {
        self.state.0.first_name.as_deref().unwrap_or("Welcome")
    }

    /// `Visitor`, until the user has a name.
    pub fn last_name(&self) -> &str {
        self.state.0.last_name.as_deref().unwrap_or("Visitor")
    }

    /// Whether the user is registered.
    pub fn registration_complete(&self) -> bool {
        self.state.0.registration_complete.unwrap_or(false)
    }

    /// The user's place in the conversation.
    pub fn state(&self) -> &CachedUserState {
        &self.state
    }

    /// As [`CachedUserState::jwt_token`].
    pub fn jwt_token(&self) -> Option<&str> {
        self.state.jwt_token()
    }
}

impl CachedUserState {
    /// The user's part of the menu; at first `handle_action_menu`.
    pub fn stage(&self) -> &str {
        self.0.stage.as_deref().unwrap_or(Handler::Menu.as_str())
    }

    /// The user's choice.
    pub fn option(&self) -> Option<&str> {
        self.0.option.as_deref()
    }

    /// The direction of the last message: `IN` or `OUT`; at first `OUT`.
    pub fn direction(&self) -> &str {
        self.0.direction.as_deref().unwrap_or("OUT")
    }

    /// The JSON of the first bot's key `{number}`: profile, current account, page number; at first
    /// empty.
    pub fn state(&self) -> &Map<String, Value> {
        &self.0.state
    }

    /// `state.profile`, if present.
    pub fn profile(&self) -> Option<&Map<String, Value>> {
        self.0.state.get("profile")?.as_object()
    }

    /// `state.current_account`, if present.
    pub fn current_account(&self) -> Option<&Map<String, Value>> {
        self.0.state.get("current_account")?.as_object()
    }

    /// `state.page_number`; at first 0.
    pub fn page_number(&self) -> u64 {
        self.0.state.get("page_number").and_then(Value::as_u64).unwrap_or(0)
    }

    /// `state.profile.member.memberTier`, for [`menu_option`](crate::menu_option); `None` for a
    /// member without one. Either a number, or `{low, high}`: an integer as the driver of the
    /// ledger's database writes it.
    pub fn tier(&self) -> Option<u64> {
        let tier = self.profile()?.get("member")?.get("memberTier")?;
        // The schema admits no high half but 0.
        tier.get("low").unwrap_or(tier).as_u64()
    }

    /// The token for the bot's API; null and missing mean the same. `None` also for a caller
    /// without permission to read secrets, which gets `***`.
    pub fn jwt_token(&self) -> Option<&str> {
        self.0.jwt_token.as_deref().filter(|token| *token != "***")
    }
}

/// Shows the place in the conversation, and neither number, document nor token.
impl std::fmt::Debug for CachedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedUser")
            .field("etag", &self.etag)
            .field("state", self.state())
            .finish_non_exhaustive()
    }
}

/// Shows stage and option only.
impl std::fmt::Debug for CachedUserState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (stage, option) = (self.stage(), self.option());
        f.debug_struct("CachedUserState")
            .field("stage", &stage)
            .field("option", &option)
            .finish_non_exhaustive()
    }
}

/// Missing and null mean the same.
fn object_or_null<'de, D: Deserializer<'de>>(value: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}
