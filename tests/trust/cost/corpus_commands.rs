//! Every command, on states of maximum size, with snapshots and rules.

use serde_json::{Value, json};

use super::corpus::{ANSWERED, Seed, many, members, of_elements, seed};
use super::corpus_memory::at;
use super::script::{KEY, SCHEMA, Script, Step, Word, text};

/// Members of a large state.
const MEMBERS: usize = 8_000;

pub fn seeds() -> Vec<Seed> {
    let mut seeds = vec![patched(50), patched(260), bound()];
    seeds.extend(recovered());
    seeds.extend(lapsed());
    seeds.extend(validated());
    seeds.extend(commands());
    seeds
}

/// One removal and several replacements, many times.
fn patched(times: usize) -> Seed {
    seed(format!("{times} times one removal and three replacements"), ANSWERED, move || {
        let large = members(40_000, |n| json!(format!("{n:04}")));
        let operations = (0..times).flat_map(|n| {
            let replace = |at: usize| json!({"op": "replace", "path": format!("/m{at}"), "value": n});
            let removed = json!({"op": "remove", "path": format!("/m{}", 20_000 + n)});
            [removed, replace(100 + n), replace(39_000 + n), replace(10_000 + n)]
        });
        let patch = Value::Array(operations.collect());
        Script::new().update("0", large, "REPLACE").update("1", patch, "PATCH")
    })
}

/// A schema and a document.
type Parts = fn() -> (Value, Value);

/// States with many members that the present revision does not allow, in one object and in many.
fn recovered() -> [Seed; 2] {
    let flat = || (json!({"additionalProperties": false}), members(75_000, |_| json!(1)));
    let nested = || {
        let offers = json!({"v": many(90_000, &json!({"old": 1}))});
        (of_elements(json!({"additionalProperties": false})), offers)
    };
    let ways: [(&str, Parts); 2] = [("in one object", flat), ("in many objects", nested)];
    ways.map(|(name, parts)| {
        seed(format!("a recovery that drops members {name}"), ANSWERED, move || {
            let (revision, document) = parts();
            let script = Script::new().schema(json!({})).update("0", document, "SCHEMA vimbiso.cost");
            script.schema(revision).then(&format!("STATE.RECOVER {KEY}"))
        })
    })
}

/// The maximum number of patterns, and a long key that nearly matches each.
fn bound() -> Seed {
    seed("1,024 patterns on a key of 4,000 bytes", &["OK", "TOOBIG", "BADKEY"], || {
        let mut script = Script::new().schema(json!({}));
        for n in 0..1_024 {
            script = script.then(&format!("STATE.SCHEMA BIND *{}b{n} {SCHEMA}", "a".repeat(120)));
        }
        let key = "a".repeat(4_000);
        let update = [text("STATE.UPDATE"), text(&key), text("0"), Word::Json(json!({"amount": 1}))];
        script.with(Step::Command(update.into()))
    })
}

/// Due members on a server that can't commit lapses: a replica without its primary.
fn lapsed() -> Vec<Seed> {
    let due = || {
        let schema = members(1_000, |n| json!({"x-ttl": 0.3 + n as f64 / 10_000.0}));
        let mut document = members(1_000, |n| json!(n));
        document["large"] = json!("x".repeat(960_000));
        let script = Script::new().schema(json!({"properties": schema}));
        let script = script.update("0", document, "SCHEMA vimbiso.cost");
        script.then("REPLICAOF 127.0.0.1 1").with(Step::Pause(600))
    };
    let reads = [("GET", ""), ("META", ""), ("HISTORY", ""), ("GET", "/m1 /large"), ("DIFF", "1 1")];
    let reads = reads.into_iter().map(|(read, more)| {
        let name = format!("{read} {more} with 1,000 members due");
        // The version may be trimmed once its members have lapsed.
        seed(name.replace("  ", " "), &["OK", "TOOCOSTLY", "NOVERSION"], move || {
            due().then(&format!("STATE.{read} {KEY} {more}"))
        })
    });
    reads.collect()
}

/// Lapses that are each validated, because a step requires a member: charged when the document is
/// written, and computed by a read.
fn validated() -> [Seed; 2] {
    let written = |instants: usize| {
        let mut properties = members(instants, |n| json!({"x-ttl": 0.3 + n as f64 / 10_000.0}));
        properties["step"] = json!({"default": "menu"});
        properties["rows"] = json!({"items": {"type": "integer"}});
        let is_pay = json!({"properties": {"step": {"const": "pay"}}});
        let last = format!("m{}", instants - 1);
        let schema = json!({"properties": properties, "if": is_pay, "then": {"required": [last]}});
        let mut document = members(instants, |n| json!(n));
        document["step"] = json!("pay");
        document["rows"] = json!(vec![1; 40_000]);
        Script::new().schema(schema).update("0", document, "SCHEMA vimbiso.cost")
    };
    [
        seed("lapses that are validated, of a commit", ANSWERED, move || written(1_000)),
        seed("lapses that are validated, of a read", ANSWERED, move || {
            let due = written(10).then("REPLICAOF 127.0.0.1 1").with(Step::Pause(600));
            due.then(&format!("STATE.GET {KEY}"))
        }),
    ]
}

/// A large state with several snapshots, under a schema with rules.
fn with_a_past() -> Script {
    let steps = json!({"initial": ["menu", "amount"], "allow": {"*": ["menu", "amount"]}});
    let properties = json!({
        "stage": {"enum": ["menu", "amount"], "default": "menu", "x-transitions": steps},
        "token": {"type": "string", "x-secret": true, "x-ttl": 300},
        "tier": {"x-protected": true, "default": 1},
        "channel": {"x-immutable": true},
    });
    let others = json!({"type": ["integer", "string", "object"]});
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": others});
    let created = members(MEMBERS, |n| json!(n));
    let mut script = Script::new().schema(schema).update("0", created, "SCHEMA vimbiso.cost LABEL menu");
    for version in 1..8 {
        let changed = members(2_000, |n| json!(n * version + 7));
        let change = json!({"data": changed, "token": "tok_a4c1"});
        script = script.update(&version.to_string(), change, "LABEL amount");
    }
    script
}

fn commands() -> Vec<Seed> {
    let pointers: Vec<String> = (0..64).map(|n| format!("/m{}", MEMBERS - 100 + n)).collect();
    let pointers = pointers.join(" ");
    let lines = [
        format!("STATE.GET KEY {pointers}"),
        format!("STATE.ROLLBACK KEY * TO 1 ONLY 64 {pointers}"),
        "STATE.GET KEY VERSION 1 /m7999".to_owned(),
        "STATE.HISTORY KEY".to_owned(),
        "STATE.DIFF KEY 1 8".to_owned(),
        "STATE.META KEY".to_owned(),
        "STATE.WAIT KEY 1 100".to_owned(),
        "STATE.ROLLBACK KEY * STEPS 6 RETURN".to_owned(),
        "STATE.ROLLBACK KEY * LASTVALID".to_owned(),
        "STATE.ROLLBACK KEY * LABEL menu ALL".to_owned(),
        "STATE.RESET KEY * RETURN".to_owned(),
        "STATE.RECOVER KEY".to_owned(),
        "STATE.ATTEMPT KEY offer FAILURE ERROR late".to_owned(),
        "STATE.ATTEMPTS KEY".to_owned(),
        "STATE.TOUCH KEY EX 60 ALIGN 2 a b".to_owned(),
        "STATE.DELETE KEY *".to_owned(),
        "STATE.SCHEMA GET vimbiso.cost".to_owned(),
        "STATE.SCHEMA LIST".to_owned(),
    ];
    let lines = lines.into_iter().map(|line| {
        let name = line.split(" /").next().expect("a line").to_owned();
        seed(name, ANSWERED, move || with_a_past().with(at(KEY, &line)))
    });
    lines.chain(updates()).collect()
}

fn updates() -> impl Iterator<Item = Seed> {
    let replace = |n: usize| json!({"op": "replace", "path": format!("/m{}", n * 7 + 2), "value": n});
    let copy = |n: usize| json!({"op": "copy", "from": "/data", "path": format!("/c{n}")});
    let mut replaced = members(MEMBERS, |n| json!(n.to_string()));
    // The step stays.
    replaced["stage"] = json!("menu");
    let changes = [
        ("MERGE", members(MEMBERS, |n| json!(n + 1))),
        ("SHALLOW", members(MEMBERS, |n| json!({"offer": n}))),
        ("REPLACE", replaced),
        ("PATCH", (1..1_000).map(replace).collect()),
        ("PATCH", (1..30).map(copy).collect()),
        ("MERGE REBASE", json!({"other": 1})),
        ("MERGE DRYRUN RETURN", json!({"stage": "amount"})),
    ];
    let creation = seed("a creation of 60,000 members under defaults", ANSWERED, || {
        let schema = json!({"properties": {"stage": {"default": "menu"}}, "additionalProperties": {"type": "integer"}});
        Script::new().schema(schema).update("0", members(60_000, |n| json!(n)), "SCHEMA vimbiso.cost")
    });
    let changes = changes.into_iter().map(|(kind, json)| {
        seed(format!("STATE.UPDATE {kind}"), ANSWERED, move || with_a_past().update("8", json.clone(), kind))
    });
    changes.chain([creation])
}
