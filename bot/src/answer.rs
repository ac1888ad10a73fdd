//! HTTP replies of other servers, read up to a limit: an announced length may be wrong, and a reply
//! without one may never end.

use reqwest::Response;
use serde::de::DeserializeOwned;

/// Why a reply can't be used. It quotes nothing of the reply and no address, since both may be
/// about a user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("its answer is not the JSON that is expected: {0:?} error at line {1} column {2}")]
    Json(serde_json::error::Category, usize, usize),
    #[error("{0}")]
    Lost(reqwest::Error),
}

/// Reads a JSON body of at most this length.
pub(crate) async fn json<T: DeserializeOwned>(mut response: Response, bytes_max: usize) -> Result<T, Unread> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| Unread::Lost(error.without_url()))? {
        if body.len() + part.len() > bytes_max {
            return Err(Unread::TooLong(bytes_max));
        }
        body.extend_from_slice(&part);
    }
    serde_json::from_slice(&body)
        .map_err(|error| Unread::Json(error.classify(), error.line(), error.column()))
}
