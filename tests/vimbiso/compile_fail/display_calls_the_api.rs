//! A display can't call the API.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.display().make_api_request("/ledger");
}

fn main() {}
