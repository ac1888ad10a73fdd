//! A connection to a cluster that resends only what no node has executed.
//!
//! By default redis-rs resends a command up to sixteen times: on a redirection, which is right, but
//! also on a broken connection or a timeout, whatever the command. A write could be applied twice
//! unnoticed; one with an etag would conflict with itself. So redis-rs gets no retries, this
//! connection follows the redirections, and [`States`](crate::States) resends what is safe. Not by
//! a filter for commands: redis-rs has one number of retries for all.

use std::collections::HashMap;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline, RedisError, RedisFuture,
    RedisResult, RetryMethod, Value,
};

use super::address::{CONNECTION_TIMEOUT, RESPONSE_TIMEOUT, config_for};

/// The maximum number of redirections: one for a migrated slot, one for a key that migrated before
/// its slot, and as many for a cluster that changes at this moment.
const REDIRECTIONS_MAX: usize = 4;

/// A connection to a Redis Cluster, as made by [`connect_cluster`](crate::connect_cluster). It
/// follows redirections, and never resends what may have been executed: [`States`](crate::States)
/// decides about that. It can be cloned.
#[derive(Clone)]
pub struct Redirecting {
    cluster: ClusterConnection,
    /// The configuration of a node's connection, without its address.
    template: ConnectionInfo,
    /// Nodes that redis-rs does not know, because they own no slot yet.
    nodes: HashMap<(String, u16), MultiplexedConnection>,
}

impl Redirecting {
    /// Connects by any of these nodes, with [`CONNECTION_TIMEOUT`] and [`RESPONSE_TIMEOUT`].
    pub async fn open<U: IntoConnectionInfo>(nodes: impl IntoIterator<Item = U>) -> RedisResult<Redirecting> {
        let nodes: Vec<ConnectionInfo> =
            nodes.into_iter().map(IntoConnectionInfo::into_connection_info).collect::<RedisResult<_>>()?;
        let template = nodes.first().cloned();
        let template = template.ok_or((redis::ErrorKind::InvalidClientConfig, "no node was given"))?;
        let builder = ClusterClientBuilder::new(nodes).retries(0);
        let builder = builder.connection_timeout(CONNECTION_TIMEOUT).response_timeout(RESPONSE_TIMEOUT);
        let cluster = builder.build()?.get_async_connection().await?;
        Ok(Redirecting { cluster, template, nodes: HashMap::new() })
    }

    /// Sends a command to one node, whether it owns slots or not.
    pub(crate) async fn send_to(&mut self, host: &str, port: u16, command: &Cmd) -> RedisResult<Value> {
        let result = self.node(host, port).await?.req_packed_command(command).await;
        self.used(host, port, result)
    }

    async fn node(&mut self, host: &str, port: u16) -> RedisResult<&mut MultiplexedConnection> {
        let address = (host.to_owned(), port);
        let connection = match self.nodes.remove(&address) {
            Some(connection) => connection,
            None => self.connect(host, port).await?,
        };
        Ok(self.nodes.entry(address).or_insert(connection))
    }

    async fn connect(&self, host: &str, port: u16) -> RedisResult<MultiplexedConnection> {
        let host = host.to_owned();
        let address = match self.template.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        let client = Client::open(self.template.clone().set_addr(address))?;
        client.get_multiplexed_async_connection_with_config(&config_for(RESPONSE_TIMEOUT)).await
    }

    /// Drops a broken connection.
    fn used<T>(&mut self, host: &str, port: u16, result: RedisResult<T>) -> RedisResult<T> {
        if result.as_ref().is_err_and(RedisError::is_unrecoverable_error) {
            self.nodes.remove(&(host.to_owned(), port));
        }
        result
    }

    /// Sends a command to the target node of a slot migration. ASKING applies to the next command
    /// of the connection, so both are sent together.
    async fn ask(&mut self, redirection: &RedisError, command: &Cmd) -> RedisResult<Value> {
        let place = redirection.redirect_node().and_then(|(address, _slot)| address.rsplit_once(':'));
        let place = place.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = place.ok_or_else(|| redirection.clone())?;
        let mut both = Pipeline::with_capacity(2);
        both.cmd("ASKING").add_command(command.clone());
        let result = self.node(host, port).await?.req_packed_commands(&both, 1, 1).await;
        let mut replies = self.used(host, port, result)?;
        replies.pop().unwrap_or_default().extract_error()
    }
}

impl ConnectionLike for Redirecting {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let mut result = self.cluster.req_packed_command(command).await;
            for _ in 0..REDIRECTIONS_MAX {
                let Err(error) = &result else { break };
                result = match error.retry_method() {
                    // redis-rs is refreshing the owners of the slots; the next command waits for
                    // that.
                    RetryMethod::MovedRedirect => self.cluster.req_packed_command(command).await,
                    RetryMethod::AskRedirect => self.ask(&error.clone(), command).await,
                    _ => break,
                };
            }
            result
        })
    }

    /// The sender of a pipeline follows its redirections: part of it may have been executed.
    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.cluster.req_packed_commands(commands, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.cluster.get_db()
    }
}

impl std::fmt::Debug for Redirecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redirecting").finish_non_exhaustive()
    }
}
