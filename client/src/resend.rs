//! Which requests may be sent again. Errors and requests both need it, so it is a module of its
//! own.

/// Whether a request that got no reply may be sent again.
///
/// For an example see [`Request`](crate::Request).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// The request reads, or is idempotent, or carries an ID by which the server recognizes it.
    Safe,
    /// The request writes and names the version it expects. Sent twice it is applied at most once,
    /// but a conflict then does not say whether the first copy caused it.
    ByEtag,
    /// The second copy might be applied too.
    Never,
}
