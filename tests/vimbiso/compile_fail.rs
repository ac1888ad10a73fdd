//! S50: a call that a role does not allow does not compile. Each case is a program, with the
//! compiler's output beside it.
//!
//! The outputs are those of one compiler version; with another one the cases must only fail to
//! compile. After an update of the compiler, change `RUSTC`, run
//! `TRYBUILD=overwrite cargo test -p redis-state-tests --test vimbiso compile_fail`, and review the
//! difference.

use std::path::Path;
use std::process::Command;

const RUSTC: &str = "rustc 1.95.";

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vimbiso/compile_fail");

/// S50: display reads, input writes its own data, the API's reply is stored whole, confirmation has
/// its result.
#[test]
fn roles_cannot_exceed_their_permissions() {
    let version = Command::new("rustc").arg("--version").output().expect("rustc is beside cargo").stdout;
    let cases = trybuild::TestCases::new();
    if version.starts_with(RUSTC.as_bytes()) {
        cases.compile_fail(format!("{CASES}/*.rs"));
        return;
    }
    let without_answers = tempfile::tempdir().expect("a temporary folder");
    copy_programs(Path::new(CASES), without_answers.path());
    cases.compile_fail(without_answers.path().join("*.rs"));
    // The cases run when dropped, before the folder is.
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
