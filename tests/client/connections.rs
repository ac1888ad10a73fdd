//! The same requests over every kind of redis-rs connection.

use redis_state_client::redis::{self, cluster::ClusterClient, sentinel};
use redis_state_client::{
    Change, ErrorKind, Result, Rollback, States, connect, connect_blocking, connect_cluster, connect_sentinel,
};
use serde_json::{Value, json};
use support::{Cluster, Sentinel, Server, block_on};

/// A conversation on one key, by async and blocking methods. `$wait` is how the reply is awaited.
macro_rules! conversation {
    ($states:expr, $key:expr, $($wait:tt)*) => {{
        let (states, key): (_, &str) = (&mut $states, $key);
        assert!(states.get::<Value>(key) $($wait)* ?.is_none());
        let made = states.create(key, Change::merge(&json!({"amount": 5}))?) $($wait)* ?;
        let again = states.create(key, Change::merge(&json!({"amount": 5}))?) $($wait)*;
        assert_eq!(again.expect_err("it is there").current_etag(), Some(made));
        let doubled = states
            .update_with(key, |offer: &Value| {
                Change::merge(&json!({"amount": offer["amount"].as_u64().unwrap_or_default() * 2}))
            })
            $($wait)* ?;
        assert_eq!((doubled.etag.version, &doubled.document["amount"]), (2, &json!(10)));
        let back = states.send(&Rollback::new(key, doubled.etag)) $($wait)* ?;
        let read = states.get::<Value>(key) $($wait)* ?.expect("it is there");
        assert_eq!((read.etag, &read.document["amount"]), (back.etag, &json!(5)));
        let meta = states.meta(key) $($wait)* ?.expect("it is there");
        assert_eq!(meta.etag, back.etag);
        states.delete(key, back.etag) $($wait)* ?;
        let missing = states.update_with(key, |_: &Value| Ok(Change::none())) $($wait)*;
        assert_eq!(missing.expect_err("it is deleted").kind(), ErrorKind::NoState);
        Ok(())
    }};
}

async fn over_async<C>(connection: C, keys: &[String]) -> Result<()>
where
    C: redis::aio::ConnectionLike + Send,
{
    let mut states = States::new(connection);
    for key in keys {
        converse(&mut states, key).await?;
    }
    Ok(())
}

async fn converse<C>(states: &mut States<redis_state_client::Async<C>>, key: &str) -> Result<()>
where
    C: redis::aio::ConnectionLike + Send,
{
    conversation!(*states, key, .await)
}

fn over_blocking<C: redis::ConnectionLike + Send>(connection: C, keys: &[String]) -> Result<()> {
    let mut states = States::blocking(connection);
    for key in keys {
        converse_blocking(&mut states, key)?;
    }
    Ok(())
}

fn converse_blocking<C>(states: &mut States<redis_state_client::Blocking<C>>, key: &str) -> Result<()>
where
    C: redis::ConnectionLike + Send,
{
    conversation!(*states, key,)
}

#[test]
fn every_connection_to_one_server_works() {
    let server = Server::start();
    let client = redis::Client::open(server.url()).expect("an address");
    let keys = ["offer:7d1f".to_owned()];
    over_blocking(client.get_connection().expect("a connection"), &keys).expect("over a blocking connection");
    let mut reconnecting = connect_blocking(&server.url()).expect("a connection");
    converse_blocking(&mut reconnecting, &keys[0]).expect("over one that connects again");
    block_on(async {
        let multiplexed = client.get_multiplexed_async_connection().await.expect("a connection");
        over_async(multiplexed, &keys).await.expect("over a multiplexed connection");
        let mut managed = connect(&server.url()).await.expect("a connection");
        converse(&mut managed, &keys[0]).await.expect("over a managed connection");
    });
}

#[test]
fn every_connection_to_a_cluster_reaches_all_primaries() {
    let cluster = Cluster::start();
    let keys = cluster.keys("offer");
    let owners: std::collections::HashSet<u16> = keys.iter().map(|key| cluster.owner(key).port()).collect();
    assert_eq!(owners.len(), 3, "one key on each primary");
    let client = ClusterClient::new(cluster.urls()).expect("addresses");
    over_blocking(client.get_connection().expect("a connection"), &keys).expect("over a blocking connection");
    block_on(async {
        let connection = client.get_async_connection().await.expect("a connection");
        over_async(connection, &keys).await.expect("over redis-rs's connection");
        let mut states = connect_cluster(cluster.urls()).await.expect("a connection");
        for key in &keys {
            converse(&mut states, key).await.expect("over a connection that repeats nothing by itself");
        }
    });
    // Each audit stream is on the node of its state.
    for key in &keys {
        let stream = format!("{{{key}}}:audit");
        let entries = cluster.owner(key).client().ok(&["XLEN", &stream]).int();
        assert_eq!(entries, 12, "create, update, rollback and delete, three times each");
    }
}

#[test]
fn every_connection_by_a_sentinel_works() {
    let sentinel = Sentinel::start();
    let keys = ["offer:7d1f".to_owned()];
    let ask = || {
        let kind = sentinel::SentinelServerType::Master;
        let name = Sentinel::NAME.to_owned();
        sentinel::SentinelClient::build(vec![sentinel.url()], name, None, kind).expect("an address")
    };
    over_blocking(ask().get_connection().expect("a primary"), &keys).expect("over a blocking connection");
    block_on(async {
        let connection = ask().get_async_connection().await.expect("a primary");
        over_async(connection, &keys).await.expect("over a multiplexed connection");
        let mut states = connect_sentinel([sentinel.url()], Sentinel::NAME).await.expect("a primary");
        converse(&mut states, &keys[0]).await.expect("over one that asks again");
    });
}
