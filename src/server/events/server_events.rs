//! What happens to the server: datasets that are loaded, emptied or swapped, children and roles.

use crate::error::Error;
use crate::server::commit::consumers;
use crate::server::events::blocked_clients;
use crate::server::events::session_end;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::string::RedisStr;
use crate::server::ffi::subscription::{self, Listener, ServerEvent};
use crate::server::global::registry;
use crate::server::value::deadline_index;

struct Events;

/// Subscribes to the events of the server and to keys that end.
pub fn subscribe(ctx: Ctx) -> Result<(), Error> {
    subscription::to_server::<Events>(ctx)
        .map_err(|event| Error::Unsupported(format!("the server has no event {event}")))?;
    if !subscription::to_ends::<Events>(ctx) {
        return Err(Error::Unsupported("the server sends no event when keys expire".to_owned()));
    }
    Ok(())
}

impl Listener for Events {
    fn on_server(event: ServerEvent) {
        match event {
            // The schemas of the new dataset come with it, and none of the old one's stay.
            ServerEvent::LoadingStarts => registry::clear(),
            // What belongs to a dataset and is not in its keys is loaded aside and swapped with it.
            ServerEvent::AsyncLoadStarts => {
                registry::begin_staging();
                deadline_index::begin_staging();
            }
            ServerEvent::AsyncLoadEnds { is_complete } => {
                registry::end_staging(is_complete);
                deadline_index::end_staging(is_complete);
                if is_complete {
                    blocked_clients::dataset_changed();
                }
            }
            ServerEvent::FlushStarts(db) => deadline_index::flushed(db),
            // No key is signalled. While data are loaded no timer runs, so blocked clients are
            // looked at after that.
            ServerEvent::FlushEnds => blocked_clients::dataset_changed(),
            ServerEvent::Swapped(one, other) => deadline_index::swapped(one, other),
            // The child may write a copy of the dataset for a first replica, and a promoted server
            // may have replicas.
            ServerEvent::Forked | ServerEvent::RoleChanged => consumers::ask_again(),
        }
    }

    fn on_end(ctx: Ctx, is_evicted: bool, key: RedisStr) {
        session_end::on_end(ctx, is_evicted, key);
    }
}
