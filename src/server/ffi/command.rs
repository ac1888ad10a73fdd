//! Commands as the server knows them: how one is registered, described, and put into ACL
//! categories.
//!
//! The structures of RedisModule_SetCommandInfo point to texts that live as long as the program,
//! and to lists that live until the call is over: Redis copies all of it.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::{null, null_mut};

use redis_module::raw;

pub use super::api::Registered;
use super::api::{Ctx, OK, Raw, api, find};
use super::arguments::Entry;
use super::calls;
use super::text::c_string;

type AddCategory = unsafe extern "C" fn(*mut raw::RedisModuleCtx, *const c_char) -> c_int;
type SetCategories = unsafe extern "C" fn(*mut raw::RedisModuleCommand, *const c_char) -> c_int;

/// Registers a command, without positions of keys: its description gives them. False when the
/// server rejects, for example a flag that it does not know.
pub fn create(ctx: Ctx, name: &CStr, run: Option<Entry>, flags: &str) -> bool {
    let (name, flags) = (name.as_ptr(), c_string(flags));
    // SAFETY: R1, R3.
    unsafe { api!(RedisModule_CreateCommand(ctx.raw(), name, run, flags.as_ptr(), 0, 0, 0)) == OK }
}

impl Registered {
    /// The command that was registered under this name.
    pub fn find(ctx: Ctx, name: &CStr) -> Registered {
        Registered::new(calls::registered_command(ctx, name))
    }

    pub fn exists(self) -> bool {
        !self.raw().is_null()
    }

    /// Registers a subcommand of this command, which has no function of its own.
    pub fn create_subcommand(self, name: &str, run: Option<Entry>, flags: &CStr) -> bool {
        if !self.exists() {
            return false;
        }
        let (name, flags) = (c_string(name), flags.as_ptr());
        // SAFETY: R1, R3; the parent is registered.
        unsafe { api!(RedisModule_CreateSubcommand(self.raw(), name.as_ptr(), run, flags, 0, 0, 0)) == OK }
    }

    /// Describes the command; false when the server finds fault with the description.
    pub fn describe(self, mut description: Description) -> bool {
        if !self.exists() {
            return false;
        }
        let keys = &mut description.keys.0;
        let info = raw::RedisModuleCommandInfo {
            version: &VERSION,
            summary: description.summary.as_ptr(),
            complexity: description.complexity.as_ptr(),
            since: description.since.as_ptr(),
            history: null_mut(),
            tips: description.tips.map_or(null(), CStr::as_ptr),
            arity: description.arity,
            key_specs: if keys.is_empty() {
                null_mut()
            } else {
                keys.push(KeySpecs::END);
                keys.as_mut_ptr()
            },
            args: description.args.terminated(),
        };
        // SAFETY: R1, R3: the command is registered; each list ends with a zeroed element, as the
        // API wants.
        unsafe { api!(RedisModule_SetCommandInfo(self.raw(), &info)) == OK }
    }

    /// Puts the command into ACL categories, on servers where a module can (Redis 7.2 and newer,
    /// Valkey); false when the server does not know one of them.
    pub fn set_categories(self, categories: &str) -> bool {
        let categories = c_string(categories);
        // SAFETY: R1, R3; the function has this type, and the command is registered.
        unsafe {
            match find::<SetCategories>(c"RedisModule_SetCommandACLCategories") {
                Some(set) => self.exists() && set(self.raw(), categories.as_ptr()) == OK,
                None => true,
            }
        }
    }
}

/// Makes an ACL category; false on servers where a module can't (before Redis 7.4 and Valkey 8).
pub fn add_category(ctx: Ctx, name: &str) -> bool {
    let name = c_string(name);
    // SAFETY: R1, R3; the function has this type.
    unsafe {
        let add = find::<AddCategory>(c"RedisModule_AddACLCategory");
        add.is_some_and(|add| add(ctx.raw(), name.as_ptr()) == OK)
    }
}

/// The layout of the structures below, which a server with other ones converts from.
static VERSION: raw::RedisModuleCommandInfoVersion = raw::RedisModuleCommandInfoVersion {
    version: 1,
    sizeof_historyentry: size_of::<raw::RedisModuleCommandHistoryEntry>(),
    sizeof_keyspec: size_of::<raw::RedisModuleCommandKeySpec>(),
    sizeof_arg: size_of::<raw::RedisModuleCommandArg>(),
};

/// What COMMAND INFO and COMMAND DOCS show.
pub struct Description {
    pub summary: &'static CStr,
    pub complexity: &'static CStr,
    pub since: &'static CStr,
    pub tips: Option<&'static CStr>,
    pub arity: c_int,
    pub keys: KeySpecs,
    pub args: Args,
}

/// Where a command's keys are.
#[derive(Default)]
pub struct KeySpecs(Vec<raw::RedisModuleCommandKeySpec>);

impl KeySpecs {
    const END: raw::RedisModuleCommandKeySpec = raw::RedisModuleCommandKeySpec {
        notes: null(),
        flags: 0,
        begin_search_type: raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INVALID,
        bs: raw::RedisModuleCommandKeySpec__bindgen_ty_1 {
            keyword: raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_2 {
                keyword: null(),
                startfrom: 0,
            },
        },
        find_keys_type: raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_OMITTED,
        fk: raw::RedisModuleCommandKeySpec__bindgen_ty_2 {
            range: raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 {
                lastkey: 0,
                keystep: 0,
                limit: 0,
            },
        },
    };

    /// One key at a fixed position.
    const ONE: raw::RedisModuleCommandKeySpec = raw::RedisModuleCommandKeySpec {
        find_keys_type: raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_RANGE,
        fk: raw::RedisModuleCommandKeySpec__bindgen_ty_2 {
            range: raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_1 {
                lastkey: 0,
                keystep: 1,
                limit: 0,
            },
        },
        ..KeySpecs::END
    };

    /// A key at a position.
    pub fn at(&mut self, position: c_int, flags: u32) {
        self.0.push(raw::RedisModuleCommandKeySpec {
            flags: u64::from(flags),
            begin_search_type: raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_INDEX,
            bs: raw::RedisModuleCommandKeySpec__bindgen_ty_1 {
                index: raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_1 { pos: position },
            },
            ..KeySpecs::ONE
        });
    }

    /// The key that follows a keyword, which the server searches for after the first key.
    pub fn after_keyword(&mut self, keyword: &'static CStr, flags: u32, notes: &'static CStr) {
        self.0.push(raw::RedisModuleCommandKeySpec {
            notes: notes.as_ptr(),
            flags: u64::from(flags),
            begin_search_type: raw::RedisModuleKeySpecBeginSearchType_REDISMODULE_KSPEC_BS_KEYWORD,
            bs: raw::RedisModuleCommandKeySpec__bindgen_ty_1 {
                keyword: raw::RedisModuleCommandKeySpec__bindgen_ty_1__bindgen_ty_2 {
                    keyword: keyword.as_ptr(),
                    startfrom: 2,
                },
            },
            ..KeySpecs::ONE
        });
    }

    /// The keys that follow a keyword and their number.
    pub fn counted_after_keyword(&mut self, keyword: &'static CStr, flags: u32, notes: &'static CStr) {
        self.after_keyword(keyword, flags, notes);
        if let Some(spec) = self.0.last_mut() {
            spec.find_keys_type = raw::RedisModuleKeySpecFindKeysType_REDISMODULE_KSPEC_FK_KEYNUM;
            spec.fk = raw::RedisModuleCommandKeySpec__bindgen_ty_2 {
                keynum: raw::RedisModuleCommandKeySpec__bindgen_ty_2__bindgen_ty_2 {
                    keynumidx: 0,
                    firstkey: 1,
                    keystep: 1,
                },
            };
        }
    }
}

/// The arguments of a command, or of a group of them.
#[derive(Default)]
pub struct Args {
    list: Vec<raw::RedisModuleCommandArg>,
    /// The lists that elements of this one point to. A vector's buffer stays where it is when the
    /// vector is moved.
    groups: Vec<Args>,
}

impl Args {
    const END: raw::RedisModuleCommandArg = raw::RedisModuleCommandArg {
        name: null(),
        type_: raw::RedisModuleCommandArgType_REDISMODULE_ARG_TYPE_STRING,
        key_spec_index: 0,
        token: null(),
        summary: null(),
        since: null(),
        flags: 0,
        deprecated_since: null(),
        subargs: null_mut(),
        display_text: null(),
    };

    pub fn push(
        &mut self,
        name: &'static CStr,
        kind: raw::RedisModuleCommandArgType,
        key_spec: Option<c_int>,
        token: Option<&'static CStr>,
        flags: u32,
        mut group: Args,
    ) {
        self.list.push(raw::RedisModuleCommandArg {
            name: name.as_ptr(),
            type_: kind,
            key_spec_index: key_spec.unwrap_or(-1),
            token: token.map_or(null(), CStr::as_ptr),
            flags: flags as c_int,
            subargs: group.terminated(),
            ..Args::END
        });
        self.groups.push(group);
    }

    /// The list as the API takes it, with its end; null for an empty one.
    fn terminated(&mut self) -> *mut raw::RedisModuleCommandArg {
        if self.list.is_empty() {
            return null_mut();
        }
        self.list.push(Args::END);
        self.list.as_mut_ptr()
    }
}
