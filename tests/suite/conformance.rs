//! Public test suites, played on a real server: the JSON-Schema-Test-Suite for draft 2020-12 and
//! the json-patch-tests. `scripts/clients.sh`, which `make test` calls, downloads them.
//!
//! A state is an object, so an instance of another type is wrapped as the member `v`, with its
//! schema.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Client, Reply, Server, repository};

use crate::baseline::KEY;
use crate::conformance_rejected::{REJECTED, REJECTED_PATTERNS};

/// The required files are all used; of the optional ones, those that the module supports.
const OPTIONAL: [&str; 2] = ["optional/ecmascript-regex", "optional/non-bmp-regex"];

fn cases(path: &str) -> PathBuf {
    repository().join("target/clients").join(path)
}

#[track_caller]
fn read(file: PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(&file);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}; scripts/clients.sh gets it", file.display()));
    serde_json::from_str(&text).expect("the cases are JSON")
}

/// The groups of a file: a schema, and instances with the expected verdict.
fn groups(name: &str) -> Vec<Value> {
    read(cases("json-schema/draft2020-12").join(name).with_extension("json"))
}

fn required_files() -> Vec<String> {
    let folder = std::fs::read_dir(cases("json-schema/draft2020-12")).expect("scripts/clients.sh gets it");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let names = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let mut names: Vec<String> =
        names.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// Results of a file's cases.
#[derive(Default)]
struct Tried {
    passed: usize,
    rejected: usize,
    wrong: Vec<String>,
    /// Groups, by file and name, whose schema the server rejects.
    groups_rejected: BTreeSet<String>,
}

impl Tried {
    fn group(&mut self, client: &mut Client, file: &str, group: &Value) {
        let name = format!("{file}: {}", group["description"].as_str().expect("a name"));
        let tests = group["tests"].as_array().expect("tests");
        for below_a_member in [false, true] {
            let (schema, instances): (Value, Vec<(&Value, Value)>) = if below_a_member {
                let wrapped = |test: &Value| json!({"v": test["data"]});
                (below(&group["schema"]), tests.iter().map(|test| (test, wrapped(test))).collect())
            } else {
                let objects = tests.iter().filter(|test| test["data"].is_object());
                (group["schema"].clone(), objects.map(|test| (test, test["data"].clone())).collect())
            };
            if instances.is_empty() {
                continue;
            }
            let set = client.call(&["STATE.SCHEMA", "SET", "case", &schema.to_string()]);
            if let Reply::Error(line) = set {
                assert!(line.starts_with("BADSCHEMA "), "{name}: {line}");
                self.rejected += instances.len();
                self.groups_rejected.insert(name.clone());
                continue;
            }
            for (test, instance) in instances {
                let said = verdict(client, &instance);
                if said.as_ref() == Ok(test["valid"].as_bool().as_ref().expect("a verdict")) {
                    self.passed += 1;
                } else {
                    self.wrong.push(format!("{name}: {}: {said:?}", test["description"]));
                }
            }
        }
    }
}

/// The verdict of STATE.VALIDATE; an update that stores the instance must agree.
fn verdict(client: &mut Client, instance: &Value) -> Result<bool, String> {
    let json = instance.to_string();
    let replies = [
        client.call(&["STATE.VALIDATE", "case", &json]),
        client.call(&["STATE.UPDATE", KEY, "0", &json, "REPLACE", "SCHEMA", "case", "DRYRUN"]),
    ];
    let valid = replies.each_ref().map(|reply| match reply {
        Reply::Error(line) if line.starts_with("INVALID ") => Ok(false),
        Reply::Error(line) => Err(line.clone()),
        _ => Ok(true),
    });
    match valid {
        [validated, updated] if validated == updated => validated,
        differ => Err(format!("VALIDATE and UPDATE differ: {differ:?}")),
    }
}

/// A schema whose member `v` must match `schema`; its references resolve as before.
fn below(schema: &Value) -> Value {
    let mut inner = schema.clone();
    let mut whole = json!({});
    if let Some(keywords) = inner.as_object_mut() {
        for name in ["$schema", "$id"] {
            if let Some(value) = keywords.shift_remove(name) {
                whole[name] = value;
            }
        }
    }
    lead(&mut inner, whole["$id"].as_str().unwrap_or_default());
    whole["properties"] = json!({"v": inner});
    whole
}

/// Moves the references of a schema, whose root has this id, below `/properties/v`.
fn lead(schema: &mut Value, id: &str) {
    let Value::Object(keywords) = schema else { return };
    for (name, value) in keywords.iter_mut() {
        match (name.as_str(), value) {
            ("$ref" | "$dynamicRef", Value::String(target)) => {
                let (base, fragment) = target.split_once('#').unwrap_or((target, ""));
                if (base.is_empty() || base == id) && (fragment.is_empty() || fragment.starts_with('/')) {
                    *target = format!("{base}#/properties/v{fragment}");
                }
            }
            // Not schemas: values, and names that look like keywords.
            ("enum" | "const" | "default" | "examples", _) => {}
            (
                "properties" | "patternProperties" | "$defs" | "dependentSchemas" | "definitions",
                Value::Object(named),
            ) => {
                named
                    .values_mut()
                    .filter(|below| below.get("$id").is_none())
                    .for_each(|below| lead(below, id));
            }
            (_, Value::Array(listed)) => listed.iter_mut().for_each(|below| lead(below, id)),
            (_, below) if below.get("$id").is_none() => lead(below, id),
            _ => {}
        }
    }
}

/// Plays the cases of these files. Groups that are rejected on purpose are listed; all others pass.
#[track_caller]
fn all_pass(files: &[String], listed: &[(&str, &[&str])]) {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let mut tried = Tried::default();
    for file in files {
        for group in groups(file) {
            tried.group(&mut client, file, &group);
        }
    }
    let Tried { passed, rejected, wrong, groups_rejected } = tried;
    println!("JSON Schema: {passed} cases pass; {rejected} have a schema that is rejected on purpose");
    let listed: BTreeSet<String> =
        listed.iter().flat_map(|(_, groups)| groups.iter().map(|name| (*name).to_owned())).collect();
    let unlisted: Vec<&String> = groups_rejected.difference(&listed).collect();
    let taken: Vec<&String> = listed.difference(&groups_rejected).collect();
    assert!(unlisted.is_empty(), "rejected, and not listed: {unlisted:#?}");
    assert!(taken.is_empty(), "listed as rejected, and accepted: {taken:#?}");
    assert!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
    assert!(passed > 20, "there are cases");
}

#[test]
fn json_schema_test_suite_passes() {
    all_pass(&required_files(), &REJECTED);
}

#[test]
fn json_schema_test_suite_patterns_pass() {
    all_pass(&OPTIONAL.map(str::to_owned), &REJECTED_PATTERNS);
}

/// A document that is not an object is wrapped as a member, and the paths of its patch follow.
#[test]
fn json_patch_tests_pass() {
    let server = Server::builder().without_schemas().start();
    let mut client = server.client();
    let mut passed = 0;
    for file in ["tests.json", "spec_tests.json"] {
        let file = cases("json-patch/node_modules/json-patch-test-suite").join(file);
        for case in read(file).iter().filter(|case| case["disabled"] != true && !case["doc"].is_null()) {
            for below_a_member in [false, true] {
                let is_object = case["doc"].is_object() && case.get("expected").is_none_or(Value::is_object);
                if !below_a_member && !is_object {
                    continue;
                }
                patches(&mut client, case, below_a_member);
                passed += 1;
            }
        }
    }
    println!("JSON Patch: {passed} cases pass");
    assert!(passed > 150, "{passed} cases");
}

#[track_caller]
fn patches(client: &mut Client, case: &Value, below_a_member: bool) {
    let at = |value: &Value| if below_a_member { json!({"v": value}) } else { value.clone() };
    let mut patch = case["patch"].clone();
    for operation in patch.as_array_mut().into_iter().flatten().filter(|_| below_a_member) {
        for name in ["path", "from"] {
            // An invalid pointer stays invalid.
            if let Some(Value::String(pointer)) = operation.get_mut(name)
                && (pointer.is_empty() || pointer.starts_with('/'))
            {
                pointer.insert_str(0, "/v");
            }
        }
    }
    client.call(&["STATE.DELETE", KEY, "*", "PURGE"]);
    client.ok(&["STATE.UPDATE", KEY, "0", &at(&case["doc"]).to_string(), "REPLACE"]);
    let reply = client.call(&["STATE.UPDATE", KEY, "1", &patch.to_string(), "PATCH"]);
    let now: Value = serde_json::from_str(&client.state(KEY).1).expect("a document is JSON");
    if case.get("error").is_some() {
        assert!(matches!(&reply, Reply::Error(line) if line.starts_with("BADPATCH ")), "{case}: {reply}");
        assert_eq!(now, at(&case["doc"]), "{case}");
    } else {
        assert!(!matches!(reply, Reply::Error(_)), "{case}: {reply}");
        let expected = case.get("expected").unwrap_or(&case["doc"]);
        assert_eq!(now, at(expected), "{case}");
    }
}
