//! Which requests may be resent. Errors and requests both need it, so it is a separate module.

/// Whether a request without a reply may be resent.
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
