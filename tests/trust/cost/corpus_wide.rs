//! Objects with a hundred thousand members: the cost of name lookups, of opening such an object and
//! of writing it again.

use serde_json::{Value, json};

use super::corpus::{ANSWERED, Seed, checked, members, seed};
use super::script::{KEY, Script};

/// Members of a document of just under 1 MB.
const MEMBERS: usize = 75_000;

pub fn seeds() -> Vec<Seed> {
    let mut seeds = vec![
        seed("a wide object replaced by one of other names", ANSWERED, || replaced(Script::new())),
        seed("a wide difference", &["OK"], || {
            replaced(Script::new().then("CONFIG SET state.audit no")).then(&format!("STATE.DIFF {KEY} 1 2"))
        }),
        seed("a wide object beside 900 immutable members", &["IMMUTABLE", "TOOCOSTLY"], || {
            let marked = json!({"x-immutable": true});
            let schema = json!({"properties": members(900, |_| marked.clone())});
            let script = Script::new().schema(schema);
            let script = script.update("0", members(MEMBERS, |_| json!(0)), "SCHEMA vimbiso.cost REPLACE");
            script.update("1", shuffled("m", 1), "REPLACE")
        }),
        seed("a wide object that replaces another beside 900 immutable members", ANSWERED, || {
            let marked = json!({"x-immutable": true});
            let schema = json!({"properties": members(900, |_| marked.clone())});
            let backwards = |prefix: &str| {
                Value::Object((0..MEMBERS).rev().map(|n| (format!("{prefix}{n}"), json!(0))).collect())
            };
            let script =
                Script::new().schema(schema).update("0", backwards("m"), "SCHEMA vimbiso.cost REPLACE");
            script.update("1", backwards("0m"), "REPLACE")
        }),
        seed("a wide object beside members that lapse at six times", ANSWERED, || {
            let lasting = members(900, |n| json!({"x-ttl": 100 + n % 6}));
            let script = Script::new().schema(json!({"properties": lasting}));
            script.update("0", members(MEMBERS, |_| json!(0)), "SCHEMA vimbiso.cost")
        }),
        seed("a wide object that ends with members that lapse", ANSWERED, || {
            let lasting = members(900, |n| json!({"x-ttl": 100 + n % 6}));
            let script = Script::new().schema(json!({"properties": lasting}));
            let backwards = (0..MEMBERS).rev().map(|n| (format!("m{n}"), json!(0))).collect();
            script.update("0", Value::Object(backwards), "SCHEMA vimbiso.cost")
        }),
    ];
    seeds.push(checked("a wide object under a hundred patterns", ANSWERED, || {
        let patterns = (0..100).map(|n| (format!("^m[0-9]*{n}$"), json!({"type": "integer"})));
        (json!({"patternProperties": Value::Object(patterns.collect())}), shuffled("abm", 1))
    }));
    seeds.extend(["SHALLOW", "MERGE", "REPLACE"].map(rebased));
    seeds.extend(["HISTORY", "ROLLBACK"].map(masked));
    seeds
}

/// Members with other values and in another order, which depends on `step`.
fn shuffled(prefix: &str, step: usize) -> Value {
    let order = (0..MEMBERS).map(|n| n * (2 * step + 7_919) % MEMBERS);
    Value::Object(order.map(|n| (format!("{prefix}{n}"), json!(step))).collect())
}

fn replaced(script: Script) -> Script {
    script.update("0", shuffled("m", 1), "REPLACE").update("1", shuffled("n", 2), "REPLACE")
}

/// A change of all members with an outdated base version.
fn rebased(kind: &'static str) -> Seed {
    seed(format!("a wide {kind} that is rebased"), &["OK", "TOOCOSTLY", "CONFLICT"], move || {
        let script = Script::new().update("0", shuffled("m", 1), "REPLACE");
        let script = script.update("1", json!({}), "REPLACE").update("2", shuffled("m", 1), "REPLACE");
        script.update("1", shuffled("m", 2), &format!("{kind} REBASE"))
    })
}

/// A wide object with a secret, and ten snapshots of it.
fn masked(command: &'static str) -> Seed {
    seed(format!("a wide object with a secret: {command}"), ANSWERED, move || {
        let script = Script::new().schema(json!({"properties": {"m7": {"x-secret": true}}}));
        let script = script.update("0", members(MEMBERS, |_| json!(0)), "SCHEMA vimbiso.cost");
        let script = (0..10).fold(script, |script, n| script.update("*", json!({"m8": n}), ""));
        script.then(&match command {
            "HISTORY" => format!("STATE.HISTORY {KEY}"),
            _ => format!("STATE.ROLLBACK {KEY} * STEPS 8"),
        })
    })
}
