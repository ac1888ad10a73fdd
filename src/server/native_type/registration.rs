//! How the type is registered.

use std::ffi::CStr;

use redis_module::raw;

use super::{life, persistence};
use crate::error::Error;
use crate::server::ffi::api::{Raw, api};
use crate::server::ffi::ctx::Ctx;
use crate::server::value::held::STATES;

/// The name of the type: nine characters, as Redis wants; TYPE prints it.
const NAME: &CStr = c"statedoc1";

/// Registers the type.
pub fn register(ctx: Ctx) -> Result<(), Error> {
    let mut methods = raw::RedisModuleTypeMethods {
        version: u64::from(raw::REDISMODULE_TYPE_METHOD_VERSION),
        rdb_load: Some(persistence::rdb_load),
        rdb_save: Some(persistence::rdb_save),
        aof_rewrite: Some(persistence::aof_rewrite),
        aux_load: Some(persistence::aux_load),
        aux_save: Some(persistence::aux_save),
        aux_save_triggers: raw::REDISMODULE_AUX_BEFORE_RDB as i32,
        aux_save2: Some(persistence::aux_save_unless_empty),
        digest: Some(life::digest),
        free: Some(life::free),
        mem_usage2: Some(life::mem_usage),
        free_effort2: Some(life::free_effort),
        copy2: Some(life::copy),
        mem_usage: None,
        free_effort: None,
        unlink: None,
        copy: None,
        defrag: None,
        unlink2: Some(life::unlink),
    };
    let (name, version) = (NAME.as_ptr(), persistence::ENCODING_VERSION);
    // SAFETY: R1, R3; the callbacks have the types that the structure asks for, and make values as
    // R4 says.
    let registered = unsafe {
        let registered = api!(RedisModule_CreateDataType(ctx.raw(), name, version, &mut methods));
        STATES.set(registered);
        registered
    };
    if registered.is_null() {
        return Err(Error::Unsupported("the type statedoc1 can't be registered".to_owned()));
    }
    Ok(())
}
