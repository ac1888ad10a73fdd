//! S50: what a role may not do does not compile. Each case is a program of its own with the compiler's answer beside it.
//!
//! After a change of the compiler's words: `TRYBUILD=overwrite cargo test -p redis-state-tests --test client cannot`, and look
//! at what has changed.

/// S50: display reads, input writes its own data, the API's answer is stored whole, confirmation has its result.
#[test]
fn a_role_cannot_do_what_is_not_its_own() {
    trybuild::TestCases::new().compile_fail("client/cannot/*.rs");
}
