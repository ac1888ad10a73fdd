//! The manager's operations on a state: creates it, moves the flow on, resets it, stores the token;
//! and reads the whole state. The layer above decides actors and permissions.

use redis_state_client::{
    CONFLICT_RETRIES, Driver, Error, ErrorKind, Etag, Expected, Get, Meta, Reset, Result, State, Update,
    fresh_id,
};
use serde::de::IgnoredAny;

use crate::channel::document::{ChannelInfo, ChannelState, Timestamps, Token};
use crate::channel::place::{Place, no_state};
use crate::channel::prepare::{self, FlowUpdate};

/// The schema of a channel's state.
///
/// For an example see [`Channel`](crate::channel::Channel).
pub const SCHEMA: &str = "vimbiso.channel";

/// The result of [`Channel::initialize_channel`](crate::channel::Channel::initialize_channel).
///
/// For an example see [`Channel`](crate::channel::Channel).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Initialized {
    /// The etag of the state.
    pub etag: Etag,
    /// Whether the state was created.
    pub created: bool,
}

impl<D: Driver> Place<D> {
    pub(crate) async fn initialize(&mut self, channel_type: &str, actor: &str) -> Result<Initialized> {
        if let Some(etag) = self.etag().await? {
            return Ok(Initialized { etag, created: false });
        }
        let info = ChannelInfo { channel_type: channel_type.to_owned(), identifier: self.id.clone() };
        let create = Update::create(&self.key, prepare::first_contact(&info)?)
            .schema(SCHEMA)
            .event("initialize_channel")
            .actor(actor)
            .id(fresh_id());
        match D::resolve(self.states.send(&create)).await {
            Ok(committed) => Ok(Initialized { etag: committed.etag, created: true }),
            // Another message of the user has created it meanwhile.
            Err(error) if error.is_conflict() => {
                let etag = error.current_etag().ok_or(error)?;
                Ok(Initialized { etag, created: false })
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn update(&mut self, update: &FlowUpdate) -> Result<Etag> {
        let FlowUpdate { update_from, path, component, .. } = update;
        tracing::info!(path, component, update_from, "updating state");
        if path.is_some() || component.is_some() {
            tracing::info!(path, component, "setting stage");
        }
        let change = update.change()?;
        let mut edit = self.states.edit(&self.key).actor(update_from);
        if let Some(event) = &update.event {
            edit = edit.event(event);
        }
        if let Some(note) = &update.note {
            edit = edit.note(note);
        }
        if let Some(id) = &update.id {
            edit = edit.id(id);
        }
        Ok(D::resolve(edit.with(|_: &IgnoredAny| Ok(change.clone()))).await?.etag)
    }

    pub(crate) async fn reset(&mut self, event: &str, actor: &str) -> Result<Etag> {
        tracing::info!(update_from = actor, "resetting state");
        let reset = Reset::new(&self.key, Expected::Any).event(event).actor(actor).id(fresh_id());
        Ok(D::resolve(self.states.send(&reset)).await?.etag)
    }

    pub(crate) async fn set_token(&mut self, token: &Token, actor: &str) -> Result<Etag> {
        let change = prepare::token(token)?;
        let edit = self.states.edit_protected(&self.key).event("set_jwt_token").actor(actor);
        Ok(D::resolve(edit.with(|_: &IgnoredAny| Ok(change.clone()))).await?.etag)
    }

    /// Document and metadata of the same version.
    pub(crate) async fn all(&mut self) -> Result<State<ChannelState>> {
        for _ in 0..=CONFLICT_RETRIES {
            let mut state: State<ChannelState> =
                D::resolve(self.states.get(&self.key)).await?.ok_or_else(no_state)?;
            let meta = D::resolve(self.states.send(&Meta::new(&self.key))).await?.ok_or_else(no_state)?;
            if state.etag == meta.etag {
                let (initialized_at, updated_at) = (meta.initialized_at, meta.updated_at);
                state.document.metadata = Timestamps { initialized_at, updated_at };
                state.document.validation = self.validation().await?;
                return Ok(state);
            }
        }
        Err(Error::new(ErrorKind::Conflict, "CONFLICT the state changes faster than it can be read"))
    }

    async fn etag(&mut self) -> Result<Option<Etag>> {
        let found = D::resolve(self.states.send(&Get::new(&self.key).members(["/channel/type"]))).await?;
        Ok(found.map(|found| found.etag))
    }
}
