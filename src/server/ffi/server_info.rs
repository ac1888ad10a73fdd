//! Numbers of INFO, as the server itself has them.

use std::ffi::CStr;
use std::ptr::null_mut;

use redis_module::raw;

use super::api::{Ctx, InfoHandle, OK, api, owned};
use super::calls;

owned! {
    /// A section of INFO. Contexts without automatic memory management need not be named when it is
    /// freed.
    ServerInfo = raw::RedisModuleServerInfoData, freed by |info| api!(RedisModule_FreeServerInfo(null_mut(), info));
}

impl ServerInfo {
    pub fn of(ctx: Ctx, section: &CStr) -> Option<ServerInfo> {
        ServerInfo::new(calls::server_info(ctx, section))
    }

    /// A field that is a number; `None` where there is no such field.
    pub fn number(&self, field: &CStr) -> Option<i64> {
        let mut failed = OK;
        let number = calls::server_info_number(InfoHandle::new(self.as_ptr()), field, &mut failed);
        (failed == OK).then_some(number)
    }
}
