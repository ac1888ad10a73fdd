//! An input can't read the state.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, Reads, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.input(Step::new("offer", "AmountInput")).active_account_id();
}

fn main() {}
