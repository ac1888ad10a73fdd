//! The result of a confirmation is a word, not data.
use redis_state_client::Driver;
use redis_state_vimbiso::channel::{Channel, Step, ValidationResult};

fn component<D: Driver>(mut channel: Channel<D>) {
    let mut confirm = channel.confirm(Step::new("accept", "Confirm"));
    let _ = confirm.decide(|_| {
        let result: ValidationResult<serde_json::Value> = ValidationResult::success(serde_json::json!({"amount": 5}));
        result
    });
}

fn main() {}
