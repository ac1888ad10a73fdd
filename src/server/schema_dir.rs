//! `state.schema-dir`: the schemas of a folder, put into the registry once the data are loaded.
//!
//! A file's name without `.json` is the schema's name. A file that differs from what is kept becomes a new revision. A file
//! that is no schema is named in the log and left out: the others, and the server, are worth more than the one.

use std::ffi::c_void;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use redis_module::raw;
use redis_state_core::SCHEMA_BYTES_MAX;

use super::ctx::Ctx;
use super::entry::guard;
use super::{api, config, registry};
use crate::command::words;

/// How long to wait when the server must not be written to (CLIENT PAUSE, failover), in milliseconds.
const RETRY_MS: i64 = 100;

/// Loads the folder as soon as the server has its data: timers do not run while it loads them.
pub fn load_soon(ctx: Ctx) {
    if config::schema_dir().is_some() {
        start_timer(ctx, 0);
    }
}

fn start_timer(ctx: Ctx, period_ms: i64) {
    // SAFETY: R1; the callback takes no data.
    unsafe { api!(RedisModule_CreateTimer(ctx.as_ptr(), period_ms, Some(on_timer), std::ptr::null_mut())) };
}

extern "C" fn on_timer(ctx: *mut raw::RedisModuleCtx, _: *mut c_void) {
    let ctx = Ctx::new(ctx);
    guard(|| {
        // A replica has its primary's schemas.
        if !ctx.is_primary() {
            return;
        }
        // SAFETY: R1.
        if unsafe { api!(RedisModule_AvoidReplicaTraffic()) } != 0 {
            return start_timer(ctx, RETRY_MS);
        }
        load(ctx, Path::new(&config::schema_dir().unwrap_or_default()));
    });
}

fn load(ctx: Ctx, dir: &Path) {
    let files = match files(dir) {
        Ok(files) => files,
        Err(error) => {
            let problem =
                format!("redis-state: state.schema-dir {}: {error}; no schema is loaded", dir.display());
            return ctx.log(c"warning", &problem);
        }
    };
    for file in files {
        match load_file(ctx, &file) {
            Ok(Some(schema)) => ctx.log(c"notice", &format!("redis-state: loaded schema {schema}")),
            Ok(None) => {}
            Err(problem) => {
                ctx.log(c"warning", &format!("redis-state: {} is not loaded: {problem}", file.display()));
            }
        }
    }
}

/// The JSON files of the folder, by name: revisions must not depend on the order of a directory.
fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir)?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect();
    files.sort();
    Ok(files)
}

/// Loads one file; the schema's name and revision when it is another one than before.
fn load_file(ctx: Ctx, file: &Path) -> Result<Option<String>, String> {
    let stem = file.file_stem().unwrap_or_default();
    let name = words::name("schema", stem.as_encoded_bytes()).map_err(|refused| refused.to_string())?;
    let mut json = Vec::new();
    // One byte more than allowed is enough to see that there are too many.
    let bytes_max = SCHEMA_BYTES_MAX as u64 + 1;
    File::open(file)
        .and_then(|file| file.take(bytes_max).read_to_end(&mut json))
        .map_err(|error| error.to_string())?;
    if json.len() > SCHEMA_BYTES_MAX {
        return Err(format!("a schema has at most {SCHEMA_BYTES_MAX} bytes"));
    }
    let schema = registry::read().prepare(name, &json).map_err(|error| error.to_string())?;
    let shown = format!("{name}, revision {}", schema.reference().revision);
    Ok(registry::put(ctx, schema).then_some(shown))
}
