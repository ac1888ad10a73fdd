//! Conflicts and lost answers: each change counts once, whoever else writes and whatever breaks on the way.

use redis_state_client::{Async, Change, Result, States, connect, redis::aio::ConnectionManager};
use serde_json::{Value, json};
use support::{Server, block_on};

const KEY: &str = "channel:+263771234567";

async fn with_counter(server: &Server) -> Result<States<Async<ConnectionManager>>> {
    let mut states = connect(&server.url()).await?;
    states.create(KEY, Change::merge(&json!({"current": {"data": {"count": 0}}}))?).await?;
    Ok(states)
}

fn increment(document: &Value) -> Result<Change> {
    let count = document["current"]["data"]["count"].as_u64().unwrap_or_default();
    Change::merge(&json!({"current": {"data": {"count": count + 1}}}))
}

/// S32, S33: as many tasks as a busy bot has.
#[test]
fn of_thirty_two_tasks_on_one_key_every_increment_is_there() {
    let server = Server::start();
    block_on(async {
        let states = with_counter(&server).await.expect("a state");
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let mut states = states.clone().conflict_retries(200);
                tokio::spawn(async move {
                    for _ in 0..10 {
                        states.update_with(KEY, increment).await.expect("an update that is made again");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task that ends");
        }
    });
    let (etag, document) = server.client().state(KEY);
    assert_eq!(document, r#"{"current":{"data":{"count":320}}}"#);
    assert!(etag.starts_with("321-"), "{etag}");
}
