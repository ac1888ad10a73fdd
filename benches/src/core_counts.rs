//! `make bench-core`, second part: instructions by callgrind beside the times by criterion.
//!
//! An operation is counted with two numbers of turns; the difference leaves out the preparation.
//! Not a bench harness for callgrind, because it needs a runner of exactly its version installed.

use std::path::Path;
use std::process::Command;

use crate::results::{About, Core, Operation, write};
use crate::show::{pages, tables as t};

const TURNS_FEW: usize = 10;
const TURNS_MANY: usize = 60;

/// `program` is the bench of the core.
pub fn run(program: &Path) -> Result<(), String> {
    let list = printed(Command::new(program).arg("list"))?.0;
    let operations = list.lines().map(|name| {
        Ok(Operation { name: name.to_owned(), ns: time(program, name), instructions: count(program, name)? })
    });
    let core = Core { about: About::here(), operations: operations.collect::<Result<_, String>>()? };
    write("core.json", &core)?;
    pages::of_core(&core)?;
    println!("\n{}", t::core_table(&core));
    Ok(())
}

/// Criterion's last result, which is beside the folder of its programs.
fn time(program: &Path, name: &str) -> Option<f64> {
    let target = program.ancestors().nth(3)?;
    let file = target.join("criterion").join(name).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    estimates.pointer("/median/point_estimate")?.as_f64()
}

/// Instructions of one turn; `None` without valgrind.
fn count(program: &Path, name: &str) -> Result<Option<f64>, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Ok(None);
    }
    let [few, many] = [TURNS_FEW, TURNS_MANY].map(|turns| -> Result<f64, String> {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
        let said = printed(valgrind.args(["once", name, &turns.to_string()]))?.1;
        let counted = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
        counted.ok_or_else(|| format!("callgrind has no count:\n{said}"))
    });
    Ok(Some((many? - few?) / (TURNS_MANY - TURNS_FEW) as f64))
}

/// The standard output and error of a program.
fn printed(command: &mut Command) -> Result<(String, String), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !output.status.success() {
        return Err(format!("{command:?}: {}", text(&output.stderr)));
    }
    Ok((text(&output.stdout), text(&output.stderr)))
}
