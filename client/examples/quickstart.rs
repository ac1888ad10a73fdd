//! The program of README.md. A test compares the two.

use redis_state_client::{Change, connect, url};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut states = connect(&url()).await?; // REDIS_STATE_URL, else redis://127.0.0.1:6379/
    let key = "channel:+263771000003";
    match states.create(key, Change::merge(&json!({"channel": "whatsapp"}))?).await {
        Err(error) if !error.is_conflict() => return Err(error.into()),
        _ => {} // created, or there already
    }
    let offer = states
        .edit(key)
        .id("wamid.HBgL1") // the message's ID: a redelivery changes nothing
        .actor("amount_input")
        .with(|_: &Value| Change::merge(&json!({"amount": 12.50})))
        .await?;
    println!("{} {}", offer.etag, offer.document);
    Ok(())
}
