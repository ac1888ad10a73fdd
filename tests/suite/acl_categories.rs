//! ACL categories. From Redis 7.2 on, and on Valkey, each command belongs to the standard
//! categories of its kind; the module's own category `@state` needs a newer server. On Redis 7.0 a
//! module can't set categories, and rules list commands, which works on every server.

use crate::acl::user;
use crate::baseline::{KEY, server_with_an_offer};
use support::{Client, words};

/// Whether the server supports categories for module commands, and categories defined by modules.
fn knows(client: &mut Client) -> (bool, bool) {
    let is_valkey = client.text(&["INFO", "server"]).contains("valkey_version:");
    let version = client.info("server", "redis_version");
    let mut parts = version.split('.').map(|part| part.parse::<u32>().expect("a number"));
    let version = (parts.next().expect("major"), parts.next().expect("minor"));
    (version >= (7, 2), version >= (7, 4) || is_valkey)
}

#[track_caller]
fn may(client: &mut Client, lines: &[&str]) {
    for line in lines {
        client.ok(&words(&line.replace("{key}", KEY)));
    }
}

#[track_caller]
fn may_not(client: &mut Client, lines: &[&str]) {
    for line in lines {
        let error = client.err(&words(&line.replace("{key}", KEY)));
        assert!(error.starts_with("NOPERM "), "{line}: {error}");
    }
}

const READS: [&str; 7] = [
    "STATE.GET {key}",
    "STATE.META {key}",
    "STATE.HISTORY {key}",
    "STATE.DIFF {key} 1 1",
    "STATE.WAIT {key} 0 1",
    "STATE.SCHEMA LIST",
    "STATE.VALIDATE open {}",
];
const WRITES: [&str; 6] = [
    "STATE.UPDATE {key} * {}",
    "STATE.TOUCH {key}",
    "STATE.ATTEMPT {key} login FAILURE",
    "STATE.RESET {key} *",
    "STATE.ROLLBACK {key} * STEPS 1",
    "STATE.RECOVER {key}",
];
const ADMINISTRATION: [&str; 7] = [
    "STATE.SCHEMA SET open true",
    "STATE.SCHEMA SET sec {}",
    "STATE.SCHEMA DEL open",
    "STATE.SCHEMA DEL open FORCE",
    "STATE.SCHEMA BIND user:* open",
    "STATE.SCHEMA UNBIND user:*",
    "STATE.DELETE {key} * PURGE",
];

#[test]
fn categories_grant_and_revoke_commands_of_their_kind() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    let (has_categories, has_own) = knows(&mut client);
    if !has_categories {
        // docs/operations.md documents that this does not work here.
        may_not(&mut user(&server, "reader", "~* -@all +@read"), &["STATE.GET {key}"]);
        may(&mut user(&server, "writer", "~* +@all -@write"), &["STATE.UPDATE {key} * {}"]);
        return;
    }
    let mut reader = user(&server, "reader", "~* -@all +@read");
    may(&mut reader, &READS);
    may_not(&mut reader, &WRITES);
    may_not(&mut reader, &ADMINISTRATION);
    let mut not_writer = user(&server, "not-writer", "~* +@all -@write");
    may(&mut not_writer, &READS);
    may_not(&mut not_writer, &WRITES);
    may_not(&mut not_writer, &ADMINISTRATION);
    let mut ordinary = user(&server, "ordinary", "~* +@all -@dangerous -@admin");
    may(&mut ordinary, &READS);
    may(&mut ordinary, &WRITES);
    may_not(&mut ordinary, &ADMINISTRATION);
    may_not(&mut ordinary, &["STATE.SETPROTECTED {key} * {}"]);
    may_not(&mut user(&server, "quick", "~* +@all -@blocking"), &["STATE.WAIT {key} 0 1"]);
    let mut administrator = user(&server, "administrator", "~* -@all +@admin +state.delete");
    may_not(&mut administrator, &READS[..1]);
    may(&mut administrator, &ADMINISTRATION[..2]);
    may(&mut administrator, &ADMINISTRATION[4..]);
    let listed = client.ok(&["ACL", "CAT"]);
    assert_eq!(listed.array().iter().any(|category| category.text() == "state"), has_own);
    if has_own {
        let mut of_states = user(&server, "of-states", "~* -@all +@state");
        may(&mut of_states, &["STATE.UPDATE {key} * {}", "STATE.GET {key}", "STATE.SCHEMA LIST"]);
        may_not(&mut of_states, &["GET token", "DEL {key}", "CONFIG GET port"]);
        may_not(
            &mut user(&server, "of-others", "~* +@all -@state"),
            &["STATE.GET {key}", "STATE.SCHEMA LIST"],
        );
    }
}

/// The rule for servers without categories lists commands and works on all servers.
#[test]
fn a_rule_that_lists_commands_works_on_every_server() {
    let (server, mut client) = server_with_an_offer();
    client.ok(&["STATE.SCHEMA", "SET", "open", "{}"]);
    let rule = "~* +@all -state.setprotected -state.schema +state.schema|get +state.schema|list";
    let mut ordinary = user(&server, "ordinary", rule);
    may(&mut ordinary, &READS);
    may(&mut ordinary, &WRITES);
    may_not(&mut ordinary, &ADMINISTRATION);
    may_not(&mut ordinary, &["STATE.SETPROTECTED {key} * {}"]);
    may(&mut ordinary, &["STATE.DELETE {key} *"]);
}

/// In a script, the caller of the script needs the permission.
#[test]
fn purge_in_a_script_needs_the_callers_permission() {
    let (server, mut client) = server_with_an_offer();
    let mut ordinary = user(&server, "ordinary", "~* +@all -state.schema");
    let script = ["EVAL", "return redis.pcall('STATE.DELETE', KEYS[1], '*', 'PURGE')", "1", KEY];
    let error = ordinary.err(&script);
    assert!(error.starts_with("NOPERM PURGE needs the permission to run STATE.SCHEMA DEL"), "{error}");
    assert_eq!(client.ok(&script).field("state").int(), 1);
}
