//! The tests that drive the module over a socket, one file a behaviour.

mod smoke;
