//! S50: what a role may not do does not compile. Each case is a program of its own, with the
//! compiler's answer beside it.
//!
//! The answers are those of one compiler, since words change from one to the next; with another one
//! the cases must fail to compile all the same, whatever the words. After an update of the
//! compiler: change `RUSTC`, then `TRYBUILD=overwrite cargo test -p redis-state-tests --test
//! vimbiso cannot`, and look at what has changed.

use std::path::Path;
use std::process::Command;

const RUSTC: &str = "rustc 1.95.";

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vimbiso/cannot");

/// S50: display reads, input writes its own data, the API's answer is stored whole, confirmation
/// has its result.
#[test]
fn a_role_cannot_do_what_is_not_its_own() {
    let version = Command::new("rustc").arg("--version").output().expect("rustc is beside cargo").stdout;
    let cases = trybuild::TestCases::new();
    if version.starts_with(RUSTC.as_bytes()) {
        cases.compile_fail(format!("{CASES}/*.rs"));
        return;
    }
    let without_answers = tempfile::tempdir().expect("a temporary folder");
    copy_programs(Path::new(CASES), without_answers.path());
    cases.compile_fail(without_answers.path().join("*.rs"));
    // The cases run when they go out of scope, before the folder does.
    drop(cases);
}

fn copy_programs(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).expect("the cases") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
        }
    }
}
