//! `state.schema-dir`: the schemas of a folder, put into the registry once the data are loaded.
//!
//! The file's name without `.json` is the schema's name. A file that differs from the present
//! schema becomes a new revision.
//!
//! It fails closed: under a broken schema, keys would be created unvalidated, with their secrets in
//! clear. So the whole folder is read and compiled while the module loads, and an error there stops
//! the start. The schemas wait until the server has loaded its data. Then a timer, or the first
//! command that writes to a state, puts them into the registry. If the registry rejects one (too
//! many schemas), the server exits.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use redis_state_core::{Registry, SCHEMA_BYTES_MAX};

use crate::error::Error;
use crate::server::ffi::ctx::Ctx;
use crate::server::ffi::timer;
use crate::server::global::config;
use crate::server::global::names;
use crate::server::global::registry;

/// Interval between tries while the server must not be written to (CLIENT PAUSE, failover).
const RETRY_MS: i64 = 100;

/// A schema to put into the registry once the data is loaded.
struct Waiting {
    file: PathBuf,
    name: String,
    json: Vec<u8>,
}

static WAITING: Mutex<Vec<Waiting>> = Mutex::new(Vec::new());
/// Checked by every write.
static IS_WAITING: AtomicBool = AtomicBool::new(false);

/// Reads and checks the folder. The error names the file and what is wrong with it.
pub fn read(ctx: Ctx) -> Result<(), Error> {
    let Some(dir) = config::schema_dir() else { return Ok(()) };
    let files = files(Path::new(&dir))
        .map_err(|error| Error::Setting(format!("state.schema-dir {dir} can't be read: {error}")))?;
    let mut compiled = Registry::new();
    let mut waiting = Vec::new();
    for file in files {
        let named =
            |problem: Error| Error::Setting(format!("state.schema-dir: {}: {problem}", file.display()));
        let schema = read_file(&file).map_err(named)?;
        if waiting.iter().any(|other: &Waiting| other.name == schema.name) {
            let problem = "another file of the folder is the same schema, but for capitals in .json";
            return Err(named(Error::Setting(problem.to_owned())));
        }
        compile(&mut compiled, &schema).map_err(named)?;
        waiting.push(schema);
    }
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
    IS_WAITING.store(true, Ordering::Relaxed);
    start_timer(ctx, 0);
    Ok(())
}

/// The JSON files of the folder, by name: revisions must not depend on the order of a directory.
fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let is_json =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let mut files: Vec<_> = paths.filter(is_json).collect();
    files.sort();
    Ok(files)
}

fn read_file(file: &Path) -> Result<Waiting, Error> {
    let stem = file.file_stem().unwrap_or_default();
    let name = names::name("the schema's name", stem.as_encoded_bytes())?;
    // A pipe would hold up the start until something writes to it.
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(Error::Setting("is no regular file".to_owned()));
    }
    let mut json = Vec::new();
    // One byte more than allowed is enough to see that there are too many.
    let bytes_max = SCHEMA_BYTES_MAX as u64 + 1;
    File::open(file)
        .and_then(|file| file.take(bytes_max).read_to_end(&mut json))
        .map_err(|error| Error::Setting(error.to_string()))?;
    if json.len() > SCHEMA_BYTES_MAX {
        return Err(Error::Setting(format!("a schema has at most {SCHEMA_BYTES_MAX} bytes")));
    }
    Ok(Waiting { file: file.to_owned(), name: name.to_owned(), json })
}

/// Adds a schema to those of the folder, apart from the registry: limits that the folder alone
/// exceeds are reported here.
fn compile(compiled: &mut Registry, schema: &Waiting) -> Result<(), Error> {
    let schema = compiled.prepare(&schema.name, &schema.json)?;
    let bindings = compiled.missing_bindings(&schema);
    compiled.put(schema);
    compiled.bind_all(bindings);
    Ok(())
}

fn start_timer(ctx: Ctx, after_ms: i64) {
    timer::start(ctx, after_ms, |ctx| {
        if !ctx.is_primary() {
            // A replica has its primary's schemas.
            take();
        } else if ctx.server_may_write() {
            load(ctx);
        } else {
            start_timer(ctx, RETRY_MS);
        }
    });
}

/// Called before a command on a primary writes to a state, so that each new key is bound to its
/// schema.
pub fn load_before_write(ctx: Ctx) {
    if IS_WAITING.load(Ordering::Relaxed) && ctx.is_primary() {
        load(ctx);
    }
}

fn take() -> Vec<Waiting> {
    IS_WAITING.store(false, Ordering::Relaxed);
    std::mem::take(&mut WAITING.lock().unwrap_or_else(PoisonError::into_inner))
}

fn load(ctx: Ctx) {
    for schema in take() {
        let prepared = registry::read().prepare(&schema.name, &schema.json);
        match prepared {
            Ok(prepared) => {
                let loaded = format!("{}, revision {}", schema.name, prepared.reference().revision);
                if registry::put(ctx, prepared) {
                    ctx.log(c"notice", &format!("redis-state: loaded schema {loaded}"));
                }
            }
            Err(error) => {
                let file = schema.file.display();
                let problem = format!("redis-state: state.schema-dir: {file}: {error}; the server ends");
                ctx.log(c"warning", &problem);
                // Nothing was written yet, so there is nothing to save.
                std::process::exit(1);
            }
        }
    }
}
