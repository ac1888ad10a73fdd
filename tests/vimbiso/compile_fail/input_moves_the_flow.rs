//! An input writes its own data; headquarters decides the next step.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, FlowUpdate, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.input(Step::new("offer", "AmountInput")).update_state(&FlowUpdate::from("AmountInput").path("login"));
}

fn main() {}
