//! VimbisoPay's conversations over redis-state, on top of [`redis_state_client`].
//!
//! * [`channel`]: the state manager of a conversation with the schema `vimbiso.channel`: accessors,
//!   operations, and the roles of its components
//! * [`CachedUserManager`]: the users of the first bot, with the schema `vimbiso.cached-user`
//! * [`menu`], [`menu_option`]: the first bot's menus
//! * [`keys`]: the names of the keys
//! * `Importer` (feature `import`): imports the strings of the first bots as states, also those of
//!   django-redis. The program `redis-state-import` runs it.
//!
//! Async and blocking calls are the same methods, as in the client.
//!
//! # Features
//! * `tokio` (default): async connections
//! * `sync`: blocking connections
//! * `import`: the importer
//! * `cli`: the program `redis-state-import`

mod cached_user;
pub mod channel;
#[cfg(feature = "import")]
mod import;
pub mod keys;
mod menu;

pub use cached_user::manager::CachedUserManager;
pub use cached_user::{CACHED_USER_SCHEMA, CachedUser, CachedUserState};
#[cfg(feature = "import")]
pub use import::{Event, Import, Importer, Outcome, Progress, Summary};
pub use menu::{Handler, menu, menu_option};
