//! Calls of the module API that are safe: see [`api`](super::api).

use std::ffi::{CStr, c_char, c_int, c_long, c_void};

use redis_module::raw;

use super::api::{
    Ctx, InfoCtx, InfoHandle, Io, KeyContext, KeyHandle, Raw, RawString, ReplyHandle, StreamBound, api,
    safe_calls,
};

// The context: clock, database, flags.
safe_calls! {
    fn context_flags(ctx: Ctx) -> c_int = RedisModule_GetContextFlags;
    fn selected_db(ctx: Ctx) -> c_int = RedisModule_GetSelectedDb;
    /// Rejects a number that no database has.
    fn select_db(ctx: Ctx, db: c_int) -> c_int = RedisModule_SelectDb;
    fn avoid_replica_traffic() -> c_int = RedisModule_AvoidReplicaTraffic;
    fn milliseconds() -> i64 = RedisModule_Milliseconds;
    /// 0 without a client.
    fn client_id(ctx: Ctx) -> u64 = RedisModule_GetClientId;
    fn user_name_by_client_id(ctx: Ctx, id: u64) -> *mut raw::RedisModuleString = RedisModule_GetClientUserNameById;
    fn module_user(name: RawString) -> *mut raw::RedisModuleUser = RedisModule_GetModuleUserFromUserName;
    fn server_info(ctx: Ctx, section: &CStr) -> *mut raw::RedisModuleServerInfoData = RedisModule_GetServerInfo;
    fn server_info_number(info: InfoHandle, field: &CStr, failed: &mut c_int) -> i64 = RedisModule_ServerInfoGetFieldSigned;
    fn detached_context(ctx: Ctx) -> *mut raw::RedisModuleCtx = RedisModule_GetDetachedThreadSafeContext;
    fn set_module_options(ctx: Ctx, options: c_int) = RedisModule_SetModuleOptions;
    fn load_configs(ctx: Ctx) -> c_int = RedisModule_LoadConfigs;
    fn registered_command(ctx: Ctx, name: &CStr) -> *mut raw::RedisModuleCommand = RedisModule_GetCommand;
}

// What a command writes besides keys. An argument that is not there is rejected.
safe_calls! {
    fn redact(ctx: Ctx, argument: c_int) -> c_int = RedisModule_RedactClientCommandArgument;
    fn replicate_verbatim(ctx: Ctx) -> c_int = RedisModule_ReplicateVerbatim;
    fn signal_modified_key(ctx: Ctx, key: RawString) -> c_int = RedisModule_SignalModifiedKey;
    fn signal_key_as_ready(ctx: Ctx, key: RawString) = RedisModule_SignalKeyAsReady;
    fn notify_keyspace_event(ctx: Ctx, class: c_int, event: &CStr, key: RawString) -> c_int = RedisModule_NotifyKeyspaceEvent;
    fn is_keys_position_request(ctx: Ctx) -> c_int = RedisModule_IsKeysPositionRequest;
    fn key_at_pos(ctx: Ctx, position: c_int) = RedisModule_KeyAtPos;
}

// Replies. After an array or a map the caller writes as many elements.
safe_calls! {
    fn reply_simple_string(ctx: Ctx, text: &CStr) -> c_int = RedisModule_ReplyWithSimpleString;
    fn reply_null(ctx: Ctx) -> c_int = RedisModule_ReplyWithNull;
    fn reply_long_long(ctx: Ctx, number: i64) -> c_int = RedisModule_ReplyWithLongLong;
    fn reply_array(ctx: Ctx, len: c_long) -> c_int = RedisModule_ReplyWithArray;
    fn reply_map(ctx: Ctx, len: c_long) -> c_int = RedisModule_ReplyWithMap;
    fn reply_error(ctx: Ctx, line: &CStr) -> c_int = RedisModule_ReplyWithError;
    fn reply_wrong_arity(ctx: Ctx) -> c_int = RedisModule_WrongArity;
}

// Replies to commands of ours. One of another type gives the lowest number, or no element.
safe_calls! {
    fn reply_integer(reply: ReplyHandle) -> i64 = RedisModule_CallReplyInteger;
    /// Null for a reply of another type.
    fn reply_text(reply: ReplyHandle, len: &mut usize) -> *const c_char = RedisModule_CallReplyStringPtr;
    fn reply_element(reply: ReplyHandle, index: usize) -> *mut raw::RedisModuleCallReply = RedisModule_CallReplyArrayElement;
}

// Strings and keys. The functions on keys take null for a key that does not exist.
safe_calls! {
    fn string_bytes(string: RawString, len: &mut usize) -> *const c_char = RedisModule_StringPtrLen;
    fn hold_string(ctx: Ctx, string: RawString) -> *mut raw::RedisModuleString = RedisModule_HoldString;
    fn open_key(ctx: Ctx, name: RawString, mode: c_int) -> *mut raw::RedisModuleKey = RedisModule_OpenKey;
    fn key_type(key: KeyHandle) -> c_int = RedisModule_KeyType;
    fn value_length(key: KeyHandle) -> usize = RedisModule_ValueLength;
    fn module_type(key: KeyHandle) -> *mut raw::RedisModuleType = RedisModule_ModuleTypeGetType;
    fn module_value(key: KeyHandle) -> *mut c_void = RedisModule_ModuleTypeGetValue;
    /// Rejects a key that holds no stream, or whose stream is being walked.
    fn stream_start(key: KeyHandle, flags: c_int, first: StreamBound, last: StreamBound) -> c_int = RedisModule_StreamIteratorStart;
    /// Rejects a key whose stream is not being walked.
    fn stream_stop(key: KeyHandle) -> c_int = RedisModule_StreamIteratorStop;
    /// Rejects a key that holds no stream, or is not open for writing.
    fn stream_trim(key: KeyHandle, flags: c_int, len: i64) -> i64 = RedisModule_StreamTrimByLength;
    /// Rejects a key whose stream is not being walked.
    fn stream_next_id(key: KeyHandle, id: &mut raw::RedisModuleStreamID, fields: &mut c_long) -> c_int = RedisModule_StreamIteratorNextID;
    /// Rejects a key that holds no stream, is not open for writing or is being walked, and an
    /// unknown ID.
    fn stream_delete(key: KeyHandle, id: &mut raw::RedisModuleStreamID) -> c_int = RedisModule_StreamDelete;
    fn scan_cursor() -> *mut raw::RedisModuleScanCursor = RedisModule_ScanCursorCreate;
}

// What the callbacks of the native type and of INFO are given.
safe_calls! {
    /// With HANDLE_IO_ERRORS a failed read is a null pointer.
    fn load_string(io: Io, len: &mut usize) -> *mut c_char = RedisModule_LoadStringBuffer;
    fn io_db(io: Io) -> c_int = RedisModule_GetDbIdFromIO;
    fn io_key(io: Io) -> *const raw::RedisModuleString = RedisModule_GetKeyNameFromIO;
    fn key_context_db(key: KeyContext) -> c_int = RedisModule_GetDbIdFromOptCtx;
    fn key_context_name(key: KeyContext) -> *const raw::RedisModuleString = RedisModule_GetKeyNameFromOptCtx;
    fn key_context_to_db(key: KeyContext) -> c_int = RedisModule_GetToDbIdFromOptCtx;
    fn key_context_to_name(key: KeyContext) -> *const raw::RedisModuleString = RedisModule_GetToKeyNameFromOptCtx;
    fn info_add_section(info: InfoCtx, name: &CStr) -> c_int = RedisModule_InfoAddSection;
    fn info_add_field(info: InfoCtx, name: &CStr, value: i64) -> c_int = RedisModule_InfoAddFieldLongLong;
}
