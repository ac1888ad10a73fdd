//! A reply's dashboard is not stored without its action: the handlers are one trait.
use redis_state_vimbiso::channel::ApiResponse;
use serde_json::{Value, json};

struct Balance;

impl ApiResponse for Balance {
    fn dashboard(&self) -> Value {
        json!({"balance": 5})
    }
}

fn main() {}
