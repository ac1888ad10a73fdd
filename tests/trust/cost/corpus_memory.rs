//! Output, violations, snapshots and replies that grow faster than the request.

use serde_json::{Value, json};

use super::corpus::{ANSWERED, INVALID, Seed, checked, many, members, of_elements, seed};
use super::script::{KEY, Script, Step, text};

pub fn seeds() -> Vec<Seed> {
    let mut seeds: Vec<Seed> =
        [("100 KB", 100_000, 100_000), ("10 KB", 10_000, 40_000)].into_iter().flat_map(paths).collect();
    seeds.extend(violations());
    seeds.extend(rejections());
    seeds.push(seed("an update that 300 clients wait for", ANSWERED, || {
        let large = json!({"v": "x".repeat(1_000_000)});
        let script = Script::new().update("0", large, "").with(Step::Waiters(300));
        script.update("1", json!({"amount": 1}), "")
    }));
    seeds
}

/// A long name, below which every element changes.
fn paths((name, name_bytes, count): (&'static str, usize, usize)) -> [Seed; 2] {
    let twice = move || {
        let document = |value: u8| json!({"n".repeat(name_bytes): vec![value; count]});
        [document(0), document(1)]
    };
    let updated = move |script: Script| {
        let [first, second] = twice();
        script.update("0", first, "REPLACE").update("1", second, "REPLACE")
    };
    [
        seed(format!("a patch that repeats a path of {name}"), ANSWERED, move || updated(Script::new())),
        // Without an audit stream the update makes no patch.
        seed(format!("a difference that repeats a path of {name}"), &["OK"], move || {
            updated(Script::new().then("CONFIG SET state.audit no")).then(&format!("STATE.DIFF {KEY} 1 2"))
        }),
    ]
}

fn violations() -> Vec<Seed> {
    let of_names = |count: usize| {
        let names = (0..count).map(|n| (format!("n{n}"), json!(1))).collect();
        (json!({"propertyNames": {"pattern": "^x"}}), Value::Object(names))
    };
    let missing = || json!({"required": (0..20).map(|n| format!("missing{n}")).collect::<Vec<_>>()});
    vec![
        seed("349,000 violations under the bot's schema", INVALID, || {
            let channel = json!({"channel": {"type": "whatsapp", "identifier": "+263771234567"}});
            let history = json!({"validation": {"history": many(349_000, &json!({}))}});
            Script::new().update("0", channel, "SCHEMA vimbiso.channel").update("1", history, "")
        }),
        checked("5,000 names against a pattern", INVALID, move || of_names(5_000)),
        checked("10,000 names against a pattern", INVALID, move || of_names(10_000)),
        checked("oneOf of ten consts on 1 MB", INVALID, || {
            let consts: Vec<Value> = (0..10).map(|n| json!({"const": n})).collect();
            (of_elements(json!({"oneOf": consts})), json!({"v": many(349_000, &json!(11))}))
        }),
        checked("20 required members on 1 MB of text", INVALID, move || {
            (missing(), json!({"v": "x".repeat(1_000_000)}))
        }),
        checked("20 required members on 1 MB", INVALID, move || {
            (missing(), json!({"v": many(500_000, &json!(1))}))
        }),
        checked("unknown members of 1 MB", INVALID, || {
            (json!({"additionalProperties": false}), members(90_000, |_| json!(1)))
        }),
        checked("members of 1 MB that violate the schema", INVALID, || {
            (json!({"additionalProperties": {"type": "string"}}), members(90_000, |_| json!(1)))
        }),
    ]
}

fn rejections() -> Vec<Seed> {
    let long = || "x".repeat(1_000_000);
    let twenty = move |operation: fn(String) -> Value| {
        let patch = json!([operation(long())]);
        let start = Script::new().update("0", json!({"amount": 1}), "");
        (0..20).fold(start, |script, _| script.update("1", patch.clone(), "PATCH"))
    };
    vec![
        seed("rejected patches with a path of 1 MB", &["BADPATCH"], move || {
            twenty(|long| json!({"op": "remove", "path": format!("/{long}")}))
        }),
        seed("rejected patches with an operation of 1 MB", &["BADPATCH"], move || {
            twenty(|long| json!({"op": long, "path": "/amount"}))
        }),
        checked("a rejected member with a name of 1 MB", INVALID, move || {
            let ten: Vec<Value> = (0..10).map(|_| json!({"type": "string"})).collect();
            (json!({"additionalProperties": {"allOf": ten}}), json!({long(): 1}))
        }),
        seed("a rejected step of 1 MB", &["TRANSITION", "TOOCOSTLY"], move || {
            let steps = json!({"x-transitions": {"initial": ["menu"], "allow": {"*": ["menu"]}}});
            let script = Script::new().schema(json!({"properties": {"stage": steps}}));
            script.update("0", json!({"stage": "menu"}), "SCHEMA vimbiso.cost").update(
                "1",
                json!({"stage": long()}),
                "",
            )
        }),
    ]
}

/// The words of a line, with this key for its second word.
pub fn at(key: &str, line: &str) -> Step {
    let words = line.split_whitespace().map(|word| if word == "KEY" { text(key) } else { text(word) });
    Step::Command(words.collect())
}
