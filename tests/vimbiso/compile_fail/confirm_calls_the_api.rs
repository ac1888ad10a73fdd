//! A confirmation can't call the API.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.confirm(Step::new("accept", "Confirm")).make_api_request("/accept");
}

fn main() {}
