/// Calls a function of the module API. It is there on every server this module loads on: `load` has looked.
macro_rules! api {
    ($name:ident($($arg:expr),* $(,)?)) => {
        match redis_module::raw::$name {
            Some(function) => function($($arg),*),
            None => panic!(concat!(stringify!($name), " is missing: Redis 7.0 or later is needed")),
        }
    };
}
pub(crate) use api;
