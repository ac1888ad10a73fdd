//! docs/operations.md tells the truth: its recipes are taken by the server, what it wants to be told of is in INFO, and a backup comes
//! back as it says.
//!
//! What blocks, loads the module or needs a replica is not played here: `config_start`, `replication` and `trust` do that.

use std::collections::BTreeSet;

use support::{Server, fingerprint, repository, wait_until, words};

use crate::replication::talk;

const PLAYED: [&str; 3] = ["ACL ", "CONFIG ", "XGROUP "];

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/operations.md")).expect("a page of ours")
}

#[test]
fn its_recipes_are_taken_by_the_server() {
    let server = Server::start();
    let mut client = server.client();
    let page = page();
    let blocks = page.split("```\n").skip(1).step_by(2);
    let recipes =
        blocks.flat_map(str::lines).filter(|line| PLAYED.iter().any(|begin| line.starts_with(begin)));
    let recipes: Vec<_> = recipes.collect();
    assert!(recipes.len() >= 7, "{recipes:?}");
    for recipe in recipes {
        client.ok(&words(recipe));
    }
    let users = client.ok(&["ACL", "USERS"]).to_string();
    assert!(["flow", "api", "auditor", "schemas"].iter().all(|user| users.contains(user)), "{users}");
}

/// Of the table of alerts, the names in its first column.
#[test]
fn what_is_worth_an_alert_is_in_info() {
    // Not the replica with an AOF: it would begin to rewrite it at once, and still be writing when the test is over.
    let server = Server::builder().arg("--appendonly").arg("yes").start();
    let replica = Server::builder().without_schemas().start();
    replica.follow(&server);
    let info = [&server, &replica].map(|server| server.client().text(&["INFO", "everything"]));
    let told: BTreeSet<&str> =
        info.iter().flat_map(|info| info.lines()).filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let page = page();
    let table = page.split_once("| field of INFO |").expect("a table of alerts").1;
    let table = table.split("\n\n").next().expect("a table ends");
    let names: Vec<&str> = table
        .lines()
        .skip(2)
        .flat_map(|row| row.split('|').nth(1).expect("a column").split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(told.contains(name), "INFO has no {name}");
    }
}

/// With the AOF on, the RDB of a backup is not read: it comes back with the AOF off, which is then made anew.
#[test]
fn a_backup_comes_back_as_the_page_says() {
    let mut server = Server::builder().without_schemas().arg("--appendonly").arg("yes").start();
    let mut client = server.client();
    talk(&mut client);
    client.ok(&["SAVE"]);
    let before = fingerprint(&mut client);
    server.kill();
    std::fs::remove_dir_all(server.dir().join("appendonlydir")).expect("it was there");

    let backup = std::fs::read(server.dir().join("dump.rdb")).expect("a snapshot");
    server.start_again();
    assert_eq!(server.client().ok(&["DBSIZE"]).int(), 0, "the trap that the page warns of");
    server.kill();
    std::fs::remove_dir_all(server.dir().join("appendonlydir")).expect("it was made anew");
    std::fs::write(server.dir().join("dump.rdb"), backup).expect("a file in a folder of ours");

    server.set_arg("--appendonly", "no");
    server.start_again();
    let mut client = server.client();
    assert_eq!(fingerprint(&mut client), before);
    client.ok(&["CONFIG", "SET", "appendonly", "yes"]);
    wait_until("the AOF is complete", || {
        let info = client.text(&["INFO", "persistence"]);
        info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0")
    });
    server.kill();
    server.set_arg("--appendonly", "yes");
    server.start_again();
    assert_eq!(fingerprint(&mut server.client()), before);
}
