//! A component that calls the API stores the reply; headquarters decides the next step.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, FlowUpdate, Step};

fn component<D: Driver>(mut channel: Channel<D>) {
    let _ = channel.api(Step::new("accept", "ApiCall"), &mut ()).update_state(&FlowUpdate::from("ApiCall").path("login"));
}

fn main() {}
