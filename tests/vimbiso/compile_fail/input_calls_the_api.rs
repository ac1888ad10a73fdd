//! An input can't call the API.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.input(Step::new("offer", "AmountInput")).make_api_request("/offer");
}

fn main() {}
