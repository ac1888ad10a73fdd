//! The primaries of a connection, and a driver that sends to one of them.
//!
//! redis-rs takes the first argument of an unknown command for its key: `STATE.SCHEMA SET …` would
//! go to the owner of the slot of `SET`. Each of its cluster connections can send to a given node,
//! but its type is known at run time only: for other types a driver is a connection to one server.
//! Not a trait for connections to implement, which would exclude connections of users.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use redis::{Cmd, RedisResult, Value};

use super::usage;
use crate::decode;
use crate::driver::{Driver, sealed};
use crate::error::{ErrorKind, Result};
use crate::request::line::CommandLine;
use crate::resend::Resend;
use crate::states::States;

/// The host and port of a primary; none for the one server of a connection.
pub(super) type Node = Option<(String, u16)>;

/// The primaries, also those without slots, to which slots may migrate next.
pub(super) async fn primaries<D: Driver + 'static>(states: &mut States<D>) -> Result<Vec<Node>> {
    let nodes: String = match states.ask(&CommandLine::new("CLUSTER NODES", Resend::Safe)).await {
        Ok(nodes) => nodes,
        // Cluster support is disabled, or the user may run STATE commands only.
        Err(error) if matches!(error.kind(), ErrorKind::Command | ErrorKind::NoPermission) => {
            return if reaches_all::<D>() { Err(error) } else { Ok(vec![None]) };
        }
        Err(error) => return Err(error),
    };
    let nodes: BTreeMap<String, (String, u16)> = nodes.lines().filter_map(primary).collect();
    if nodes.len() <= 1 {
        return Ok(vec![None]);
    }
    if !reaches_all::<D>() {
        let count = nodes.len();
        return Err(usage(format!(
            "the connection leads to one node of a cluster with {count} primaries: connect_cluster reaches them all"
        )));
    }
    // The names by which redis-rs knows them: CLUSTER NODES has IP addresses where the cluster
    // prefers host names.
    let mut hosts = hosts(states).await?;
    Ok(nodes.into_iter().map(|(id, (ip, port))| Some((hosts.remove(&id).unwrap_or(ip), port))).collect())
}

/// By ID, the host of each primary with slots, if the cluster prefers it to the IP address.
async fn hosts<D: Driver>(states: &mut States<D>) -> Result<BTreeMap<String, String>> {
    let shares: Vec<Vec<Value>> = states.ask(&CommandLine::new("CLUSTER SLOTS", Resend::Safe)).await?;
    let mut hosts = BTreeMap::new();
    for share in shares {
        // The first slot, the last one, the primary, its replicas.
        let primary = share.into_iter().nth(2).unwrap_or_default();
        let (host, _port, id, _more): (Option<String>, Value, String, Value) = decode::value(primary)?;
        if let Some(host) = host.filter(|host| !matches!(host.as_str(), "" | "?")) {
            hosts.insert(id, host);
        }
    }
    Ok(hosts)
}

/// `id ip:port@bus,name flags primary ping pong epoch link slots…`
fn primary(line: &str) -> Option<(String, (String, u16))> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [id, address, flags, _, _, _, _, _, slots @ ..] = fields.as_slice() else { return None };
    let has = |flag: &str| flags.split(',').any(|one| one == flag);
    // A replaced primary stays in the list, without slots, until it returns as a replica.
    if !has("master") || has("handshake") || has("noaddr") || has("fail") && slots.is_empty() {
        return None;
    }
    let (ip, port) = address.split('@').next()?.rsplit_once(':')?;
    Some(((*id).to_owned(), (ip.to_owned(), port.parse().ok()?)))
}

/// The same states over one node.
pub(super) fn at<'a, D: Driver + 'static>(states: &'a mut States<D>, node: &'a Node) -> States<At<'a, D>> {
    states.through(|driver| At { driver, node })
}

/// Drives the connection of another driver to one node.
pub(super) struct At<'a, D> {
    driver: &'a mut D,
    node: &'a Node,
}

impl<D> sealed::Sealed for At<'_, D> {}

impl<D: Driver + 'static> Driver for At<'_, D> {
    type Answer<'a, T: 'a> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

    async fn call(&mut self, commands: &[Cmd]) -> RedisResult<Vec<Value>> {
        let Some((host, port)) = self.node else { return self.driver.call(commands).await };
        let mut replies = Vec::with_capacity(commands.len());
        for command in commands {
            replies.push(clusters::call(self.driver, host, *port, command).await?);
        }
        Ok(replies)
    }

    async fn sleep(&mut self, time: Duration) {
        self.driver.sleep(time).await;
    }

    fn answer<'a, T: Send + 'a>(work: impl Future<Output = Result<T>> + Send + 'a) -> Self::Answer<'a, T> {
        Box::pin(work)
    }

    fn resolve<'a, T: Send + 'a>(answer: Self::Answer<'a, T>) -> impl Future<Output = Result<T>> + Send + 'a {
        answer
    }
}

fn reaches_all<D: 'static>() -> bool {
    clusters::known().contains(&TypeId::of::<D>())
}

/// Without the feature, every connection has one server.
#[cfg(not(feature = "cluster"))]
mod clusters {
    use std::any::TypeId;

    use redis::{Cmd, RedisResult, Value};

    pub(super) fn known() -> Vec<TypeId> {
        Vec::new()
    }

    pub(super) async fn call<D>(_: &mut D, _: &str, _: u16, _: &Cmd) -> RedisResult<Value> {
        Err((redis::ErrorKind::Client, "built without the feature cluster").into())
    }
}

#[cfg(feature = "cluster")]
mod clusters {
    use std::any::{Any, TypeId};

    use redis::cluster_async::ClusterConnection;
    use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};
    use redis::{Cmd, RedisResult, Value};

    use crate::connection::redirecting::Redirecting;
    use crate::driver::{Async, Driver};

    /// The drivers that can send to a given node.
    pub(super) fn known() -> Vec<TypeId> {
        vec![
            TypeId::of::<Async<Redirecting>>(),
            TypeId::of::<Async<ClusterConnection>>(),
            #[cfg(feature = "sync")]
            TypeId::of::<crate::Blocking<redis::cluster::ClusterConnection>>(),
        ]
    }

    pub(super) async fn call<D: Driver + 'static>(
        driver: &mut D,
        host: &str,
        port: u16,
        command: &Cmd,
    ) -> RedisResult<Value> {
        let route = RoutingInfo::SingleNode(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port });
        let any: &mut (dyn Any + Send) = driver;
        if let Some(Async(connection)) = any.downcast_mut::<Async<Redirecting>>() {
            return connection.send_to(host, port, command).await;
        }
        if let Some(Async(connection)) = any.downcast_mut::<Async<ClusterConnection>>() {
            return connection.route_command(command.clone(), route).await;
        }
        #[cfg(feature = "sync")]
        if let Some(crate::Blocking(connection)) =
            any.downcast_mut::<crate::Blocking<redis::cluster::ClusterConnection>>()
        {
            return connection.route_command(command, route);
        }
        Err((redis::ErrorKind::Client, "this connection can't send to a given node").into())
    }
}

#[cfg(test)]
mod tests {
    use super::primary;

    #[test]
    fn primaries_are_read_from_cluster_nodes() {
        let owner = "07c3 127.0.0.1:30004@31004,node-4 myself,master - 0 1426238317239 4 connected 0-5460";
        assert_eq!(primary(owner), Some(("07c3".into(), ("127.0.0.1".into(), 30004))));
        let joined = "67ed ::1:30002@31002 master - 0 1426238316232 2 connected";
        assert_eq!(primary(joined), Some(("67ed".into(), ("::1".into(), 30002))), "it may get slots next");
        for gone in [
            "292f 127.0.0.1:30003@31003 slave 07c3 0 1426238318243 3 connected",
            "6ec2 127.0.0.1:30005@31005 master,fail - 0 1426238317741 5 disconnected",
            "824f 127.0.0.1:30006@31006 handshake - 0 0 0 connected",
            "",
        ] {
            assert_eq!(primary(gone), None, "{gone}");
        }
        let lost = "e7d1 127.0.0.1:30001@31001 master,fail - 0 1426238317239 1 disconnected 5461-10922";
        assert!(primary(lost).is_some(), "its slots have no other owner: it must be reported");
    }
}
