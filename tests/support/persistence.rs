//! A dataset's fingerprint, which must be the same before and after a reload, a restart or a
//! resynchronization.

use std::collections::BTreeMap;

use crate::client::{Client, Reply};
use crate::server::{Server, wait_until};

/// A whole dataset: for each database and key its digest, its absolute expiry and, for a state, the
/// replies of STATE.META and STATE.HISTORY; and the schemas.
pub type Fingerprint = BTreeMap<String, String>;

/// The fingerprint of the dataset of `client`'s server.
pub fn fingerprint(client: &mut Client) -> Fingerprint {
    let mut print = Fingerprint::new();
    for schema in client.ok(&["STATE.SCHEMA", "LIST"]).array() {
        let name = schema.field("name").text().to_owned();
        let text = client.ok(&["STATE.SCHEMA", "GET", &name]);
        print.insert(format!("schema {name}"), format!("{schema} {text}"));
    }
    for database in 0..16 {
        client.ok(&["SELECT", &database.to_string()]);
        for key in client.ok(&["KEYS", "*"]).array() {
            let Reply::Bulk(key) = key else { panic!("a key is a bulk string") };
            print
                .insert(format!("{database} {}", String::from_utf8_lossy(key)), key_fingerprint(client, key));
        }
    }
    client.ok(&["SELECT", "0"]);
    print
}

fn key_fingerprint(client: &mut Client, key: &[u8]) -> String {
    let call = |client: &mut Client, command: &[&[u8]]| {
        let mut args = command.to_vec();
        args.push(key);
        client.ok(&args)
    };
    let kind = call(client, &[b"TYPE"]);
    let digest = call(client, &[b"DEBUG", b"DIGEST-VALUE"]);
    let expires_at = call(client, &[b"PEXPIRETIME"]);
    let mut print = format!("{kind} {digest} expires {expires_at}");
    if kind.text() == "statedoc1" {
        let meta = call(client, &[b"STATE.META"]);
        for field in meta.field_names().iter().filter(|name| *name != "ttl") {
            print += &format!(" {field}={}", meta.field(field));
        }
        print += &format!(" {}", call(client, &[b"STATE.HISTORY"]));
    }
    print
}

impl Server {
    /// Checks that the data are the same after DEBUG RELOAD, and after restarts from an AOF
    /// rewritten with and without the RDB preamble.
    #[track_caller]
    pub fn survives_persistence(&mut self) {
        let mut client = self.client();
        let before = fingerprint(&mut client);
        client.ok(&["DEBUG", "RELOAD"]);
        // Valkey 9 frees the old dataset on another thread, and states count until they are freed.
        wait_until("the old states are freed", || {
            client.text(&["INFO", "memory"]).contains("lazyfree_pending_objects:0\r\n")
        });
        assert_eq!(fingerprint(&mut client), before, "after DEBUG RELOAD");
        for preamble in ["yes", "no"] {
            client.ok(&["CONFIG", "SET", "aof-use-rdb-preamble", preamble]);
            // Switching the AOF on starts a rewrite, and a second one is rejected while it runs.
            client.ok(&["CONFIG", "SET", "appendonly", "yes"]);
            wait_for_rewrite(&mut client);
            client.ok(&["BGREWRITEAOF"]);
            wait_for_rewrite(&mut client);
            assert!(client.text(&["INFO", "persistence"]).contains("aof_last_bgrewrite_status:ok"));
            self.set_arg("--appendonly", "yes");
            self.set_arg("--aof-use-rdb-preamble", preamble);
            self.restart();
            client = self.client();
            let (mut after, mut before) = (fingerprint(&mut client), before.clone());
            // Without the preamble an AOF carries schemas only beside states.
            if preamble == "no" && !before.values().any(|print| print.starts_with("statedoc1 ")) {
                after.retain(|name, _| !name.starts_with("schema "));
                before.retain(|name, _| !name.starts_with("schema "));
            }
            assert_eq!(after, before, "after a restart from an AOF, preamble {preamble}");
        }
    }
}

#[track_caller]
fn wait_for_rewrite(client: &mut Client) {
    wait_until("the AOF is rewritten", || {
        let info = client.text(&["INFO", "persistence"]);
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
}
