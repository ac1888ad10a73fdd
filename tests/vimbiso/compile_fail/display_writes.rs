//! A display can't change the state.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, FlowUpdate};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.display().update_state(&FlowUpdate::from("ViewLedger").path("login"));
}

fn main() {}
