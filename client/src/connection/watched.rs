//! A connection to the server that the sentinels name as primary.
//!
//! redis-rs asks the sentinels once and returns a connection to a server, which is a replica after
//! a failover. Here they are asked again. Not by the sentinels' announcements: the old primary
//! closes its connections when it becomes a replica, and a dead primary is noticed anyway.

use std::sync::Arc;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisConnectionInfo, RedisError, RedisFuture, RedisResult,
    TlsMode, Value,
};
use tokio::sync::Mutex;

use super::address::{RESPONSE_TIMEOUT, config_for};

/// A connection to a primary watched by sentinels, as made by
/// [`connect_sentinel`](crate::connect_sentinel). After a failure, or if it leads to a replica, the
/// next command asks the sentinels again. It never resends: [`States`](crate::States) decides about
/// that. It can be cloned.
#[derive(Clone)]
pub struct Watched {
    sentinels: Arc<Mutex<SentinelClient>>,
    connection: Option<MultiplexedConnection>,
}

impl Watched {
    /// Connects, with [`CONNECTION_TIMEOUT`](crate::CONNECTION_TIMEOUT) and [`RESPONSE_TIMEOUT`].
    pub async fn open(sentinels: SentinelClient) -> RedisResult<Watched> {
        let mut opened = Watched { sentinels: Arc::new(Mutex::new(sentinels)), connection: None };
        opened.connection().await?;
        Ok(opened)
    }

    /// Connects by these sentinels; without separate credentials the servers get those of the first
    /// sentinel.
    pub(crate) async fn connect(
        sentinels: Vec<ConnectionInfo>,
        name: &str,
        servers: Option<RedisConnectionInfo>,
    ) -> RedisResult<Watched> {
        let settings = servers.or_else(|| Some(sentinels.first()?.redis_settings().clone()));
        let mut servers = SentinelNodeConnectionInfo::default();
        if let Some(settings) = settings {
            servers = servers.set_redis_connection_info(settings);
        }
        // The sentinels return an address and a port, and not whether to use TLS.
        let is_secure = |sentinel: &ConnectionInfo| {
            matches!(sentinel.addr(), ConnectionAddr::TcpTls { insecure: false, .. })
        };
        if sentinels.iter().any(is_secure) {
            servers = servers.set_tls_mode(TlsMode::Secure);
        }
        // A sentinel has no databases, and rejects SELECT.
        let without_database = |sentinel: ConnectionInfo| {
            let settings = sentinel.redis_settings().clone().set_db(0);
            sentinel.set_redis_settings(settings)
        };
        let sentinels = sentinels.into_iter().map(without_database).collect();
        Watched::open(SentinelClient::build(sentinels, name, Some(servers), SentinelServerType::Master)?)
            .await
    }

    async fn connection(&mut self) -> RedisResult<&mut MultiplexedConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let config = config_for(RESPONSE_TIMEOUT);
                self.sentinels.lock().await.get_async_connection_with_config(&config).await?
            }
        };
        Ok(self.connection.insert(connection))
    }

    fn used<T>(&mut self, result: RedisResult<T>) -> RedisResult<T> {
        let is_over = |error: &RedisError| error.is_unrecoverable_error() || error.code() == Some("READONLY");
        if result.as_ref().is_err_and(is_over) {
            self.connection = None;
        }
        result
    }
}

impl ConnectionLike for Watched {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let result = self.connection().await?.req_packed_command(command).await;
            self.used(result.and_then(Value::extract_error))
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let result = self.connection().await?.req_packed_commands(commands, offset, count).await;
            self.used(result)
        })
    }

    fn get_db(&self) -> i64 {
        self.connection.as_ref().map_or(0, ConnectionLike::get_db)
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("connected", &self.connection.is_some()).finish_non_exhaustive()
    }
}
