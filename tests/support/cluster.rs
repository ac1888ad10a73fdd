//! A Redis Cluster on this machine: primaries that share the slots evenly, optionally with
//! replicas.
//!
//! Built of [`Server`]s and CLUSTER commands. Not `redis-cli --cluster create`, because it asks
//! questions and reports errors as prose.

use crate::builder::Builder;
use crate::client::{Client, Reply};
use crate::server::{Server, wait_until};

const SLOTS: usize = 16_384;

/// A running cluster, stopped when dropped.
pub struct Cluster {
    primaries: Vec<Server>,
    replicas: Vec<Server>,
    configure: Box<dyn Fn(Builder) -> Builder + Send + Sync>,
}

impl Cluster {
    /// Three primaries without replicas, with the schemas of `schemas/`.
    pub fn start() -> Cluster {
        Cluster::start_with(3, 0, |node| node)
    }

    /// Starts `primaries` primaries with `replicas_each` replicas each; `configure` sets up each
    /// node.
    pub fn start_with(
        primaries: usize,
        replicas_each: usize,
        configure: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Cluster {
        let mut cluster =
            Cluster { primaries: Vec::new(), replicas: Vec::new(), configure: Box::new(configure) };
        cluster.primaries = (0..primaries).map(|_| cluster.node()).collect();
        cluster.replicas = (0..primaries * replicas_each).map(|_| cluster.node()).collect();
        for (index, primary) in cluster.primaries.iter().enumerate() {
            let mut client = primary.client();
            let [first, next] = [index, index + 1].map(|share| share * SLOTS / primaries);
            client.ok(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(next - 1).to_string()]);
            // Otherwise the nodes would negotiate their epochs, one second at a time.
            client.ok(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
        }
        cluster.introduce();
        cluster.wait_until_ok();
        for (index, replica) in cluster.replicas.iter().enumerate() {
            cluster.follow(replica, &cluster.primaries[index % primaries]);
        }
        cluster.wait_until_replicas_are_known();
        cluster
    }

    /// Adds a primary that owns no slot yet.
    pub fn add_primary(&mut self) -> &Server {
        let node = self.node();
        self.primaries.push(node);
        self.introduce();
        self.wait_until_ok();
        self.primaries.last().expect("one was added")
    }

    /// Kills a primary with SIGKILL.
    pub fn kill_primary(&mut self, index: usize) {
        self.primaries[index].kill();
    }

    /// Starts a primary again after [`Cluster::kill_primary`], on other ports, and waits until the
    /// others have found it.
    pub fn restart_primary(&mut self, index: usize) {
        self.primaries[index].start_again();
        self.introduce();
        self.wait_until_ok();
    }

    /// The primaries, in the order of their slots.
    pub fn primaries(&self) -> &[Server] {
        &self.primaries
    }

    /// The replicas in the order of their start: the first of each primary, then the second.
    pub fn replicas(&self) -> &[Server] {
        &self.replicas
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Server> {
        self.primaries.iter().chain(&self.replicas)
    }

    /// The addresses of the nodes that were primaries at the start.
    pub fn urls(&self) -> Vec<String> {
        self.primaries.iter().map(Server::url).collect()
    }

    /// The node that owns the slot of a key now.
    pub fn owner(&self, key: &str) -> &Server {
        let mut client = self.primaries[0].client();
        let slot = slot(&mut client, key);
        let shares = client.ok(&["CLUSTER", "SLOTS"]);
        let owner = shares.array().iter().find_map(|share| {
            let [first, last, node, ..] = share.array() else { panic!("a share of the slots: {share:?}") };
            (first.int()..=last.int()).contains(&slot).then(|| node.array()[1].int())
        });
        let port = owner.expect("every slot has an owner");
        self.nodes().find(|node| i64::from(node.port()) == port).expect("the owner is in the cluster")
    }

    /// A key `name:n` for each primary, in their order.
    pub fn keys(&self, name: &str) -> Vec<String> {
        let of = |primary: &Server| {
            let mut candidates = (0..).map(|n| format!("{name}:{n}"));
            candidates.find(|key| self.owner(key).port() == primary.port()).expect("some key lies there")
        };
        self.primaries.iter().map(of).collect()
    }

    /// Moves the slot of a key to another node, key by key, while it serves requests. `between`
    /// runs before each key moves.
    pub fn move_slot(&self, key: &str, to: &Server, mut between: impl FnMut()) {
        let from = self.owner(key);
        let (mut source, mut target) = (from.client(), to.client());
        let slot = slot(&mut source, key).to_string();
        let [from_id, to_id] = [id(&mut source), id(&mut target)];
        target.ok(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
        source.ok(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
        let port = to.port().to_string();
        loop {
            between();
            // One at a time, so that a state and its stream are apart for a while.
            let keys = source.ok(&["CLUSTER", "GETKEYSINSLOT", &slot, "1"]);
            let [key] = keys.array() else { break };
            let moved = source.text(&["MIGRATE", "127.0.0.1", &port, key.text(), "0", "5000", "REPLACE"]);
            assert!(matches!(moved.as_str(), "OK" | "NOKEY"), "MIGRATE answered {moved}");
        }
        target.ok(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        source.ok(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        for node in self.primaries() {
            node.client().ok(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        }
    }

    fn node(&self) -> Server {
        let node = Server::builder().clustered().arg("--cluster-node-timeout").arg("5000");
        (self.configure)(node).start()
    }

    /// Introduces all nodes to each other directly, without waiting for gossip.
    fn introduce(&self) {
        for node in self.nodes() {
            let mut client = node.client();
            for other in self.nodes().filter(|other| other.port() != node.port()) {
                let (port, bus) = (other.port().to_string(), bus_port(&mut other.client()));
                client.ok(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
            }
        }
    }

    /// Waits until each node reports the cluster as up, knows all the others and sees the same
    /// owners.
    fn wait_until_ok(&self) {
        let known = format!("cluster_known_nodes:{}\r", self.nodes().count());
        let mut clients: Vec<Client> = self.nodes().map(Server::client).collect();
        wait_until("the cluster is up", || {
            let up = |client: &mut Client| {
                let info = client.text(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok")
                    && info.contains(&known)
                    && !client.text(&["CLUSTER", "NODES"]).contains("handshake")
            };
            clients.iter_mut().all(up)
        });
    }

    /// Until a node learns that another is a replica, it takes that one for a primary without
    /// slots.
    fn wait_until_replicas_are_known(&self) {
        let mut clients: Vec<Client> = self.nodes().map(Server::client).collect();
        wait_until("all nodes know the replicas", || {
            let known = |client: &mut Client| client.text(&["CLUSTER", "NODES"]).matches("slave ").count();
            clients.iter_mut().all(|client| known(client) == self.replicas.len())
        });
    }

    fn follow(&self, replica: &Server, primary: &Server) {
        let (mut client, id) = (replica.client(), id(&mut primary.client()));
        wait_until("the replica knows its primary", || {
            client.call(&["CLUSTER", "REPLICATE", &id]) == Reply::Simple("OK".into())
        });
        wait_until("the replica's link is up", || {
            client.text(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }
}

fn slot(client: &mut Client, key: &str) -> i64 {
    client.ok(&["CLUSTER", "KEYSLOT", key]).int()
}

fn id(client: &mut Client) -> String {
    client.text(&["CLUSTER", "MYID"])
}

fn bus_port(client: &mut Client) -> String {
    client.ok(&["CONFIG", "GET", "cluster-port"]).field("cluster-port").text().to_owned()
}
