//! docs/operations.md is correct: the server accepts its recipes, INFO has the fields that it
//! monitors, and a backup is restored as it says.
//!
//! Recipes that block, load the module or need a replica are tested in `config_start`,
//! `replication` and `trust`.

use std::collections::BTreeSet;

use support::{Server, fingerprint, repository, wait_until, words};

use crate::replication::talk;

const PLAYED: [&str; 3] = ["ACL ", "CONFIG ", "XGROUP "];

fn page() -> String {
    std::fs::read_to_string(repository().join("docs/operations.md")).expect("docs/operations.md")
}

#[test]
fn server_accepts_the_recipes() {
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

/// The names in the first column of the table of alerts.
#[test]
fn info_has_every_field_of_the_alerts() {
    // Not a replica with an AOF: it would start a rewrite at once, which outlives the test.
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

/// With the AOF on, a backup's RDB is not read: it is restored with the AOF off, which is then
/// rebuilt.
#[test]
fn backup_is_restored_as_the_page_says() {
    let mut server = Server::builder().without_schemas().arg("--appendonly").arg("yes").start();
    let mut client = server.client();
    talk(&mut client);
    client.ok(&["SAVE"]);
    let before = fingerprint(&mut client);
    server.kill();
    std::fs::remove_dir_all(server.dir().join("appendonlydir")).expect("it was there");

    let backup = std::fs::read(server.dir().join("dump.rdb")).expect("a snapshot");
    server.start_again();
    assert_eq!(server.client().ok(&["DBSIZE"]).int(), 0, "the data loss that the page warns of");
    server.kill();
    std::fs::remove_dir_all(server.dir().join("appendonlydir")).expect("it was rebuilt");
    std::fs::write(server.dir().join("dump.rdb"), backup).expect("a file in the server's folder");

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
