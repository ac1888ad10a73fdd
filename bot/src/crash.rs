//! Points at which a test ends the process as a crash would: silently, and without clean-up.
//!
//! A build without the feature `crash-points` has none.

/// Ends the process here if the environment variable `BOT_CRASH_AT` names this point.
pub fn point(name: &str) {
    #[cfg(feature = "crash-points")]
    if std::env::var("BOT_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        eprintln!("crash at {name}");
        std::process::abort();
    }
    #[cfg(not(feature = "crash-points"))]
    let _ = name;
}
