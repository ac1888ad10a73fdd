//! A component that calls the API can't send messages.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.api(Step::new("accept", "ApiCall"), &mut ()).send_message("Done.");
}

fn main() {}
