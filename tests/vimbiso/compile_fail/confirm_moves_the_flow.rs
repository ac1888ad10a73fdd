//! A confirmation writes only its result.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, FlowUpdate, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.confirm(Step::new("accept", "Confirm")).update_state(&FlowUpdate::from("Confirm").path("login"));
}

fn main() {}
